// The calibration file: written for people to read, read with suspicion.
#include "base/file.h"
#include "base/json.h"
#include "quant/calibration.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "minfer.calibration/1"

// ---- writing

// The fewest digits that read back as the same float.
static void write_float(mf_json *j, const char *key, float value) {
  char text[32];
  for (int digits = 6; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)value);
    if (strtof(text, NULL) == value) break;
  }
  mf_json_double(j, key, strtod(text, NULL));
}

static void write_floats(mf_json *j, const char *key, const float *values, int count) {
  mf_json_array(j, key);
  for (int i = 0; i < count; i++) write_float(j, NULL, values[i]);
  mf_json_end(j);
}

static void write_hash(mf_json *j, const char *key, uint64_t hash) {
  char text[17];
  snprintf(text, sizeof text, "%016" PRIx64, hash);
  mf_json_string(j, key, text);
}

static void write_tensor(mf_json *j, const mf_calibrated_tensor *t) {
  mf_json_object(j, NULL);
  mf_json_string(j, "tensor", t->name);
  mf_json_string(j, "dtype", mf_dtype_name(t->quantization.dtype));
  write_float(j, "scale", t->quantization.scale);
  mf_json_string(j, "calibrator", t->calibrator);
  mf_json_array(j, "range");
  write_float(j, NULL, t->min);
  write_float(j, NULL, t->max);
  mf_json_end(j);
  mf_json_end(j);
}

static mf_status fill(FILE *file, void *context, mf_error *e) {
  const mf_calibration *c = context;
  mf_json j = mf_json_start(file, true);
  (void)e;
  mf_json_object(&j, NULL);
  mf_json_string(&j, "schema", SCHEMA);
  mf_json_string(&j, "model", c->model);
  write_hash(&j, "weights_hash", c->weights_hash);
  write_hash(&j, "images_hash", c->images_hash);
  mf_json_int(&j, "samples", c->samples);
  mf_json_string(&j, "calibrator", c->calibrator);
  mf_json_array(&j, "tensors");
  for (int i = 0; i < c->tensor_count; i++) write_tensor(&j, &c->tensors[i]);
  mf_json_end(&j);
  mf_json_array(&j, "float_layers");
  for (int i = 0; i < c->float_count; i++) {
    mf_json_object(&j, NULL);
    mf_json_string(&j, "layer", c->floats[i].layer);
    mf_json_string(&j, "reason", c->floats[i].reason);
    mf_json_end(&j);
  }
  mf_json_end(&j);
  mf_json_array(&j, "bias_corrections");
  for (int i = 0; i < c->correction_count; i++) {
    mf_json_object(&j, NULL);
    mf_json_string(&j, "layer", c->corrections[i].layer);
    write_floats(&j, "shift", c->corrections[i].shift, c->corrections[i].channels);
    mf_json_end(&j);
  }
  mf_json_end(&j);
  mf_json_array(&j, "equalisations");
  for (int i = 0; i < c->equalisation_count; i++) {
    mf_json_object(&j, NULL);
    mf_json_string(&j, "tensor", c->equalisations[i].tensor);
    write_floats(&j, "factors", c->equalisations[i].factors, c->equalisations[i].channels);
    mf_json_end(&j);
  }
  mf_json_end(&j);
  mf_json_end(&j);
  fputc('\n', file);
  return MF_OK;
}

mf_status mf_calibration_write(const mf_calibration *c, const char *path, mf_error *e) {
  union {
    const mf_calibration *in;
    void *out;
  } context = {c};
  return mf_file_write(path, fill, context.out, e);
}

// ---- reading

typedef struct reader {
  mf_calibration *out;
  const char *path;
  mf_error *e;
} reader;

static mf_status wrong(const reader *r, const char *where, const char *expected) {
  return mf_fail(r->e, MF_ERR_FILE, "%s: %s (expected %s)", r->path, where, expected);
}

