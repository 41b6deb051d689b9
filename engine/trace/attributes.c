#include "trace/attributes.h"
#include <string.h>

void mf_trace_attributes_text(mf_trace_attributes *a, const char *key, const char *value) {
  if (value && *value) a->list[a->count++] = (mf_attribute){.key = key, .type = MF_ATTRIBUTE_TEXT, .text = value};
}

void mf_trace_attributes_texts(mf_trace_attributes *a, const char *key, const char *const *values, int count) {
  a->list[a->count++] = (mf_attribute){.key = key, .type = MF_ATTRIBUTE_TEXTS, .texts = values, .integer = count};
}

void mf_trace_attributes_integer(mf_trace_attributes *a, const char *key, size_t value) {
  a->list[a->count++] = (mf_attribute){.key = key, .type = MF_ATTRIBUTE_INT, .integer = (int64_t)value};
}

void mf_trace_attributes_number(mf_trace_attributes *a, const char *key, double value) {
  a->list[a->count++] = (mf_attribute){.key = key, .type = MF_ATTRIBUTE_DOUBLE, .number = value};
}

mf_status mf_trace_attributes_keep(mf_arena *arena, const mf_trace_attributes *a, const mf_attribute **list, int *count,
                                   mf_error *e) {
  const size_t bytes = (size_t)a->count * sizeof *a->list;
  mf_attribute *kept = mf_arena_alloc(arena, bytes + 1); // + 1: none is a list too
  if (!kept) return mf_fail_memory(e, bytes);
  memcpy(kept, a->list, bytes);
  *list = kept;
  *count = a->count;
  return MF_OK;
}
