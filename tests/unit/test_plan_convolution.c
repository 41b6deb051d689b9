// Convolutions of all kinds in f32 and bf16, with the tails that passes fuse into them, against the reference.
#include "pass/pass.h"
#include "reference/support.h"
#include "unit/convolution_samples.h"

static void check(uint64_t seed, mf_dtype dtype, seen *n) {
  sample s = pick_sample(seed);
  s.plan.activations = dtype;
  describe_sample(&s, seed);
  mf_error e;
  mf_graph *g = sample_graph(&s), *fused = sample_graph(&s);
  OK(mf_pass_run_all(fused, &(mf_pass_options){.fusion = true}, &e));
  OK(mf_graph_verify(fused, &e));
  assert_int_equal(fused->node_count, s.tail >= TAIL_SUM ? 2 : 1);
  float *input = sample_input(g, seed);
  harness_engine engine;
  const mf_status status = harness_open(&engine, fused, &s.plan, s.threads, &e);
  if (status != MF_OK) {
    // oneDNN has no im2col for every layout and type; nothing else may be refused.
    const bool allowed = status == MF_ERR_UNSUPPORTED && s.plan.algorithm == MF_ALGORITHM_GEMM;
    if (!allowed || !strstr(e.text, "no im2col convolution")) fail_msg("%s: %s", s.label, e.text);
    n->refused++;
  } else {
    reference_tensor truth = harness_truth(dtype == MF_F32 ? g : fused, dtype, input), test = harness_run(&engine, input);
    harness_compare(g, &test, &truth, dtype == MF_F32 ? HARNESS_F32 : HARNESS_BF16, NULL, s.label);
    assert_int_equal(harness_count_steps(engine.plan, "convolution"), fused->node_count);
    assert_int_equal(harness_count_steps(engine.plan, "sum") + harness_count_steps(engine.plan, "eltwise"), 0);
    if(getenv("V")) for (int i = 0; i < engine.plan->step_count; i++) printf("%s | %s | %s %s\n", engine.plan->steps[i].info.impl, engine.plan->steps[i].info.problem, engine.plan->steps[i].info.post_ops, s.label);
    n->reference += harness_count_reference(engine.plan);
    reference_tensor_free(&truth);
    reference_tensor_free(&test);
    harness_close(&engine);
  }
  note_sample(n, &s);
  mf_free(input);
  mf_graph_free(g);
  mf_graph_free(fused);
}

static void test_f32(void **state) {
  (void)state;
  seen n = {0};
  for (uint64_t seed = 0; seed < HARNESS_SAMPLES(1000); seed++) check(seed, MF_F32, &n);
  print_message("%d samples, %d refused, %d reference\n", n.samples, n.refused, n.reference);
}

static void test_bf16(void **state) {
  (void)state;
  harness_need_bf16();
  seen n = {0};
  for (uint64_t seed = 10000; seed < 10000 + HARNESS_SAMPLES(300); seed++) check(seed, MF_BF16, &n);
  print_message("%d samples, %d refused, %d reference\n", n.samples, n.refused, n.reference);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_f32), cmocka_unit_test(test_bf16)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
