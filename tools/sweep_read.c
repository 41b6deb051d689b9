// Rows of a sweep from its CSV or JSONL. Both come down to the texts of the columns.
#include "fail.h"
#include "sweep.h"
#include "text.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MOST = 64 << 20 };
// A line as texts, NULL where a number is unknown; they stand in the line itself, whose quotes and escapes are undone.
typedef struct fields {
  char *items[SWEEP_COLUMN_COUNT];
} fields;

static minfer_status read_whole(const char *path, char **bytes, size_t *size, minfer_error *error) {
  struct stat info;
  *bytes = NULL;
  *size = 0;
  FILE *file = fopen(path, "r");
  if (!file && errno == ENOENT) return MINFER_OK;
  if (!file || fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > FILE_MOST) {
    fail(error, MINFER_FILE, "%s: %s", path,
         !file ? strerror(errno) : "is no file of rows (expected a regular file of at most 64 MiB)");
    if (file) fclose(file);
    return error->status;
  }
  *bytes = malloc((size_t)info.st_size + 1);
  if (*bytes) *size = fread(*bytes, 1, (size_t)info.st_size, file);
  fclose(file);
  if (!*bytes) return fail_memory(error);
  (*bytes)[*size] = 0;
  return MINFER_OK;
}

// ---- CSV: one field, unquoted in place. Gives what follows its comma, NULL for the last of the line or what is wrong.
static bool take_field(char **at, char **out, bool *more) {
  char *from = *at, *to = from;
  *out = to;
  if (*from == '"') {
    for (from++; *from != '"' || from[1] == '"'; *to++ = *from++) {
      if (!*from) return false;
      from += *from == '"';
    }
    from++;
  } else {
    const size_t length = strcspn(from, ",\"");
    from += length;
    to += length;
  }
  *more = *from == ',';
  if (*from && !*more) return false;
  *at = from + *more;
  *to = 0;
  return true;
}

static bool split_csv(char *line, fields *f) {
  bool more = true;
  for (int i = 0; i < SWEEP_COLUMN_COUNT; i++)
    if (!more || !take_field(&line, &f->items[i], &more)) return false;
  return !more;
}

// ---- JSON: an object of texts, numbers and null as sweep_write_jsonl makes it.
static bool take_string(char **at, char **out) {
  char *from = *at, *to = from + 1;
  if (*from++ != '"') return false;
  *out = to;
  while (*from && *from != '"') {
    if (*from == '\\') {
      from++;
      if (!*from || !strchr("\"\\/", *from)) return false; // the texts of rows need no others
    }
    *to++ = *from++;
  }
  if (!*from) return false;
  *at = from + 1;
  *to = 0;
  return true;
}

// A number, ended in place behind the character that follows it, which is given back.
static bool take_number(char **at, char **out, char *next) {
  const size_t length = strspn(*at, "+-.eE0123456789");
  *out = *at;
  *at += length;
  *next = **at;
  if (*next) *(*at)++ = 0;
  return length > 0;
}

static bool take_value(char **at, char **out, char *next) {
  if (**at != '"' && strncmp(*at, "null", 4) != 0) return take_number(at, out, next);
  *out = NULL;
  if (**at == 'n')
    *at += 4;
  else if (!take_string(at, out))
    return false;
  *next = **at;
  if (*next) (*at)++;
  return true;
}

static void keep(fields *f, const char *key, char *value) {
  for (int i = 0; i < SWEEP_COLUMN_COUNT; i++)
    if (strcmp(key, sweep_columns[i].name) == 0) f->items[i] = value;
}

static bool split_json(char *line, fields *f) {
  char next = ',';
  *f = (fields){0};
  if (*line++ != '{') return false;
  bool known = false;
  while (next == ',') {
    char *key, *value;
    if (!take_string(&line, &key) || *line++ != ':' || !take_value(&line, &value, &next)) return false;
    known |= strcmp(key, "schema") == 0 && value && strcmp(value, SWEEP_ROW_SCHEMA) == 0;
    keep(f, key, value);
  }
  return next == '}' && !*line && known;
}

// ---- rows

static bool read_real(const char *text, double *out) {
  *out = NAN;
  return !text || !*text || text_to_real(text, 0, 1e300, out);
}

