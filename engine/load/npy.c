#include "load/npy.h"
#include "base/alloc.h"
#include "base/file.h"
#include <string.h>

// The header is a Python dict literal: {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 224, 224), }
typedef struct scan {
  const char *at, *end;
} scan;

static void skip_blanks(scan *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) s->at++;
}

static bool take(scan *s, char c) {
  skip_blanks(s);
  if (s->at == s->end || *s->at != c) return false;
  s->at++;
  return true;
}

static bool take_word(scan *s, const char *word) {
  size_t length = strlen(word);
  skip_blanks(s);
  if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0) return false;
  s->at += length;
  return true;
}

// A string in quotes of either kind, without escapes: *text points into the header.
static bool take_string(scan *s, const char **text, int *length) {
  char quote = take(s, '\'') ? '\'' : '"';
  if (quote == '"' && !take(s, '"')) return false;
  *text = s->at;
  while (s->at < s->end && *s->at != quote && *s->at != '\\' && s->at - *text < 64) s->at++;
  *length = (int)(s->at - *text);
  return s->at < s->end && *s->at++ == quote;
}

static bool take_dim(scan *s, int64_t *out) {
  skip_blanks(s);
  const char *start = s->at;
  int64_t value = 0;
  for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
    value = value * 10 + (*s->at - '0');
    if (value >= MF_MAX_DIM) return false;
  }
  *out = value;
  return s->at > start;
}

// (), (3,), (3, 4) or (3, 4,)
static mf_status take_shape(scan *s, const char *path, mf_shape *shape, mf_error *e) {
  bool comma = true;
  if (!take(s, '(')) return mf_fail(e, MF_ERR_FILE, "%s: shape is not a tuple", path);
  while (!take(s, ')')) {
    if (shape->rank == MF_MAX_RANK) return mf_fail(e, MF_ERR_FILE, "%s: more than %d dimensions", path, MF_MAX_RANK);
    if (!comma || !take_dim(s, &shape->dim[shape->rank++]))
      return mf_fail(e, MF_ERR_FILE, "%s: shape is not a tuple of whole numbers below %lld", path,
                     (long long)MF_MAX_DIM);
    comma = take(s, ',');
  }
  if (shape->rank == 1 && !comma) return mf_fail(e, MF_ERR_FILE, "%s: shape is not a tuple", path);
  return MF_OK;
}

enum { DESCR = 1, ORDER = 2, SHAPE = 4 };

static mf_status take_item(scan *s, const char *path, mf_shape *shape, int *seen, mf_error *e) {
  const char *key, *descr;
  int length, size;
  if (!take_string(s, &key, &length) || !take(s, ':'))
    return mf_fail(e, MF_ERR_FILE, "%s: broken header (a dict with descr, fortran_order and shape expected)", path);
  int which = length == 5 && memcmp(key, "descr", 5) == 0             ? DESCR
              : length == 13 && memcmp(key, "fortran_order", 13) == 0 ? ORDER
              : length == 5 && memcmp(key, "shape", 5) == 0           ? SHAPE
                                                                      : 0;
  if (!which) return mf_fail(e, MF_ERR_FILE, "%s: unknown key '%.*s' in the header", path, length, key);
  if (*seen & which) return mf_fail(e, MF_ERR_FILE, "%s: the key '%.*s' stands twice in the header", path, length, key);
  *seen |= which;
  if (which == SHAPE) return take_shape(s, path, shape, e);
  if (which == ORDER) {
    if (take_word(s, "False")) return MF_OK;
    bool fortran = take_word(s, "True");
    return mf_fail(e, MF_ERR_FILE, fortran ? "%s: Fortran order (C order expected)" : "%s: broken fortran_order", path);
  }
  if (!take_string(s, &descr, &size))
    return mf_fail(e, MF_ERR_FILE, "%s: dtype is not a plain one ('<f4' expected)", path);
  if (size == 3 && memcmp(descr, "<f4", 3) == 0) return MF_OK;
  return mf_fail(e, MF_ERR_FILE, "%s: dtype '%.*s' ('<f4' expected)", path, size, descr);
}