static const cJSON *member(const cJSON *object, const char *key) {
  return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

static mf_status read_text(const reader *r, const cJSON *object, const char *key, const char **out) {
  const cJSON *value = member(object, key);
  char where[64];
  snprintf(where, sizeof where, "\"%s\" is missing or no text", key);
  if (!cJSON_IsString(value) || !value->valuestring[0]) return wrong(r, where, "a calibration that minfer wrote");
  *out = mf_arena_copy(&r->out->arena, value->valuestring);
  return *out ? MF_OK : mf_fail_memory(r->e, strlen(value->valuestring));
}

static mf_status read_hash(const reader *r, const cJSON *root, const char *key, uint64_t *out) {
  const char *text = NULL;
  char *end = NULL;
  MF_TRY(read_text(r, root, key, &text));
  if (strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16) {
    *out = strtoull(text, &end, 16);
    return MF_OK;
  }
  return wrong(r, key, "16 hexadecimal digits");
}

static mf_status read_float(const reader *r, const cJSON *value, const char *what, float *out) {
  *out = cJSON_IsNumber(value) ? (float)value->valuedouble : NAN;
  return isfinite(*out) ? MF_OK : wrong(r, what, "a number");
}

static mf_status read_array(const reader *r, const cJSON *object, const char *key, const cJSON **first, int *count) {
  const cJSON *array = member(object, key);
  char where[64];
  snprintf(where, sizeof where, "\"%s\" is missing or no list", key);
  if (!cJSON_IsArray(array)) return wrong(r, where, "a calibration that minfer wrote");
  *first = array->child;
  *count = cJSON_GetArraySize(array);
  return MF_OK;
}

static mf_status read_tensor(const reader *r, const cJSON *from, mf_calibrated_tensor *t) {
  const char *dtype = NULL;
  const cJSON *range = NULL;
  int count = 0;
  MF_TRY(read_text(r, from, "tensor", &t->name));
  MF_TRY(read_text(r, from, "dtype", &dtype));
  MF_TRY(read_text(r, from, "calibrator", &t->calibrator));
  MF_TRY(read_float(r, member(from, "scale"), "\"scale\" is missing or no number", &t->quantization.scale));
  if (!(t->quantization.scale > 0)) return wrong(r, "a \"scale\" is not positive", "more than 0");
  if (strcmp(dtype, "u8") != 0 && strcmp(dtype, "s8") != 0) return wrong(r, "a \"dtype\" is unknown", "u8 or s8");
  t->quantization.dtype = dtype[0] == 'u' ? MF_U8 : MF_S8;
  t->quantization.set = true;
  MF_TRY(read_array(r, from, "range", &range, &count));
  if (count != 2) return wrong(r, "a \"range\" is broken", "two numbers");
  MF_TRY(read_float(r, range, "a \"range\" is broken", &t->min));
  return read_float(r, range->next, "a \"range\" is broken", &t->max);
}

static mf_status read_tensors(const reader *r, const cJSON *root) {
  const cJSON *item = NULL;
  int count = 0;
  MF_TRY(read_array(r, root, "tensors", &item, &count));
  r->out->tensors = mf_arena_alloc(&r->out->arena, ((size_t)count + 1) * sizeof *r->out->tensors);
  if (!r->out->tensors) return mf_fail_memory(r->e, (size_t)count);
  for (; item; item = item->next) MF_TRY(read_tensor(r, item, &r->out->tensors[r->out->tensor_count++]));
  return MF_OK;
}

static mf_status read_float_layers(const reader *r, const cJSON *root) {
  const cJSON *item = NULL;
  int count = 0;
  MF_TRY(read_array(r, root, "float_layers", &item, &count));
  r->out->floats = mf_arena_alloc(&r->out->arena, ((size_t)count + 1) * sizeof *r->out->floats);
  if (!r->out->floats) return mf_fail_memory(r->e, (size_t)count);
  for (; item; item = item->next) {
    mf_float_layer *f = &r->out->floats[r->out->float_count++];
    MF_TRY(read_text(r, item, "layer", &f->layer));
    MF_TRY(read_text(r, item, "reason", &f->reason));
  }
  return MF_OK;
}

static mf_status read_floats(const reader *r, const cJSON *from, const char *key, float **out, int *count) {
  const cJSON *item = NULL;
  char where[64];
  snprintf(where, sizeof where, "a \"%s\" is no number", key);
  MF_TRY(read_array(r, from, key, &item, count));
  float *values = *out = mf_arena_alloc(&r->out->arena, ((size_t)*count + 1) * sizeof *values);
  if (!values) return mf_fail_memory(r->e, (size_t)*count);
  for (int i = 0; item; item = item->next) MF_TRY(read_float(r, item, where, &values[i++]));
  return MF_OK;
}

static mf_status read_correction(const reader *r, const cJSON *from, mf_bias_correction *c) {
  MF_TRY(read_text(r, from, "layer", &c->layer));
  return read_floats(r, from, "shift", &c->shift, &c->channels);
}

static mf_status read_equalisation(const reader *r, const cJSON *from, mf_equalisation *q) {
  float *factors = NULL;
  MF_TRY(read_text(r, from, "tensor", &q->tensor));
  MF_TRY(read_floats(r, from, "factors", &factors, &q->channels));
  for (int i = 0; i < q->channels; i++)
    if (!(factors[i] > 0)) return wrong(r, "a \"factor\" is not positive", "more than 0");
  q->factors = factors;
  return MF_OK;
}

static mf_status read_corrections(const reader *r, const cJSON *root) {
  const cJSON *item = NULL;
  int count = 0;
  MF_TRY(read_array(r, root, "bias_corrections", &item, &count));
  r->out->corrections = mf_arena_alloc(&r->out->arena, ((size_t)count + 1) * sizeof *r->out->corrections);
  if (!r->out->corrections) return mf_fail_memory(r->e, (size_t)count);
  for (; item; item = item->next) MF_TRY(read_correction(r, item, &r->out->corrections[r->out->correction_count++]));
  return MF_OK;
}

// Files of earlier versions have none.
static mf_status read_equalisations(const reader *r, const cJSON *root) {
  const cJSON *item = NULL;
  int count = 0;
  if (!member(root, "equalisations")) return MF_OK;
  MF_TRY(read_array(r, root, "equalisations", &item, &count));
  r->out->equalisations = mf_arena_alloc(&r->out->arena, ((size_t)count + 1) * sizeof *r->out->equalisations);
  if (!r->out->equalisations) return mf_fail_memory(r->e, (size_t)count);
  for (; item; item = item->next)
    MF_TRY(read_equalisation(r, item, &r->out->equalisations[r->out->equalisation_count++]));
  return MF_OK;
}

static mf_status read_root(const reader *r, const cJSON *root) {
  const char *schema = NULL;
  MF_TRY(read_text(r, root, "schema", &schema));
  if (strcmp(schema, SCHEMA) != 0) return wrong(r, "another kind or version of file", "schema " SCHEMA);
  MF_TRY(read_text(r, root, "model", &r->out->model));
  MF_TRY(read_hash(r, root, "weights_hash", &r->out->weights_hash));
  MF_TRY(read_hash(r, root, "images_hash", &r->out->images_hash));
  MF_TRY(read_text(r, root, "calibrator", &r->out->calibrator));
  const cJSON *samples = member(root, "samples");
  if (!cJSON_IsNumber(samples) || !(samples->valuedouble >= 1 && samples->valuedouble <= 1e9))
    return wrong(r, "\"samples\" is missing or out of range", "at least 1");
  r->out->samples = (int)samples->valuedouble;
  MF_TRY(read_tensors(r, root));
  MF_TRY(read_float_layers(r, root));
  MF_TRY(read_corrections(r, root));
  return read_equalisations(r, root);
}

mf_status mf_calibration_parse(mf_calibration *out, const char *bytes, size_t size, const char *path, mf_error *e) {
  const char *why = NULL;
  size_t offset = 0;
  *out = (mf_calibration){0};
  cJSON *root;
  mf_status status = mf_json_parse(&root, bytes, size, &why, &offset);
  if (status == MF_ERR_FILE)
    return mf_fail(e, status, "%s: byte %zu: %s (expected a calibration in JSON)", path, offset, why);
  if (status != MF_OK) return mf_fail_memory(e, size);
  const reader r = {out, path, e};
  status = read_root(&r, root);
  cJSON_Delete(root);
  if (status != MF_OK) mf_calibration_free(out);
  return status;
}
