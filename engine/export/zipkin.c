// Zipkin's format, version 2: an array of spans, times in microseconds since 1970, every attribute a text. What
// describes the whole trace stands as tags on the root span, for Zipkin has no other place for it.
#include "base/text.h"
#include "export/attributes.h"
#include "export/export.h"
#include <inttypes.h>
#include <string.h>

// Texts as they are, lists joined with "+", numbers as in JSON.
static mf_status write_tag(mf_json *j, const mf_attribute *a, mf_error *e) {
  mf_text joined = {0};
  char text[32];
  switch (a->type) {
  case MF_ATTRIBUTE_TEXT:
    mf_json_string(j, a->key, a->text);
    break;
  case MF_ATTRIBUTE_TEXTS:
    for (int64_t i = 0; i < a->integer; i++) mf_text_format(&joined, "%s%s", i ? "+" : "", a->texts[i]);
    if (joined.failed) {
      mf_text_free(&joined);
      return mf_fail_memory(e, 64);
    }
    mf_json_string(j, a->key, joined.data ? joined.data : "");
    mf_text_free(&joined);
    break;
  case MF_ATTRIBUTE_INT:
    snprintf(text, sizeof text, "%" PRId64, a->integer);
    mf_json_string(j, a->key, text);
    break;
  case MF_ATTRIBUTE_DOUBLE:
    mf_text_from_double(text, a->number);
    mf_json_string(j, a->key, text);
    break;
  }
  return MF_OK;
}

static mf_status write_number(mf_json *j, const char *key, uint64_t number, mf_error *e) {
  return write_tag(j, &(mf_attribute){.key = key, .type = MF_ATTRIBUTE_INT, .integer = (int64_t)number}, e);
}

// Both ends are cut, so that children stay inside their parents; nothing may be shorter than 1 us.
static void write_times(mf_json *j, const mf_trace *trace, uint64_t start, uint64_t end) {
  const uint64_t from = mf_export_epoch(trace, start) / 1000, until = mf_export_epoch(trace, end) / 1000;
  mf_json_int(j, "timestamp", from ? (int64_t)from : 1);
  mf_json_int(j, "duration", until > from ? (int64_t)(until - from) : 1);
}

static void begin_span(mf_json *j, const mf_trace_context *context, uint64_t id, const char *parent) {
  char text[33];
  mf_json_object(j, NULL);
  mf_export_hex(text, context->trace_id, sizeof context->trace_id);
  mf_json_string(j, "traceId", text);
  snprintf(text, sizeof text, "%016" PRIx64, mf_trace_context_span(context, id));
  mf_json_string(j, "id", text);
  if (parent) mf_json_string(j, "parentId", parent);
  mf_json_object(j, "localEndpoint");
  mf_json_string(j, "serviceName", context->service ? context->service : "minfer");
  mf_json_end(j);
}

static mf_status write_root(mf_json *j, const mf_trace *trace, const mf_trace_context *context, mf_error *e) {
  char parent[17];
  uint64_t start, end;
  mf_export_extent(trace, &start, &end);
  mf_export_hex(parent, context->parent, sizeof context->parent);
  begin_span(j, context, 0, strspn(parent, "0") < sizeof parent - 1 ? parent : NULL);
  mf_json_string(j, "name", trace->name);
  write_times(j, trace, start, end);
  mf_json_object(j, "tags");
  mf_json_string(j, "span", "process");
  MF_TRY(write_number(j, "dropped_records", trace->dropped, e));
  for (const char *const *r = context->resource; r && *r; r += 2) mf_json_string(j, r[0], r[1]);
  for (int i = 0; i < trace->environment_count; i++) MF_TRY(write_tag(j, &trace->environment[i], e));
  mf_json_end(j);
  mf_json_end(j);
  return MF_OK;
}

static mf_status write_span(mf_json *j, const mf_trace *trace, const mf_trace_context *context, const mf_span *span,
                            mf_error *e) {
  const mf_export_attributes attributes = mf_export_attributes_of(trace, span);
  char parent[17];
  snprintf(parent, sizeof parent, "%016" PRIx64, mf_trace_context_span(context, span->parent));
  begin_span(j, context, span->id, parent);
  mf_json_string(j, "name", mf_trace_name(trace, span));
  write_times(j, trace, span->start, span->start + span->duration);
  mf_json_object(j, "tags");
  mf_json_string(j, "span", mf_span_kind_name(span->kind));
  MF_TRY(write_number(j, "index", (uint64_t)span->index, e));
  MF_TRY(write_number(j, "thread.id", (uint64_t)span->thread, e));
  for (int i = 0; i < attributes.item_count + attributes.own_count; i++)
    MF_TRY(write_tag(j, mf_export_attribute(&attributes, i), e));
  mf_json_end(j);
  mf_json_end(j);
  return MF_OK;
}

mf_status mf_export_zipkin(const mf_trace *trace, FILE *to, mf_error *e) {
  const mf_trace_context context = mf_export_context(trace);
  mf_json j = mf_json_start(to, false);
  mf_json_array(&j, NULL);
  MF_TRY(write_root(&j, trace, &context, e));
  for (size_t i = 0; i < trace->span_count; i++) MF_TRY(write_span(&j, trace, &context, &trace->spans[i], e));
  mf_json_end(&j);
  putc('\n', to);
  return MF_OK;
}
