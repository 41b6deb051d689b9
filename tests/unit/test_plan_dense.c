// The int8 kernel for taps side by side against the reference: pictures, kernels of 1x1, and larger ones on words of
// channels whose padding is left out; blocks of channels of all widths, several pieces, padding on any side, any
// stride, residual sums, both signs; and where the plan takes it.
#include "kernel/dense.h"
#include "plan/onednn.h"
#include "reference/support.h"
#include "unit/int8_samples.h"

static void pick_picture(sample *s, uint64_t *seed) {
  s->in = PICK(seed, 1, 2, 3, 3, 4);
  s->height = PICK(seed, 11, 12, 17);
  s->width = PICK(seed, 11, 14, 50, 101);
  for (int i = 0; i < 2; i++) {
    s->kernel[i] = PICK(seed, 2, 3, 3, 5, 7, 11);
    s->a.stride[i] = PICK(seed, 1, 2, 3, 4);
    s->a.pad_begin[i] = pick(seed, (int)s->kernel[i]);
    s->a.pad_end[i] = pick(seed, (int)s->kernel[i]);
  }
}

static void pick_pointwise(sample *s, uint64_t *seed) {
  s->in = PICK(seed, 4, 16, 24, 32, 100, 256, 1000);
  s->height = PICK(seed, 1, 2, 7, 12);
  s->width = PICK(seed, 1, 3, 7, 14);
  for (int i = 0; i < 2; i++) {
    s->kernel[i] = 1;
    s->a.stride[i] = PICK(seed, 1, 1, 1, 2, 3);
  }
}

// Padding up to kernels that see nothing but it.
static void pick_words(sample *s, uint64_t *seed) {
  s->in = PICK(seed, 8, 12, 32, 64, 100);
  s->height = PICK(seed, 5, 6, 7, 12);
  s->width = PICK(seed, 5, 6, 7, 30);
  for (int i = 0; i < 2; i++) {
    s->kernel[i] = PICK(seed, 1, 2, 3, 3, 3, 5);
    s->a.stride[i] = PICK(seed, 1, 1, 2, 3, 5);
    s->a.pad_begin[i] = PICK(seed, 1, 1, 2, 6);
    s->a.pad_end[i] = PICK(seed, 0, 1, 1, 3, 6);
  }
}

static sample pick_dense(uint64_t seed) {
  sample s = {.a = {.groups = 1, .dilation = {1, 1}}, .plan = {.activations = MF_F32}};
  next_random(&seed);
  s.batch = PICK(&seed, 1, 1, 3);
  s.threads = PICK(&seed, 1, 2, 3);
  s.out = PICK(&seed, 24, 30, 32, 64, 60, 96, 153, 160, 192);
  switch (pick(&seed, 3)) {
  case 0:
    pick_picture(&s, &seed);
    break;
  case 1:
    pick_words(&s, &seed);
    break;
  default:
    pick_pointwise(&s, &seed);
  }
  s.bias = pick(&seed, 3) > 0;
  s.tail = (tail)PICK(&seed, TAIL_NONE, TAIL_RELU, TAIL_RELU6, TAIL_SUM, TAIL_SUM_RELU);
  s.plan.layout = (mf_layout)PICK(&seed, MF_LAYOUT_AUTO, MF_LAYOUT_NHWC);
  s.plan.algorithm = (mf_algorithm)PICK(&seed, MF_ALGORITHM_AUTO, MF_ALGORITHM_WINOGRAD);
  s.plan.float_input = pick(&seed, 2);
  return s;
}

static int dense_steps(const sample *s, const stored *as, uint64_t seed, harness_steps *moved) {
  return int8_sample_steps(s, as, seed, "dense_", moved);
}

static void need_kernel(void) {
  if (!mf_dense_available()) support_skip("this processor has no AVX-512 VNNI");
  if (mf_onednn_has_amx()) support_skip("with AMX oneDNN's kernels are taken");
}

