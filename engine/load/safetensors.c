#include "load/safetensors.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 100000000u
#define TENSORS_MAX 100000u
#define VALUES_MAX 1200000u          // a tensor takes 6 and one for each dimension
#define EXACT_MAX 9007199254740992.0 // 2^53: JSON numbers arrive as doubles
#define NAME "tensor %.160s"

typedef struct dtype_row {
  const char *name;
  size_t bits;
} dtype_row;

static const dtype_row dtypes[] = {
    {"F32", 32},    {"F16", 16},    {"BF16", 16},   {"F64", 64},    {"C64", 64},    {"I64", 64}, {"U64", 64},
    {"I32", 32},    {"U32", 32},    {"I16", 16},    {"U16", 16},    {"I8", 8},      {"U8", 8},   {"BOOL", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4},
};
enum { F32, F16, BF16 }; // the rows that can be read

typedef struct entry {
  mf_stored_tensor tensor;
  const dtype_row *dtype;
  size_t offset;    // in the data that follows the header
  float *converted; // what was copied, or NULL
} entry;

typedef struct safetensors {
  mf_weights weights;
  mf_map map;
  cJSON *header; // names and metadata live in it
  const uint8_t *data;
  size_t data_size;
  entry *entries; // sorted by name once the file is open
  size_t count;
  uint64_t mapping_ns;
} safetensors;

static void close_file(mf_weights *weights) {
  safetensors *s = (safetensors *)weights;
  for (size_t i = 0; i < s->count; i++) mf_free(s->entries[i].converted);
  mf_free(s->entries);
  cJSON_Delete(s->header);
  mf_map_close(&s->map);
  mf_free(s);
}

// ---- the header -----------------------------------------------------------------------------------------------------

// What the parser would build has to be bounded before it starts, and it does not look at the encoding of strings.
static mf_status check_text(const char *path, const char *text, size_t size, mf_error *e) {
  bool in_string = false;
  size_t values = 0;
  for (size_t i = 0; i < size;) {
    uint32_t code = 0;
    size_t length = mf_utf8_decode(text + i, size - i, &code);
    if (length == 0) return mf_fail(e, MF_ERR_FILE, "%s: the header is not valid UTF-8 (at byte %zu)", path, i + 8);
    if (code == '"')
      in_string = !in_string;
    else if (in_string)
      length += code == '\\';
    else
      values += code == ',' || code == '{' || code == '[';
    i += length;
  }
  if (values <= VALUES_MAX) return MF_OK;
  return mf_fail(e, MF_ERR_FILE, "%s: the header holds more than %u values", path, VALUES_MAX);
}

static mf_status parse_header(safetensors *s, mf_error *e) {
  const char *path = s->map.path;
  if (s->map.size < 8)
    return mf_fail(e, MF_ERR_FILE, "%s: %zu bytes are no safetensors file (at least 8 expected)", path, s->map.size);
  uint64_t size;
  memcpy(&size, s->map.data, sizeof size);
  const char *text = (const char *)s->map.data + 8, *why;
  if (size == 0 || s->map.size == 8 || *text != '{')
    return mf_fail(e, MF_ERR_FILE, "%s: not a safetensors file (a header that begins with { expected)", path);
  if (size > HEADER_MAX)
    return mf_fail(e, MF_ERR_FILE, "%s: a header of %llu bytes (at most %u)", path, (unsigned long long)size,
                   HEADER_MAX);
  if (size > s->map.size - 8)
    return mf_fail(e, MF_ERR_FILE, "%s: the header of %llu bytes is cut off (%zu are there)", path,
                   (unsigned long long)size, s->map.size - 8);
  s->data = s->map.data + 8 + size;
  s->data_size = s->map.size - 8 - size;
  MF_TRY(check_text(path, text, size, e));
  size_t offset;
  const mf_status status = mf_json_parse(&s->header, text, size, &why, &offset);
  if (status == MF_OK) return MF_OK;
  if (status != MF_ERR_FILE) return mf_fail_memory(e, size);
  return mf_fail(e, MF_ERR_FILE, "%s: broken header: %s (at byte %zu)", path, why, offset + 8);
}

static int compare_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static mf_status check_keys(const safetensors *s, const cJSON *object, size_t count, mf_error *e) {
  size_t filled = 0;
  const char **keys = mf_alloc(count * sizeof *keys), *twice = NULL;
  if (!keys) return mf_fail_memory(e, count * sizeof *keys);
  for (const cJSON *item = object->child; item; item = item->next) keys[filled++] = item->string;
  qsort(keys, count, sizeof *keys, compare_text);
  for (size_t i = 1; i < count && !twice; i++)
    if (strcmp(keys[i - 1], keys[i]) == 0) twice = keys[i];
  mf_free(keys);
  return twice ? mf_fail(e, MF_ERR_FILE, "%s: the key %.160s stands twice in the header", s->map.path, twice) : MF_OK;
}

