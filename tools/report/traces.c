#include "report/traces.h"
#include "fail.h"
#include "stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Quartiles over the runs of the sum of primitives first .. first + count - 1.
static spread spread_of(const breakdown *b, size_t primitives, size_t first, size_t count, double *scratch) {
  if (!b->by_run) return (spread){NAN, NAN};
  for (size_t r = 0; r < b->runs; r++) {
    scratch[r] = 0;
    for (size_t i = first; i < first + count; i++) scratch[r] += b->by_run[r * primitives + i];
  }
  stats_sort(scratch, b->runs);
  return (spread){stats_quantile(scratch, b->runs, 0.25), stats_quantile(scratch, b->runs, 0.75)};
}

static spread run_spread(const minfer_trace_view *view, double *scratch) {
  size_t count = 0;
  for (size_t i = 0; i < view->span_count; i++)
    if (view->spans[i].kind == MINFER_SPAN_RUN) scratch[count++] = (double)view->spans[i].duration_ns * 1e-6;
  stats_sort(scratch, count);
  return (spread){stats_quantile(scratch, count, 0.25), stats_quantile(scratch, count, 0.75)};
}

const char *report_kind(const report_trace *t, int primitive) {
  const minfer_primitive *p = &t->plan.primitives[primitive];
  if (strcmp(p->kind, "convolution") != 0) return p->kind;
  const bool fused = p->post_ops[0] || (p->layer >= 0 && t->plan.layers[p->layer].source_count > 1);
  return fused ? "fused convolution" : p->kind;
}

static const char *stage_of(const report_trace *t, int primitive) {
  const int layer = t->plan.primitives[primitive].layer;
  if (layer < 0) return "reorders";
  return t->plan.layers[layer].stage[0] ? t->plan.layers[layer].stage : "other";
}

// ---- tallies: primitives sorted by stage and kind, so that what belongs together stands together

typedef struct member {
  const char *stage, *kind; // stage "": not told apart
  int primitive;
} member;

static int by_stage_and_kind(const void *a, const void *b) {
  const member *x = a, *y = b;
  const int stage = strcmp(x->stage, y->stage), kind = strcmp(x->kind, y->kind);
  return stage ? stage : kind ? kind : x->primitive - y->primitive;
}

static tally tally_of(const report_trace *t, const member *members, size_t count, double *scratch) {
  tally sum = {.first = members[0].primitive, .count = (int)count, .ms = NAN};
  const size_t runs = t->times.by_run ? t->times.runs : 0;
  for (size_t i = 0; i < count; i++)
    if (members[i].primitive < sum.first) sum.first = members[i].primitive;
  for (size_t r = 0; r < runs; r++) {
    const double *row = t->times.by_run + r * (size_t)t->view->primitive_count;
    scratch[r] = 0;
    for (size_t i = 0; i < count; i++) scratch[r] += row[members[i].primitive];
  }
  if (runs) sum.ms = stats_median(scratch, runs);
  return sum;
}

// How many members from the first on are of its stage, and of its kind if that is asked.
static size_t alike(const member *members, size_t count, bool kind) {
  size_t n = 1;
  while (n < count && strcmp(members[n].stage, members[0].stage) == 0 &&
         (!kind || strcmp(members[n].kind, members[0].kind) == 0))
    n++;
  return n;
}

// Stages in the order of the run, each before its kinds; these by time.
static int by_first_and_time(const void *a, const void *b) {
  const tally *x = a, *y = b;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  if (!x->kind || !y->kind) return !y->kind - !x->kind;
  if (x->ms < y->ms || x->ms > y->ms) return x->ms < y->ms ? 1 : -1;
  return y->count != x->count ? y->count - x->count : strcmp(x->kind, y->kind);
}

