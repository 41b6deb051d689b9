#include "comparison.h"
#include "fail.h"
#include "stats.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

// Rows of both sides for a group, a value a run.
typedef struct scratch {
  double *own[2], *reorders[2], *ratios, *sorted;
} scratch;

// The ms of a group in each run of a side: of its layers' primitives, and of reorders in front of them.
static size_t sum_runs(const side *s, const layer_group *g, int index, double *own, double *reorders) {
  const size_t primitives = (size_t)s->plan->primitive_count, runs = s->times.by_run ? s->times.runs : 0;
  for (size_t r = 0; r < runs; r++) own[r] = reorders[r] = 0;
  for (size_t i = 0; i < primitives; i++) {
    const group_part part = layer_group_part(g, index, s->plan, (int)i);
    if (part == GROUP_PART_NONE) continue;
    double *sums = part == GROUP_PART_LAYER ? own : reorders;
    for (size_t r = 0; r < runs; r++) sums[r] += s->times.by_run[r * primitives + i];
  }
  return runs;
}

static double median_of(const scratch *x, const double *values, size_t count) {
  for (size_t i = 0; i < count; i++) x->sorted[i] = values[i];
  return stats_median(x->sorted, count);
}

static void fill_row(layer_row *row, const side *const sides[2], const scratch *x) {
  const layer_group *g = row->group;
  size_t runs = SIZE_MAX; // of the side that has fewer
  for (int k = 0; k < 2; k++) {
    const size_t count = sum_runs(sides[k], g, k, x->own[k], x->reorders[k]);
    row->ms[k] = median_of(x, x->own[k], count);
    row->reorder_ms[k] = median_of(x, x->reorders[k], count);
    if (count < runs) runs = count;
  }
  row->speedup = row->low = row->high = NAN;
  if (!g->counts[0] || !g->counts[1]) return;
  row->speedup = row->ms[0] / row->ms[1];
  for (size_t r = 0; r < runs; r++) // run r of either side is of round r
    x->ratios[r] = (x->own[0][r] + x->reorders[0][r]) / (x->own[1][r] + x->reorders[1][r]);
  stats_sort(x->ratios, runs);
  if (!stats_median_interval(x->ratios, runs, 0.95, &row->low, &row->high)) return;
  row->slower = row->high < 1;
  if (row->slower)
    why_slower(&(why_case){.plans = {sides[0]->plan, sides[1]->plan},
                           .group = g,
                           .primitive_ms = {sides[0]->times.primitive_ms, sides[1]->times.primitive_ms}},
               &row->why);
}

static minfer_status fill_rows(comparison *c, const side *const sides[2], minfer_error *error) {
  const size_t most = (sides[0]->times.runs > sides[1]->times.runs ? sides[0] : sides[1])->times.runs + 1;
  double *block = calloc(6, most * sizeof *block);
  c->rows = calloc(c->groups.count + 1, sizeof *c->rows);
  if (!block || !c->rows) {
    free(block);
    return fail_memory(error);
  }
  const scratch x = {{block, block + most}, {block + 2 * most, block + 3 * most}, block + 4 * most, block + 5 * most};
  for (size_t i = 0; i < c->groups.count; i++) {
    c->rows[i] = (layer_row){.group = &c->groups.items[i], .sqnr_db = NAN};
    fill_row(&c->rows[i], sides, &x);
  }
  free(block);
  return MINFER_OK;
}

// A group's output is what its last layers in b write that a writes too.
static minfer_status observe(comparison *c, side *a, side *b, minfer_error *error) {
  if (a->process || b->process) return MINFER_OK;
  const int inputs = minfer_input_count(b->setup.input);
  c->observed = inputs < COMPARISON_OBSERVED ? inputs : COMPARISON_OBSERVED;
  minfer_layer_error *errors = calloc((size_t)b->plan->layer_count + 1, sizeof *errors);
  if (!errors) return fail_memory(error);
  const minfer_status status =
      minfer_session_compare(a->setup.session, b->setup.session, b->setup.input, 0, c->observed, errors, error);
  for (size_t i = 0; i < c->groups.count && status == MINFER_OK; i++) {
    const layer_group *g = &c->groups.items[i];
    for (int k = 0; k < g->counts[1]; k++) {
      const minfer_layer_error *found = &errors[g->layers[1][k]];
      if (found->layer_a >= 0) c->rows[i].sqnr_db = found->sqnr_db;
    }
  }
  free(errors);
  if (status != MINFER_INTERRUPTED) return status;
  c->observed = 0; // what was measured is there all the same
  for (size_t i = 0; i < c->groups.count; i++) c->rows[i].sqnr_db = NAN;
  return MINFER_OK;
}

static void compare_answers(comparison *c, const classification *a, const classification *b) {
  double signal = 0, noise = 0;
  const size_t numbers = (size_t)a->inputs * (size_t)a->classes;
  for (size_t i = 0; i < numbers; i++) {
    const double difference = (double)a->logits[i] - (double)b->logits[i];
    signal += (double)a->logits[i] * (double)a->logits[i];
    noise += difference * difference;
  }
  c->logits_sqnr = noise > 0 ? 10 * log10(signal / noise) : isnan(noise) ? NAN : INFINITY;
  for (size_t i = 0; i < (size_t)a->inputs; i++)
    c->same_top1 +=
        a->answers[i * (size_t)a->per_input].class_index == b->answers[i * (size_t)b->per_input].class_index;
}

minfer_status comparison_make(side *a, side *b, comparison *out, minfer_error *error) {
  *out = (comparison){0};
  if (!match_layers(a->plan, b->plan, &out->groups)) return fail_memory(error);
  TRY(fill_rows(out, (const side *const[]){a, b}, error));
  compare_answers(out, &a->answers, &b->answers);
  return observe(out, a, b, error);
}

void comparison_free(comparison *c) {
  layer_groups_free(&c->groups);
  free(c->rows);
  *c = (comparison){0};
}
