// Rank tests against scipy 1.17.1: mannwhitneyu (method "exact" without ties, "asymptotic" with its corrections) and
// false_discovery_control; with ties, small sets were enumerated in Python: all choices of midranks (rankdata).
#include "../../tools/rank_test.c" // NOLINT(bugprone-suspicious-include): the program's files are no library
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_p(const double *a, size_t a_count, const double *b, size_t b_count, double expected) {
  double there = NAN, back = NAN;
  assert_true(rank_test(a, a_count, b, b_count, &there) && rank_test(b, b_count, a, a_count, &back));
  if (fabs(there - expected) > 1e-12 * expected) fail_msg("p %.17g, expected %.17g", there, expected);
  if (fabs(back - expected) > 1e-12 * expected) fail_msg("p %.17g the other way round, not %.17g", back, expected);
}

#define P(expected, a, b) assert_p((a), COUNT(a), (b), COUNT(b), (expected))

static void test_exact(void **state) {
  (void)state;
  P(0.5555555555555556, ((double[]){1.83, 0.50, 1.62, 2.48, 1.68}), ((double[]){0.878, 0.647, 0.598, 2.05}));
  P(0.1, ((double[]){1, 2, 3}), ((double[]){4, 5, 6}));
  P(0.02857142857142857, ((double[]){1, 2, 3, 4}), ((double[]){5, 6, 7, 8}));
  P(0.011106540518305223, ((double[]){39.9, 41.2, 38.7, 40.1, 44.6, 39.2, 40.8, 42.3}),
    ((double[]){44.1, 43.9, 41.9, 45.2, 42.8, 46.0, 40.2, 47.3, 43.1}));
}

static void test_ties(void **state) {
  (void)state;
  P(0.0735930735930736, ((double[]){1, 2, 2, 3, 5}), ((double[]){2, 4, 4, 6, 7, 7}));
  P(1, ((double[]){1, 1, 1}), ((double[]){1, 1, 2}));
  P(0.17142857142857143, ((double[]){3, 3, 4, 9}), ((double[]){1, 2, 3, 3}));
  P(1, ((double[]){7, 7, 7, 7, 7}), ((double[]){7, 7, 7, 7, 7, 7}));
}

static void test_approximate(void **state) {
  (void)state;
  double a[60], b[40];
  for (int i = 0; i < 30; i++) a[i] = i * 37 % 101;
  for (int i = 0; i < 25; i++) b[i] = (i * 53 + 11) % 101 + 9;
  assert_p(a, 30, b, 25, 0.25032722559239917);
  for (int i = 0; i < 30; i++) a[i] = i * 7 % 11; // many ties
  for (int i = 0; i < 35; i++) b[i] = i * 5 % 11 + 2;
  assert_p(a, 30, b, 35, 0.04194535270773684);
  for (int i = 0; i < 60; i++) a[i] = 1000 + i;
  for (int i = 0; i < 40; i++) b[i] = 1030 + i * 1.5;
  assert_p(a, 60, b, 40, 3.096494238494556e-10);
  for (int i = 0; i < 60; i++) a[i] = 5;
  for (int i = 0; i < 40; i++) b[i] = 5;
  assert_p(a, 60, b, 40, 1);
}

static void test_both_ways_agree_where_they_meet(void **state) {
  (void)state;
  double a[20], b[21], exactly = 0, nearly = 0;
  for (int i = 0; i < 20; i++) a[i] = i * 11 % 41;
  for (int i = 0; i < 21; i++) b[i] = i * 17 % 41 + 6.5;
  assert_true(rank_test(a, 20, b, 20, &exactly) && rank_test(a, 20, b, 21, &nearly));
  assert_true(exactly > 0.02 && exactly < 0.5);
  assert_true(fabs(exactly - nearly) < 0.05);
}

static void test_too_few(void **state) {
  (void)state;
  const double one[] = {1};
  double p = 0;
  assert_true(rank_test(one, 0, one, 1, &p) && isnan(p));
  assert_true(rank_test(one, 1, one, 0, &p) && isnan(p));
  assert_true(fabs(rank_test_least(3, 3) - 0.1) < 1e-12);
  assert_true(fabs(rank_test_least(4, 4) - 2.0 / 70) < 1e-12);
  assert_true(rank_test_least(0, 9) == 1 && rank_test_least(1, 1) == 1);
}

static void test_adjusted(void **state) {
  (void)state;
  const double expected[] = {0,    0.025,          0.1,  0.21, 0.21, 0.21, 0.25, 0.264285714286, 0.491071428571,
                             0.87, 0.907142857143, 0.986};
  // In another order than theirs, with one that is no test.
  double p[] = {NAN,   0.986, 0.001, 0.94,  0.041, 0.039, 0.008, 0.06,  0.042, 0.205, 0.074, 0.212, 0.216,
                0.222, 0.251, 0.269, 0.275, 0.34,  0.341, 0.384, 0.569, 0.594, 0.696, 0.762, 0.942, 0.975};
  assert_true(rank_test_adjust(p, COUNT(p)));
  assert_true(isnan(p[0]));
  static const int places[] = {2, 6, 5, 4, 8, 7, 10, 9, 22, 23, 1};
  for (size_t i = 0; i < COUNT(places); i++)
    if (fabs(p[places[i]] - expected[i + 1]) > 1e-11)
      fail_msg("%zu: %.12g, expected %.12g", i, p[places[i]], expected[i + 1]);
  assert_true(rank_test_adjust(NULL, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exact),       cmocka_unit_test(test_ties),
      cmocka_unit_test(test_approximate), cmocka_unit_test(test_both_ways_agree_where_they_meet),
      cmocka_unit_test(test_too_few),     cmocka_unit_test(test_adjusted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
