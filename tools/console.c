#include "console.h"
#include "fail.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_set(const char *name) {
  const char *value = getenv(name);
  return value && *value && strcmp(value, "0") != 0 && strcmp(value, "none") != 0;
}

minfer_status console_open(console *c, minfer_error *error) {
  // A closed stream's number would go to the next file that is opened. This way writing to it still fails.
  for (int stream = 0; stream <= 2; stream++)
    if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY) != stream)
      return fail(error, MINFER_UNSUPPORTED, "standard streams cannot be opened: %s", strerror(errno));
  *c = (console){.results = STDOUT_FILENO};
  if (!is_set("ONEDNN_VERBOSE") && !is_set("DNNL_VERBOSE")) return MINFER_OK;
  c->results = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (c->results < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
    return fail(error, MINFER_UNSUPPORTED, "stdout cannot be moved: %s", strerror(errno));
  c->moved = true;
  return MINFER_OK;
}

void console_configure(console *c, const options *o) {
  c->quiet = o->quiet;
  c->progress = progress_start(o->progress, o->quiet);
  if (c->moved) console_note(c, "ONEDNN_VERBOSE is set: oneDNN's lines go to stderr");
}

static void put_message(console *c, const char *kind, const char *line) {
  progress_clear(&c->progress);
  fputs(kind, stderr);
  text_put(stderr, line);
  putc('\n', stderr);
}

void console_note(console *c, const char *format, ...) {
  if (c->quiet) return;
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  put_message(c, "note: ", line);
}

void console_error(console *c, const minfer_error *error) {
  put_message(c, "minfer: ", error->text);
  if (error->hint[0]) put_message(c, "hint: ", error->hint);
}

void console_log(int level, const char *line, void *context) {
  console *c = context;
  if (level > 0)
    put_message(c, "warning: ", line);
  else
    console_note(c, "%s", line);
}

static minfer_status write_all(int file, const char *bytes, size_t count, minfer_error *error) {
  while (count) {
    ssize_t n = write(file, bytes, count);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(error, MINFER_OUTPUT, "stdout: cannot be written: %s", strerror(errno));
    bytes += n;
    count -= (size_t)n;
  }
  return MINFER_OK;
}

minfer_status console_emit(console *c, const char *path, console_render render, const void *context,
                           minfer_error *error) {
  char *bytes = NULL;
  size_t count = 0;
  FILE *out = open_memstream(&bytes, &count);
  if (!out) return fail_memory(error);
  bool whole = render(out, context) && !ferror(out);
  whole &= fclose(out) == 0;
  progress_clear(&c->progress);
  minfer_status status;
  if (!whole)
    status = fail_memory(error);
  else if (path)
    status = minfer_file_write(path, bytes, count, error);
  else
    status = write_all(c->results, bytes, count, error);
  free(bytes);
  return status;
}

static bool wants_color(const console *c, const options *o) {
  const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
  if (o->color != COLOR_AUTO) return o->color == COLOR_ALWAYS;
  if (o->out || !isatty(c->results) || (no && *no)) return false;
  return terminal && strcmp(terminal, "dumb") != 0;
}

page console_page(const console *c, const options *o, FILE *out) {
  page p = {.out = out, .markdown = o->format == FORMAT_MD};
  if (p.markdown) return p;
  p.color = wants_color(c, o);
  struct winsize size = {0};
  if (!o->out && ioctl(c->results, TIOCGWINSZ, &size) == 0) p.width = size.ws_col;
  return p;
}

minfer_status console_check_path(const char *path, minfer_error *error) {
  struct stat info;
  char copy[PATH_MAX];
  int number = 0;
  if (stat(path, &info) == 0) {
    if (S_ISDIR(info.st_mode)) number = EISDIR;
  } else if (errno != ENOENT) {
    number = errno;
  } else if (strlen(path) >= sizeof copy) {
    number = ENAMETOOLONG;
  } else {
    memcpy(copy, path, strlen(path) + 1);
    if (access(dirname(copy), W_OK) != 0) number = errno;
  }
  return number ? fail(error, MINFER_OUTPUT, "%s: cannot be written: %s", path, strerror(number)) : MINFER_OK;
}