static mf_status check_metadata(const safetensors *s, const cJSON *metadata, mf_error *e) {
  if (!cJSON_IsObject(metadata)) return mf_fail(e, MF_ERR_FILE, "%s: __metadata__ is not an object", s->map.path);
  size_t count = 0;
  for (const cJSON *item = metadata->child; item; item = item->next, count++)
    if (!cJSON_IsString(item))
      return mf_fail(e, MF_ERR_FILE, "%s: __metadata__: %.160s is not a string", s->map.path, item->string);
  return check_keys(s, metadata, count, e);
}

// ---- the tensors ----------------------------------------------------------------------------------------------------

static bool to_size(const cJSON *item, double limit, size_t *out) {
  if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < limit)) return false;
  *out = (size_t)item->valuedouble;
  return (double)*out == item->valuedouble;
}

static mf_status read_shape(const safetensors *s, const cJSON *list, entry *t, size_t *elements, mf_error *e) {
  mf_shape *shape = &t->tensor.shape;
  *elements = 1;
  for (const cJSON *item = list->child; item; item = item->next) {
    size_t dim;
    if (shape->rank == MF_MAX_RANK)
      return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": too many dimensions (at most %d)", s->map.path, t->tensor.name,
                     MF_MAX_RANK);
    if (!to_size(item, (double)MF_MAX_DIM, &dim))
      return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": dimension %d is not a whole number from 0 to %lld", s->map.path,
                     t->tensor.name, shape->rank, (long long)MF_MAX_DIM - 1);
    shape->dim[shape->rank++] = (int64_t)dim;
    if (!mf_mul(*elements, dim, elements))
      return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": absurd dimensions", s->map.path, t->tensor.name);
  }
  return MF_OK;
}

static mf_status read_range(const safetensors *s, const cJSON *list, size_t elements, entry *t, mf_error *e) {
  const char *path = s->map.path, *name = t->tensor.name;
  const cJSON *first = list->child, *second = first ? first->next : NULL;
  size_t begin, end, bits;
  if (!second || second->next || !to_size(first, EXACT_MAX, &begin) || !to_size(second, EXACT_MAX, &end))
    return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": data_offsets are not two whole numbers", path, name);
  if (begin > end) return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": data_offsets run backwards", path, name);
  if (end > s->data_size)
    return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": its data ends at byte %zu, the file's at %zu (cut off?)", path, name,
                   end, s->data_size);
  t->offset = begin;
  t->tensor.bytes = end - begin;
  if (!mf_mul(elements, t->dtype->bits, &bits) || bits % 8 || bits / 8 != t->tensor.bytes)
    return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": %zu bytes do not fit %s %s", path, name, t->tensor.bytes,
                   t->dtype->name, mf_shape_print(&t->tensor.shape).text);
  return MF_OK;
}

static mf_status read_entry(const safetensors *s, const cJSON *item, entry *t, mf_error *e) {
  const char *path = s->map.path, *name = t->tensor.name = item->string;
  if (!mf_text_is_clean(name, strlen(name)))
    return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": control characters in the name", path, name);
  const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
  const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
  const cJSON *range = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
  if (!cJSON_IsObject(item) || cJSON_GetArraySize(item) != 3 || !cJSON_IsString(dtype) || !cJSON_IsArray(shape) ||
      !cJSON_IsArray(range))
    return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": not a dtype, a shape and data_offsets, each once", path, name);
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes && !t->dtype; i++)
    if (strcmp(dtype->valuestring, dtypes[i].name) == 0) t->dtype = &dtypes[i];
  if (!t->dtype) return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": unknown dtype %.40s", path, name, dtype->valuestring);
  t->tensor.dtype = t->dtype->name;
  size_t elements;
  MF_TRY(read_shape(s, shape, t, &elements, e));
  return read_range(s, range, elements, t, e);
}

static int compare_offsets(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
  return (x->tensor.bytes > y->tensor.bytes) - (x->tensor.bytes < y->tensor.bytes); // empty ones first
}

static int compare_names(const void *a, const void *b) {
  return strcmp(((const entry *)a)->tensor.name, ((const entry *)b)->tensor.name);
}

static mf_status check_cover(const safetensors *s, mf_error *e) {
  const char *path = s->map.path;
  size_t end = 0;
  for (size_t i = 0; i < s->count; i++) {
    const entry *t = &s->entries[i];
    if (t->offset < end)
      return mf_fail(e, MF_ERR_FILE, "%s: " NAME " overlaps %.160s", path, t->tensor.name,
                     s->entries[i - 1].tensor.name);
    if (t->offset > end)
      return mf_fail(e, MF_ERR_FILE, "%s: " NAME ": a gap of %zu bytes before it", path, t->tensor.name,
                     t->offset - end);
    end = t->offset + t->tensor.bytes;
  }
  if (end == s->data_size) return MF_OK;
  return mf_fail(e, MF_ERR_FILE, "%s: %zu bytes after the last tensor", path, s->data_size - end);
}

