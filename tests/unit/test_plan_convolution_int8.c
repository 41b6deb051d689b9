// Convolutions of all kinds in int8, quantised by hand, against a reference that rounds weights and activations the
// same way: the integers have to agree, but for values that lie between two of them.
#include "pass/pass.h"
#include "reference/support.h"
#include "unit/convolution_samples.h"

typedef struct kinds { // s8, u8, float
  int source[3], destination[3], summand[3];
} kinds;
static const mf_dtype integers[] = {MF_S8, MF_U8};

// Source, destination and summand by chance. Integers are added to integers only; to floats both may be added.
static void annotate(mf_graph *g, const float *input, uint64_t *seed, kinds *n) {
  static const float reaches[] = {1, 1, 0.6f};
  mf_observations ranges = harness_ranges(g, input);
  for (int i = 0; i < g->node_count; i++) g->nodes[i].compute = MF_S8;
  const int source = pick(seed, 2), destination = pick(seed, 3), summand = pick(seed, destination < 2 ? 2 : 3);
  const mf_tensor_id added = g->nodes[0].output; // when there are two nodes
  g->tensors[g->input].quantization = sample_quantization(&ranges.tensors[g->input], integers[source], 1);
  n->source[source]++;
  if (destination < 2)
    g->tensors[g->output].quantization =
        sample_quantization(&ranges.tensors[g->output], integers[destination], reaches[pick(seed, 3)]);
  n->destination[destination]++;
  if (g->node_count == 2 && summand < 2)
    g->tensors[added].quantization = sample_quantization(&ranges.tensors[added], integers[summand], 1);
  if (g->node_count == 2) n->summand[summand]++;
  mf_observations_free(&ranges);
}

static void check(uint64_t id, harness_steps *steps, seen *n, kinds *stored) {
  uint64_t seed = id;
  sample s = pick_sample(seed);
  s.plan.layout = pick(&seed, 2) ? MF_LAYOUT_AUTO : MF_LAYOUT_NHWC;
  describe_sample(&s, id);
  mf_error e;
  mf_graph *g = sample_graph(&s);
  OK(mf_pass_run_all(g, &(mf_pass_options){.fusion = true}, &e));
  float *input = sample_input(g, seed);
  annotate(g, input, &seed, stored);
  harness_snap(g, input);
  OK(mf_graph_verify(g, &e));
  if (!harness_check(g, &s.plan, s.threads, input, HARNESS_F32, steps, s.label, &e)) {
    const bool allowed = s.plan.algorithm == MF_ALGORITHM_GEMM;
    if (!allowed || !strstr(e.text, "no im2col convolution")) fail_msg("%s: %s", s.label, e.text);
    n->refused++;
  }
  note_sample(n, &s);
  mf_free(input);
  mf_graph_free(g);
}

static void test_int8(void **state) {
  (void)state;
  seen n = {.layout = {[MF_LAYOUT_BLOCKED] = 1, [MF_LAYOUT_NCHW] = 1}}; // refused: below
  kinds stored = {0};
  harness_steps steps = {0};
  for (uint64_t seed = 20000; seed < 20000 + HARNESS_SAMPLES(1000); seed++) check(seed, &steps, &n, &stored);
  assert_seen(&n);
  for (int i = 0; i < 3; i++)
    assert_true((i == 2 || stored.source[i] > 0) && stored.destination[i] > 0 && stored.summand[i] > 0);
  harness_expect_few_moved(&steps);
}

// quant/ stores symmetrically today; the plan obeys an offset as well, in the padding too.
static void test_zero_points(void **state) {
  (void)state;
  mf_error e;
  harness_steps steps = {0};
  uint64_t seed = 30000;
  for (uint64_t id = 30000; id < 30000 + HARNESS_SAMPLES(300); id++) {
    sample s = pick_sample(id);
    kinds ignored = {0};
    s.plan.layout = MF_LAYOUT_AUTO;
    s.plan.algorithm = MF_ALGORITHM_AUTO;
    describe_sample(&s, id);
    mf_graph *g = sample_graph(&s);
    OK(mf_pass_run_all(g, &(mf_pass_options){.fusion = true}, &e));
    float *input = sample_input(g, id);
    annotate(g, input, &seed, &ignored);
    for (int t = 0; t < g->tensor_count; t++) {
      mf_quantization *q = &g->tensors[t].quantization;
      if (q->set && pick(&seed, 3)) q->zero_point = q->dtype == MF_U8 ? PICK(&seed, 100, 128) : PICK(&seed, -20, 7);
    }
    harness_snap(g, input);
    if (!harness_check(g, &s.plan, s.threads, input, HARNESS_F32, &steps, s.label, &e))
      fail_msg("%s: %s", s.label, e.text);
    mf_free(input);
    mf_graph_free(g);
  }
  harness_expect_few_moved(&steps);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_int8), cmocka_unit_test(test_zero_points)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
