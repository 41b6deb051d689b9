#include "stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool samples_add(samples *s, double value) {
  if (s->count == s->capacity) {
    size_t capacity = s->capacity ? s->capacity * 2 : 64;
    double *values = reallocarray(s->values, capacity, sizeof *values);
    if (!values) return false;
    s->values = values;
    s->capacity = capacity;
  }
  s->values[s->count++] = value;
  return true;
}

void samples_free(samples *s) {
  free(s->values);
  *s = (samples){0};
}

static int ascending(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

void stats_sort(double *values, size_t count) {
  if (count > 1) qsort(values, count, sizeof *values, ascending);
}

double stats_quantile(const double *sorted, size_t count, double p) {
  if (count == 0) return NAN;
  double position = p * (double)(count - 1), whole = floor(position);
  size_t below = (size_t)whole, above = below + 1 < count ? below + 1 : below;
  return sorted[below] + (position - whole) * (sorted[above] - sorted[below]);
}

double stats_median(double *values, size_t count) {
  stats_sort(values, count);
  return stats_quantile(values, count, 0.5);
}

bool stats_median_interval(const double *sorted, size_t count, double confidence, double *low, double *high) {
  double n = (double)count, tail = (1 - confidence) / 2, below = 0; // below: P(B < l)
  size_t l = 0;
  for (; l <= count / 2; l++) {
    double k = (double)l, next = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * M_LN2);
    if (below + next > tail) break;
    below += next;
  }
  if (l == 0 || count == 0) return false;
  *low = sorted[l - 1];
  *high = sorted[count - l];
  return true;
}

bool stats_summarise(const samples *s, stats_summary *out) {
  *out = (stats_summary){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  size_t n = s->count;
  if (n == 0) return true;
  double *sorted = reallocarray(NULL, n, sizeof *sorted);
  if (!sorted) return false;
  memcpy(sorted, s->values, n * sizeof *sorted);
  stats_sort(sorted, n);
  out->min = sorted[0];
  out->p50 = stats_quantile(sorted, n, 0.5);
  out->p90 = stats_quantile(sorted, n, 0.9);
  out->p99 = stats_quantile(sorted, n, 0.99);
  out->max = sorted[n - 1];
  stats_median_interval(sorted, n, 0.95, &out->low, &out->high);
  free(sorted);
  return true;
}

double stats_precision(const stats_summary *summary) {
  return (summary->high - summary->low) / 2 / summary->p50;
}

int64_t stats_overs_allowed(int64_t count, double p, double confidence) {
  const double n = (double)count;
  double below = 0;
  for (int64_t t = 0; t <= count; t++) {
    const double k = (double)t;
    below += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log1p(-p) + (n - k) * log(p));
    if (below > 1 - confidence) return t - 1;
  }
  return count;
}

int64_t stats_values_needed(int64_t overs, double p, double confidence) {
  int64_t few = 0, many = 1; // too few; enough
  while (stats_overs_allowed(many, p, confidence) < overs) {
    few = many;
    many *= 2;
  }
  while (few + 1 < many) {
    const int64_t middle = few + (many - few) / 2;
    if (stats_overs_allowed(middle, p, confidence) < overs)
      few = middle;
    else
      many = middle;
  }
  return many;
}
