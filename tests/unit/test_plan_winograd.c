// Winograd convolutions against the reference: odd sizes, padding on any side, every tail that can be taken in, several
// slabs of tiles; and where the plan takes them.
#include "pass/pass.h"
#include "reference/support.h"
#include "unit/convolution_samples.h"

static sample pick_winograd(uint64_t seed) {
  sample s = {.kernel = {3, 3}, .a = {.groups = 1, .stride = {1, 1}, .dilation = {1, 1}}};
  s.plan = (mf_plan_options){.activations = MF_F32, .algorithm = MF_ALGORITHM_WINOGRAD};
  next_random(&seed);
  s.batch = PICK(&seed, 1, 1, 3);
  s.threads = PICK(&seed, 1, 2, 3);
  s.in = PICK(&seed, 16, 32, 48);
  s.out = PICK(&seed, 16, 32, 80);
  s.height = PICK(&seed, 3, 4, 7, 8, 14);
  s.width = PICK(&seed, 3, 5, 6, 7, 12, 19);
  for (int i = 0; i < 2; i++) {
    s.a.pad_begin[i] = PICK(&seed, 0, 1, 1, 2);
    s.a.pad_end[i] = PICK(&seed, 0, 1, 1, 2);
  }
  s.bias = pick(&seed, 3) > 0;
  s.tail = (tail)PICK(&seed, TAIL_NONE, TAIL_RELU, TAIL_RELU6, TAIL_SUM, TAIL_SUM_RELU);
  s.plan.layout = (mf_layout)PICK(&seed, MF_LAYOUT_AUTO, MF_LAYOUT_NHWC);
  s.plan.float_input = pick(&seed, 2);
  return s;
}

static int winograd_steps(const sample *s, uint64_t seed, bool compare) {
  return float_sample_steps(s, seed, "winograd_4x4_3x3:", compare ? HARNESS_WINOGRAD : 0);
}

static void test_samples(void **state) {
  (void)state;
  int tails[TAILS] = {0};
  for (uint64_t seed = 0; seed < HARNESS_SAMPLES(400); seed++) {
    sample s = pick_winograd(seed);
    describe_sample(&s, seed);
    tails[s.tail]++;
    const int convolutions = s.tail >= TAIL_SUM ? 2 : 1;
    if (winograd_steps(&s, seed, true) != convolutions) fail_msg("%s: not all are Winograd's", s.label);
  }
  for (int i = TAIL_NONE; i <= TAIL_SUM_RELU; i++) assert_true(tails[i] > 0);
}

// More tiles than are computed together, the last slab not full.
static void test_slabs(void **state) {
  (void)state;
  sample s = pick_winograd(0);
  s.batch = 3;
  s.in = s.out = 48;
  s.height = 61;
  s.width = 58;
  s.threads = 2;
  s.tail = TAIL_SUM_RELU;
  describe_sample(&s, 0);
  assert_int_equal(winograd_steps(&s, 1, true), 2);
}

static sample plain_sample(void) {
  sample s = pick_winograd(0);
  s.batch = s.threads = 1;
  s.in = s.out = 32;
  s.height = s.width = 16;
  for (int i = 0; i < 2; i++) s.a.pad_begin[i] = s.a.pad_end[i] = 1;
  s.tail = TAIL_RELU;
  s.plan = (mf_plan_options){.activations = MF_F32};
  return s;
}

// Left to choose, the plan takes it where there are tiles enough; asked for others, never.
static void test_choice(void **state) {
  (void)state;
  sample s = plain_sample();
  assert_int_equal(winograd_steps(&s, 0, false), 1);
  s.height = 8; // 8 tiles
  assert_int_equal(winograd_steps(&s, 0, false), 0);
  s.batch = 2;
  assert_int_equal(winograd_steps(&s, 0, false), 1);
  s.height = s.width = 2; // three quarters of every tile are empty
  s.batch = 16;
  assert_int_equal(winograd_steps(&s, 0, false), 0);
  s = plain_sample();
  s.plan.algorithm = MF_ALGORITHM_DIRECT;
  assert_int_equal(winograd_steps(&s, 0, false), 0);
  s = plain_sample();
  s.plan.layout = MF_LAYOUT_NCHW;
  assert_int_equal(winograd_steps(&s, 0, false), 0);
}

// What it cannot compute stays oneDNN's, whatever is asked for.
static void test_others(void **state) {
  (void)state;
  const sample fits = plain_sample();
  sample others[] = {fits, fits, fits, fits, fits, fits, fits};
  others[0].a.stride[1] = 2;
  others[1].a.dilation[0] = 2;
  others[2].a.groups = 2;
  others[3].in = 24;
  others[4].out = 40;
  others[5].kernel[0] = 1;
  others[6].tail = TAIL_RELU_SUM_CLIP; // of its two convolutions the other one is plain
  for (int i = 0; i < (int)COUNT(others); i++) {
    others[i].plan.algorithm = MF_ALGORITHM_WINOGRAD;
    snprintf(others[i].label, sizeof others[i].label, "other %d", i);
    assert_int_equal(winograd_steps(&others[i], (uint64_t)i, true), i == 6 ? 1 : 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples), cmocka_unit_test(test_slabs),
                                     cmocka_unit_test(test_choice), cmocka_unit_test(test_others)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
