// Convolutions at random in int8, for the tests of kernels of our own.
#ifndef TESTS_UNIT_INT8_SAMPLES_H
#define TESTS_UNIT_INT8_SAMPLES_H

#include "pass/pass.h"
#include "unit/convolution_samples.h"

static const mf_dtype integers[] = {MF_U8, MF_S8};

typedef struct stored {
  mf_dtype source, destination;
  float reach; // of the destination's scale
  int zero_point;
  mf_dtype summand; // MF_F32: as the destination
} stored;

static inline mf_tensor_id summand_of(const mf_graph *g) {
  for (int i = 0; i < g->node_count; i++)
    for (int p = 0; p < g->nodes[i].post_count; p++)
      if (g->nodes[i].posts[p].kind == MF_POST_SUM) return g->nodes[i].inputs[g->nodes[i].posts[p].input];
  return MF_NO_TENSOR;
}

// A sample's network in int8, and an input that its numbers hold exactly. Both are the caller's.
static inline mf_graph *int8_sample_graph(const sample *s, const stored *as, uint64_t seed, float **input) {
  mf_error e;
  mf_graph *g = sample_graph(s);
  OK(mf_pass_run_all(g, &(mf_pass_options){.fusion = true}, &e));
  *input = sample_input(g, seed);
  mf_observations ranges = harness_ranges(g, *input);
  for (int i = 0; i < g->node_count; i++) g->nodes[i].compute = MF_S8;
  g->tensors[g->input].quantization = sample_quantization(&ranges.tensors[g->input], as->source, 1);
  g->tensors[g->input].quantization.zero_point = as->zero_point;
  if (as->destination != MF_F32)
    g->tensors[g->output].quantization = sample_quantization(&ranges.tensors[g->output], as->destination, as->reach);
  const mf_tensor_id summand = summand_of(g);
  if (summand != MF_NO_TENSOR && as->summand != MF_F32)
    g->tensors[summand].quantization = sample_quantization(&ranges.tensors[summand], as->summand, 1);
  mf_observations_free(&ranges);
  harness_snap(g, *input);
  return g;
}

static inline int steps_of(const mf_plan *plan, const char *impl) {
  int count = 0;
  for (int i = 0; i < plan->step_count; i++) count += strncmp(plan->steps[i].info.impl, impl, strlen(impl)) == 0;
  return count;
}

// Compared with the reference; returns how many steps have an implementation whose name begins so.
static inline int int8_sample_steps(const sample *s, const stored *as, uint64_t seed, const char *impl,
                                    harness_steps *moved) {
  mf_error e;
  float *input;
  mf_graph *g = int8_sample_graph(s, as, seed, &input);
  if (!harness_check(g, &s->plan, s->threads, input, HARNESS_F32, moved, s->label, &e))
    fail_msg("%s: %s", s->label, e.text);
  harness_engine engine;
  OK(harness_open(&engine, g, &s->plan, s->threads, &e));
  const int count = steps_of(engine.plan, impl);
  harness_close(&engine);
  mf_free(input);
  mf_graph_free(g);
  return count;
}

// Another bias for a plan that is made computes what a plan that is made with it does.
static inline void check_set_bias(const sample *s, const stored *as, const char *impl) {
  mf_error e;
  float *input;
  mf_graph *g = int8_sample_graph(s, as, 1, &input);
  harness_engine before, after;
  OK(harness_open(&before, g, &s->plan, s->threads, &e));
  assert_int_equal(steps_of(before.plan, impl), 1);
  reference_tensor first = harness_run(&before, input);
  mf_tensor *bias = &g->tensors[g->nodes[0].inputs[2]];
  float *other = mf_alloc((size_t)s->out * sizeof *other);
  for (int64_t c = 0; c < s->out; c++) other[c] = bias->data[c] + (float)(c % 5) * 0.1f;
  assert_true(mf_plan_set_bias(before.plan, 0, other));
  bias->data = other;
  OK(harness_open(&after, g, &s->plan, s->threads, &e));
  reference_tensor changed = harness_run(&before, input), made = harness_run(&after, input);
  int differ = 0;
  for (size_t i = 0; i < reference_elements(&made.shape); i++) {
    assert_true(changed.data[i] == made.data[i]);
    differ += changed.data[i] != first.data[i];
  }
  assert_true(differ > 0);
  reference_tensor_free(&first);
  reference_tensor_free(&changed);
  reference_tensor_free(&made);
  harness_close(&before);
  harness_close(&after);
  mf_graph_free(g);
  mf_free(other);
  mf_free(input);
}

#endif