static mf_status read_file(safetensors *s, mf_error *e) {
  MF_TRY(parse_header(s, e));
  size_t keys = (size_t)cJSON_GetArraySize(s->header);
  if (keys > TENSORS_MAX)
    return mf_fail(e, MF_ERR_FILE, "%s: %zu tensors (at most %u)", s->map.path, keys, TENSORS_MAX);
  MF_TRY(check_keys(s, s->header, keys, e));
  s->entries = mf_alloc_zero(keys * sizeof *s->entries);
  if (!s->entries) return mf_fail_memory(e, keys * sizeof *s->entries);
  for (const cJSON *item = s->header->child; item; item = item->next) {
    if (strcmp(item->string, "__metadata__") == 0)
      MF_TRY(check_metadata(s, item, e));
    else
      MF_TRY(read_entry(s, item, &s->entries[s->count++], e));
  }
  qsort(s->entries, s->count, sizeof *s->entries, compare_offsets);
  MF_TRY(check_cover(s, e));
  qsort(s->entries, s->count, sizeof *s->entries, compare_names);
  return MF_OK;
}

// ---- the source -----------------------------------------------------------------------------------------------------

static entry *find(const safetensors *s, const char *name) {
  entry key = {.tensor.name = name};
  return s->count ? bsearch(&key, s->entries, s->count, sizeof key, compare_names) : NULL;
}

static mf_status convert(const safetensors *s, entry *t, mf_error *e) {
  const uint8_t *from = s->data + t->offset;
  size_t count = t->tensor.bytes / (t->dtype->bits / 8); // 4 * count fits: the bytes are in memory already
  float *to = mf_alloc(count * sizeof *to);
  if (!to) return mf_fail_memory(e, count * sizeof *to);
  if (t->dtype == &dtypes[F32]) {
    memcpy(to, from, t->tensor.bytes);
  } else {
    bool half = t->dtype == &dtypes[F16];
    for (size_t i = 0; i < count; i++) {
      uint16_t bits;
      memcpy(&bits, from + 2 * i, sizeof bits);
      to[i] = half ? mf_f16_to_f32(bits) : mf_bf16_to_f32(bits);
    }
  }
  t->converted = to;
  return MF_OK;
}

static mf_status get(mf_weights *self, const mf_param *param, const float **data, mf_param_state *state,
                     mf_shape *found, mf_error *e) {
  safetensors *s = (safetensors *)self;
  entry *t = find(s, param->name);
  *data = NULL;
  *found = t ? t->tensor.shape : (mf_shape){0};
  *state = MF_PARAM_MISSING;
  if (!t) return MF_OK;
  t->tensor.read = true;
  *state = t->dtype > &dtypes[BF16]                           ? MF_PARAM_WRONG_DTYPE
           : !mf_shape_equal(&t->tensor.shape, &param->shape) ? MF_PARAM_WRONG_SHAPE
                                                              : MF_PARAM_OK;
  if (*state != MF_PARAM_OK) return MF_OK;
  const uint8_t *in_place = s->data + t->offset;
  bool usable = t->dtype == &dtypes[F32] && (uintptr_t)in_place % sizeof(float) == 0;
  if (!usable && !t->converted) MF_TRY(convert(s, t, e));
  *data = usable ? (const float *)(const void *)in_place : t->converted;
  return MF_OK;
}

static bool shape(const mf_weights *self, const char *name, mf_shape *out) {
  const entry *t = find((const safetensors *)self, name);
  if (t) *out = t->tensor.shape;
  return t != NULL;
}

static const char *metadata(const mf_weights *self, const char *key) {
  const cJSON *all = cJSON_GetObjectItemCaseSensitive(((const safetensors *)self)->header, "__metadata__");
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(all, key));
}

mf_status mf_safetensors_open(mf_weights **out, const char *path, mf_error *e) {
  *out = NULL;
  safetensors *s = mf_alloc_zero(sizeof *s);
  if (!s) return mf_fail_memory(e, sizeof *s);
  s->weights = (mf_weights){.get = get, .shape = shape, .metadata = metadata, .close = close_file};
  const uint64_t start = mf_now_ns();
  mf_status status = mf_map_open(&s->map, path, e);
  s->mapping_ns = mf_now_ns() - start;
  if (status == MF_OK) status = read_file(s, e);
  mf_error shrunk;
  if (s->map.path && mf_map_check(&s->map, &shrunk) != MF_OK) { // the cause, whatever else was found
    *e = shrunk;
    status = shrunk.status;
  }
  if (status == MF_OK)
    *out = &s->weights;
  else
    close_file(&s->weights);
  return status;
}

uint64_t mf_safetensors_mapping(const mf_weights *weights) {
  return ((const safetensors *)weights)->mapping_ns;
}

size_t mf_safetensors_count(const mf_weights *weights) {
  return ((const safetensors *)weights)->count;
}

const mf_stored_tensor *mf_safetensors_tensor(const mf_weights *weights, size_t index) {
  return &((const safetensors *)weights)->entries[index].tensor;
}

mf_status mf_safetensors_check(const mf_weights *weights, mf_error *e) {
  return mf_map_check(&((const safetensors *)weights)->map, e);
}
