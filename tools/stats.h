// Statistics of repeated measurements: medians and their intervals, no assumption about the distribution.
#ifndef TOOLS_STATS_H
#define TOOLS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Values in the order they came. Zero-initialise; free with samples_free.
typedef struct samples {
  double *values;
  size_t count, capacity;
} samples;
bool samples_add(samples *s, double value); // false without memory
void samples_free(samples *s);

void stats_sort(double *values, size_t count); // ascending, in place

// Quantile p in 0..1 of ascending values: linear between the order statistics around position p * (count - 1), the
// default of numpy and R (type 7 in Hyndman and Fan, Sample Quantiles in Statistical Packages, 1996). NaN for no
// values.
double stats_quantile(const double *sorted, size_t count, double p);
double stats_median(double *values, size_t count); // sorts them

// Distribution-free interval of the median: the order statistics l and count + 1 - l (from 1), l the largest with
// P(B < l) <= (1 - confidence) / 2 for B binomial(count, 1/2) (David and Nagaraja, Order Statistics, section 7.1). So
// it covers at least `confidence`. False when even the whole range covers less (for 0.95: fewer than 6 values).
bool stats_median_interval(const double *sorted, size_t count, double confidence, double *low, double *high);

typedef struct stats_summary {
  double min, p50, p90, p99, max;
  double low, high; // 95 % interval of the median; NaN when there are too few values
} stats_summary;
// Of values in any order, which are left as they are. False without memory; all NaN for no values.
bool stats_summarise(const samples *s, stats_summary *out);
// Half the 95 % interval's width over the median; NaN when unknown.
double stats_precision(const stats_summary *summary);

// How many of `count` values may lie above a bound while it is `confidence` sure that at least the share p of all
// values to come lies within: the largest t with P(B <= t) <= 1 - confidence for B binomial(count, 1 - p). It is the
// early stopping criterion of the MLPerf Inference rules, with tolerance 0. -1 when `count` is too small for any.
int64_t stats_overs_allowed(int64_t count, double p, double confidence);
// The fewest values for which `overs` are allowed.
int64_t stats_values_needed(int64_t overs, double p, double confidence);

#endif
