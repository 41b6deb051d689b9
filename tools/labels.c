#include "labels.h"
#include "fail.h"
#include "text.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Where a message is about.
typedef struct place {
  const char *file;
  int line;
} place;

// Cuts blanks off both ends.
static char *trim(char *text) {
  text += strspn(text, " ");
  size_t length = strlen(text);
  while (length && text[length - 1] == ' ') length--;
  text[length] = 0;
  return text;
}

// A name stays inside the folder, and there is one way to write it.
static bool is_inside(const char *name) {
  for (;;) {
    size_t length = strcspn(name, "/");
    if (length == 0 || (length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.'))
      return false;
    if (!name[length]) return true;
    name += length + 1;
  }
}

static minfer_status parse_line(char *line, place at, int classes, label *out, minfer_error *e) {
  char *blank = strrchr(line, ' ');
  if (!blank) return fail(e, MINFER_FILE, "%s:%d: no class (expected FILE CLASS)", at.file, at.line);
  if (!text_to_int(blank + 1, 0, classes - 1, &out->class_index))
    return fail(e, MINFER_FILE, "%s:%d: \"%.80s\" is no class (expected FILE CLASS with a number from 0 to %d)",
                at.file, at.line, blank + 1, classes - 1);
  *blank = 0;
  out->file = trim(line);
  if (is_inside(out->file)) return MINFER_OK;
  return fail(e, MINFER_FILE, "%s:%d: \"%.200s\" is no name of a picture (expected a path below the folder)", at.file,
              at.line, out->file);
}

static minfer_status add(labels *l, size_t *capacity, label one, minfer_error *e) {
  if (l->count == *capacity) {
    size_t grown = *capacity ? *capacity * 2 : 256;
    label *items = reallocarray(l->items, grown, sizeof *items);
    if (!items) return fail_memory(e);
    l->items = items;
    *capacity = grown;
  }
  l->items[l->count++] = one;
  return MINFER_OK;
}

static minfer_status parse_lines(labels *l, size_t size, const char *name, int classes, minfer_error *e) {
  static const char mark[] = "\xef\xbb\xbf"; // of UTF-8, as some editors write it
  char *line = l->text, *end = l->text + size;
  size_t capacity = 0;
  if (size >= 3 && memcmp(line, mark, 3) == 0) line += 3;
  for (place at = {name, 1}; line < end; at.line++) {
    char *stop = memchr(line, '\n', (size_t)(end - line));
    size_t length = (size_t)((stop ? stop : end) - line);
    char *next = line + length + 1;
    if (length && line[length - 1] == '\r') length--;
    line[length] = 0;
    if (length > LABELS_LINE)
      return fail(e, MINFER_FILE, "%s:%d: a line of %zu bytes (expected at most %d)", name, at.line, length,
                  LABELS_LINE);
    for (size_t i = 0; i < length; i++)
      if (line[i] == '\t') line[i] = ' ';
    if (!text_is_clean(line, length))
      return fail(e, MINFER_FILE, "%s:%d: control characters, or not in UTF-8 (expected FILE CLASS)", name, at.line);
    line = trim(line);
    if (*line && *line != '#') {
      label one = {.line = at.line};
      TRY(parse_line(line, at, classes, &one, e));
      TRY(add(l, &capacity, one, e));
    }
    line = next;
  }
  return l->count ? MINFER_OK
                  : fail(e, MINFER_FILE, "%s: no labels (expected a line FILE CLASS for each picture)", name);
}

static int by_name_and_line(const void *a, const void *b) {
  const label *x = *(const label *const *)a, *y = *(const label *const *)b;
  int order = strcmp(x->file, y->file);
  return order ? order : x->line - y->line;
}

// Sorts, and finds names that are there twice: the first line that repeats one.
static minfer_status sort_names(labels *l, const char *name, minfer_error *e) {
  const label *again = NULL, *before = NULL;
  l->by_name = reallocarray(NULL, l->count, sizeof *l->by_name);
  if (!l->by_name) return fail_memory(e);
  for (size_t i = 0; i < l->count; i++) l->by_name[i] = &l->items[i];
  qsort(l->by_name, l->count, sizeof *l->by_name, by_name_and_line);
  for (size_t i = 1; i < l->count; i++) {
    if (strcmp(l->by_name[i - 1]->file, l->by_name[i]->file) != 0) continue;
    if (again && again->line < l->by_name[i]->line) continue;
    before = l->by_name[i - 1];
    again = l->by_name[i];
  }
  if (!again) return MINFER_OK;
  return fail(e, MINFER_FILE, "%s:%d: %.200s has a label in line %d already", name, again->line, again->file,
              before->line);
}

minfer_status labels_parse(labels *out, const char *bytes, size_t size, const char *name, int classes,
                           minfer_error *e) {
  *out = (labels){.text = malloc(size + 1)};
  if (!out->text) return fail_memory(e);
  memcpy(out->text, bytes, size);
  out->text[size] = 0;
  TRY(parse_lines(out, size, name, classes, e));
  return sort_names(out, name, e);
}

// The whole file, or MINFER_FILE. A pipe does as well.
static minfer_status read_whole(const char *path, char **bytes, size_t *size, minfer_error *e) {
  FILE *file = fopen(path, "rb");
  if (!file) return fail(e, MINFER_FILE, "%s: cannot be read: %s", path, strerror(errno));
  size_t room = 0;
  minfer_status status = MINFER_OK;
  while (status == MINFER_OK && !feof(file)) {
    if (*size == room) {
      room = room ? room * 2 : 1 << 16;
      char *grown = realloc(*bytes, room);
      if (grown)
        *bytes = grown;
      else
        status = fail_memory(e);
    }
    if (status == MINFER_OK) *size += fread(*bytes + *size, 1, room - *size, file);
    if (ferror(file)) status = fail(e, MINFER_FILE, "%s: cannot be read: %s", path, strerror(errno));
    if (*size > LABELS_FILE)
      status = fail(e, MINFER_FILE, "%s: larger than %d MiB (expected a line FILE CLASS for each picture)", path,
                    LABELS_FILE >> 20);
  }
  fclose(file);
  return status;
}

minfer_status labels_read(labels *out, const char *path, int classes, minfer_error *e) {
  char *bytes = NULL;
  size_t size = 0;
  *out = (labels){0};
  minfer_status status = read_whole(path, &bytes, &size, e);
  if (bytes && status == MINFER_OK) status = labels_parse(out, bytes, size, path, classes, e);
  free(bytes);
  return status;
}

void labels_free(labels *l) {
  free(l->items);
  free(l->by_name);
  free(l->text);
  *l = (labels){0};
}

static bool is_regular(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

// JPEG, PNG or BMP by its first bytes.
static bool is_picture(const char *path) {
  char head[4] = {0};
  FILE *file = is_regular(path) ? fopen(path, "rb") : NULL;
  if (!file) return false;
  size_t count = fread(head, 1, sizeof head, file);
  fclose(file);
  return count == sizeof head &&
         (memcmp(head, "\xff\xd8\xff", 3) == 0 || memcmp(head, "\x89PNG", 4) == 0 || memcmp(head, "BM", 2) == 0);
}

static int compare_name(const void *name, const void *entry) {
  return strcmp(name, (*(const label *const *)entry)->file);
}

// False when the path is too long for a file.
static bool join(char path[PATH_MAX], const char *folder, const char *name) {
  int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);
  return length >= 0 && length < PATH_MAX;
}

minfer_status labels_match(const labels *l, const char *path, const char *folder, size_t *unlabelled, minfer_error *e) {
  char picture[PATH_MAX];
  DIR *entries = opendir(folder);
  if (!entries) return fail(e, MINFER_FILE, "%s: cannot be read: %s", folder, strerror(errno));
  *unlabelled = 0;
  for (struct dirent *entry; (entry = readdir(entries));) {
    if (bsearch(entry->d_name, l->by_name, l->count, sizeof *l->by_name, compare_name)) continue;
    *unlabelled += join(picture, folder, entry->d_name) && is_picture(picture);
  }
  closedir(entries);
  for (size_t i = 0; i < l->count; i++) {
    if (join(picture, folder, l->items[i].file) && is_regular(picture)) continue;
    return fail(e, MINFER_FILE, "%s:%d: %.200s is no file in %.200s", path, l->items[i].line, l->items[i].file, folder);
  }
  return MINFER_OK;
}
