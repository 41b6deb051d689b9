// Writing files whole or not at all, and asking about files.
#include "base/file.h"
#include "base/alloc.h"
#include "base/clock.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mf_status fail_write(const char *path, int number, mf_error *e) {
  return mf_fail(e, MF_ERR_OUTPUT, "%s: cannot be written: %s", path, strerror(number));
}

// A stream of our own over the descriptor, because stdio forgets why a write failed.
typedef struct write_stream {
  int file, error;
} write_stream;

static ssize_t stream_write(void *cookie, const char *bytes, size_t count) {
  write_stream *stream = cookie;
  for (size_t done = 0; done < count;) {
    ssize_t n = write(stream->file, bytes + done, count - done);
    if (n < 0 && errno != EINTR) {
      stream->error = errno;
      return 0;
    }
    if (n > 0) done += (size_t)n;
  }
  return (ssize_t)count;
}

// Let `fill` write to the descriptor, which is closed in any case.
static mf_status fill_descriptor(const char *path, int file, mf_file_fill fill, void *context, mf_error *e) {
  write_stream stream = {.file = file};
  FILE *out = fopencookie(&stream, "w", (cookie_io_functions_t){.write = stream_write});
  if (!out) {
    close(file);
    return fail_write(path, ENOMEM, e);
  }
  mf_status status = fill(out, context, e);
  bool failed = ferror(out);
  failed |= fclose(out) != 0;
  if (close(file) != 0 && !stream.error) stream.error = errno;
  if (status == MF_OK && (failed || stream.error)) return fail_write(path, stream.error ? stream.error : EIO, e);
  return status;
}

// A new file in the folder of `target`; its name goes to `name`. Returns the descriptor, or -1 and errno.
static int create_beside(const char *target, char *name, size_t room) {
  const char *slash = strrchr(target, '/');
  int folder = slash ? (int)(slash - target) + 1 : 0;
  for (int attempt = 0; attempt < 100; attempt++) {
    int length = snprintf(name, room, "%.*s.minfer-%ld-%" PRIu64 ".tmp", folder, target, (long)getpid(), mf_now_ns());
    if (length < 0 || (size_t)length >= room) {
      errno = ENAMETOOLONG;
      return -1;
    }
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0 || errno != EEXIST) return file;
  }
  return -1;
}

// For what cannot be replaced: a descriptor to write into, -1 and errno when that fails, -2 when `path` can be
// replaced.
static int open_in_place(const char *path, const struct stat *target) {
  // -o /dev/stdout: write where the program's own output stands, even when that is a regular file.
  static const int own[] = {STDOUT_FILENO, STDERR_FILENO};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    struct stat info;
    if (fstat(own[i], &info) != 0 || info.st_dev != target->st_dev || info.st_ino != target->st_ino) continue;
    fflush(own[i] == STDOUT_FILENO ? stdout : stderr);
    return fcntl(own[i], F_DUPFD_CLOEXEC, 0);
  }
  if (S_ISREG(target->st_mode)) return -2;
  return open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY); // a folder or a socket is refused here
}

mf_status mf_file_write(const char *path, mf_file_fill fill, void *context, mf_error *e) {
  char target[PATH_MAX], name[PATH_MAX];
  struct stat info;
  if (stat(path, &info) == 0) {
    int file = open_in_place(path, &info);
    if (file >= 0) return fill_descriptor(path, file, fill, context, e);
    if (file == -1 || !realpath(path, target)) return fail_write(path, errno, e);
  } else {
    if (errno != ENOENT) return fail_write(path, errno, e);
    if (strlen(path) >= sizeof target) return fail_write(path, ENAMETOOLONG, e);
    memcpy(target, path, strlen(path) + 1);
  }
  int file = create_beside(target, name, sizeof name);
  if (file < 0) return fail_write(path, errno, e);
  mf_status status = fill_descriptor(path, file, fill, context, e);
  if (status == MF_OK && rename(name, target) != 0) status = fail_write(path, errno, e);
  if (status != MF_OK) unlink(name);
  return status;
}

bool mf_file_exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, R_OK) == 0;
}

bool mf_file_is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

mf_status mf_file_make_folders(const char *path, mf_error *e) {
  char folder[PATH_MAX];
  if (strlen(path) >= sizeof folder) return fail_write(path, ENAMETOOLONG, e);
  for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) return fail_write(path, errno, e);
  }
  return MF_OK;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

typedef struct name_list {
  char **names;
  size_t count, capacity;
} name_list;

static mf_status list_add(name_list *list, const char *name, mf_error *e) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? list->capacity * 2 : 64, bytes = capacity * sizeof *list->names;
    char **names = mf_grow(list->names, list->count * sizeof *list->names, bytes);
    if (!names) return mf_fail_memory(e, bytes);
    list->names = names;
    list->capacity = capacity;
  }
  size_t length = strlen(name) + 1;
  char *copy = mf_alloc(length);
  if (!copy) return mf_fail_memory(e, length);
  list->names[list->count++] = memcpy(copy, name, length);
  return MF_OK;
}

static mf_status list_read(name_list *list, DIR *stream, const char *folder, mf_error *e) {
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(stream);
    if (!entry && errno) return mf_fail(e, MF_ERR_FILE, "%s: cannot be listed: %s", folder, strerror(errno));
    if (!entry) return MF_OK;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    MF_TRY(list_add(list, entry->d_name, e));
  }
}

mf_status mf_file_list(const char *folder, char ***names, size_t *count, mf_error *e) {
  DIR *stream = opendir(folder);
  if (!stream) return mf_fail(e, MF_ERR_FILE, "%s: cannot be listed: %s", folder, strerror(errno));
  name_list list = {0};
  mf_status status = list_read(&list, stream, folder, e);
  closedir(stream);
  if (status != MF_OK) {
    mf_file_list_free(list.names, list.count);
    return status;
  }
  if (list.count > 1) qsort(list.names, list.count, sizeof *list.names, compare_names);
  *names = list.names;
  *count = list.count;
  return MF_OK;
}

void mf_file_list_free(char **names, size_t count) {
  for (size_t i = 0; i < count; i++) mf_free(names[i]);
  mf_free(names);
}
