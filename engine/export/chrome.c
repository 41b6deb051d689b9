// Chrome's trace event format, which Perfetto opens: complete events ("X") in microseconds, one track a thread,
// strictly nested. Beside the events stands what reports need: environment and memory map. Format: "Trace Event Format"
// (Google, 2016); tools/schema/trace.json holds what this file adds.
#include "base/json.h"
#include "export/export.h"
#include <math.h>
#include <stdio.h>

// Start-up and runs go on the caller's track; workers' parts of primitives on one track each behind it.
enum { PROCESS = 1, MAIN_TRACK = 1, WORKER_TRACK = 100 };

// Perfetto multiplies by 1000 and drops what stands behind the point; the number written is the smallest that gives
// back `ns` that way, so that spans which touch do not overlap there by a nanosecond. Rounding gives `ns` as well.
// Exact for 50 days after the first span; then a double of microseconds has no room for single nanoseconds.
static double microseconds(uint64_t ns) {
  double us = (double)ns / 1e3;
  while (us * 1e3 < (double)ns) us = nextafter(us, INFINITY);
  return us;
}

static void write_attributes(mf_json *j, const mf_attribute *attributes, int count) {
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

static void write_name(mf_json *j, const char *what, int track, const char *name) {
  mf_json_object(j, NULL);
  mf_json_string(j, "ph", "M");
  mf_json_string(j, "name", what);
  mf_json_int(j, "pid", PROCESS);
  mf_json_int(j, "tid", track);
  mf_json_object(j, "args");
  mf_json_string(j, "name", name);
  mf_json_end(j);
  mf_json_end(j);
}

static void write_counters(mf_json *j, const mf_trace *trace, const mf_span *span) {
  mf_json_int(j, "page_faults", span->page_faults);
  mf_json_int(j, "voluntary_switches", span->voluntary);
  mf_json_int(j, "involuntary_switches", span->involuntary);
  if (!trace->hardware_counters) return;
  mf_json_int(j, "cycles", (int64_t)span->cycles);
  mf_json_int(j, "instructions", (int64_t)span->instructions);
  mf_json_int(j, "cache_misses", (int64_t)span->cache_misses);
}

static void write_span(mf_json *j, const mf_trace *trace, const mf_span *span, uint64_t origin) {
  const mf_item *item = mf_trace_item(trace, span);
  bool worker = span->kind == MF_SPAN_THREAD;
  mf_json_object(j, NULL);
  mf_json_string(j, "ph", "X");
  mf_json_string(j, "name", mf_trace_name(trace, span));
  mf_json_string(j, "cat",
                 item && (span->kind == MF_SPAN_PRIMITIVE || span->kind == MF_SPAN_APPLICATION)
                     ? item->category
                     : mf_span_kind_name(span->kind));
  mf_json_double(j, "ts", microseconds(span->start - origin));
  mf_json_double(j, "dur", microseconds(span->duration));
  mf_json_int(j, "pid", PROCESS);
  mf_json_int(j, "tid", worker ? WORKER_TRACK + span->thread : MAIN_TRACK);
  mf_json_object(j, "args");
  mf_json_string(j, "span", mf_span_kind_name(span->kind));
  mf_json_int(j, "id", (int64_t)span->id);
  if (span->parent) mf_json_int(j, "parent", (int64_t)span->parent);
  mf_json_int(j, "index", span->index);
  if (worker) {
    mf_json_int(j, "effective_ns", (int64_t)span->effective);
    mf_json_int(j, "spin_ns", (int64_t)span->spin);
    mf_json_int(j, "wait_ns", (int64_t)span->wait);
    mf_json_int(j, "overhead_ns", (int64_t)span->overhead);
    mf_json_int(j, "chunks", span->chunks);
  } else if (item) {
    write_attributes(j, item->attributes, item->attribute_count);
    if (item->flops > 0 && span->duration) mf_json_double(j, "gflops", item->flops / (double)span->duration);
    if (item->bytes > 0 && span->duration) mf_json_double(j, "gbytes_per_s", item->bytes / (double)span->duration);
    if (item->roof > 0 && span->duration) mf_json_double(j, "roof_share", item->roof / (double)span->duration);
  }
  if (trace->counters && !worker && span->kind != MF_SPAN_APPLICATION && span->kind != MF_SPAN_GAP)
    write_counters(j, trace, span);
  mf_json_end(j);
  mf_json_end(j);
}

static void write_track_names(mf_json *j, const mf_trace *trace) {
  int workers = 0;
  for (size_t i = 0; i < trace->span_count; i++)
    if (trace->spans[i].kind == MF_SPAN_THREAD && trace->spans[i].thread >= workers)
      workers = trace->spans[i].thread + 1;
  write_name(j, "process_name", MAIN_TRACK, trace->name);
  write_name(j, "thread_name", MAIN_TRACK, "runs");
  for (int w = 0; w < workers; w++) {
    char name[32];
    snprintf(name, sizeof name, "worker %d", w);
    write_name(j, "thread_name", WORKER_TRACK + w, name);
  }
}

static void write_memory(mf_json *j, const mf_trace *trace) {
  mf_json_array(j, "memory");
  for (int i = 0; i < trace->buffer_count; i++) {
    const mf_buffer *b = &trace->buffers[i];
    mf_json_object(j, NULL);
    mf_json_string(j, "name", b->name);
    mf_json_int(j, "offset", (int64_t)b->offset);
    mf_json_int(j, "bytes", (int64_t)b->bytes);
    mf_json_int(j, "first_primitive", b->first);
    mf_json_int(j, "last_primitive", b->last);
    mf_json_end(j);
  }
  mf_json_end(j);
}

mf_status mf_export_chrome(const mf_trace *trace, FILE *to, mf_error *e) {
  (void)e;
  mf_json j = mf_json_start(to, false);
  uint64_t origin = trace->span_count ? trace->spans[0].start : 0;
  mf_json_object(&j, NULL);
  mf_json_string(&j, "schema", "minfer.trace/1");
  mf_json_string(&j, "displayTimeUnit", "ms");
  mf_json_object(&j, "clock");
  mf_json_int(&j, "origin_monotonic_ns", (int64_t)origin);
  mf_json_int(&j, "monotonic_ns", (int64_t)trace->monotonic);
  mf_json_int(&j, "epoch_ns", (int64_t)trace->epoch);
  mf_json_end(&j);
  mf_json_object(&j, "environment");
  write_attributes(&j, trace->environment, trace->environment_count);
  mf_json_end(&j);
  write_memory(&j, trace);
  mf_json_int(&j, "dropped_records", (int64_t)trace->dropped);
  mf_json_array(&j, "traceEvents");
  write_track_names(&j, trace);
  for (size_t i = 0; i < trace->span_count; i++) write_span(&j, trace, &trace->spans[i], origin);
  mf_json_end(&j);
  mf_json_end(&j);
  fputc('\n', to);
  return MF_OK;
}
