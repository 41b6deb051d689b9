// What every part of the reader needs: checked values out of JSON, and one wording for what is wrong with them.
#include "import/trace_reader.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

mf_status mf_reader_wrong(const mf_trace_reader *r, const char *expected, const char *format, ...) {
  char what[256], event[32] = "";
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  if (r->event) snprintf(event, sizeof event, "event %zu: ", r->event);
  return mf_fail(r->e, MF_ERR_FILE, "%s: %s%s (expected %s)", r->path, event, what, expected);
}

const cJSON *mf_reader_member(const cJSON *object, const char *key) {
  return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

mf_status mf_reader_text(const mf_trace_reader *r, const cJSON *object, const char *key, const char **out) {
  const cJSON *value = mf_reader_member(object, key);
  if (!cJSON_IsString(value)) return mf_reader_wrong(r, MF_READER_WROTE, "\"%s\" is missing or no text", key);
  *out = value->valuestring;
  return MF_OK;
}

mf_status mf_reader_copy(const mf_trace_reader *r, const char *text, const char **out) {
  *out = mf_arena_copy(r->arena, text);
  return *out ? MF_OK : mf_fail_memory(r->e, strlen(text) + 1);
}

mf_status mf_reader_array(const mf_trace_reader *r, size_t count, size_t size, void *out) {
  size_t bytes = SIZE_MAX;
  void *block = mf_mul(count ? count : 1, size, &bytes) ? mf_arena_alloc(r->arena, bytes) : NULL;
  if (!block) return mf_fail_memory(r->e, bytes);
  memcpy(out, &block, sizeof block);
  return MF_OK;
}

// An integer from 0 to below `end`, which is at most 2^53.
mf_status mf_reader_below(const mf_trace_reader *r, const cJSON *object, const char *key, double end, double *out) {
  const cJSON *value = mf_reader_member(object, key);
  *out = cJSON_IsNumber(value) ? value->valuedouble : NAN;
  if (*out >= 0 && *out < end && *out == floor(*out)) return MF_OK;
  return mf_reader_wrong(r, MF_READER_WROTE, "\"%s\" is missing or no integer in range", key);
}

mf_status mf_reader_count(const mf_trace_reader *r, const cJSON *object, const char *key, uint64_t *out) {
  double value;
  MF_TRY(mf_reader_below(r, object, key, MF_READER_LARGEST, &value));
  *out = (uint64_t)value;
  return MF_OK;
}