static void test_samples(void **state) {
  (void)state;
  need_kernel();
  int kinds[2][2] = {{0}}, sums[2] = {0}, pictures = 0, words = 0, samples = 0;
  harness_steps moved = {0};
  for (uint64_t id = 0; id < HARNESS_SAMPLES(600); id++, samples++) {
    uint64_t seed = id;
    sample s = pick_dense(seed);
    describe_sample(&s, id);
    const bool picture = s.in <= MF_DENSE_PICTURE, padded = !picture && (s.a.pad_begin[0] || s.a.pad_begin[1]);
    const int source = padded ? 0 : pick(&seed, 2), destination = pick(&seed, 2);
    const stored as = {integers[source], integers[destination], pick(&seed, 2) ? 1 : 0.6f, 0, integers[pick(&seed, 2)]};
    kinds[source][destination]++;
    pictures += picture;
    words += padded;
    sums[as.summand == MF_S8] += s.tail >= TAIL_SUM;
    // With a sum the other convolution is one too.
    if (dense_steps(&s, &as, id, &moved) != 1 + (s.tail >= TAIL_SUM)) fail_msg("%s: the kernel is not taken", s.label);
  }
  for (int i = 0; i < 4; i++) assert_true(kinds[i / 2][i % 2] > 0);
  assert_true(pictures > 0 && words > 0 && pictures + words < samples && sums[0] > 0 && sums[1] > 0);
  harness_expect_few_moved(&moved);
}

// What it cannot compute, or not well, stays oneDNN's.
static void test_others(void **state) {
  (void)state;
  need_kernel();
  sample pointwise = {.batch = 1,
                      .in = 32,
                      .out = 64,
                      .height = 9,
                      .width = 9,
                      .kernel = {1, 1},
                      .a = {.groups = 1, .stride = {1, 1}, .dilation = {1, 1}},
                      .bias = true,
                      .tail = TAIL_RELU,
                      .threads = 2,
                      .plan = {.activations = MF_F32},
                      .label = "1x1"};
  sample picture = pointwise;
  picture.in = 3;
  picture.kernel[0] = picture.kernel[1] = 3;
  const stored plain = {MF_U8, MF_U8, 1, 0, MF_F32};
  harness_steps moved = {0};
  assert_int_equal(dense_steps(&pointwise, &plain, 0, &moved), 1);
  assert_int_equal(dense_steps(&picture, &plain, 0, &moved), 1);
  const stored from_signed = {MF_S8, MF_U8, 1, 0, MF_F32};
  check_set_bias(&pointwise, &from_signed, "dense_");
  sample late_sum = pointwise; // of its two convolutions the second does not add first
  late_sum.tail = TAIL_RELU_SUM_CLIP;
  const stored signed_summand = {MF_U8, MF_S8, 1, 0, MF_S8};
  assert_int_equal(dense_steps(&late_sum, &signed_summand, 0, &moved), 1);
  struct {
    sample s;
    stored as;
  } others[] = {{pointwise, plain}, {pointwise, plain}, {pointwise, plain}, {pointwise, plain}, {pointwise, plain},
                {pointwise, plain}, {picture, plain},   {picture, plain},   {picture, plain},   {picture, plain}};
  others[0].s.in = 30;
  others[1].s.out = 16;      // half of a narrow block
  others[2].s.kernel[0] = 3; // whose padding cannot be left out
  others[2].as.source = MF_S8;
  others[3].s.a.pad_begin[1] = 1;
  others[3].as.source = MF_S8;
  others[4].s.a.groups = 2;
  others[5].as.destination = MF_F32;
  others[6].s.in = 5;
  others[7].s.a.dilation[0] = 2;
  others[8].as.zero_point = 3;
  others[9].s.plan.algorithm = MF_ALGORITHM_DIRECT;
  for (int i = 0; i < (int)COUNT(others); i++) {
    snprintf(others[i].s.label, sizeof others[i].s.label, "other %d", i);
    assert_int_equal(dense_steps(&others[i].s, &others[i].as, (uint64_t)i, &moved), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples), cmocka_unit_test(test_others)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
