// Random arrivals. Expected: the generator's first numbers as its authors publish them (seed 1234567:
// 6457827717110365317), and a second implementation in Python.
#include "../../tools/arrivals.c" // NOLINT(bugprone-suspicious-include): the program's files are no library
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "near.h"

static void test_bits(void **state) {
  (void)state;
  arrivals zero = {0}, other = {1234567};
  assert_true(arrivals_bits(&zero) == 0xe220a8397b1dcdafu);
  assert_true(arrivals_bits(&zero) == 0x6e789e6aa1b965f4u);
  assert_true(arrivals_bits(&zero) == 0x06c45d188009454fu);
  assert_true(arrivals_bits(&other) == 6457827717110365317u);
}

static void test_gaps_and_picks(void **state) {
  (void)state;
  arrivals a = {7}, b = {7};
  static const double gaps[] = {0.009420451777573828, 0.04087073389695412, 0.0010451567196446835};
  for (size_t i = 0; i < 3; i++) assert_near(arrivals_gap_s(&a, 100), gaps[i], 1e-15);
  static const int picks[] = {7, 12, 2, 11, 10, 1, 6, 14};
  for (size_t i = 0; i < 8; i++) assert_int_equal(arrivals_pick(&b, 16), picks[i]);
}

// Exponential: mean 1/rate, deviation 1/rate, and e^-1 of the gaps above the mean; each within 4 standard errors.
static void test_distribution(void **state) {
  (void)state;
  enum { COUNT = 200000 };
  arrivals a = {99};
  double sum = 0, squares = 0;
  int above = 0;
  for (int i = 0; i < COUNT; i++) {
    const double gap = arrivals_gap_s(&a, 50);
    sum += gap;
    squares += gap * gap;
    above += gap > 0.02;
  }
  const double mean = sum / COUNT, variance = squares / COUNT - mean * mean;
  assert_near(mean, 0.02, 4 * 0.02 / sqrt(COUNT));
  assert_near(sqrt(variance), 0.02, 4 * 0.02 * sqrt(2.0 / COUNT));
  assert_near((double)above / COUNT, exp(-1), 4 * sqrt(exp(-1) * (1 - exp(-1)) / COUNT));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bits), cmocka_unit_test(test_gaps_and_picks),
                                     cmocka_unit_test(test_distribution)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
