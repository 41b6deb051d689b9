// speedscope's file format (https://www.speedscope.app/file-format-schema.json): an evented profile a thread, in which
// frames open and close in the order of time and strictly nested, on one table of frames.
#include "base/alloc.h"
#include "export/attributes.h"
#include "export/export.h"

// Frames: "run", then phases, layers, primitives and, where there are any, gaps by number.
static int frame_of(const mf_trace *trace, const mf_span *span) {
  switch (span->kind) {
  case MF_SPAN_APPLICATION:
    return 1 + span->index;
  case MF_SPAN_LAYER:
    return 1 + trace->phase_count + span->index;
  case MF_SPAN_PRIMITIVE:
  case MF_SPAN_THREAD:
    return 1 + trace->phase_count + trace->layer_count + span->index;
  case MF_SPAN_GAP:
    return 1 + trace->phase_count + trace->layer_count + trace->primitive_count + span->index;
  default:
    return 0;
  }
}

static void write_frame(mf_json *j, const char *name) {
  mf_json_object(j, NULL);
  mf_json_string(j, "name", name);
  mf_json_end(j);
}

static mf_status write_frames(mf_json *j, const mf_trace *trace, mf_error *e) {
  mf_arena names = {0};
  mf_json_object(j, "shared");
  mf_json_array(j, "frames");
  write_frame(j, "run");
  for (int i = 0; i < trace->phase_count; i++) write_frame(j, trace->phases[i].name);
  for (int i = 0; i < trace->layer_count; i++) write_frame(j, trace->layers[i].name);
  mf_status status = MF_OK;
  for (int i = 0; i < trace->primitive_count && status == MF_OK; i++) {
    // A layer and its primitive have one name: the kind tells their frames apart.
    const mf_item *p = &trace->primitives[i];
    const char *name = mf_arena_format(&names, "%s (%s)", p->name, p->category);
    if (name)
      write_frame(j, name);
    else
      status = mf_fail_memory(e, 256);
  }
  mf_arena_free(&names);
  for (int i = 0; trace->gaps && i <= trace->primitive_count; i++) write_frame(j, trace->gaps[i].name);
  mf_json_end(j);
  mf_json_end(j);
  return status;
}

enum { DEPTH = 8 }; // kinds of span, and some
typedef struct profile {
  mf_json *json;
  const mf_trace *trace;
  uint64_t origin, last; // where time is 0; when the last event was
  const mf_span *open[DEPTH];
  int depth;
} profile;

// Never before the event in front: what overlaps without nesting is cut.
static void write_event(profile *p, const char *type, const mf_span *span, uint64_t at) {
  if (at > p->last) p->last = at;
  mf_json_object(p->json, NULL);
  mf_json_string(p->json, "type", type);
  mf_json_int(p->json, "frame", frame_of(p->trace, span));
  mf_json_int(p->json, "at", (int64_t)(p->last - p->origin));
  mf_json_end(p->json);
}

static void close_innermost(profile *p) {
  const mf_span *span = p->open[--p->depth];
  write_event(p, "C", span, span->start + span->duration);
}

static void add_span(profile *p, const mf_span *span) {
  int parent = span->kind == MF_SPAN_THREAD ? 0 : p->depth; // a worker's parents are on the caller's profile
  while (parent > 0 && p->open[parent - 1]->id != span->parent) parent--;
  while (p->depth > parent || p->depth == DEPTH) close_innermost(p);
  write_event(p, "O", span, span->start);
  p->open[p->depth++] = span;
}

// Worker -1: the caller's profile, with everything but workers' parts.
static void write_profile(mf_json *j, const mf_trace *trace, int worker) {
  profile p = {.json = j, .trace = trace};
  uint64_t end;
  char name[32] = "runs";
  if (worker >= 0) snprintf(name, sizeof name, "worker %d", worker);
  mf_export_extent(trace, &p.origin, &end);
  p.last = p.origin;
  mf_json_object(j, NULL);
  mf_json_string(j, "type", "evented");
  mf_json_string(j, "name", name);
  mf_json_string(j, "unit", "nanoseconds");
  mf_json_int(j, "startValue", 0);
  mf_json_int(j, "endValue", (int64_t)(end - p.origin));
  mf_json_array(j, "events");
  for (size_t i = 0; i < trace->span_count; i++) {
    const mf_span *span = &trace->spans[i];
    if (worker < 0 ? span->kind != MF_SPAN_THREAD : span->kind == MF_SPAN_THREAD && span->thread == worker)
      add_span(&p, span);
  }
  while (p.depth) close_innermost(&p);
  mf_json_end(j);
  mf_json_end(j);
}

mf_status mf_export_speedscope(const mf_trace *trace, FILE *to, mf_error *e) {
  int workers = 0;
  for (size_t i = 0; i < trace->span_count; i++)
    if (trace->spans[i].kind == MF_SPAN_THREAD && trace->spans[i].thread >= workers)
      workers = trace->spans[i].thread + 1;
  mf_json j = mf_json_start(to, false);
  mf_json_object(&j, NULL);
  mf_json_string(&j, "$schema", "https://www.speedscope.app/file-format-schema.json");
  mf_json_string(&j, "name", trace->name);
  mf_json_string(&j, "exporter", "minfer " MINFER_VERSION);
  mf_json_int(&j, "activeProfileIndex", 0);
  MF_TRY(write_frames(&j, trace, e));
  mf_json_array(&j, "profiles");
  for (int worker = -1; worker < workers; worker++) write_profile(&j, trace, worker);
  mf_json_end(&j);
  mf_json_end(&j);
  putc('\n', to);
  return MF_OK;
}
