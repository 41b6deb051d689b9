// What the tests of the lowerings share: graphs with posts and annotations set by hand, and one check for all of them.
#ifndef TESTS_UNIT_PLAN_FIXTURE_H
#define TESTS_UNIT_PLAN_FIXTURE_H

#include "graph/eltwise.h"
#include "reference/harness.h"
#include "unit/graph_fixture.h"
#include <stdio.h>

static inline int pick(uint64_t *seed, int count) {
  return (int)((next_random(seed) + 1) / 2 * count);
}
#define PICK(seed, ...) ((int[]){__VA_ARGS__}[pick((seed), COUNT(((int[]){__VA_ARGS__})))])

#define RELU A(.eltwise = {.kind = MF_ELTWISE_RELU})
#define CLIP(low, high) A(.eltwise = {MF_ELTWISE_CLIP, low, high})

static inline float *random_input(const mf_graph *g, uint64_t seed) {
  const size_t count = reference_elements(&g->tensors[g->input].shape);
  float *input = mf_alloc(count * sizeof *input);
  assert_non_null(input);
  reference_random(seed, input, count);
  return input;
}

// A convolution that keeps height and width, with these posts; `summand` is what their sum adds.
static inline mf_tensor_id fused_convolution(mf_graph *g, const char *name, mf_tensor_id x, int64_t out, int64_t kernel,
                                             int64_t groups, const mf_post *posts, int post_count,
                                             mf_tensor_id summand) {
  mf_error e;
  mf_tensor_id inputs[4] = {x}, id;
  const int64_t row = channels(g, x) / groups, pad = kernel / 2;
  inputs[1] = add_constant(g, join(g, name, "weight"), SHAPE(out, row, kernel, kernel), 0,
                           sqrt(3.0 / (double)(row * kernel * kernel)));
  inputs[2] = add_constant(g, join(g, name, "bias"), SHAPE(out), 0, 0.5);
  inputs[3] = summand;
  mf_node node = {.op = MF_OP_CONVOLUTION,
                  .name = name,
                  .inputs = inputs,
                  .input_count = summand == MF_NO_TENSOR ? 3 : 4,
                  .attributes.convolution = {{1, 1}, {1, 1}, {pad, pad}, {pad, pad}, groups},
                  .post_count = post_count};
  for (int i = 0; i < post_count; i++) {
    node.posts[i] = posts[i];
    if (posts[i].kind == MF_POST_SUM) node.posts[i].input = 3;
  }
  OK(mf_graph_add_node(g, &node, &id, &e));
  return id;
}

static inline mf_tensor_id plain_convolution(mf_graph *g, const char *name, mf_tensor_id x, int64_t out,
                                             int64_t kernel) {
  return fused_convolution(g, name, x, out, kernel, 1, NULL, 0, MF_NO_TENSOR);
}

// Stored as `dtype`, with the largest value at `reach` times the largest integer. A reach below 1 cuts off the largest
// values, and a u8 the negative ones.
static inline mf_quantization quantise(const mf_histogram *range, mf_dtype dtype, float reach) {
  const float largest = fmaxf(fabsf(range->min), fabsf(range->max));
  const float scale = largest * reach / (dtype == MF_U8 ? 255.0f : 127.0f);
  return (mf_quantization){.set = true, .dtype = dtype, .scale = scale > 0 ? scale : 1};
}

// Convolutions and inner products compute in int8; what they read and write is annotated, the n-th tensor as u8 or s8
// by the n-th bit of `unsigned_mask`. Weights and input are moved onto their grids.
static inline void annotate_all(mf_graph *g, float *input, unsigned unsigned_mask) {
  mf_observations ranges = harness_ranges(g, input);
  for (int i = 0; i < g->node_count; i++) {
    mf_node *node = &g->nodes[i];
    if (node->op != MF_OP_CONVOLUTION && node->op != MF_OP_INNER_PRODUCT) continue;
    node->compute = MF_S8;
    const mf_tensor_id ends[] = {node->inputs[0], node->output};
    for (int k = 0; k < 2; k++) {
      mf_quantization *q = &g->tensors[ends[k]].quantization;
      if (!q->set) *q = quantise(&ranges.tensors[ends[k]], unsigned_mask >> (ends[k] % 32) & 1 ? MF_U8 : MF_S8, 1);
    }
  }
  mf_observations_free(&ranges);
  harness_snap(g, input);
}

