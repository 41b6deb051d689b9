// How a batch is cut when nobody says so.
#include "plan/chunk.h"
#include "reference/support.h"

static void test_default(void **state) {
  (void)state;
  static const struct {
    int batch, chunk, amx_chunk;
  } table[] = {{1, 1, 1},   {7, 7, 7},    {8, 8, 8},    {9, 9, 9},       {12, 12, 6},  {31, 31, 31},
               {32, 32, 8}, {33, 33, 33}, {34, 17, 34}, {37, 37, 37},    {48, 24, 8},  {62, 31, 62},
               {64, 32, 8}, {74, 74, 74}, {100, 25, 5}, {127, 127, 127}, {128, 32, 8}, {65536, 32, 8}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    assert_int_equal(mf_plan_chunk(table[i].batch, false), table[i].chunk);
    assert_int_equal(mf_plan_chunk(table[i].batch, true), table[i].amx_chunk);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_default)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
