// The memory planner: offsets for activations by lifetime, each into the smallest gap that holds it. Placing the
// largest first is good for most networks, but not for all: a few orders are tried and the smallest slab is kept.
#include "plan/plan.h"
#include <stdlib.h>

typedef struct group { // values that share one buffer
  int root, first, last;
  size_t bytes, offset;
  size_t pressure; // the most that lives at once during its life
} group;

static int compare(size_t a, size_t b) {
  return (a > b) - (a < b);
}

static int by_start(const group *x, const group *y) {
  return x->first != y->first ? compare((size_t)x->first, (size_t)y->first) : compare((size_t)x->root, (size_t)y->root);
}

static int largest_first(const void *a, const void *b) {
  const group *x = a, *y = b;
  return x->bytes != y->bytes ? compare(y->bytes, x->bytes) : by_start(x, y);
}

static int longest_first(const void *a, const void *b) {
  const group *x = a, *y = b;
  int lives_x = x->last - x->first, lives_y = y->last - y->first;
  return lives_x != lives_y ? compare((size_t)lives_y, (size_t)lives_x) : largest_first(a, b);
}

// Where the slab must be fullest, everything has to fit side by side; what lives there is placed before the rest.
static int fullest_first(const void *a, const void *b) {
  const group *x = a, *y = b;
  return x->pressure != y->pressure ? compare(y->pressure, x->pressure) : largest_first(a, b);
}

static int first_first(const void *a, const void *b) {
  return by_start(a, b);
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

// The largest sum of live buffers at any step; sets each group's pressure on the way.
static size_t bound(group *groups, int count, int steps) {
  size_t most = 0;
  for (int s = 0; s < steps; s++) {
    size_t live = 0;
    for (int i = 0; i < count; i++)
      if (groups[i].first <= s && s <= groups[i].last) live += groups[i].bytes;
    for (int i = 0; i < count; i++)
      if (groups[i].first <= s && s <= groups[i].last && live > groups[i].pressure) groups[i].pressure = live;
    if (live > most) most = live;
  }
  return most;
}

static int root_of(const mf_plan *plan, int value) {
  while (plan->values[value].alias >= 0) value = plan->values[value].alias;
  return value;
}

// Takes the buffers of input and output out of `groups` and gives them the first *bytes of the slab. A buffer larger
// than the output reaches into the next chunk's place, which is written later.
static mf_status place_ends(mf_plan *plan, group *groups, int *count, size_t *bytes, mf_error *e) {
  const int ends[] = {plan->input, plan->output};
  for (int k = 0; k < 2; k++) {
    mf_value *root = &plan->values[root_of(plan, ends[k])];
    for (int i = 0; i < *count; i++) {
      size_t size;
      if (&plan->values[groups[i].root] != root) continue;
      root->offset = *bytes;
      root->step = plan->values[ends[k]].bytes;
      if (!mf_mul(root->step, (size_t)plan->chunks - 1, &size) || !mf_add(size, groups[i].bytes, &size) ||
          !mf_add(size, *bytes + MF_ALIGNMENT - 1, &size))
        return mf_fail_memory(e, SIZE_MAX);
      *bytes = size & ~(size_t)(MF_ALIGNMENT - 1);
      groups[i--] = groups[--*count];
    }
  }
  return MF_OK;
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
    // The input is filled once and read by every run, so nothing else may use its place; the output is read after the
    // run.
    int first = v == plan->input ? 0 : value->first,
        last = v == plan->input || v == plan->output ? last_step : value->last;
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
  size_t ends = 0;
  const mf_status status = plan->chunks > 1 ? place_ends(plan, groups, &count, &ends, e) : MF_OK;
  const size_t least = bound(groups, count, plan->step_count);
  static int (*const orders[])(const void *, const void *) = {largest_first, fullest_first, longest_first, first_first};
  size_t best = SIZE_MAX;
  for (size_t o = 0; o < sizeof orders / sizeof *orders && best > least; o++) {
    qsort(groups, (size_t)count, sizeof *groups, orders[o]);
    const size_t slab = place(groups, count, placed);
    if (slab >= best) continue;
    best = slab;
    for (int i = 0; i < count; i++) plan->values[groups[i].root].offset = ends + groups[i].offset;
  }
  for (int v = 0; v < plan->value_count; v++) { // roots come before their aliases
    const mf_value *root = &plan->values[root_of(plan, v)];
    plan->values[v].offset = root->offset;
    plan->values[v].step = root->step;
  }
  plan->activation_bytes = ends + best;
  plan->activation_bound_bytes = ends + least;
  mf_free(groups);
  return status;
}
