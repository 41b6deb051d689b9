// The figures of `minfer accuracy`. Intervals were computed from the covariance of the four multinomial counts, the
// rest by hand.
#include "../../tools/accuracy.c" // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/rank.c"     // NOLINT(bugprone-suspicious-include)
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "near.h"

static void test_rank(void **state) {
  (void)state;
  const float logits[] = {1, 3, NAN, 3, -INFINITY, 2};
  answer best[6];
  rank((const float[]){0, logf(3)}, 2, best, 2);
  assert_int_equal(best[0].class_index, 1);
  assert_near(best[0].probability, 0.75, 1e-7);
  assert_int_equal(best[1].class_index, 0);
  assert_near(best[1].probability, 0.25, 1e-7);
  rank(logits, 6, best, 6);
  static const int order[] = {1, 3, 5, 0, 4, 2};
  for (int i = 0; i < 6; i++) assert_int_equal(best[i].class_index, order[i]);
  rank((const float[]){1000, 1001}, 2, best, 1); // no overflow
  assert_int_equal(best[0].class_index, 1);
  assert_near(best[0].probability, 1 / (1 + exp(-1)), 1e-12);
}

// Logits in which class i has place order[i], the first place 0.
static void logits_of(float *logits, const int *places, int classes) {
  for (int i = 0; i < classes; i++) logits[i] = (float)-places[i];
}

static void test_counts(void **state) {
  (void)state;
  enum { CLASSES = 7 };
  // Of the right class, which is class 2: its place in f32 and in the other configuration.
  static const int places[][2] = {{0, 0}, {0, 1}, {0, 4}, {0, 5}, {1, 0}, {4, 4}, {5, 0}, {6, 6}};
  accuracy a = {0};
  accuracy_item item;
  const label l = {"x.jpg", 2, 1};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    float logits[2][CLASSES];
    for (int k = 0; k < 2; k++) {
      int order[CLASSES] = {0, 1, 2, 3, 4, 5, 6};
      int right = places[i][k];
      for (int c = 0; c < CLASSES; c++) order[c] = c == 2 ? right : c < 2 ? c + (c >= right) : c - 1 + (c - 1 >= right);
      logits_of(logits[k], order, CLASSES);
    }
    accuracy_add(&a, &l, logits[0], logits[1], CLASSES, &item);
    assert_ptr_equal(item.label, &l);
    assert_int_equal(item.f32.class_index == 2, places[i][0] == 0);
    assert_int_equal(item.chosen.class_index == 2, places[i][1] == 0);
  }
  assert_true(a.compared);
  assert_int_equal(a.images, 8);
  assert_int_equal(a.f32.top1, 4);
  assert_int_equal(a.f32.top5, 6);
  assert_int_equal(a.chosen.top1, 3);
  assert_int_equal(a.chosen.top5, 6);
  assert_int_equal(a.only_f32, 3);
  assert_int_equal(a.only_chosen, 2);
  assert_int_equal(a.agreed, 3); // both right, and twice class 0 before the right one
  assert_near(accuracy_percent(&a, a.chosen.top1), 37.5, 1e-12);
}

static void test_few_classes(void **state) {
  (void)state;
  accuracy a = {0};
  accuracy_item item;
  accuracy_add(&a, &(label){"x", 1, 1}, (const float[]){2, 1}, NULL, 2, &item);
  assert_false(a.compared);
  assert_int_equal(a.f32.top1, 0);
  assert_int_equal(a.f32.top5, 1);
  assert_int_equal(a.chosen.top5, 1);
  assert_int_equal(a.agreed, 1);
  assert_int_equal(item.chosen.class_index, 0);
  assert_near(item.chosen.probability, 1 / (1 + exp(-1)), 1e-12);
}

static void test_sqnr(void **state) {
  (void)state;
  accuracy a = {0};
  accuracy_item item;
  const label items[] = {{"a", 0, 1}, {"b", 0, 2}, {"c", 0, 3}};
  accuracy_add(&a, &items[0], (const float[]){1, -2, 3}, (const float[]){1.5F, -2, 2.5F}, 3, &item);
  accuracy_add(&a, &items[1], (const float[]){2, 0, 0}, (const float[]){2, 0, 1}, 3, &item);
  assert_near(accuracy_sqnr(a.signal, a.noise), 10.791812460476248, 1e-12);
  assert_near(a.sqnr_sum, 14.471580313422192 + 6.020599913279624, 1e-12);
  assert_near(a.sqnr_worst, 6.020599913279624, 1e-12);
  assert_ptr_equal(a.worst, &items[1]);
  accuracy_add(&a, &items[2], (const float[]){2, 0, 0}, (const float[]){2, NAN, 1}, 3, &item);
  assert_ptr_equal(a.worst, &items[2]);
  assert_true(isinf(a.sqnr_worst) && a.sqnr_worst < 0);
  assert_true(accuracy_sqnr(a.signal, a.noise) < 0);
  assert_true(isinf(accuracy_sqnr(5, 0)) && accuracy_sqnr(5, 0) > 0);
  assert_true(isinf(accuracy_sqnr(INFINITY, 1)) && accuracy_sqnr(INFINITY, 1) < 0);
}

static void test_interval(void **state) {
  (void)state;
  static const struct {
    size_t images, only_f32, only_chosen;
    double low, high;
  } rows[] = {{500, 4, 2, -1.4308018048, 0.6339890558},        {500, 0, 0, -0.3904310726, 0.3904310726},
              {3, 0, 0, -39.1992796908, 39.1992796908},        {1600, 150, 86, -5.8682935726, -2.1217189118},
              {100, 0, 10, 3.7215453243, 15.8862978130},       {50000, 700, 650, -0.2440682550, 0.0440762547},
              {1, 1, 0, -100 /* no further */, 51.0100874588}, {1, 0, 1, -51.0100874588, 100}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    accuracy a = {.images = rows[i].images, .only_f32 = rows[i].only_f32, .only_chosen = rows[i].only_chosen};
    double low, high;
    accuracy_interval(&a, &low, &high);
    assert_near(low, rows[i].low, 1e-9);
    assert_near(high, rows[i].high, 1e-9);
  }
}

static void test_gate(void **state) {
  (void)state;
  static const struct {
    size_t f32, chosen;
    double target;
    bool passes;
  } rows[] = {{100, 99, 0.99, true}, {100, 98, 0.99, false}, {300, 294, 0.98, true}, {300, 293, 0.98, false},
              {10, 10, 1, true},     {10, 9, 1, false},      {10, 11, 1, true},      {0, 0, 0.99, true},
              {50, 29, 0.58, true},  {50, 28, 0.58, false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    accuracy a = {.images = 400, .f32.top1 = rows[i].f32, .chosen.top1 = rows[i].chosen};
    assert_int_equal(accuracy_passes(&a, rows[i].target), rows[i].passes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rank),        cmocka_unit_test(test_counts),
                                     cmocka_unit_test(test_few_classes), cmocka_unit_test(test_sqnr),
                                     cmocka_unit_test(test_interval),    cmocka_unit_test(test_gate)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
