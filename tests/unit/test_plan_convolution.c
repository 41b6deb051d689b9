// Convolutions of all kinds in f32 and bf16, with the tails that passes fuse into them, against the reference.
#include "pass/pass.h"
#include "reference/support.h"
#include "unit/convolution_samples.h"

// What AVX-512 has no kernel for whatever the layout: a sum behind an activation on a depthwise convolution.
static bool may_be_reference(const sample *s) {
  const bool free_choice = s->plan.layout == MF_LAYOUT_AUTO && s->plan.algorithm == MF_ALGORITHM_AUTO;
  return !harness_has_avx512() || s->plan.activations != MF_F32 || !free_choice ||
         (s->a.groups == s->in && s->tail == TAIL_RELU_SUM_CLIP);
}

static bool has_format(const char *format, mf_layout layout, int64_t channels) {
  switch (layout) {
  case MF_LAYOUT_NHWC:
    return strcmp(format, "nhwc") == 0;
  case MF_LAYOUT_NCHW:
    return strcmp(format, "nchw") == 0;
  case MF_LAYOUT_BLOCKED: // images stay plain
    return channels < 8 ? strcmp(format, "nchw") == 0 : strcmp(format, "nChw16c") == 0 || strcmp(format, "nChw8c") == 0;
  default:
    return true;
  }
}

// The layout and the algorithm are those that were asked for.
static void check_step(const sample *s, const mf_step_info *step) {
  const char *found = strstr(step->impl, "gemm");
  const bool im2col = found && !(found - step->impl >= 2 && strncmp(found - 2, "br", 2) == 0);
  if (s->plan.algorithm != MF_ALGORITHM_AUTO && im2col != (s->plan.algorithm == MF_ALGORITHM_GEMM))
    fail_msg("%s: %s", s->label, step->impl);
  if (!may_be_reference(s) && strncmp(step->impl, "ref", 3) == 0) fail_msg("%s: %s", s->label, step->impl);
  if (!has_format(step->source.format, s->plan.layout, s->in) ||
      !has_format(step->destination.format, s->plan.layout, s->out))
    fail_msg("%s: from %s to %s", s->label, step->source.format, step->destination.format);
}

static void check_plan(const sample *s, const mf_plan *plan, int convolutions) {
  assert_int_equal(harness_count_steps(plan, "convolution"), convolutions);
  assert_int_equal(harness_count_steps(plan, "convolution") + harness_count_steps(plan, "reorder"), plan->step_count);
  for (int i = 0; i < plan->step_count; i++)
    if (!plan->steps[i].is_reorder) check_step(s, &plan->steps[i].info);
}

static void check(uint64_t seed, mf_dtype dtype, seen *n) {
  sample s = pick_sample(seed);
  s.plan.activations = dtype;
  describe_sample(&s, seed);
  mf_error e;
  mf_graph *g = sample_graph(&s), *fused = sample_graph(&s);
  OK(mf_pass_run_all(fused, &(mf_pass_options){.fusion = true}, &e));
  assert_int_equal(fused->node_count, s.tail >= TAIL_SUM ? 2 : 1);
  float *input = sample_input(g, seed);
  harness_engine engine;
  const mf_status status = harness_open(&engine, fused, &s.plan, s.threads, &e);
  if (status == MF_OK) {
    // In bf16 what is fused is not rounded in between.
    reference_tensor truth = harness_truth(dtype == MF_F32 ? g : fused, dtype, input);
    reference_tensor test = harness_run(&engine, input);
    harness_compare(g, &test, &truth, dtype == MF_F32 ? HARNESS_F32 : HARNESS_BF16, NULL, s.label);
    check_plan(&s, engine.plan, fused->node_count);
    reference_tensor_free(&truth);
    reference_tensor_free(&test);
    harness_close(&engine);
  } else { // oneDNN has no im2col for every layout and type; nothing else may be refused
    const bool allowed = status == MF_ERR_UNSUPPORTED && s.plan.algorithm == MF_ALGORITHM_GEMM;
    if (!allowed || !strstr(e.text, "no im2col convolution")) fail_msg("%s: %s", s.label, e.text);
    n->refused++;
  }
  note_sample(n, &s);
  mf_free(input);
  mf_graph_free(g);
  mf_graph_free(fused);
}

static void test_f32(void **state) {
  (void)state;
  seen n = {0};
  for (uint64_t seed = 0; seed < HARNESS_SAMPLES(1500); seed++) check(seed, MF_F32, &n);
  assert_seen(&n);
  assert_true(n.refused < n.algorithm[MF_ALGORITHM_GEMM] / 2);
}

static void test_bf16(void **state) {
  (void)state;
  harness_need_bf16();
  seen n = {0};
  for (uint64_t seed = 10000; seed < 10000 + HARNESS_SAMPLES(500); seed++) check(seed, MF_BF16, &n);
  assert_seen(&n);
  assert_true(n.refused < n.algorithm[MF_ALGORITHM_GEMM]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_f32), cmocka_unit_test(test_bf16)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
