#include "trace/trace.h"
#include "base/alloc.h"

const mf_item *mf_trace_item(const mf_trace *trace, const mf_span *span) {
  switch (span->kind) {
  case MF_SPAN_APPLICATION:
    return &trace->phases[span->index];
  case MF_SPAN_LAYER:
    return &trace->layers[span->index];
  case MF_SPAN_PRIMITIVE:
  case MF_SPAN_THREAD:
    return &trace->primitives[span->index];
  case MF_SPAN_GAP:
    return &trace->gaps[span->index];
  default:
    return NULL;
  }
}

bool mf_span_has_counters(const mf_span *span) {
  return span->kind == MF_SPAN_RUN || span->kind == MF_SPAN_LAYER || span->kind == MF_SPAN_PRIMITIVE;
}

bool mf_span_has_chunk(const mf_span *span) {
  return span->kind == MF_SPAN_LAYER || span->kind == MF_SPAN_PRIMITIVE || span->kind == MF_SPAN_THREAD;
}

const char *mf_trace_name(const mf_trace *trace, const mf_span *span) {
  const mf_item *item = mf_trace_item(trace, span);
  return item ? item->name : "run";
}

typedef struct tree {
  mf_span *spans;
  size_t count;
  const int *layer_of;
  uint32_t chunk; // of the run that is added
  int64_t step;   // its last primitive, or layer where these alone were recorded
} tree;

static uint64_t add(tree *t, const mf_record *r, uint64_t parent) {
  mf_span *s = &t->spans[t->count++];
  *s = (mf_span){.kind = (mf_span_kind)r->kind,
                 .id = t->count,
                 .parent = parent,
                 .start = r->start,
                 .duration = r->duration,
                 .index = (int)r->index,
                 .thread = r->thread,
                 .chunk = t->chunk};
  if (r->kind == MF_SPAN_THREAD) {
    s->effective = r->effective;
    s->spin = r->spin;
    s->wait = r->wait;
    s->overhead = r->overhead;
    s->chunks = r->chunks;
  } else {
    s->cycles = r->cycles;
    s->instructions = r->instructions;
    s->cache_misses = r->cache_misses;
    s->page_faults = r->page_faults;
    s->voluntary = r->voluntary;
    s->involuntary = r->involuntary;
  }
  return s->id;
}

static void add_gap(tree *t, uint64_t from, uint64_t to, int index, uint64_t parent) {
  if (to < from || to - from < MF_GAP_NS) return;
  mf_span *s = &t->spans[t->count++];
  *s = (mf_span){
      .kind = MF_SPAN_GAP, .id = t->count, .parent = parent, .start = from, .duration = to - from, .index = index};
}

static void begin_step(tree *t, uint32_t index) {
  t->chunk += (int64_t)index <= t->step;
  t->step = index;
}

// A span is recorded when it ends, so children stand before their parents: this puts the parents first. Times are not
// looked at, for the clock may give neighbours the same reading.
static void add_run(tree *t, const mf_recorder *recorder, size_t begin, size_t end) {
  const size_t last = end - 1; // the run itself
  const mf_record *whole = mf_recorder_at(recorder, last);
  t->chunk = 0;
  t->step = -1;
  uint64_t run = add(t, whole, 0), layer = 0, primitive = 0, covered = whole->start; // until then
  int gap = 0;
  size_t closing = begin; // the record of the layer that ends next
  for (size_t i = begin; i < last; i++) {
    const mf_record *r = mf_recorder_at(recorder, i);
    while (closing < last && (closing < i || mf_recorder_at(recorder, closing)->kind != MF_SPAN_LAYER)) closing++;
    const mf_record *next = closing < last ? mf_recorder_at(recorder, closing) : NULL;
    switch (r->kind) {
    case MF_SPAN_LAYER:
      if (!layer) { // recorded without its primitives
        begin_step(t, r->index);
        add(t, r, run);
      }
      layer = 0;
      break;
    case MF_SPAN_PRIMITIVE:
      add_gap(t, covered, r->start, gap, layer ? layer : run);
      covered = r->start + r->duration;
      gap = (int)r->index + 1;
      begin_step(t, r->index);
      if (!layer && next && t->layer_of[r->index] == (int)next->index) layer = add(t, next, run);
      primitive = add(t, r, layer ? layer : run);
      break;
    default:
      add(t, r, primitive);
    }
  }
  if (gap) add_gap(t, covered, whole->start + whole->duration, gap, run);
}

// Records of a run stand together, its RUN record last.
static void add_whole_runs(tree *t, const mf_recorder *recorder, size_t count, size_t dropped) {
  size_t i = 0;
  if (dropped && count) { // the oldest run there is may have lost its beginning
    const uint32_t cut = mf_recorder_at(recorder, 0)->run;
    while (i < count && mf_recorder_at(recorder, i)->run == cut) i++;
  }
  while (i < count) {
    const size_t begin = i;
    const uint32_t run = mf_recorder_at(recorder, i)->run;
    while (i < count && mf_recorder_at(recorder, i)->run == run) i++;
    if (mf_recorder_at(recorder, i - 1)->kind == MF_SPAN_RUN) add_run(t, recorder, begin, i); // else it failed
  }
}

mf_status mf_trace_spans(mf_span **out, size_t *count, const mf_recorder *recorder, const int *layer_of,
                         const mf_span *phases, int phase_count, mf_error *e) {
  size_t dropped, records = mf_recorder_count(recorder, &dropped), total, bytes = SIZE_MAX;
  tree t = {.layer_of = layer_of};
  // A gap before every record and behind the last: more than there can be.
  if (mf_mul(records, 2, &total) && mf_add(total, (size_t)phase_count + 2, &total) &&
      mf_mul(total, sizeof *t.spans, &bytes))
    t.spans = mf_alloc(bytes);
  if (!t.spans) return mf_fail_memory(e, bytes);
  for (int i = 0; i < phase_count; i++) {
    t.spans[t.count] = phases[i];
    t.spans[t.count].id = t.count + 1;
    t.count++;
  }
  add_whole_runs(&t, recorder, records, dropped);
  *out = t.spans;
  *count = t.count;
  return MF_OK;
}