static mf_status parse_header(scan s, const char *path, mf_shape *shape, mf_error *e) {
  int seen = 0;
  bool comma = true;
  if (!take(&s, '{')) return mf_fail(e, MF_ERR_FILE, "%s: the header is not a dict", path);
  while (!take(&s, '}')) {
    if (!comma) return mf_fail(e, MF_ERR_FILE, "%s: broken header (a comma expected)", path);
    MF_TRY(take_item(&s, path, shape, &seen, e));
    comma = take(&s, ',');
  }
  skip_blanks(&s);
  if (s.at < s.end) return mf_fail(e, MF_ERR_FILE, "%s: bytes after the header's dict", path);
  if (seen == (DESCR | ORDER | SHAPE)) return MF_OK;
  return mf_fail(e, MF_ERR_FILE, "%s: the header lacks %s", path,
                 !(seen & DESCR)   ? "descr"
                 : !(seen & ORDER) ? "fortran_order"
                                   : "shape");
}

// Magic bytes, version, header length (2 bytes in version 1, else 4), header, data.
static mf_status parse(mf_array *out, const mf_map *map, mf_error *e) {
  const uint8_t *b = map->data;
  if (map->size < 10 || memcmp(b, "\x93NUMPY", 6) != 0)
    return mf_fail(e, MF_ERR_FILE, "%s: not a .npy file", map->path);
  if (b[6] < 1 || b[6] > 3 || b[7] != 0)
    return mf_fail(e, MF_ERR_FILE, "%s: format version %d.%d (1.0 to 3.0 expected)", map->path, b[6], b[7]);
  size_t start = b[6] == 1 ? 10 : 12, size = (size_t)b[8] | (size_t)b[9] << 8;
  if (start == 12 && map->size >= 12) size |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
  if (map->size < start || size > map->size - start)
    return mf_fail(e, MF_ERR_FILE, "%s: the header is cut off", map->path);
  const char *header = (const char *)b + start;
  MF_TRY(parse_header((scan){header, header + size}, map->path, &out->shape, e));
  size_t elements, bytes, there = map->size - start - size;
  if (out->shape.rank == 0 || !mf_shape_elements(&out->shape, &elements) || !mf_mul(elements, sizeof(float), &bytes))
    return mf_fail(e, MF_ERR_FILE, "%s: shape %s cannot be used", map->path, mf_shape_print(&out->shape).text);
  if (there != bytes)
    return mf_fail(e, MF_ERR_FILE, "%s: %zu bytes of data (%zu expected for %s)", map->path, there, bytes,
                   mf_shape_print(&out->shape).text);
  out->data = mf_alloc(bytes);
  if (!out->data) return mf_fail_memory(e, bytes);
  memcpy(out->data, b + start + size, bytes);
  return MF_OK;
}

mf_status mf_npy_read(mf_array *out, const char *path, mf_error *e) {
  mf_map map;
  mf_error shrunk;
  *out = (mf_array){0};
  MF_TRY(mf_map_open(&map, path, e));
  mf_status status = parse(out, &map, e);
  if (mf_map_check(&map, &shrunk) != MF_OK) { // the cause, whatever else was found
    *e = shrunk;
    status = shrunk.status;
  }
  mf_map_close(&map);
  if (status != MF_OK) mf_array_free(out);
  return status;
}

void mf_array_free(mf_array *array) {
  mf_free(array->data);
  *array = (mf_array){0};
}

typedef struct content {
  const mf_shape *shape;
  const float *data;
  size_t count;
} content;

static mf_status fill(FILE *file, void *context, mf_error *e) {
  const content *c = context;
  char dict[256];
  (void)e; // write errors are seen when the file is closed
  int length = snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
  for (int i = 0; i < c->shape->rank; i++)
    length +=
        snprintf(dict + length, sizeof dict - (size_t)length, i ? " %lld," : "%lld,", (long long)c->shape->dim[i]);
  if (c->shape->rank > 1) length--; // (3,) but (3, 4)
  length += snprintf(dict + length, sizeof dict - (size_t)length, "), }");
  int size = (10 + length + 1 + 63) / 64 * 64 - 10; // the data begins at a multiple of 64
  fwrite("\x93NUMPY\x01", 1, 7, file);
  fputc(0, file);
  fputc(size & 0xff, file);
  fputc(size >> 8, file);
  fprintf(file, "%-*s\n", size - 1, dict);
  fwrite(c->data, sizeof *c->data, c->count, file);
  return MF_OK;
}

mf_status mf_npy_write(const char *path, const mf_shape *shape, const float *data, mf_error *e) {
  content c = {shape, data, 0};
  if (shape->rank < 1 || !mf_shape_elements(shape, &c.count))
    return mf_fail(e, MF_ERR_USAGE, "%s: shape %s cannot be written", path, mf_shape_print(shape).text);
  return mf_file_write(path, fill, &c, e);
}
