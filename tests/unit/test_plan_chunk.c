// How a batch is cut when nobody says so.
#include "plan/chunk.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

static void test_default(void **state) {
  (void)state;
  static const struct {
    int batch, chunk, small, low; // not f32, with AMX or of low intensity; in f32 of low intensity
  } table[] = {{1, 1, 1, 1},     {4, 4, 4, 4},         {7, 7, 7, 7},    {8, 8, 8, 4},     {9, 9, 9, 3},
               {12, 12, 6, 4},   {31, 31, 31, 31},     {32, 32, 8, 4},  {33, 33, 33, 3},  {34, 17, 34, 2},
               {37, 37, 37, 37}, {48, 24, 8, 4},       {62, 31, 62, 2}, {64, 32, 8, 4},   {74, 74, 74, 2},
               {100, 25, 5, 4},  {127, 127, 127, 127}, {128, 32, 8, 4}, {65536, 32, 8, 4}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const int batch = table[i].batch;
    for (int amx = 0; amx < 2; amx++) {
      assert_int_equal(mf_plan_chunk(batch, true, amx, 700), table[i].chunk);
      assert_int_equal(mf_plan_chunk(batch, true, amx, 250), table[i].low);
      assert_int_equal(mf_plan_chunk(batch, false, amx, 700), amx ? table[i].small : table[i].chunk);
      assert_int_equal(mf_plan_chunk(batch, false, amx, 250), table[i].small);
    }
  }
}

// Two convolutions by hand; what does not multiply counts for nothing.
static void test_intensity(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(2, 8, 10, 10));
  const mf_tensor_id y = add_relu(g, "relu", plain_convolution(g, "conv", x, 16, 1));
  g->output = plain_convolution(g, "last", y, 4, 1);
  const double numbers = 2 * 16 * 100 + 2 * 4 * 100, flops = 2.0 * 2 * 100 * (16 * 8 + 4 * 16);
  const double found = mf_plan_intensity(g), wanted = flops / numbers;
  if (fabs(found - wanted) > 1e-9 * wanted) fail_msg("%g (expected %g)", found, wanted);
  mf_graph_free(g);
  g = new_graph();
  g->output = add_relu(g, "relu", add_input(g, SHAPE(1, 8, 10, 10)));
  assert_true(mf_plan_intensity(g) == 0);
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_default), cmocka_unit_test(test_intensity)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
