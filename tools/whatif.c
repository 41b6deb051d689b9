#include "whatif.h"
#include "fail.h"
#include "report.h"
#include "report_pair.h"
#include "stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Rows of a value a traced run.
typedef struct work {
  const side *sides[2];
  const comparison *comparison;
  size_t runs[2];
  double *values[2]; // of what is looked at, by side
  double *sums[2];   // of chains, of fused layers
  double *sorted;    // scratch
  double *block;     // that all of them are in
  bool *takes;       // primitives of one side
} work;

static bool work_make(work *w, const side *a, const side *b, const comparison *c) {
  *w = (work){.sides = {a, b}, .comparison = c};
  size_t most = 1;
  for (int k = 0; k < 2; k++) {
    w->runs[k] = w->sides[k]->times.by_run ? w->sides[k]->times.runs : 0;
    if (w->runs[k] > most) most = w->runs[k];
  }
  const int primitives = a->plan->primitive_count + b->plan->primitive_count;
  w->block = calloc(5, most * sizeof *w->block);
  w->takes = calloc((size_t)primitives + 1, sizeof *w->takes);
  if (!w->block || !w->takes) return false;
  for (size_t k = 0; k < 2; k++) {
    w->values[k] = w->block + k * most;
    w->sums[k] = w->block + (2 + k) * most;
  }
  w->sorted = w->block + 4 * most;
  return true;
}

static void work_free(work *w) {
  free(w->block);
  free(w->takes);
}

static double median_of(const work *w, const double *values, size_t count) {
  for (size_t r = 0; r < count; r++) w->sorted[r] = values[r];
  return stats_median(w->sorted, count);
}

// Run r of either side is of round r.
static contrast contrast_of(const work *w, const double *x, size_t x_runs, const double *y, size_t y_runs) {
  const size_t rounds = x_runs < y_runs ? x_runs : y_runs;
  contrast c = {.ms = {median_of(w, x, x_runs), median_of(w, y, y_runs)}, .low = NAN, .high = NAN};
  for (size_t r = 0; r < rounds; r++) w->sorted[r] = x[r] - y[r];
  c.saved = stats_median(w->sorted, rounds);
  stats_median_interval(w->sorted, rounds, 0.95, &c.low, &c.high);
  return c;
}

static contrast contrast_sides(const work *w, int first) {
  return contrast_of(w, w->values[first], w->runs[first], w->values[!first], w->runs[!first]);
}

// The sums over the primitives that are taken, for each run of a side.
static void sum_taken(const work *w, int which) {
  const side *s = w->sides[which];
  const size_t primitives = (size_t)s->plan->primitive_count;
  for (size_t r = 0; r < w->runs[which]; r++) {
    w->values[which][r] = 0;
    for (size_t i = 0; i < primitives; i++)
      if (w->takes[i]) w->values[which][r] += s->times.by_run[r * primitives + i];
  }
}

// ---- parts of a run

const char *whatif_part_name(whatif_part part) {
  static const char *const names[] = {"layers", "reorders", "gaps", "run"};
  return names[part];
}

static contrast part_of(const work *w, whatif_part part) {
  for (int k = 0; k < 2; k++) {
    const side *s = w->sides[k];
    for (int i = 0; i < s->plan->primitive_count; i++) {
      const bool reorder = report_is_reorder(&s->plan->primitives[i]);
      w->takes[i] = part == WHATIF_GAPS || (part == WHATIF_REORDERS && reorder) || (part == WHATIF_LAYERS && !reorder);
    }
    sum_taken(w, k);
    if (part != WHATIF_GAPS && part != WHATIF_RUN) continue;
    for (size_t r = 0; r < w->runs[k]; r++) w->values[k][r] = s->times.run_times[r] - w->values[k][r];
  }
  return contrast_sides(w, 0);
}

// ---- reorders

static bool has_layer(const layer_group *g, int which, const minfer_plan *plan, const char *name) {
  for (int i = 0; i < g->counts[which]; i++)
    if (strcmp(plan->layers[g->layers[which][i]].name, name) == 0) return true;
  return false;
}

// NULL for "input" and "output".
static const layer_group *find_group(const work *w, int which, const char *name) {
  const layer_groups *groups = &w->comparison->groups;
  for (size_t i = 0; i < groups->count; i++)
    if (has_layer(&groups->items[i], which, w->sides[which]->plan, name)) return &groups->items[i];
  return NULL;
}

typedef struct edge_end {
  const char *name;         // of the layer on the reorder's side
  const layer_group *group; // NULL: it is none
} edge_end;

static bool is_end(const edge_end *end, int which, const minfer_plan *plan, const char *name) {
  return end->group ? has_layer(end->group, which, plan, name) : strcmp(end->name, name) == 0;
}

