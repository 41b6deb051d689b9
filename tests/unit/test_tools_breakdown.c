// From spans to medians per primitive, layer and kind: a plan of four primitives and runs made by hand.
#include "../../tools/breakdown.c" // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/stats.c"     // NOLINT(bugprone-suspicious-include)
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "near.h"

static const minfer_primitive primitives[] = {{.kind = "reorder", .layer = -1},
                                              {.kind = "convolution", .layer = 0},
                                              {.kind = "pooling", .layer = 1},
                                              {.kind = "convolution", .layer = 1}};
static const minfer_layer layers[] = {{.first_primitive = 1, .primitive_count = 1},
                                      {.first_primitive = 2, .primitive_count = 2}};
static const minfer_plan plan = {
    .chunks = 1, .primitives = primitives, .primitive_count = 4, .layers = layers, .layer_count = 2};
enum { MS = 1000000 };

typedef struct trace {
  minfer_span spans[64];
  size_t count;
  uint64_t now;
} trace;

static void add(trace *t, minfer_span_kind kind, int index, uint64_t start, uint64_t duration) {
  t->spans[t->count++] = (minfer_span){.kind = kind, .index = index, .start_ns = start, .duration_ns = duration};
}

// One run: a ms of gap in front, then each primitive, with its layer around it.
static void add_run(trace *t, const uint64_t ms[4], size_t recorded) {
  uint64_t total = 1;
  for (int i = 0; i < 4; i++) total += ms[i];
  add(t, MINFER_SPAN_RUN, 0, t->now, total * MS);
  uint64_t at = t->now + MS;
  for (size_t i = 0; i < recorded; i++) {
    if (i == 1) add(t, MINFER_SPAN_LAYER, 0, at, ms[1] * MS);
    if (i == 2) add(t, MINFER_SPAN_LAYER, 1, at, (ms[2] + ms[3]) * MS);
    add(t, MINFER_SPAN_PRIMITIVE, (int)i, at, ms[i] * MS);
    at += ms[i] * MS;
  }
  t->now += total * MS + 5 * MS;
}

static void test_medians(void **state) {
  (void)state;
  trace t = {.now = 100};
  add(&t, MINFER_SPAN_APPLICATION, 0, 0, 50);
  add_run(&t, (uint64_t[]){1, 10, 2, 30}, 4);
  add_run(&t, (uint64_t[]){2, 40, 3, 5}, 4);
  add_run(&t, (uint64_t[]){3, 20, 9, 1}, 4);
  breakdown b;
  assert_true(breakdown_make(&plan, t.spans, t.count, &b));
  assert_int_equal(b.runs, 3);
  const double expected[] = {2, 20, 3, 5};
  for (int i = 0; i < 4; i++) assert_near(b.primitive_ms[i], expected[i], 1e-9);
  assert_near(b.layer_ms[0], 20, 1e-9);
  assert_near(b.layer_ms[1], 10, 1e-9); // of 32, 8 and 10, not 3 + 5
  assert_near(b.run_ms, 44, 1e-9);      // of 44, 51, 34
  assert_near(b.spans_ms, 43, 1e-9);
  assert_near(b.gap_ms, 1, 1e-9);
  assert_near(b.closure, 43.0 / 44, 1e-9);
  assert_int_equal(b.kind_count, 3);
  assert_string_equal(b.kinds[0].kind, "convolution");
  assert_int_equal(b.kinds[0].count, 2);
  assert_near(b.kinds[0].ms, 40, 1e-9); // of 40, 45 and 21
  assert_string_equal(b.kinds[1].kind, "pooling");
  assert_string_equal(b.kinds[2].kind, "reorder"); // always last
  assert_near(b.kinds[2].ms, 2, 1e-9);
  breakdown_free(&b);
}

static void test_partial_runs_are_left_out(void **state) {
  (void)state;
  trace t = {.now = 100};
  add_run(&t, (uint64_t[]){90, 90, 90, 90}, 2); // the ring has overwritten its end
  add_run(&t, (uint64_t[]){1, 10, 2, 30}, 4);
  add(&t, MINFER_SPAN_PRIMITIVE, 1, t.now + MS, MS); // of a run whose own span is gone
  breakdown b;
  assert_true(breakdown_make(&plan, t.spans, t.count, &b));
  assert_int_equal(b.runs, 1);
  assert_near(b.primitive_ms[1], 10, 1e-9);
  assert_near(b.run_ms, 44, 1e-9);
  breakdown_free(&b);
}

static void test_layer_spans_only(void **state) {
  (void)state;
  trace t = {.now = 100};
  for (uint64_t i = 1; i <= 3; i++) {
    add(&t, MINFER_SPAN_RUN, 0, t.now, 10 * MS);
    add(&t, MINFER_SPAN_LAYER, 0, t.now, i * MS);
    add(&t, MINFER_SPAN_LAYER, 1, t.now + 4 * MS, 2 * i * MS);
    t.now += 20 * MS;
  }
  breakdown b;
  assert_true(breakdown_make(&plan, t.spans, t.count, &b));
  assert_int_equal(b.runs, 3);
  assert_near(b.layer_ms[0], 2, 1e-9);
  assert_near(b.layer_ms[1], 4, 1e-9);
  assert_near(b.run_ms, 10, 1e-9);
  assert_true(isnan(b.primitive_ms[1]) && isnan(b.kinds[0].ms) && isnan(b.closure) && isnan(b.gap_ms));
  breakdown_free(&b);
}

static void test_nothing_traced(void **state) {
  (void)state;
  trace t = {.now = 100};
  add(&t, MINFER_SPAN_APPLICATION, 0, 0, 50);
  breakdown b;
  assert_true(breakdown_make(&plan, t.spans, t.count, &b));
  assert_int_equal(b.runs, 0);
  assert_true(isnan(b.run_ms) && isnan(b.layer_ms[0]));
  assert_int_equal(b.kinds[0].count, 2);
  breakdown_free(&b);
}

static void test_a_plan_without_reorders_still_lists_them(void **state) {
  (void)state;
  minfer_plan without = plan;
  without.primitives = primitives + 1;
  without.primitive_count = 3;
  breakdown b;
  assert_true(breakdown_counts(&without, &b));
  assert_int_equal(b.kind_count, 3);
  assert_string_equal(b.kinds[0].kind, "convolution"); // most first
  assert_string_equal(b.kinds[1].kind, "pooling");
  assert_string_equal(b.kinds[2].kind, "reorder");
  assert_int_equal(b.kinds[2].count, 0);
  breakdown_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_medians), cmocka_unit_test(test_partial_runs_are_left_out),
                                     cmocka_unit_test(test_layer_spans_only), cmocka_unit_test(test_nothing_traced),
                                     cmocka_unit_test(test_a_plan_without_reorders_still_lists_them)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
