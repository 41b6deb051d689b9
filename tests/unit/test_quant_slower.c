// Layers that are slower in int8: which of them pay, by times that are made up here.
#include "quant/slower.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

// input - a - b - c - d: four layers in a row, and e, which reads a too.
static mf_graph *make(void) {
  mf_graph *g = new_graph();
  mf_tensor_id a = plain_convolution(g, "a", add_input(g, SHAPE(1, 3, 4, 4)), 3, 1), x = a;
  x = plain_convolution(g, "b", x, 3, 1);
  x = plain_convolution(g, "c", x, 3, 1);
  x = plain_convolution(g, "d", x, 3, 1);
  const mf_tensor_id e = plain_convolution(g, "e", a, 3, 1);
  g->output = add_sum(g, "sum", x, e);
  return g;
}

typedef struct row {
  double before[6], now[6];
  bool floats[6], left[6];
} row;

static void test_dropped(void **state) {
  (void)state;
  static const row rows[] = {
      // faster by itself, nothing lost around it
      {{2, 3, 2, 2, 2, 1}, {2, 1, 2, 2, 2, 1}, {0, 1}, {0, 1}},
      // what it gains the conversion in front of the next layer takes
      {{2, 3, 2, 2, 2, 1}, {2, 1, 5, 2, 2, 1}, {0, 1}, {0}},
      // or the layer before it, which has more to write
      {{2, 3, 2, 2, 2, 1}, {4.5, 1, 2, 2, 2, 1}, {0, 1}, {0}},
      // no gain is no reason
      {{2, 3, 2, 2, 2, 1}, {2, 3, 2, 2, 2, 1}, {0, 1}, {0}},
      // what happens elsewhere does not count
      {{2, 3, 2, 2, 2, 1}, {2, 1, 2, 9, 9, 9}, {0, 1}, {0, 1}},
      // each by itself: b stays, d does not; a's other reader counts for a
      {{2, 3, 2, 3, 2, 1}, {2, 1, 2, 2, 2, 9}, {0, 1, 0, 1}, {0, 1}},
      {{3, 2, 2, 2, 2, 1}, {1, 2, 2, 2, 5, 1}, {1}, {0}},
  };
  mf_graph *g = make();
  for (int i = 0; i < COUNT(rows); i++) {
    bool floats[6];
    memcpy(floats, rows[i].floats, sizeof floats);
    const bool dropped = mf_slower_drop(g, rows[i].before, rows[i].now, floats);
    if (memcmp(floats, rows[i].left, sizeof floats) != 0) fail_msg("row %d", i);
    assert_int_equal(dropped, memcmp(floats, rows[i].floats, sizeof floats) != 0);
  }
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_dropped)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