static bool is_of_end(const edge_end *end, int which, const minfer_plan *plan, int primitive) {
  return end->group && layer_group_part(end->group, which, plan, primitive) == GROUP_PART_LAYER;
}

static contrast edge_of(const work *w, int which, const minfer_primitive *reorder) {
  const edge_end from = {reorder->from, find_group(w, which, reorder->from)},
                 to = {reorder->to, find_group(w, which, reorder->to)};
  for (int k = 0; k < 2; k++) {
    const minfer_plan *plan = w->sides[k]->plan;
    for (int i = 0; i < plan->primitive_count; i++) {
      const minfer_primitive *p = &plan->primitives[i];
      w->takes[i] = report_is_reorder(p) ? is_end(&from, k, plan, p->from) && is_end(&to, k, plan, p->to)
                                         : is_of_end(&from, k, plan, i) || is_of_end(&to, k, plan, i);
    }
    sum_taken(w, k);
  }
  return contrast_sides(w, which);
}

static int longest_first(const void *a, const void *b) {
  const reorder_cost *x = a, *y = b;
  if (x->ms < y->ms || x->ms > y->ms) return x->ms < y->ms ? 1 : -1;
  return x->side != y->side ? x->side - y->side : x->primitive - y->primitive;
}

static bool list_reorders(const work *w, whatif *out) {
  const int most = report_reorder_count(w->sides[0]->plan) + report_reorder_count(w->sides[1]->plan);
  out->reorders = calloc((size_t)most + 1, sizeof *out->reorders);
  if (!out->reorders) return false;
  for (int k = 0; k < 2; k++) {
    const side *s = w->sides[k];
    for (int i = 0; i < s->plan->primitive_count; i++)
      if (report_is_reorder(&s->plan->primitives[i]))
        out->reorders[out->reorder_count++] =
            (reorder_cost){k, i, s->times.primitive_ms[i], edge_of(w, k, &s->plan->primitives[i])};
  }
  qsort(out->reorders, out->reorder_count, sizeof *out->reorders, longest_first);
  return true;
}

// ---- fused layers

static fused_layer fused_of(const work *w, const layer_group *g) {
  const int fused = g->counts[1] < g->counts[0];
  for (int k = 0; k < 2; k++) {
    const minfer_plan *plan = w->sides[k]->plan;
    for (int i = 0; i < plan->primitive_count; i++) w->takes[i] = layer_group_part(g, k, plan, i) == GROUP_PART_LAYER;
    sum_taken(w, k);
    for (size_t r = 0; r < w->runs[k]; r++) w->sums[k == fused][r] += w->values[k][r];
  }
  return (fused_layer){.group = g,
                       .side = fused,
                       .time = contrast_sides(w, !fused),
                       .saved_bytes = report_group_bytes(g, !fused, w->sides[!fused]->plan) -
                                      report_group_bytes(g, fused, w->sides[fused]->plan)};
}

static int most_saved_first(const void *a, const void *b) {
  const fused_layer *x = a, *y = b;
  if (x->time.saved < y->time.saved || x->time.saved > y->time.saved) return x->time.saved < y->time.saved ? 1 : -1;
  return x->group < y->group ? -1 : x->group > y->group;
}

static bool list_fused(const work *w, whatif *out) {
  const layer_groups *groups = &w->comparison->groups;
  out->fused = calloc(groups->count + 1, sizeof *out->fused);
  if (!out->fused) return false;
  for (size_t i = 0; i < groups->count; i++) {
    const layer_group *g = &groups->items[i];
    if (!g->counts[0] || !g->counts[1] || g->counts[0] == g->counts[1]) continue;
    fused_layer *one = &out->fused[out->fused_count++];
    *one = fused_of(w, g);
    out->saved_bytes += one->saved_bytes;
  }
  // A sum over both sides is whole for rounds that both have.
  const size_t rounds = w->runs[0] < w->runs[1] ? w->runs[0] : w->runs[1];
  out->fusion = contrast_of(w, w->sums[0], rounds, w->sums[1], rounds);
  qsort(out->fused, out->fused_count, sizeof *out->fused, most_saved_first);
  return true;
}

minfer_status whatif_make(const side *a, const side *b, const comparison *c, whatif *out, minfer_error *error) {
  work w;
  *out = (whatif){0};
  bool done = work_make(&w, a, b, c);
  for (int i = 0; done && i < WHATIF_PARTS; i++) out->parts[i] = part_of(&w, (whatif_part)i);
  done = done && list_reorders(&w, out) && list_fused(&w, out);
  work_free(&w);
  return done ? MINFER_OK : fail_memory(error);
}

void whatif_free(whatif *w) {
  free(w->reorders);
  free(w->fused);
  *w = (whatif){0};
}
