#include "import/verbose.h"
#include "import/verbose_items.h"
#include "import/verbose_match.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 8192 }; // primitives of a run without repetition that have items of their own
#define OVERLAP 0.05     // ms that a timestamp may lie inside the line before: rounding

// ---- when things happened

typedef struct moment {
  double start, ms;     // from the log's beginning
  int event, execution; // execution: -1 for a creation
} moment;

static int by_start(const void *a, const void *b) {
  const moment *x = a, *y = b;
  if (x->start < y->start || x->start > y->start) return x->start < y->start ? -1 : 1;
  return x->event - y->event;
}

static bool has_timestamps(const mf_verbose_log *log) {
  for (size_t i = 0; i < log->event_count; i++)
    if (log->events[i].timestamp < 0) return false;
  return true;
}

// False when primitives ran at the same time: more than one thread or stream wrote the log.
static bool by_timestamps(moment *moments, const mf_verbose_log *log, double *first) {
  const size_t n = log->event_count;
  *first = n ? log->events[0].timestamp : 0;
  for (size_t i = 1; i < n; i++)
    if (log->events[i].timestamp < *first) *first = log->events[i].timestamp;
  for (size_t i = 0; i < n; i++) {
    moments[i].start = log->events[i].timestamp - *first;
    moments[i].ms = log->events[i].ms;
  }
  qsort(moments, n, sizeof *moments, by_start);
  double end = 0, creating = 0; // of the last execution, of the outermost creation
  for (size_t i = 0; i < n; i++) {
    moment *m = &moments[i];
    if (end - m->start > OVERLAP) return false;
    if (m->start < end) m->start = end;
    if (m->execution < 0) { // creations nest: a part lies within the whole
      if (m->start < creating && m->start + m->ms > creating) m->ms = creating - m->start;
      creating = fmax(creating, m->start + m->ms);
      continue;
    }
    if (creating - m->start > OVERLAP) return false;
    m->start = fmax(m->start, creating);
    end = m->start + m->ms;
  }
  return true;
}

static void end_to_end(moment *moments, const mf_verbose_log *log) {
  double clock = 0;
  int execution = 0;
  for (size_t i = 0; i < log->event_count; i++) {
    const mf_verbose_event *event = &log->events[i];
    moments[i] = (moment){clock, event->ms, (int)i, event->primitive >= 0 ? execution++ : -1};
    clock += event->ms;
  }
}

static const char *set_clock(mf_trace *out, moment *moments, const mf_verbose_log *log) {
  double first;
  end_to_end(moments, log);
  if (log->event_count == 0) return "nothing was executed";
  if (!has_timestamps(log)) return "durations laid end to end: the log has no timestamps";
  if (!by_timestamps(moments, log, &first)) {
    end_to_end(moments, log);
    return "durations laid end to end: lines overlap, more than one thread or stream wrote the log";
  }
  if (first > 1e12 && first < 1e13) // else it counts from the machine's start
    out->epoch = (uint64_t)first * 1000000u + (uint64_t)llround((first - floor(first)) * 1e6);
  return "timestamps";
}

// ---- spans

typedef struct writer {
  mf_span *spans;
  size_t count;
  const mf_verbose_parts *parts;
  size_t run, layer; // open spans + 1, 0: none
  int run_number;
} writer;

// Times beyond the clock's end become its end: later stays later.
static uint64_t ns(double ms) {
  return ms > 0 ? (uint64_t)llround(fmin(ms, 9e12) * 1e6) : 0;
}

static size_t open_span(writer *w, mf_span_kind kind, int index, size_t parent, const moment *m) {
  const uint64_t start = ns(m->start);
  w->spans[w->count] = (mf_span){.kind = kind,
                                 .id = w->count + 1,
                                 .parent = parent,
                                 .start = start,
                                 .duration = ns(m->start + m->ms) - start,
                                 .index = index};
  return ++w->count;
}

static void extend(writer *w, size_t span, const moment *m) {
  if (!span) return;
  mf_span *s = &w->spans[span - 1];
  const uint64_t end = ns(m->start + m->ms);
  if (end > s->start + s->duration) s->duration = end - s->start;
}

// What lies within a run stands under it; else it is a phase of its own.
static void write_outside(writer *w, const moment *m, int item) {
  const int phase = (int)w->parts->log->creation_count + item - w->parts->length;
  w->layer = 0;
  extend(w, w->run, m);
  if (w->run)
    open_span(w, MF_SPAN_PRIMITIVE, item, w->run, m);
  else
    open_span(w, MF_SPAN_APPLICATION, phase, 0, m);
}

