// OTLP as JSON: ExportTraceServiceRequest of opentelemetry-proto 1, in protobuf's JSON mapping with what OTLP changes
// of it: trace and span ids are hexadecimal, enumerations are numbers. 64-bit integers are strings.
#include "export/otlp.h"
#include "export/attributes.h"
#include "export/export.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { KIND_INTERNAL = 1, PARENT_KNOWN = 0x100, PARENT_REMOTE = 0x200 }; // SpanKind, SpanFlags

static void write_int(mf_json *j, const char *key, uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, value);
  mf_json_string(j, key, text);
}

static void write_value(mf_json *j, const mf_attribute *a) {
  char text[24];
  mf_json_object(j, "value");
  switch (a->type) {
  case MF_ATTRIBUTE_TEXT:
    mf_json_string(j, "stringValue", a->text);
    break;
  case MF_ATTRIBUTE_TEXTS:
    mf_json_object(j, "arrayValue");
    mf_json_array(j, "values");
    for (int64_t i = 0; i < a->integer; i++) {
      mf_json_object(j, NULL);
      mf_json_string(j, "stringValue", a->texts[i]);
      mf_json_end(j);
    }
    mf_json_end(j);
    mf_json_end(j);
    break;
  case MF_ATTRIBUTE_INT:
    snprintf(text, sizeof text, "%" PRId64, a->integer);
    mf_json_string(j, "intValue", text);
    break;
  case MF_ATTRIBUTE_DOUBLE:
    if (isfinite(a->number))
      mf_json_double(j, "doubleValue", a->number);
    else
      mf_json_string(j, "doubleValue", isnan(a->number) ? "NaN" : a->number > 0 ? "Infinity" : "-Infinity");
    break;
  }
  mf_json_end(j);
}

static void write_attribute(mf_json *j, const mf_attribute *a) {
  mf_json_object(j, NULL);
  mf_json_string(j, "key", a->key);
  write_value(j, a);
  mf_json_end(j);
}

static void write_text(mf_json *j, const char *key, const char *text) {
  write_attribute(j, &(mf_attribute){.key = key, .type = MF_ATTRIBUTE_TEXT, .text = text});
}

static void write_number(mf_json *j, const char *key, uint64_t number) {
  write_attribute(j, &(mf_attribute){.key = key, .type = MF_ATTRIBUTE_INT, .integer = (int64_t)number});
}

static const char *environment_text(const mf_trace *trace, const char *key) {
  for (int i = 0; i < trace->environment_count; i++)
    if (strcmp(trace->environment[i].key, key) == 0 && trace->environment[i].type == MF_ATTRIBUTE_TEXT)
      return trace->environment[i].text;
  return NULL;
}

// OpenTelemetry's name for one of ours; what the user said about the resource stands in its place.
static void write_known(mf_json *j, const mf_trace_context *context, const char *key, const char *text) {
  if (!text) return;
  for (const char *const *r = context->resource; r && *r; r += 2)
    if (strcmp(r[0], key) == 0) return;
  write_text(j, key, text);
}

static void write_resource(mf_json *j, const mf_trace *trace, const mf_trace_context *context) {
  mf_json_object(j, "resource");
  mf_json_array(j, "attributes");
  write_text(j, "service.name", context->service ? context->service : "minfer");
  write_text(j, "telemetry.sdk.name", "minfer");
  write_text(j, "telemetry.sdk.language", "c");
  write_text(j, "telemetry.sdk.version", MINFER_VERSION);
  write_known(j, context, "host.arch", "amd64");
  write_known(j, context, "host.cpu.model.name", environment_text(trace, "cpu"));
  write_known(j, context, "os.type", "linux");
  for (const char *const *r = context->resource; r && *r; r += 2)
    if (strcmp(r[0], "service.name") != 0 && strncmp(r[0], "telemetry.sdk.", strlen("telemetry.sdk.")) != 0)
      write_text(j, r[0], r[1]);
  for (int i = 0; i < trace->environment_count; i++) write_attribute(j, &trace->environment[i]);
  mf_json_end(j);
  mf_json_end(j);
}

