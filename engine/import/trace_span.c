// One span of the list of events, and where it stands among those in front of it.
#include "import/trace_reader.h"
#include <math.h>
#include <string.h>

enum { WORKER_TRACK = 100, WORKERS = 65536 };

// Microseconds, so written that rounding gives the ns.
static mf_status read_ns(const mf_trace_reader *r, const cJSON *event, const char *key, uint64_t *out) {
  const cJSON *value = mf_reader_member(event, key);
  const double us = cJSON_IsNumber(value) ? value->valuedouble : NAN;
  if (!(us >= 0 && us < MF_READER_LARGEST))
    return mf_reader_wrong(r, MF_READER_WROTE, "\"%s\" is missing or no time in range", key);
  *out = (uint64_t)llround(us * 1e3);
  return MF_OK;
}

static mf_status read_kind(const mf_trace_reader *r, const cJSON *arguments, mf_span_kind *out) {
  const char *name = NULL;
  MF_TRY(mf_reader_text(r, arguments, "span", &name));
  for (int k = 0; k < MF_SPAN_KIND_COUNT; k++)
    if (strcmp(name, mf_span_kind_name((mf_span_kind)k)) == 0) {
      *out = (mf_span_kind)k;
      return MF_OK;
    }
  return mf_reader_wrong(r, "application, run, layer, primitive, gap or thread", "there is no kind of span %s", name);
}

static mf_status read_below(const mf_trace_reader *r, const cJSON *arguments, const char *key, uint32_t *out) {
  double value;
  MF_TRY(mf_reader_below(r, arguments, key, (double)INT32_MAX + 1, &value));
  *out = (uint32_t)value;
  return MF_OK;
}

static mf_status read_worker(const mf_trace_reader *r, const cJSON *event, const cJSON *arguments, mf_span *s) {
  double track;
  MF_TRY(mf_reader_below(r, event, "tid", WORKER_TRACK + WORKERS, &track));
  if (track < WORKER_TRACK) return mf_reader_wrong(r, "100 or more", "\"tid\" %d is no worker's", (int)track);
  s->thread = (int)track - WORKER_TRACK;
  MF_TRY(mf_reader_count(r, arguments, "effective_ns", &s->effective));
  MF_TRY(mf_reader_count(r, arguments, "spin_ns", &s->spin));
  MF_TRY(mf_reader_count(r, arguments, "wait_ns", &s->wait));
  MF_TRY(mf_reader_count(r, arguments, "overhead_ns", &s->overhead));
  return read_below(r, arguments, "chunks", &s->chunks);
}

// Of traces whose runs have several.
static mf_status read_chunk(const mf_trace_reader *r, const cJSON *arguments, mf_span *s) {
  if (!mf_reader_member(arguments, "chunk")) return MF_OK;
  r->out->in_chunks = true;
  return read_below(r, arguments, "chunk", &s->chunk);
}

// Written of every such span of a trace, or of none.
static mf_status read_counters(const mf_trace_reader *r, const cJSON *arguments, mf_span *s) {
  if (!mf_reader_member(arguments, "page_faults")) return MF_OK;
  r->out->counters = true;
  MF_TRY(read_below(r, arguments, "page_faults", &s->page_faults));
  MF_TRY(read_below(r, arguments, "voluntary_switches", &s->voluntary));
  MF_TRY(read_below(r, arguments, "involuntary_switches", &s->involuntary));
  if (!mf_reader_member(arguments, "cycles")) return MF_OK;
  r->out->hardware_counters = true;
  MF_TRY(mf_reader_count(r, arguments, "cycles", &s->cycles));
  MF_TRY(mf_reader_count(r, arguments, "instructions", &s->instructions));
  return mf_reader_count(r, arguments, "cache_misses", &s->cache_misses);
}

static uint64_t end_of(const mf_span *s) {
  return s->start + s->duration;
}

