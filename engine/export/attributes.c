#include "export/attributes.h"
#include <stdio.h>

static void add_int(mf_export_attributes *a, const char *key, uint64_t value) {
  a->own[a->own_count++] = (mf_attribute){.key = key, .type = MF_ATTRIBUTE_INT, .integer = (int64_t)value};
}

static void add_rate(mf_export_attributes *a, const char *key, double amount, uint64_t ns) {
  if (amount > 0 && ns)
    a->own[a->own_count++] = (mf_attribute){.key = key, .type = MF_ATTRIBUTE_DOUBLE, .number = amount / (double)ns};
}

static void add_counters(mf_export_attributes *a, const mf_trace *trace, const mf_span *span) {
  add_int(a, "page_faults", span->page_faults);
  add_int(a, "voluntary_switches", span->voluntary);
  add_int(a, "involuntary_switches", span->involuntary);
  if (!trace->hardware_counters) return;
  add_int(a, "cycles", span->cycles);
  add_int(a, "instructions", span->instructions);
  add_int(a, "cache_misses", span->cache_misses);
}

mf_export_attributes mf_export_attributes_of(const mf_trace *trace, const mf_span *span) {
  mf_export_attributes a = {.item = NULL};
  if (trace->in_chunks && mf_span_has_chunk(span)) add_int(&a, "chunk", span->chunk);
  if (span->kind == MF_SPAN_THREAD) {
    add_int(&a, "effective_ns", span->effective);
    add_int(&a, "spin_ns", span->spin);
    add_int(&a, "wait_ns", span->wait);
    add_int(&a, "overhead_ns", span->overhead);
    add_int(&a, "chunks", span->chunks);
    return a;
  }
  const mf_item *item = mf_trace_item(trace, span);
  if (item) {
    a.item = item->attributes;
    a.item_count = item->attribute_count;
    add_rate(&a, "gflops", item->flops, span->duration);
    add_rate(&a, "gbytes_per_s", item->bytes, span->duration);
    add_rate(&a, "roof_share", item->roof, span->duration);
  }
  if (trace->counters && mf_span_has_counters(span)) add_counters(&a, trace, span);
  return a;
}

const mf_attribute *mf_export_attribute(const mf_export_attributes *a, int i) {
  return i < a->item_count ? &a->item[i] : &a->own[i - a->item_count];
}

const char *mf_export_category(const mf_trace *trace, const mf_span *span) {
  const mf_item *item = mf_trace_item(trace, span);
  return item && (span->kind == MF_SPAN_PRIMITIVE || span->kind == MF_SPAN_APPLICATION) ? item->category
                                                                                        : mf_span_kind_name(span->kind);
}

void mf_export_write_json(mf_json *j, const mf_attribute *attributes, int count) {
  for (int i = 0; i < count; i++) {
    const mf_attribute *a = &attributes[i];
    switch (a->type) {
    case MF_ATTRIBUTE_TEXT:
      mf_json_string(j, a->key, a->text);
      break;
    case MF_ATTRIBUTE_TEXTS:
      mf_json_array(j, a->key);
      for (int64_t k = 0; k < a->integer; k++) mf_json_string(j, NULL, a->texts[k]);
      mf_json_end(j);
      break;
    case MF_ATTRIBUTE_INT:
      mf_json_int(j, a->key, a->integer);
      break;
    case MF_ATTRIBUTE_DOUBLE:
      mf_json_double(j, a->key, a->number);
      break;
    }
  }
}

uint64_t mf_export_epoch(const mf_trace *trace, uint64_t monotonic) {
  return trace->epoch ? trace->epoch - trace->monotonic + monotonic : monotonic;
}

void mf_export_extent(const mf_trace *trace, uint64_t *start, uint64_t *end) {
  *start = trace->span_count ? trace->spans[0].start : 0;
  *end = *start;
  for (size_t i = 0; i < trace->span_count; i++) {
    const uint64_t until = trace->spans[i].start + trace->spans[i].duration;
    if (until > *end) *end = until;
  }
}

mf_trace_context mf_export_context(const mf_trace *trace) {
  mf_trace_context context = trace->context;
  for (size_t i = 0; i < sizeof context.trace_id; i++)
    if (context.trace_id[i]) return context;
  mf_trace_context_create(&context);
  return context;
}

void mf_export_hex(char *out, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}
