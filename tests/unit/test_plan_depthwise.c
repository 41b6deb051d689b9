// The depthwise kernel in int8 against the reference: blocks of channels of all widths, several pieces of a row, bands
// that are not full, padding on any side, both signs; and where the plan takes it.
#include "kernel/depthwise.h"
#include "reference/support.h"
#include "unit/int8_samples.h"

static sample pick_depthwise(uint64_t seed) {
  sample s = {.plan = {.activations = MF_F32}};
  next_random(&seed);
  s.batch = PICK(&seed, 1, 1, 3);
  s.threads = PICK(&seed, 1, 2, 3);
  s.in = s.out = s.a.groups = PICK(&seed, 24, 25, 32, 50, 64, 72, 96, 100, 129, 192);
  s.kernel[0] = s.kernel[1] = PICK(&seed, 3, 3, 5);
  s.height = PICK(&seed, 5, 7, 8, 14, 15);
  s.width = PICK(&seed, 5, 7, 8, 28, 29, 31, 57, 61);
  const int stride = PICK(&seed, 1, 2);
  for (int i = 0; i < 2; i++) {
    s.a.stride[i] = stride;
    s.a.dilation[i] = 1;
    s.a.pad_begin[i] = pick(&seed, (int)s.kernel[0]);
    s.a.pad_end[i] = pick(&seed, (int)s.kernel[0]);
  }
  s.bias = pick(&seed, 3) > 0;
  s.tail = (tail)PICK(&seed, TAIL_NONE, TAIL_RELU, TAIL_RELU6);
  s.plan.layout = (mf_layout)PICK(&seed, MF_LAYOUT_AUTO, MF_LAYOUT_NHWC);
  s.plan.algorithm = (mf_algorithm)PICK(&seed, MF_ALGORITHM_AUTO, MF_ALGORITHM_WINOGRAD);
  s.plan.float_input = pick(&seed, 2);
  return s;
}

static int depthwise_steps(const sample *s, const stored *as, uint64_t seed, harness_steps *moved) {
  return int8_sample_steps(s, as, seed, "depthwise_", moved);
}

static void need_kernel(void) {
  if (!mf_depthwise_available()) support_skip("this processor has no AVX-512 VNNI");
}

static void test_samples(void **state) {
  (void)state;
  need_kernel();
  int kinds[2][2] = {{0}};
  harness_steps moved = {0};
  for (uint64_t id = 0; id < HARNESS_SAMPLES(600); id++) {
    uint64_t seed = id;
    sample s = pick_depthwise(seed);
    describe_sample(&s, id);
    const int source = pick(&seed, 2), destination = pick(&seed, 2);
    const stored as = {integers[source], integers[destination], pick(&seed, 2) ? 1 : 0.6f, 0, MF_F32};
    kinds[source][destination]++;
    if (depthwise_steps(&s, &as, id, &moved) != 1) fail_msg("%s: the kernel is not taken", s.label);
  }
  for (int i = 0; i < 4; i++) assert_true(kinds[i / 2][i % 2] > 0);
  harness_expect_few_moved(&moved);
}

// What it cannot compute stays oneDNN's.
static void test_others(void **state) {
  (void)state;
  need_kernel();
  sample fits = pick_depthwise(0);
  fits.batch = 1;
  fits.in = fits.out = fits.a.groups = 32;
  fits.height = fits.width = 9;
  fits.kernel[0] = fits.kernel[1] = 3;
  for (int i = 0; i < 2; i++) fits.a.stride[i] = fits.a.pad_begin[i] = fits.a.pad_end[i] = 1;
  fits.tail = TAIL_RELU;
  fits.plan = (mf_plan_options){.activations = MF_F32};
  const stored plain = {MF_U8, MF_U8, 1, 0, MF_F32};
  struct {
    sample s;
    stored as;
  } others[] = {{fits, plain}, {fits, plain}, {fits, plain}, {fits, plain}, {fits, plain}, {fits, plain},
                {fits, plain}, {fits, plain}, {fits, plain}, {fits, plain}, {fits, plain}};
  harness_steps moved = {0};
  snprintf(fits.label, sizeof fits.label, "fits");
  assert_int_equal(depthwise_steps(&fits, &plain, 0, &moved), 1);
  fits.bias = true;
  check_set_bias(&fits, &plain, "depthwise_");
  others[0].s.a.stride[0] = 2;
  others[1].s.a.stride[0] = others[1].s.a.stride[1] = 3;
  others[2].s.a.dilation[0] = others[2].s.a.dilation[1] = 2;
  others[3].s.kernel[0] = others[3].s.kernel[1] = 7;
  others[4].s.kernel[1] = 1;
  others[5].s.a.groups = 16; // two channels a group
  others[6].s.out = 64;      // two outputs a channel
  others[7].as.destination = MF_F32;
  others[8].as.zero_point = 128;
  others[9].s.plan.algorithm = MF_ALGORITHM_DIRECT;
  others[10].s.in = others[10].s.out = others[10].s.a.groups = 16;
  for (int i = 0; i < (int)COUNT(others); i++) {
    snprintf(others[i].s.label, sizeof others[i].s.label, "other %d", i);
    assert_int_equal(depthwise_steps(&others[i].s, &others[i].as, (uint64_t)i, &moved), 0);
  }
}

// Sums that the destination's scale would take out of 32 bits.
static void test_scales(void **state) {
  (void)state;
  need_kernel();
  sample s = pick_depthwise(1);
  s.tail = TAIL_NONE;
  snprintf(s.label, sizeof s.label, "saturated");
  harness_steps moved = {0};
  assert_int_equal(depthwise_steps(&s, &(stored){MF_S8, MF_S8, 1e-3f, 0, MF_F32}, 1, &moved), 1);
  assert_int_equal(depthwise_steps(&s, &(stored){MF_S8, MF_S8, 1e-8f, 0, MF_F32}, 1, &moved), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples), cmocka_unit_test(test_others),
                                     cmocka_unit_test(test_scales)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
