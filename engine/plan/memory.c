// The memory planner: offsets for activations by lifetime, largest first, each into the smallest gap that holds it.
#include "plan/plan.h"
#include <stdlib.h>

typedef struct group { // values that share one buffer
  int root, first, last;
  size_t bytes, offset;
} group;

static int by_size(const void *a, const void *b) {
  const group *x = a, *y = b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return x->first != y->first ? (x->first > y->first) - (x->first < y->first) : (x->root > y->root) - (x->root < y->root);
}

static bool overlap(const group *a, const group *b) {
  return a->first <= b->last && b->first <= a->last;
}

// `placed` is sorted by offset.
static size_t best_offset(const group *g, const group *const *placed, int count) {
  size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
  for (int i = 0; i < count; i++) {
    if (!overlap(g, placed[i])) continue;
    if (placed[i]->offset > end) {
      size_t gap = placed[i]->offset - end;
      if (gap >= g->bytes && gap < best_gap) {
        best = end;
        best_gap = gap;
      }
    }
    size_t after = placed[i]->offset + placed[i]->bytes;
    if (after > end) end = after;
  }
  return best == SIZE_MAX ? end : best;
}

static size_t place(group *groups, int count, const group **placed) {
  size_t slab = 0;
  for (int i = 0; i < count; i++) {
    groups[i].offset = best_offset(&groups[i], placed, i);
    int at = i;
    while (at > 0 && placed[at - 1]->offset > groups[i].offset) {
      placed[at] = placed[at - 1];
      at--;
    }
    placed[at] = &groups[i];
    if (groups[i].offset + groups[i].bytes > slab) slab = groups[i].offset + groups[i].bytes;
  }
  return slab;
}

static size_t bound(const group *groups, int count, int steps) {
  size_t most = 0;
  for (int s = 0; s < steps; s++) {
    size_t live = 0;
    for (int i = 0; i < count; i++)
      if (groups[i].first <= s && s <= groups[i].last) live += groups[i].bytes;
    if (live > most) most = live;
  }
  return most;
}

mf_status mf_plan_memory(mf_plan *plan, mf_error *e) {
  size_t bytes = (size_t)plan->value_count * (sizeof(group) + sizeof(group *) + sizeof(int));
  group *groups = mf_alloc_zero(bytes);
  if (!groups) return mf_fail_memory(e, bytes);
  const group **placed = (const group **)(groups + plan->value_count);
  int *group_of = (int *)(placed + plan->value_count);
  int count = 0, last_step = plan->step_count - 1;
  for (int v = 0; v < plan->value_count; v++) {
    mf_value *value = &plan->values[v];
    // The input is filled once and read by every run, so nothing else may use its place; the output is read after the run.
    int first = v == plan->input ? 0 : value->first, last = v == plan->input || v == plan->output ? last_step : value->last;
    size_t size = (value->bytes + MF_ALIGNMENT - 1) & ~(size_t)(MF_ALIGNMENT - 1);
    group *g;
    if (value->alias < 0) {
      group_of[v] = count;
      g = &groups[count++];
      *g = (group){.root = v, .first = first, .last = last, .bytes = size};
    } else { // an alias is always an earlier value
      group_of[v] = group_of[value->alias];
      g = &groups[group_of[v]];
      if (first < g->first) g->first = first;
      if (last > g->last) g->last = last;
      if (size > g->bytes) g->bytes = size;
    }
  }
  plan->activation_bound_bytes = bound(groups, count, plan->step_count);
  qsort(groups, (size_t)count, sizeof *groups, by_size);
  plan->activation_bytes = place(groups, count, placed);
  for (int i = 0; i < count; i++) plan->values[groups[i].root].offset = groups[i].offset;
  for (int v = 0; v < plan->value_count; v++)
    if (plan->values[v].alias >= 0) plan->values[v].offset = plan->values[plan->values[v].alias].offset;
  mf_free(groups);
  return MF_OK;
}
