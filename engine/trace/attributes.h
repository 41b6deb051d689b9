// Attributes in the making: gathered on the stack, then as many as there are kept in an arena. Texts are borrowed.
#ifndef MF_TRACE_ATTRIBUTES_H
#define MF_TRACE_ATTRIBUTES_H

#include "base/alloc.h"
#include "trace/trace.h"

#define MF_TRACE_ATTRIBUTES_MOST 48 // the caller's to keep
typedef struct mf_trace_attributes {
  mf_attribute list[MF_TRACE_ATTRIBUTES_MOST];
  int count;
} mf_trace_attributes;

void mf_trace_attributes_text(mf_trace_attributes *a, const char *key, const char *value); // nothing for NULL and ""
void mf_trace_attributes_texts(mf_trace_attributes *a, const char *key, const char *const *values, int count);
void mf_trace_attributes_integer(mf_trace_attributes *a, const char *key, size_t value);
void mf_trace_attributes_number(mf_trace_attributes *a, const char *key, double value);
mf_status mf_trace_attributes_keep(mf_arena *arena, const mf_trace_attributes *a, const mf_attribute **list, int *count,
                                   mf_error *e);

#endif
