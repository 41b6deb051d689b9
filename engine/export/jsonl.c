// JSON lines: the first says what the trace is, each further one is a span. For jq, pandas and the like.
#include "export/attributes.h"
#include "export/export.h"

static void write_head(mf_json *j, const mf_trace *trace, uint64_t origin) {
  mf_json_object(j, NULL);
  mf_json_string(j, "schema", "minfer.spans/1");
  mf_json_string(j, "name", trace->name);
  mf_json_object(j, "clock");
  mf_json_int(j, "origin_monotonic_ns", (int64_t)origin); // where start_ns is 0
  mf_json_int(j, "monotonic_ns", (int64_t)trace->monotonic);
  mf_json_int(j, "epoch_ns", (int64_t)trace->epoch);
  mf_json_end(j);
  mf_json_object(j, "environment");
  mf_export_write_json(j, trace->environment, trace->environment_count);
  mf_json_end(j);
  mf_json_int(j, "dropped_records", (int64_t)trace->dropped);
  mf_json_int(j, "spans", (int64_t)trace->span_count);
  mf_json_end(j);
}

static void write_span(mf_json *j, const mf_trace *trace, const mf_span *span, uint64_t origin) {
  const mf_export_attributes attributes = mf_export_attributes_of(trace, span);
  mf_json_object(j, NULL);
  mf_json_int(j, "id", (int64_t)span->id);
  mf_json_int(j, "parent", (int64_t)span->parent);
  mf_json_string(j, "span", mf_span_kind_name(span->kind));
  mf_json_string(j, "name", mf_trace_name(trace, span));
  mf_json_string(j, "category", mf_export_category(trace, span));
  mf_json_int(j, "index", span->index);
  mf_json_int(j, "thread", span->thread);
  mf_json_int(j, "start_ns", (int64_t)(span->start - origin));
  mf_json_int(j, "duration_ns", (int64_t)span->duration);
  mf_export_write_json(j, attributes.item, attributes.item_count);
  mf_export_write_json(j, attributes.own, attributes.own_count);
  mf_json_end(j);
}

mf_status mf_export_jsonl(const mf_trace *trace, FILE *to, mf_error *e) {
  (void)e;
  uint64_t origin, end;
  mf_export_extent(trace, &origin, &end);
  mf_json j = mf_json_start(to, false);
  write_head(&j, trace, origin);
  putc('\n', to);
  for (size_t i = 0; i < trace->span_count; i++) {
    j = mf_json_start(to, false);
    write_span(&j, trace, &trace->spans[i], origin);
    putc('\n', to);
  }
  return MF_OK;
}