static bool fits(const mf_span *s, const mf_span *parent) {
  switch (s->kind) {
  case MF_SPAN_APPLICATION: // phases have parts, which have none
    return !parent || (parent->kind == MF_SPAN_APPLICATION && !parent->parent);
  case MF_SPAN_RUN:
    return !parent;
  case MF_SPAN_LAYER:
    return !parent || parent->kind == MF_SPAN_RUN;
  case MF_SPAN_GAP:
    return parent && (parent->kind == MF_SPAN_RUN || parent->kind == MF_SPAN_LAYER);
  case MF_SPAN_PRIMITIVE:
    return !parent || parent->kind == MF_SPAN_RUN || parent->kind == MF_SPAN_LAYER;
  default:
    return parent && parent->kind == MF_SPAN_PRIMITIVE && parent->index == s->index;
  }
}

// Where the span stands among those in front of it. Workers run at the same time, all others one after the other.
static mf_status place(mf_trace_reader *r, const mf_span *s) {
  const mf_span *last = r->span_count ? &r->spans[r->span_count - 1] : NULL;
  if (last && s->id <= last->id)
    return mf_reader_wrong(r, "ids that ascend", "id %llu comes after id %llu", (unsigned long long)s->id,
                           (unsigned long long)last->id);
  if (last && s->start < last->start)
    return mf_reader_wrong(r, "events in order of time", "begins before the one in front of it");
  const mf_span *inner = NULL;
  while (r->depth && r->open[r->depth - 1]->id != s->parent) inner = r->open[--r->depth];
  const mf_span *parent = r->depth ? r->open[r->depth - 1] : NULL;
  if (s->parent && !parent)
    return mf_reader_wrong(r, "an open span", "parent %llu is not around it", (unsigned long long)s->parent);
  if (!fits(s, parent))
    return mf_reader_wrong(r, MF_READER_WROTE, "a span of kind %s %s %s", mf_span_kind_name(s->kind),
                           parent ? "within" : "outside of", parent ? mf_span_kind_name(parent->kind) : "all");
  if (parent && end_of(s) > end_of(parent)) return mf_reader_wrong(r, MF_READER_WROTE, "reaches out of its parent");
  if (inner && s->kind != MF_SPAN_THREAD && end_of(inner) > s->start)
    return mf_reader_wrong(r, MF_READER_WROTE, "begins before span %llu ends", (unsigned long long)inner->id);
  r->open[r->depth++] = s;
  return MF_OK;
}

mf_status mf_reader_span(mf_trace_reader *r, const cJSON *event, mf_span *s) {
  const cJSON *arguments = mf_reader_member(event, "args");
  double index;
  MF_TRY(read_kind(r, arguments, &s->kind));
  MF_TRY(mf_reader_count(r, arguments, "id", &s->id));
  if (!s->id) return mf_reader_wrong(r, "at least 1", "\"id\" is 0");
  if (mf_reader_member(arguments, "parent")) MF_TRY(mf_reader_count(r, arguments, "parent", &s->parent));
  MF_TRY(mf_reader_below(r, arguments, "index", s->kind == MF_SPAN_RUN ? INT32_MAX : r->index_end, &index));
  s->index = (int)index;
  MF_TRY(read_ns(r, event, "ts", &s->start));
  MF_TRY(read_ns(r, event, "dur", &s->duration));
  if (__builtin_add_overflow(s->start, r->origin, &s->start) || s->start > INT64_MAX ||
      s->duration > INT64_MAX - s->start)
    return mf_reader_wrong(r, MF_READER_WROTE, "ends after the clock does");
  if (s->kind == MF_SPAN_THREAD) MF_TRY(read_worker(r, event, arguments, s));
  if (mf_span_has_chunk(s)) MF_TRY(read_chunk(r, arguments, s));
  if (mf_span_has_counters(s)) MF_TRY(read_counters(r, arguments, s));
  return place(r, s);
}