// The engine takes the graph and gives the truth.
static inline void expect_same(const mf_graph *g, const mf_plan_options *options, int threads, const float *input,
                               double tolerance, harness_steps *steps, const char *label) {
  mf_error e;
  OK(mf_graph_verify(g, &e));
  if (!harness_check(g, options, threads, input, tolerance, steps, label, &e)) fail_msg("%s: %s", label, e.text);
}

// Where an operator stands: what is in front of it and behind it decides the layouts and types it meets.
typedef struct place {
  mf_shape input; // N,C,H,W
  bool convolution_before, convolution_behind, int8;
  int threads;
  mf_plan_options plan;
} place;

static inline place pick_place(uint64_t *seed) {
  place p = {.input = SHAPE(PICK(seed, 1, 3), PICK(seed, 3, 8, 17, 24, 32), PICK(seed, 4, 6, 7), PICK(seed, 5, 6, 9)),
             .convolution_before = pick(seed, 3),
             .convolution_behind = pick(seed, 2),
             .threads = PICK(seed, 1, 2)};
  p.int8 = p.convolution_before && pick(seed, 4) == 0;
  p.plan.layout = (mf_layout)(p.int8 ? PICK(seed, MF_LAYOUT_AUTO, MF_LAYOUT_NHWC) : pick(seed, 4));
  p.plan.activations = !p.int8 && harness_has_bf16() && pick(seed, 3) == 0 ? MF_BF16 : MF_F32;
  p.plan.float_input = pick(seed, 2);
  return p;
}

// Adds the operator behind `x`; `what` says which one.
typedef mf_tensor_id (*add_operator)(mf_graph *g, mf_tensor_id x, const void *what);

// The operator in `count` places. Its output is N,C,H,W or N,C. What multiplies in int8 behind rounded integers may
// carry a step of them on, so such graphs end with the operator.
static inline void check_in_places(add_operator add, const void *what, int count, const char *label) {
  harness_steps steps = {0};
  uint64_t seed = 1;
  for (const char *c = label; *c; c++) seed = seed * 31 + (uint64_t)*c;
  for (int i = 0; i < HARNESS_SAMPLES(count); i++) {
    char text[320];
    const place p = pick_place(&seed);
    mf_graph *g = new_graph();
    mf_tensor_id x = add_input(g, p.input);
    if (p.convolution_before) x = plain_convolution(g, "before", x, PICK(&seed, 3, 8, 17, 24, 32), 3);
    x = add(g, x, what);
    if (p.convolution_behind && !p.int8 && g->tensors[x].shape.rank == 4) x = plain_convolution(g, "behind", x, 24, 1);
    g->output = x;
    float *input = random_input(g, seed);
    if (p.int8) annotate_all(g, input, (unsigned)pick(&seed, 4096));
    snprintf(text, sizeof text, "%s, place %d: %s, layout %d, %s%s%s%s%d threads", label, i,
             mf_shape_print(&p.input).text, p.plan.layout, mf_dtype_name(p.plan.activations), p.int8 ? ", int8" : "",
             p.convolution_before ? ", conv before" : "", p.convolution_behind ? ", conv behind, " : ", ", p.threads);
    expect_same(g, &p.plan, p.threads, input, p.plan.activations == MF_F32 ? HARNESS_F32 : HARNESS_BF16, &steps, text);
    mf_free(input);
    mf_graph_free(g);
  }
}

#endif
