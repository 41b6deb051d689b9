// The program's statistics. Expected values: numpy 2.4 (quantile) and scipy 1.17 (binom.cdf).
#include "../../tools/stats.c" // NOLINT(bugprone-suspicious-include): the program's files are no library
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "near.h"

static const double values[] = {3.25, 1.5, 9.75, 4.0, 4.125, 2.875, 7.5, 3.0, 3.5, 12.25, 2.5};
enum { VALUES = sizeof values / sizeof *values };

static void test_quantiles(void **state) {
  (void)state;
  static const struct {
    size_t count;
    double p, expected;
  } rows[] = {{11, 0, 1.5},    {11, 0.1, 2.5},   {11, 0.25, 2.9375}, {11, 0.5, 3.5},
              {11, 0.9, 9.75}, {11, 0.99, 12.0}, {11, 1, 12.25},     {10, 0.1, 2.7375},
              {10, 0.5, 3.75}, {10, 0.9, 10.0},  {10, 0.99, 12.025}, {1, 0.9, 3.25}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double sorted[VALUES];
    memcpy(sorted, values, sizeof sorted);
    stats_sort(sorted, rows[i].count);
    assert_near(stats_quantile(sorted, rows[i].count, rows[i].p), rows[i].expected, 1e-12);
  }
  assert_true(isnan(stats_quantile(values, 0, 0.5)));
}

static void test_median_sorts(void **state) {
  (void)state;
  double v[] = {3, 1, 2, 10};
  assert_near(stats_median(v, 4), 2.5, 0);
  assert_near(v[0], 1, 0);
  assert_near(v[3], 10, 0);
}

// Of the values 1, 2, ..., n the interval is l .. n + 1 - l.
static void check_interval(size_t n, double confidence, size_t l) {
  double *sorted = calloc(n, sizeof *sorted), low = -1, high = -1;
  assert_non_null(sorted);
  for (size_t i = 0; i < n; i++) sorted[i] = (double)(i + 1);
  assert_int_equal(stats_median_interval(sorted, n, confidence, &low, &high), l > 0);
  if (l > 0) {
    assert_near(low, (double)l, 0);
    assert_near(high, (double)(n + 1 - l), 0);
  }
  free(sorted);
}

static void test_interval(void **state) {
  (void)state;
  static const size_t rows[][2] = {{1, 0},     {2, 0},      {5, 0},       {6, 1},       {7, 1},    {8, 1},
                                   {9, 2},     {10, 2},     {11, 2},      {15, 4},      {20, 6},   {25, 8},
                                   {30, 10},   {50, 18},    {57, 21},     {70, 27},     {100, 40}, {101, 41},
                                   {500, 228}, {1000, 469}, {4000, 1938}, {20000, 9861}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_interval(rows[i][0], 0.95, rows[i][1]);
  check_interval(6, 0.99, 0);
  check_interval(10, 0.99, 1);
  check_interval(20, 0.9, 6);
  check_interval(57, 0.9, 22);
  check_interval(57, 0.99, 19);
}

static void test_summary(void **state) {
  (void)state;
  samples s = {0};
  stats_summary summary;
  assert_true(stats_summarise(&s, &summary));
  assert_true(isnan(summary.p50) && isnan(summary.low) && isnan(stats_precision(&summary)));
  for (size_t i = 0; i < VALUES; i++) assert_true(samples_add(&s, values[i]));
  assert_true(stats_summarise(&s, &summary));
  assert_near(s.values[0], 3.25, 0); // left in their order
  assert_near(summary.min, 1.5, 0);
  assert_near(summary.p50, 3.5, 0);
  assert_near(summary.p90, 9.75, 1e-12);
  assert_near(summary.p99, 12.0, 1e-12);
  assert_near(summary.max, 12.25, 0);
  assert_near(summary.low, 2.5, 0); // the 2nd and the 10th of 11
  assert_near(summary.high, 9.75, 0);
  assert_near(stats_precision(&summary), 3.625 / 3.5, 1e-12);
  samples_free(&s);
}

static void test_samples_grow(void **state) {
  (void)state;
  samples s = {0};
  for (int i = 0; i < 1000; i++) assert_true(samples_add(&s, i));
  assert_int_equal(s.count, 1000);
  for (int i = 0; i < 1000; i++) assert_near(s.values[i], i, 0);
  samples_free(&s);
}

// Expected: exact rational arithmetic in Python. 64 and 662 queries are also what MLPerf's rules come to.
static void test_early_stopping(void **state) {
  (void)state;
  static const struct {
    int64_t count;
    double p;
    int64_t overs;
  } rows[] = {{1, 0.9, -1},   {43, 0.9, -1},   {44, 0.9, 0},    {63, 0.9, 0},   {64, 0.9, 1},
              {100, 0.9, 3},  {500, 0.9, 34},  {458, 0.99, -1}, {459, 0.99, 0}, {661, 0.99, 0},
              {662, 0.99, 1}, {2000, 0.99, 9}, {3000, 0.97, 68}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(stats_overs_allowed(rows[i].count, rows[i].p, 0.99), rows[i].overs);
  assert_int_equal(stats_values_needed(0, 0.9, 0.99), 44);
  assert_int_equal(stats_values_needed(1, 0.9, 0.99), 64);
  assert_int_equal(stats_values_needed(2, 0.9, 0.99), 81);
  assert_int_equal(stats_values_needed(0, 0.99, 0.99), 459);
  assert_int_equal(stats_values_needed(1, 0.99, 0.99), 662);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_quantiles),    cmocka_unit_test(test_median_sorts),
                                     cmocka_unit_test(test_interval),     cmocka_unit_test(test_summary),
                                     cmocka_unit_test(test_samples_grow), cmocka_unit_test(test_early_stopping)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
