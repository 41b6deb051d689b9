// What spans say beside their names and times, alike in every format.
#ifndef MF_EXPORT_ATTRIBUTES_H
#define MF_EXPORT_ATTRIBUTES_H

#include "base/json.h"
#include "trace/trace.h"

enum { MF_EXPORT_OWN = 10 };
typedef struct mf_export_attributes {
  const mf_attribute *item; // of the phase, layer or primitive
  int item_count;
  mf_attribute
      own[MF_EXPORT_OWN]; // of this one execution: achieved rates and counters, or what a worker did with the time
  int own_count;
} mf_export_attributes;
mf_export_attributes mf_export_attributes_of(const mf_trace *trace, const mf_span *span);
// All of them, the item's first: i from 0 to item_count + own_count - 1.
const mf_attribute *mf_export_attribute(const mf_export_attributes *attributes, int i);

// What colours and filters go by: the item's category, or the kind of span.
const char *mf_export_category(const mf_trace *trace, const mf_span *span);

// As members of the innermost JSON object.
void mf_export_write_json(mf_json *j, const mf_attribute *attributes, int count);

// ns since 1970 of a time on the trace's monotonic clock; the monotonic time itself when the trace does not know.
uint64_t mf_export_epoch(const mf_trace *trace, uint64_t monotonic);
// When the first span begins and the last one ends, on the monotonic clock; 0 and 0 without spans.
void mf_export_extent(const mf_trace *trace, uint64_t *start, uint64_t *end);

// The trace's context, or a new one when it has none. Ids of spans and their parents as mf_trace_context_span's.
mf_trace_context mf_export_context(const mf_trace *trace);
// `count` bytes as lower-case hexadecimal digits and a NUL.
void mf_export_hex(char *out, const uint8_t *bytes, size_t count);

#endif
