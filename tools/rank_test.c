#include "rank_test.h"
#include <math.h>
#include <stdlib.h>

typedef struct ranked {
  double value;
  bool of_a;
  int twice; // its rank, doubled: mean ranks of equal values may end in a half
} ranked;

static int by_value(const void *x, const void *y) {
  const ranked *a = x, *b = y;
  return (a->value > b->value) - (a->value < b->value);
}

// Ranks from 1 in both sets together. Returns the sum of t^3 - t over sets of t equal values.
static double rank_values(ranked *all, size_t count) {
  double ties = 0;
  qsort(all, count, sizeof *all, by_value);
  for (size_t i = 0, end; i < count; i = end) {
    end = i + 1;
    while (end < count && all[end].value == all[i].value) end++;
    const double t = (double)(end - i);
    ties += t * t * t - t;
    for (size_t k = i; k < end; k++) all[k].twice = (int)(i + end + 1);
  }
  return ties;
}

// The share of choices of `chosen` of all ranks whose sum is at most `sum`, and at least; the smaller one, doubled.
// ways[k][s]: choices of k ranks with (doubled) sum s.
static bool exact(const ranked *all, size_t count, size_t chosen, size_t sum, double *p) {
  const size_t width = count * (count + 1) + 1;
  double *ways = calloc((chosen + 1) * width, sizeof *ways), below = 0, above = 0, total = 0;
  if (!ways) return false;
  ways[0] = 1;
  for (size_t i = 0; i < count; i++) {
    const size_t rank = (size_t)all[i].twice;
    for (size_t k = i + 1 < chosen ? i + 1 : chosen; k > 0; k--)
      for (size_t s = width - 1; s >= rank; s--) ways[k * width + s] += ways[(k - 1) * width + s - rank];
  }
  for (size_t s = 0; s < width; s++) {
    const double w = ways[chosen * width + s];
    total += w;
    if (s <= sum) below += w;
    if (s >= sum) above += w;
  }
  *p = fmin(1, 2 * fmin(below, above) / total);
  free(ways);
  return true;
}

static double approximate(double n, double m, double rank_sum, double ties) {
  const double all = n + m, u = rank_sum - n * (n + 1) / 2;
  const double variance = n * m / 12 * (all + 1 - ties / (all * (all - 1)));
  if (variance <= 0) return 1; // all values are equal
  return fmin(1, erfc((fabs(u - n * m / 2) - 0.5) / sqrt(2 * variance)));
}

bool rank_test(const double *a, size_t a_count, const double *b, size_t b_count, double *p) {
  const size_t count = a_count + b_count;
  const bool by_a = a_count <= b_count; // whose ranks are summed: the smaller set's
  *p = NAN;
  if (!a_count || !b_count) return true;
  ranked *all = calloc(count, sizeof *all);
  if (!all) return false;
  for (size_t i = 0; i < count; i++) all[i] = (ranked){i < a_count ? a[i] : b[i - a_count], i < a_count, 0};
  const double ties = rank_values(all, count);
  size_t sum = 0;
  for (size_t i = 0; i < count; i++)
    if (all[i].of_a == by_a) sum += (size_t)all[i].twice;
  const size_t chosen = by_a ? a_count : b_count;
  bool done = true;
  if (count <= RANK_TEST_EXACT)
    done = exact(all, count, chosen, sum, p);
  else
    *p = approximate((double)chosen, (double)(count - chosen), (double)sum / 2, ties);
  free(all);
  return done;
}

double rank_test_least(size_t a_count, size_t b_count) {
  const double n = (double)a_count, m = (double)b_count;
  if (!a_count || !b_count) return 1;
  return fmin(1, 2 * exp(lgamma(n + 1) + lgamma(m + 1) - lgamma(n + m + 1)));
}

static int largest_first(const void *x, const void *y) {
  const double *const *a = x, *const *b = y;
  return (**a < **b) - (**a > **b);
}

bool rank_test_adjust(double *p, size_t count) {
  double **order = calloc(count + 1, sizeof *order), least = 1;
  size_t tests = 0;
  if (!order) return false;
  for (size_t i = 0; i < count; i++)
    if (!isnan(p[i])) order[tests++] = &p[i];
  qsort(order, tests, sizeof *order, largest_first);
  for (size_t i = 0; i < tests; i++) *order[i] = least = fmin(least, *order[i] * (double)tests / (double)(tests - i));
  free(order);
  return true;
}
