// Convolutions at random, for the tests of their lowering: every sample is a network of its own.
#ifndef TESTS_UNIT_CONVOLUTION_SAMPLES_H
#define TESTS_UNIT_CONVOLUTION_SAMPLES_H

#include "pass/pass.h"
#include "reference/harness.h"
#include "unit/graph_fixture.h"
#include <stdlib.h>

static inline int pick(uint64_t *seed, int count) {
  return (int)((next_random(seed) + 1) / 2 * count);
}
#define PICK(seed, ...) ((int[]){__VA_ARGS__}[pick((seed), COUNT(((int[]){__VA_ARGS__})))])

// What follows the convolution, for the passes to fuse. In the last three the sum's other operand is a second
// convolution of the same input.
typedef enum tail { TAIL_NONE, TAIL_RELU, TAIL_RELU6, TAIL_SUM, TAIL_SUM_RELU, TAIL_RELU_SUM_CLIP, TAILS } tail;

typedef struct sample {
  int64_t batch, in, out, height, width, kernel[2];
  mf_convolution a;
  bool bias;
  tail tail;
  int threads;
  mf_plan_options plan;
  char label[320];
} sample;

static const char *const layout_names[] = {"auto", "blocked", "nhwc", "nchw"};
static const char *const algorithm_names[] = {"auto", "direct", "gemm", "winograd"};

static inline void pick_channels(sample *s, uint64_t *seed) {
  s->in = PICK(seed, 3, 8, 17, 24, 32);
  s->out = PICK(seed, 3, 8, 17, 24, 32);
  switch (pick(seed, 4)) {
  case 0: // depthwise
    s->a.groups = s->out = s->in;
    break;
  case 1:
    s->a.groups = 2;
    s->in = PICK(seed, 8, 24, 32, 34);
    s->out = PICK(seed, 8, 24, 32, 6);
    break;
  default:
    s->a.groups = 1;
  }
}

// One dimension of the window: false when it does not fit.
static inline bool pick_window(sample *s, int i, uint64_t *seed) {
  s->a.stride[i] = PICK(seed, 1, 1, 2, 2, 3);
  s->a.dilation[i] = PICK(seed, 1, 1, 1, 2, 3);
  const int64_t kernel = s->kernel[i], reach = s->a.dilation[i] * (kernel - 1), size = i ? s->width : s->height;
  switch (pick(seed, 3)) {
  case 0: // same size at stride 1
    s->a.pad_begin[i] = reach / 2;
    s->a.pad_end[i] = reach - reach / 2;
    break;
  case 1:
    s->a.pad_begin[i] = s->a.pad_end[i] = 0;
    break;
  default:
    s->a.pad_begin[i] = pick(seed, (int)kernel);
    s->a.pad_end[i] = pick(seed, (int)kernel);
  }
  return size + s->a.pad_begin[i] + s->a.pad_end[i] > reach;
}

static inline sample pick_sample(uint64_t seed) {
  sample s = {.plan = {.activations = MF_F32}};
  next_random(&seed);
  s.batch = PICK(&seed, 1, 1, 3);
  s.threads = PICK(&seed, 1, 2);
  pick_channels(&s, &seed);
  do {
    s.height = PICK(&seed, 5, 7, 9, 14);
    s.width = PICK(&seed, 5, 7, 8, 15);
    s.kernel[0] = PICK(&seed, 1, 1, 3, 3, 5, 7);
    s.kernel[1] = pick(&seed, 4) ? s.kernel[0] : PICK(&seed, 1, 3, 5, 7);
  } while (!pick_window(&s, 0, &seed) || !pick_window(&s, 1, &seed));
  s.bias = pick(&seed, 3) > 0;
  s.tail = (tail)pick(&seed, TAILS);
  s.plan.layout =
      (mf_layout)PICK(&seed, MF_LAYOUT_AUTO, MF_LAYOUT_AUTO, MF_LAYOUT_BLOCKED, MF_LAYOUT_NHWC, MF_LAYOUT_NCHW);
  s.plan.algorithm =
      (mf_algorithm)PICK(&seed, MF_ALGORITHM_AUTO, MF_ALGORITHM_AUTO, MF_ALGORITHM_DIRECT, MF_ALGORITHM_GEMM);
  s.plan.float_input = pick(&seed, 2);
  return s;
}

static inline void describe_sample(sample *s, uint64_t seed) {
  snprintf(s->label, sizeof s->label,
           "sample %llu: %s %lldx%lldx%lldx%lld -> %lld, g%lld, k%lldx%lld s%lld,%lld d%lld,%lld p%lld-%lld,%lld-%lld, "
           "tail %d, %d threads, %s, %s",
           (unsigned long long)seed, mf_dtype_name(s->plan.activations), (long long)s->batch, (long long)s->in,
           (long long)s->height, (long long)s->width, (long long)s->out, (long long)s->a.groups,
           (long long)s->kernel[0], (long long)s->kernel[1], (long long)s->a.stride[0], (long long)s->a.stride[1],
           (long long)s->a.dilation[0], (long long)s->a.dilation[1], (long long)s->a.pad_begin[0],
           (long long)s->a.pad_end[0], (long long)s->a.pad_begin[1], (long long)s->a.pad_end[1], s->tail, s->threads,
           layout_names[s->plan.layout], algorithm_names[s->plan.algorithm]);
}

