// The f32 kernel for 1x1 against the reference: pixels and channels that fill no group and no block, every tail that
// can be taken in; and where the plan takes it.
#include "kernel/pointwise.h"
#include "reference/support.h"
#include "unit/convolution_samples.h"

static sample pick_pointwise(uint64_t seed) {
  sample s = {.kernel = {1, 1}, .a = {.groups = 1, .stride = {1, 1}, .dilation = {1, 1}}};
  s.plan = (mf_plan_options){.activations = MF_F32};
  next_random(&seed);
  s.batch = PICK(&seed, 1, 1, 3);
  s.threads = PICK(&seed, 1, 2, 3);
  s.in = PICK(&seed, 1, 3, 16, 24, 100, 300);
  s.out = PICK(&seed, 1, 8, 16, 24, 40, 64, 72, 144, 200);
  s.height = PICK(&seed, 1, 2, 7, 14);
  s.width = PICK(&seed, 1, 3, 5, 7, 13);
  s.bias = pick(&seed, 3) > 0;
  s.tail = (tail)PICK(&seed, TAIL_NONE, TAIL_RELU, TAIL_RELU6, TAIL_SUM, TAIL_SUM_RELU);
  s.plan.layout = (mf_layout)PICK(&seed, MF_LAYOUT_AUTO, MF_LAYOUT_NHWC);
  s.plan.algorithm = (mf_algorithm)PICK(&seed, MF_ALGORITHM_AUTO, MF_ALGORITHM_WINOGRAD);
  s.plan.float_input = pick(&seed, 2);
  return s;
}

static int pointwise_steps(const sample *s, uint64_t seed) {
  return float_sample_steps(s, seed, "pointwise:", HARNESS_F32);
}

static void need_kernel(void) {
  if (!mf_pointwise_available()) support_skip("this processor has no AVX-512");
}

static void test_samples(void **state) {
  (void)state;
  need_kernel();
  int tails[TAILS] = {0};
  for (uint64_t seed = 0; seed < HARNESS_SAMPLES(600); seed++) {
    sample s = pick_pointwise(seed);
    describe_sample(&s, seed);
    tails[s.tail]++;
    if (pointwise_steps(&s, seed) != (s.tail >= TAIL_SUM ? 2 : 1)) fail_msg("%s: the kernel is not taken", s.label);
  }
  for (int i = TAIL_NONE; i <= TAIL_SUM_RELU; i++) assert_true(tails[i] > 0);
}

// What it cannot compute, or not well, stays oneDNN's.
static void test_others(void **state) {
  (void)state;
  need_kernel();
  sample fits = pick_pointwise(0);
  fits.batch = fits.threads = 1;
  fits.in = fits.out = 32;
  fits.height = fits.width = 7;
  fits.tail = TAIL_RELU;
  fits.plan = (mf_plan_options){.activations = MF_F32};
  describe_sample(&fits, 0);
  assert_int_equal(pointwise_steps(&fits, 0), 1);
  sample others[] = {fits, fits, fits, fits, fits, fits};
  others[0].a.stride[1] = 2;
  others[1].a.pad_begin[0] = 1;
  others[2].a.groups = 2;
  others[3].out = 256;
  others[4].plan.layout = MF_LAYOUT_NCHW;
  others[5].plan.algorithm = MF_ALGORITHM_DIRECT;
  for (int i = 0; i < (int)COUNT(others); i++) {
    describe_sample(&others[i], 0);
    if (pointwise_steps(&others[i], 0) != 0) fail_msg("%s: the kernel is taken", others[i].label);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples), cmocka_unit_test(test_others)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