// "-" is how a table writes what is unknown.
static bool is_text(const char *text) {
  return text && strcmp(text, "-") != 0 && text_is_clean(text, strlen(text));
}

static bool read_spin(const char *text, int64_t *out) {
  int us = 0;
  *out = INT64_MAX;
  if (!text || strcmp(text, "infinite") == 0) return true;
  if (!text_to_int(text, 0, INT_MAX, &us)) return false;
  *out = us;
  return true;
}

static bool read_field(const sweep_column *c, char *text, sweep_row *row) {
  void *field = (char *)row + c->field;
  switch (c->form) {
  case SWEEP_TEXT:
    *(char **)field = text;
    return is_text(text) && (*text || !c->required);
  case SWEEP_COUNT:
    return is_text(text) && text_to_int(text, c->low, c->high, field);
  case SWEEP_SPIN:
    return read_spin(text, field);
  case SWEEP_REAL:
    return read_real(text, field);
  }
  return false;
}

static bool read_row(const fields *f, sweep_row *row) {
  for (int i = 0; i < SWEEP_COLUMN_COUNT; i++)
    if (!read_field(&sweep_columns[i], f->items[i], row)) return false;
  return true;
}

static bool is_titles(char *line) {
  fields f;
  if (!split_csv(line, &f)) return false;
  for (int i = 0; i < SWEEP_COLUMN_COUNT; i++)
    if (strcmp(f.items[i], sweep_columns[i].name) != 0) return false;
  return true;
}

static minfer_status read_line(const char *path, size_t number, char *line, bool jsonl, sweep_rows *rows,
                               minfer_error *error) {
  fields f;
  sweep_row row;
  if (number == 1 && !jsonl)
    return is_titles(line) ? MINFER_OK
                           : fail(error, MINFER_FILE, "%s: line 1 has not the columns of a sweep (expected %s,%s,...)",
                                  path, sweep_columns[0].name, sweep_columns[1].name);
  if (!(jsonl ? split_json(line, &f) : split_csv(line, &f)) || !read_row(&f, &row))
    return fail(error, MINFER_FILE, "%s: line %zu is no row of a sweep (expected %s)", path, number,
                jsonl ? SWEEP_ROW_SCHEMA : "its columns, with numbers in their range");
  return sweep_rows_find(rows, &row) || sweep_rows_add(rows, &row) ? MINFER_OK : fail_memory(error);
}

// What a sweep writes first, or a part of it.
static bool is_beginning(const char *bytes, size_t size) {
  static const char csv[] = "model,dtype,batch,threads,instances,spin_us,affinity,",
                    jsonl[] = "{\"schema\":\"" SWEEP_ROW_SCHEMA;
  const size_t of_csv = size < sizeof csv - 1 ? size : sizeof csv - 1,
               of_jsonl = size < sizeof jsonl - 1 ? size : sizeof jsonl - 1;
  return memcmp(bytes, csv, of_csv) == 0 || memcmp(bytes, jsonl, of_jsonl) == 0;
}

minfer_status sweep_read(const char *path, sweep_rows *rows, bool *is_jsonl, bool *cut, minfer_error *error) {
  char *bytes;
  size_t size;
  *rows = (sweep_rows){0};
  minfer_status status = read_whole(path, &bytes, &size, error);
  *is_jsonl = bytes && *bytes == '{';
  *cut = size && bytes[size - 1] != '\n';
  if (status == MINFER_OK && memchr(bytes ? bytes : "", 0, size))
    status = fail(error, MINFER_FILE, "%s: holds a NUL byte (expected the rows of a sweep)", path);
  char *line = bytes;
  for (size_t number = 1; status == MINFER_OK && line && *line; number++) {
    char *end = strchr(line, '\n');
    if (!end) break; // the process that wrote it was ended there
    *end = 0;
    status = read_line(path, number, line, *is_jsonl, rows, error);
    line = end + 1;
  }
  // A first line that was cut must still be the beginning of one: another file is not to be overwritten.
  if (status == MINFER_OK && size && line == bytes && !is_beginning(bytes, size))
    status = fail(error, MINFER_FILE, "%s: is no CSV or JSONL of a sweep", path);
  free(bytes);
  return status;
}