static int list_tallies(const report_trace *t, member *members, size_t count, bool stages, tally *out,
                        double *scratch) {
  int listed = 0;
  if (count) qsort(members, count, sizeof *members, by_stage_and_kind);
  for (size_t i = 0; i < count;) {
    const size_t end = i + alike(members + i, count - i, false);
    const tally whole = tally_of(t, members + i, end - i, scratch);
    if (stages) {
      out[listed] = whole;
      out[listed++].stage = members[i].stage;
    }
    while (i < end) {
      const size_t n = alike(members + i, end - i, true);
      tally *one = &out[listed++];
      *one = tally_of(t, members + i, n, scratch);
      one->first = whole.first;
      one->stage = stages ? members[i].stage : NULL;
      one->kind = members[i].kind;
      i += n;
    }
  }
  if (listed) qsort(out, (size_t)listed, sizeof *out, by_first_and_time);
  return listed;
}

static bool make_tallies(report_trace *t, double *scratch) {
  const size_t count = (size_t)t->view->primitive_count;
  member *members = calloc(count + 1, sizeof *members);
  t->kinds = calloc(count + 1, sizeof *t->kinds);
  t->stages = calloc(2 * count + 1, sizeof *t->stages);
  const bool done = members && t->kinds && t->stages;
  for (int stages = 0; done && stages < 2; stages++) {
    for (size_t i = 0; i < count; i++)
      members[i] = (member){stages ? stage_of(t, (int)i) : "", report_kind(t, (int)i), (int)i};
    if (stages)
      t->stage_count = list_tallies(t, members, count, true, t->stages, scratch);
    else
      t->kind_count = list_tallies(t, members, count, false, t->kinds, scratch);
  }
  free(members);
  return done;
}

static bool summarise(report_trace *t) {
  const minfer_trace_view *view = t->view;
  if (!trace_plan_make(view, &t->plan) || !breakdown_make(&t->plan.plan, view->spans, view->span_count, &t->times))
    return false;
  double *scratch = calloc(view->span_count + 1, sizeof *scratch);
  t->layers = calloc((size_t)view->layer_count + 1, sizeof *t->layers);
  t->primitives = calloc((size_t)view->primitive_count + 1, sizeof *t->primitives);
  const size_t primitives = (size_t)view->primitive_count;
  bool done = scratch && t->layers && t->primitives;
  for (size_t i = 0; done && i < primitives; i++) t->primitives[i] = spread_of(&t->times, primitives, i, 1, scratch);
  for (int i = 0; done && i < view->layer_count; i++) {
    const minfer_layer *l = &t->plan.plan.layers[i];
    t->layers[i] = spread_of(&t->times, primitives, (size_t)l->first_primitive, (size_t)l->primitive_count, scratch);
  }
  if (done) t->run = run_spread(view, scratch);
  done = done && make_tallies(t, scratch);
  free(scratch);
  return done;
}

minfer_status report_traces_read(report_traces *t, const path_list *paths, minfer_error *error) {
  t->items = calloc(paths->count + 1, sizeof *t->items);
  if (!t->items) return fail_memory(error);
  for (size_t i = 0; i < paths->count; i++) {
    report_trace *one = &t->items[t->count++];
    one->path = paths->items[i];
    TRY(minfer_trace_read(one->path, &one->trace, error));
    one->view = minfer_trace_describe(one->trace);
    if (!summarise(one)) return fail_memory(error);
    if (i > 0 && !match_layers(&t->items[0].plan.plan, &one->plan.plan, &one->groups)) return fail_memory(error);
  }
  return MINFER_OK;
}

void report_traces_free(report_traces *t) {
  for (size_t i = 0; i < t->count; i++) {
    report_trace *one = &t->items[i];
    layer_groups_free(&one->groups);
    free(one->kinds);
    free(one->stages);
    free(one->layers);
    free(one->primitives);
    breakdown_free(&one->times);
    trace_plan_free(&one->plan);
    minfer_trace_free(one->trace);
  }
  free(t->items);
  *t = (report_traces){0};
}

double report_group_ms(const report_trace *t, const layer_group *g, int side) {
  double ms = g->counts[side] ? 0 : NAN;
  for (int i = 0; i < g->counts[side]; i++) ms += t->times.layer_ms[g->layers[side][i]];
  return ms;
}

const char *report_text(const report_trace *t, const char *key) {
  return trace_text(t->view->environment, t->view->environment_count, key);
}

double report_number(const report_trace *t, const char *key) {
  return trace_number(t->view->environment, t->view->environment_count, key);
}