static inline mf_tensor_id add_sample_convolution(mf_graph *g, const sample *s, const char *name, mf_tensor_id x) {
  const int64_t row = s->in / s->a.groups;
  const double spread = sqrt(3.0 / (double)(row * s->kernel[0] * s->kernel[1]));
  mf_tensor_id inputs[3] = {x};
  inputs[1] = add_constant(g, join(g, name, "weight"), SHAPE(s->out, row, s->kernel[0], s->kernel[1]), 0, spread);
  if (s->bias) inputs[2] = add_constant(g, join(g, name, "bias"), SHAPE(s->out), 0, 0.5);
  return add_node(g, MF_OP_CONVOLUTION, name, (mf_attributes){.convolution = s->a}, inputs, s->bias ? 3 : 2);
}

#define RELU A(.eltwise = {.kind = MF_ELTWISE_RELU})
#define CLIP(low, high) A(.eltwise = {MF_ELTWISE_CLIP, low, high})

// As a network is built: nothing fused.
static inline mf_graph *sample_graph(const sample *s) {
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(s->batch, s->in, s->height, s->width));
  mf_tensor_id other = MF_NO_TENSOR;
  if (s->tail >= TAIL_SUM) other = add_sample_convolution(g, s, "other", x);
  mf_tensor_id y = add_sample_convolution(g, s, "conv", x);
  switch (s->tail) {
  case TAIL_RELU:
    y = ADD(g, ELTWISE, "relu", RELU, y);
    break;
  case TAIL_RELU6: // of a range that the values reach
    y = ADD(g, ELTWISE, "relu6", CLIP(0, 0.75f), y);
    break;
  case TAIL_SUM:
    y = add_sum(g, "sum", y, other);
    break;
  case TAIL_SUM_RELU:
    y = ADD(g, ELTWISE, "relu", RELU, add_sum(g, "sum", y, other));
    break;
  case TAIL_RELU_SUM_CLIP:
    y = ADD(g, ELTWISE, "clip", CLIP(-0.5f, 1), add_sum(g, "sum", ADD(g, ELTWISE, "relu", RELU, y), other));
    break;
  default:
    break;
  }
  g->output = y;
  return g;
}

static inline float *sample_input(const mf_graph *g, uint64_t seed) {
  const size_t count = reference_elements(&g->tensors[g->input].shape);
  float *input = mf_alloc(count * sizeof *input);
  assert_non_null(input);
  reference_random(seed, input, count);
  return input;
}

// Stored as `dtype`. A reach below 1 cuts off the largest values, and a u8 the negative ones: saturation.
static inline mf_quantization sample_quantization(const mf_histogram *range, mf_dtype dtype, float reach) {
  const float largest = fmaxf(fabsf(range->min), fabsf(range->max));
  const float scale = largest * reach / (dtype == MF_U8 ? 255.0f : 127.0f);
  return (mf_quantization){.set = true, .dtype = dtype, .scale = scale > 0 ? scale : 1};
}

// What was drawn, so that a test can tell that it saw every kind.
typedef struct seen {
  int refused, layout[4], algorithm[3], tail[TAILS], kernel[8], stride[4], dilation[4], groups[3], threads[3], batch[4];
} seen;

static inline void note_sample(seen *n, const sample *s) {
  n->layout[s->plan.layout]++;
  n->algorithm[s->plan.algorithm]++;
  n->tail[s->tail]++;
  for (int i = 0; i < 2; i++) {
    n->kernel[s->kernel[i]]++;
    n->stride[s->a.stride[i]]++;
    n->dilation[s->a.dilation[i]]++;
  }
  n->groups[s->a.groups > 2 ? 2 : s->a.groups - 1]++;
  n->threads[s->threads]++;
  n->batch[s->batch]++;
}

static inline void assert_seen(const seen *n) {
  for (int i = 0; i < 4; i++) assert_true(n->layout[i] > 0 && n->kernel[2 * i + 1] > 0);
  for (int i = 0; i < 3; i++)
    assert_true(n->algorithm[i] > 0 && n->stride[i + 1] > 0 && n->dilation[i + 1] > 0 && n->groups[i] > 0);
  for (int i = 0; i < TAILS; i++) assert_true(n->tail[i] > 0);
  assert_true(n->threads[1] > 0 && n->threads[2] > 0 && n->batch[1] > 0 && n->batch[3] > 0);
}

// How many steps of the sample's plan have an implementation whose name begins so; with a tolerance, results are
// compared with the reference.
static inline int float_sample_steps(const sample *s, uint64_t seed, const char *impl, double tolerance) {
  mf_error e;
  mf_graph *g = sample_graph(s), *fused = sample_graph(s);
  OK(mf_pass_run_all(fused, &(mf_pass_options){.fusion = true}, &e));
  harness_engine engine;
  OK(harness_open(&engine, fused, &s->plan, s->threads, &e));
  int count = 0;
  for (int i = 0; i < engine.plan->step_count; i++)
    count += strncmp(engine.plan->steps[i].info.impl, impl, strlen(impl)) == 0;
  if (tolerance > 0) {
    float *input = sample_input(g, seed);
    reference_tensor truth = harness_truth(g, MF_F32, input), test = harness_run(&engine, input);
    harness_compare(g, &test, &truth, tolerance, NULL, s->label);
    reference_tensor_free(&truth);
    reference_tensor_free(&test);
    mf_free(input);
  }
  harness_close(&engine);
  mf_graph_free(g);
  mf_graph_free(fused);
  return count;
}

#endif