static void write_execution(writer *w, const moment *m, int run, int position) {
  const int layer = w->parts->layers->places[position].layer;
  if (!w->run || run != w->run_number) {
    w->run = open_span(w, MF_SPAN_RUN, run, 0, m);
    w->run_number = run;
    w->layer = 0;
  }
  extend(w, w->run, m);
  if (layer < 0) {
    w->layer = 0;
  } else if (!w->layer || w->spans[w->layer - 1].index != layer) {
    w->layer = open_span(w, MF_SPAN_LAYER, layer, w->run, m);
  } else {
    extend(w, w->layer, m);
  }
  open_span(w, MF_SPAN_PRIMITIVE, position, w->layer ? w->layer : w->run, m);
}

static mf_status write_spans(mf_trace *out, mf_arena *arena, const mf_verbose_parts *parts, const moment *moments,
                             mf_error *e) {
  const mf_verbose_log *log = parts->log;
  const mf_verbose_runs *runs = parts->runs;
  const size_t most = 3 * log->event_count + 1, bytes = most * sizeof(mf_span);
  const size_t last_bytes = ((size_t)runs->runs + 1) * sizeof(int);
  int *last = mf_alloc_zero(last_bytes); // execution of each run
  writer w = {.spans = mf_arena_alloc(arena, bytes), .parts = parts};
  if (!w.spans || !last) {
    mf_free(last);
    return mf_fail_memory(e, bytes);
  }
  for (size_t i = 0; i < runs->count; i++)
    if (runs->run[i] >= 0) last[runs->run[i]] = (int)i;
  for (size_t i = 0; i < log->event_count; i++) {
    const moment *m = &moments[i];
    if (m->execution < 0) {
      w.layer = 0;
      extend(&w, w.run, m);
      open_span(&w, MF_SPAN_APPLICATION, log->events[m->event].creation, 0, m);
      continue;
    }
    const int run = runs->run[m->execution], primitive = log->events[m->event].primitive;
    if (run < 0) {
      write_outside(&w, m, parts->outside[primitive]);
    } else {
      write_execution(&w, m, run, parts->folded ? primitive : runs->position[m->execution]);
      if (last[run] == m->execution) w.run = w.layer = 0;
    }
  }
  mf_free(last);
  out->spans = w.spans;
  out->span_count = w.count;
  out->dropped = log->dropped;
  return MF_OK;
}

// ---- the whole

typedef struct import {
  mf_verbose_log log;
  mf_verbose_runs runs;
  mf_graph *graph;
  moment *moments;
  int *distinct; // 0, 1, 2, ...: the sequence of a folded log
  int *outside;
} import;

static mf_status import_log(mf_trace *out, mf_arena *arena, import *i, const char *path,
                            const mf_verbose_options *options, mf_error *e) {
  mf_verbose_layers layers;
  MF_TRY(mf_verbose_log_read(&i->log, path, e));
  MF_TRY(mf_verbose_runs_find(&i->runs, &i->log, e));
  const size_t distinct = i->log.primitive_count + 1;
  i->moments = mf_alloc((i->log.event_count + 1) * sizeof *i->moments);
  i->distinct = mf_alloc(distinct * sizeof *i->distinct);
  i->outside = mf_alloc(distinct * sizeof *i->outside);
  if (!i->moments || !i->distinct || !i->outside) return mf_fail_memory(e, i->log.event_count * sizeof *i->moments);
  for (size_t k = 0; k < distinct; k++) i->distinct[k] = (int)k;
  mf_verbose_parts parts = {.path = path, .model = options->model, .log = &i->log, .runs = &i->runs};
  parts.folded = i->runs.length > LONGEST;
  parts.sequence = parts.folded ? i->distinct : i->runs.sequence;
  parts.length = parts.folded ? (int)i->log.primitive_count : i->runs.length;
  parts.outside = i->outside;
  if (options->model) {
    mf_verbose_input input = {.height = 0};
    mf_verbose_first_convolution(&i->log, parts.sequence, parts.length, &input.height, &input.width,
                                 &input.out_channels);
    MF_TRY(options->build(options->context, &input, &i->graph, &parts.multiplier, e));
  }
  MF_TRY(mf_verbose_layers_find(&layers, arena, &i->log, parts.sequence, parts.length, i->graph, e));
  parts.layers = &layers;
  parts.time_axis = set_clock(out, i->moments, &i->log);
  MF_TRY(mf_verbose_items(out, arena, &parts, e));
  return write_spans(out, arena, &parts, i->moments, e);
}

mf_status mf_import_verbose(mf_trace *out, mf_arena *arena, const char *path, const mf_verbose_options *options,
                            mf_error *e) {
  import *i = mf_alloc_zero(sizeof *i);
  *out = (mf_trace){.name = ""};
  if (!i) return mf_fail_memory(e, sizeof *i);
  mf_status status = import_log(out, arena, i, path, options, e);
  mf_verbose_log_free(&i->log);
  mf_verbose_runs_free(&i->runs);
  mf_graph_free(i->graph);
  mf_free(i->moments);
  mf_free(i->distinct);
  mf_free(i->outside);
  mf_free(i);
  return status;
}
