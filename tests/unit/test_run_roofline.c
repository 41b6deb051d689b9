// The roofline on an imaginary machine whose figures make every expected number a matter of mental arithmetic.
#include "reference/support.h"
// After cmocka.h.
#include "near.h"
#include "run/roofline.h"
#include <string.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

// Two threads: 200 GFLOP/s in f32, 800 in int8; 32 KiB L1 and 1 MiB L2 a core, 8 MiB L3 for both. GB/s are bytes a ns.
static const mf_peaks machine = {.cache_bytes = {32 * 1024, 1 << 20, 8 << 20},
                                 .row_count = 2,
                                 .rows = {{.threads = 1,
                                           .compute = {[MF_PEAK_F32] = {100, 3}, [MF_PEAK_INT8] = {400, 2}},
                                           .read = {{200, 3}, {100, 3}, {40, 3}, {10, 3}},
                                           .copy = {{160, 3}, {80, 3}, {20, 3}, {5, 3}}},
                                          {.threads = 4,
                                           .compute = {[MF_PEAK_F32] = {400, 2.4}, [MF_PEAK_INT8] = {1600, 2}},
                                           .read = {{800, 3}, {400, 3}, {160, 3}, {16, 3}},
                                           .copy = {{640, 3}, {320, 3}, {80, 3}, {8, 3}}}}};

static void expect(int threads, mf_work work, size_t footprint, double ns, const char *bound) {
  const mf_roof roof = mf_roofline(&machine, threads, &work, footprint);
  if (strcmp(roof.bound, bound) != 0) fail_msg("bound by \"%s\", not \"%s\" (%g ns)", roof.bound, bound, roof.ns);
  assert_near(roof.ns, ns, 1e-9 * ns);
}

static void test_compute(void **state) {
  (void)state;
  // 1e9 operations at 100 a ns; the operands would take 2 * 4000 / 160 = 50 ns.
  const mf_work work = {.type = MF_PEAK_F32, .flops = 1e9, .read = 4000, .written = 4000};
  expect(1, work, 16 * KIB, 1e7, "compute");
  expect(4, work, 16 * KIB, 2.5e6, "compute");
  // A line through 100 and 400: 200 with two threads.
  expect(2, work, 16 * KIB, 5e6, "compute");
  // More threads than were measured are as fast as the most.
  expect(64, work, 16 * KIB, 2.5e6, "compute");
}

static void test_types(void **state) {
  (void)state;
  mf_work work = {.type = MF_PEAK_INT8, .flops = 1e9, .read = 4000, .written = 4000};
  expect(1, work, 16 * KIB, 2.5e6, "compute");
  work.type = MF_PEAK_BF16; // not measured: as fast as f32
  expect(1, work, 16 * KIB, 1e7, "compute");
}

// Reading 3 parts and writing 1: the one is copied with one of the three, two are read.
static void test_levels(void **state) {
  (void)state;
  struct {
    size_t unit;
    double read, copy;
    const char *level;
  } cases[] = {{8 * KIB, 200, 160, "L1"},      {8 * KIB + 64, 100, 80, "L2"}, {256 * KIB, 100, 80, "L2"},
               {256 * KIB + 64, 40, 20, "L3"}, {2 * MIB, 40, 20, "L3"},       {2 * MIB + 64, 10, 5, "DRAM"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const double unit = (double)cases[i].unit;
    expect(1, (mf_work){.flops = 1, .read = 3 * cases[i].unit, .written = cases[i].unit}, 4 * cases[i].unit,
           2 * unit / cases[i].copy + 2 * unit / cases[i].read, cases[i].level);
  }
  // Four cores have four times the L1 and L2, and the same L3.
  expect(4, (mf_work){.read = 128 * KIB}, 128 * KIB, 128. * 1024 / 800, "L1");
  expect(4, (mf_work){.read = 4 * MIB}, 4 * MIB, 4. * (1 << 20) / 400, "L2");
  expect(4, (mf_work){.read = 9 * MIB}, 9 * MIB, 9. * (1 << 20) / 16, "DRAM");
}

// More written than read: all of it at the rate of a copy.
static void test_writing(void **state) {
  (void)state;
  expect(1, (mf_work){.read = 1000, .written = 4000}, 5000, 5000. / 160, "L1");
  expect(1, (mf_work){.written = 1600}, 1600, 10, "L1");
}

// Weights come from where a run's footprint lies, activations from where the operands do.
static void test_weights(void **state) {
  (void)state;
  const mf_work work = {.flops = 1, .weights = 100000, .read = 50000, .written = 50000};
  expect(1, work, 200000, 100000. / 80 + 100000. / 100, "L2");
  expect(1, work, 4 * MIB, 100000. / 80 + 100000. / 40, "L3"); // 1250 ns from L2, 2500 from L3
  expect(1, work, 40 * MIB, 100000. / 80 + 100000. / 10, "DRAM");
  const mf_work few = {.flops = 1, .weights = 1000, .read = 50000, .written = 50000};
  expect(1, few, 40 * MIB, 100000. / 80 + 100, "L2");
}

static void test_levels_that_were_not_measured(void **state) {
  (void)state;
  mf_peaks p = machine;
  p.rows[0].read[MF_MEMORY_L3] = p.rows[0].copy[MF_MEMORY_L3] = (mf_peak){0};
  const mf_roof roof = mf_roofline(&p, 1, &(mf_work){.read = 2 * MIB}, 2 * MIB);
  assert_string_equal(roof.bound, "DRAM");
  p.cache_bytes[MF_MEMORY_L1] = 0;
  assert_string_equal(mf_roofline(&p, 1, &(mf_work){.read = 64}, 64).bound, "L2");
}

static void test_nothing(void **state) {
  (void)state;
  const mf_roof roof = mf_roofline(&machine, 1, &(mf_work){0}, 0);
  assert_true(roof.ns == 0);
  assert_string_equal(roof.bound, "");
}

static void test_rows_between(void **state) {
  (void)state;
  const mf_peak_row row = mf_peaks_at(&machine, 3);
  assert_int_equal(row.threads, 3);
  assert_near(row.compute[MF_PEAK_F32].rate, 300, 1e-9);
  assert_near(row.compute[MF_PEAK_F32].clock_ghz, 2.6, 1e-9);
  assert_near(row.read[MF_MEMORY_DRAM].rate, 14, 1e-9);
  assert_near(row.copy[MF_MEMORY_L3].rate, 60, 1e-9);
  assert_true(row.compute[MF_PEAK_BF16].rate == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_compute), cmocka_unit_test(test_types),
      cmocka_unit_test(test_levels),  cmocka_unit_test(test_writing),
      cmocka_unit_test(test_weights), cmocka_unit_test(test_levels_that_were_not_measured),
      cmocka_unit_test(test_nothing), cmocka_unit_test(test_rows_between)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