// `parent` NULL: none.
static void write_ids(mf_json *j, const mf_trace_context *context, uint64_t id, const char *parent) {
  char text[33];
  mf_export_hex(text, context->trace_id, sizeof context->trace_id);
  mf_json_string(j, "traceId", text);
  snprintf(text, sizeof text, "%016" PRIx64, mf_trace_context_span(context, id));
  mf_json_string(j, "spanId", text);
  if (parent) mf_json_string(j, "parentSpanId", parent);
}

static void write_times(mf_json *j, const mf_trace *trace, uint64_t start, uint64_t end) {
  mf_json_int(j, "kind", KIND_INTERNAL);
  write_int(j, "startTimeUnixNano", mf_export_epoch(trace, start));
  write_int(j, "endTimeUnixNano", mf_export_epoch(trace, end));
}

static void write_root(mf_json *j, const mf_trace *trace, const mf_trace_context *context) {
  char parent[17];
  uint64_t start, end;
  mf_export_extent(trace, &start, &end);
  mf_export_hex(parent, context->parent, sizeof context->parent);
  const bool caused = strspn(parent, "0") < sizeof parent - 1;
  mf_json_object(j, NULL);
  write_ids(j, context, 0, caused ? parent : NULL);
  mf_json_string(j, "name", trace->name);
  write_times(j, trace, start, end);
  mf_json_array(j, "attributes");
  write_text(j, "span", "process");
  write_number(j, "dropped_records", trace->dropped);
  mf_json_end(j);
  mf_json_int(j, "flags", context->flags | PARENT_KNOWN | (caused ? PARENT_REMOTE : 0));
  mf_json_end(j);
}

static void write_span(mf_json *j, const mf_trace *trace, const mf_trace_context *context, const mf_span *span) {
  const mf_export_attributes attributes = mf_export_attributes_of(trace, span);
  char parent[17];
  snprintf(parent, sizeof parent, "%016" PRIx64, mf_trace_context_span(context, span->parent));
  mf_json_object(j, NULL);
  write_ids(j, context, span->id, parent);
  mf_json_string(j, "name", mf_trace_name(trace, span));
  write_times(j, trace, span->start, span->start + span->duration);
  mf_json_array(j, "attributes");
  write_text(j, "span", mf_span_kind_name(span->kind));
  write_number(j, "index", (uint64_t)span->index);
  write_number(j, "thread.id", (uint64_t)span->thread);
  for (int i = 0; i < attributes.item_count + attributes.own_count; i++)
    write_attribute(j, mf_export_attribute(&attributes, i));
  mf_json_end(j);
  mf_json_int(j, "flags", context->flags | PARENT_KNOWN);
  mf_json_end(j);
}

void mf_export_otlp_part(const mf_trace *trace, size_t first, size_t count, FILE *to) {
  const mf_trace_context *context = &trace->context;
  mf_json j = mf_json_start(to, false);
  mf_json_object(&j, NULL);
  mf_json_array(&j, "resourceSpans");
  mf_json_object(&j, NULL);
  write_resource(&j, trace, context);
  mf_json_array(&j, "scopeSpans");
  mf_json_object(&j, NULL);
  mf_json_object(&j, "scope");
  mf_json_string(&j, "name", "minfer");
  mf_json_string(&j, "version", MINFER_VERSION);
  mf_json_end(&j);
  mf_json_array(&j, "spans");
  for (size_t i = first; i < first + count; i++) {
    if (i == 0)
      write_root(&j, trace, context);
    else
      write_span(&j, trace, context, &trace->spans[i - 1]);
  }
  while (j.depth > 0) mf_json_end(&j);
  putc('\n', to);
}

mf_status mf_export_otlp(const mf_trace *trace, FILE *to, mf_error *e) {
  (void)e;
  mf_trace with_ids = *trace;
  with_ids.context = mf_export_context(trace);
  mf_export_otlp_part(&with_ids, 0, trace->span_count + 1, to);
  return MF_OK;
}
