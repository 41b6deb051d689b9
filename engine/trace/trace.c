#include "trace/trace.h"
#include "base/alloc.h"
#include <stdlib.h>

const mf_item *mf_trace_item(const mf_trace *trace, const mf_span *span) {
  switch (span->kind) {
  case MF_SPAN_APPLICATION: return &trace->phases[span->index];
  case MF_SPAN_LAYER: return &trace->layers[span->index];
  case MF_SPAN_PRIMITIVE:
  case MF_SPAN_THREAD: return &trace->primitives[span->index];
  default: return NULL;
  }
}

const char *mf_trace_name(const mf_trace *trace, const mf_span *span) {
  const mf_item *item = mf_trace_item(trace, span);
  return item ? item->name : "run";
}

static int by_start(const void *a, const void *b) {
  const mf_span *x = a, *y = b;
  if (x->start != y->start) return x->start < y->start ? -1 : 1;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1; // the outer one first
  return (x->thread > y->thread) - (x->thread < y->thread);
}

static mf_span from_record(const mf_record *r) {
  return (mf_span){.kind = (mf_span_kind)r->kind,
                   .start = r->start,
                   .duration = r->duration,
                   .index = (int)r->index,
                   .thread = r->thread,
                   .effective = r->effective,
                   .spin = r->spin,
                   .wait = r->wait,
                   .overhead = r->overhead,
                   .chunks = r->chunks};
}

// Records of a run stand together, its RUN record last. A run whose beginning was overwritten is incomplete.
static size_t copy_whole_runs(mf_span *out, const mf_recorder *recorder, size_t count, size_t dropped) {
  size_t kept = 0, i = 0;
  if (dropped) { // skip to the end of the run that was cut
    uint32_t cut = count ? mf_recorder_at(recorder, 0)->run : 0;
    while (i < count && mf_recorder_at(recorder, i)->run == cut) i++;
  }
  while (i < count) {
    size_t begin = i;
    uint32_t run = mf_recorder_at(recorder, i)->run;
    while (i < count && mf_recorder_at(recorder, i)->run == run) i++;
    if (mf_recorder_at(recorder, i - 1)->kind != MF_SPAN_RUN) continue; // failed on the way
    for (size_t k = begin; k < i; k++) out[kept++] = from_record(mf_recorder_at(recorder, k));
  }
  return kept;
}

// After sorting, the spans that are open when another begins are its ancestors.
static void find_parents(mf_span *spans, size_t count, const int *layer_of) {
  uint64_t run = 0, layer = 0, primitive = 0;
  int layer_index = -1;
  for (size_t i = 0; i < count; i++) {
    mf_span *s = &spans[i];
    s->id = i + 1;
    switch (s->kind) {
    case MF_SPAN_APPLICATION: break;
    case MF_SPAN_RUN:
      run = s->id;
      layer = 0;
      layer_index = -1;
      break;
    case MF_SPAN_LAYER:
      s->parent = run;
      layer = s->id;
      layer_index = s->index;
      break;
    case MF_SPAN_PRIMITIVE:
      s->parent = layer && layer_of[s->index] == layer_index && layer_index >= 0 ? layer : run;
      primitive = s->id;
      break;
    default: s->parent = primitive;
    }
  }
}

mf_status mf_trace_spans(mf_span **out, size_t *count, const mf_recorder *recorder, const int *layer_of,
                         const mf_span *phases, int phase_count, mf_error *e) {
  size_t dropped, records = mf_recorder_count(recorder, &dropped), total, bytes;
  mf_span *spans = mf_add(records, (size_t)phase_count, &total) && mf_mul(total + 1, sizeof *spans, &bytes) ? mf_alloc(bytes) : NULL;
  if (!spans) return mf_fail_memory(e, records);
  for (int i = 0; i < phase_count; i++) spans[i] = phases[i];
  size_t kept = (size_t)phase_count + copy_whole_runs(spans + phase_count, recorder, records, dropped);
  qsort(spans, kept, sizeof *spans, by_start);
  find_parents(spans, kept, layer_of);
  *out = spans;
  *count = kept;
  return MF_OK;
}
