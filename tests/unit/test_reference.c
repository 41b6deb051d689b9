// The reference kernels against numbers of other engines (reference_values.h), and the graph runner against them.
#include "reference/reference.h"
#include "reference/support.h"
#include "reference_values.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SHAPE(...) ((mf_shape){sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}})
#define EXACT 0.0
#define FLOAT 3e-7 // the other engine's float rounding of its last steps

static reference_tensor zeros(mf_shape shape) {
  reference_tensor t;
  mf_error e;
  support_ok(reference_tensor_create(&t, &shape, &e), &e);
  return t;
}

// Multiples of 1/32 in [-50/32, 50/32]: sums of their products are exact in float.
static float pattern_value(int seed, int64_t i) {
  return (float)((7 * i * i + 37 * i + 11 * seed) % 101 - 50) / 32;
}

static reference_tensor pattern(int seed, mf_shape shape) {
  reference_tensor t = zeros(shape);
  for (size_t i = 0; i < reference_elements(&shape); i++) t.data[i] = (double)pattern_value(seed, (int64_t)i);
  return t;
}

static reference_tensor scaled(double factor, reference_tensor t) {
  for (size_t i = 0; i < reference_elements(&t.shape); i++) t.data[i] *= factor;
  return t;
}

static void expect(const reference_tensor *result, const float *expected, size_t count, double tolerance) {
  assert_int_equal(reference_elements(&result->shape), count);
  for (size_t i = 0; i < count; i++) {
    const double wanted = (double)expected[i], difference = fabs(result->data[i] - wanted);
    if (!(difference <= tolerance * (1 + fabs(wanted))))
      fail_msg("element %zu: %.9g, expected %.9g", i, result->data[i], wanted);
  }
}

static reference_tensor not_written(mf_shape shape) {
  reference_tensor t = zeros(shape);
  for (size_t i = 0; i < reference_elements(&shape); i++) t.data[i] = NAN;
  return t;
}

static void check_and_free(reference_tensor *inputs, size_t input_count, reference_tensor *output,
                           const float *expected, size_t count, double tolerance) {
  expect(output, expected, count, tolerance);
  for (size_t i = 0; i < input_count; i++) reference_tensor_free(&inputs[i]);
  reference_tensor_free(output);
}

// CHECK(operator, attributes, options, shape of the output, expected, tolerance, inputs...)
#define CHECK(op, attributes, options, wanted, expected, tolerance, ...)                                               \
  do {                                                                                                                 \
    reference_tensor inputs_[] = {__VA_ARGS__}, output_ = not_written(wanted);                                         \
    reference_##op(attributes, inputs_, (int)COUNT(inputs_), options, &output_);                                       \
    check_and_free(inputs_, COUNT(inputs_), &output_, expected, COUNT(expected), tolerance);                           \
  } while (0)

static void convolution(void **state) {
  (void)state;
  const mf_convolution asymmetric = {{2, 1}, {1, 2}, {1, 0}, {2, 1}, 2},
                       depthwise = {{2, 2}, {1, 1}, {0, 1}, {1, 0}, 3};
  const mf_convolution wide = {{2, 3}, {3, 2}, {3, 2}, {1, 5}, 1}, pointwise = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
  CHECK(convolution, &asymmetric, NULL, SHAPE(1, 4, 3, 5), want_convolution_asymmetric, EXACT,
        pattern(1, SHAPE(1, 4, 5, 6)), pattern(2, SHAPE(4, 2, 3, 2)), pattern(3, SHAPE(4)));
  CHECK(convolution, &depthwise, NULL, SHAPE(2, 3, 2, 2), want_convolution_depthwise, EXACT,
        pattern(1, SHAPE(2, 3, 4, 5)), pattern(2, SHAPE(3, 1, 3, 3)));
  CHECK(convolution, &wide, NULL, SHAPE(1, 2, 2, 3), want_convolution_wide_pads, EXACT, pattern(4, SHAPE(1, 2, 3, 4)),
        pattern(5, SHAPE(2, 2, 2, 3)), pattern(6, SHAPE(2)));
  CHECK(convolution, &pointwise, NULL, SHAPE(2, 2, 2, 3), want_convolution_pointwise, EXACT,
        pattern(7, SHAPE(2, 3, 2, 3)), pattern(8, SHAPE(2, 3, 1, 1)), pattern(9, SHAPE(2)));
}

// The definition and nothing else: one loop a dimension, padding tested for every tap.
static void naive_convolution(const mf_convolution *a, const reference_tensor *x, const reference_tensor *w,
                              const reference_tensor *bias, reference_tensor *y) {
  const int64_t channels = x->shape.dim[1], height = x->shape.dim[2], width = x->shape.dim[3];
  const int64_t outputs = y->shape.dim[1], out_height = y->shape.dim[2], out_width = y->shape.dim[3];
  const int64_t group_inputs = channels / a->groups, group_outputs = outputs / a->groups;
  for (int64_t n = 0; n < y->shape.dim[0]; n++)
    for (int64_t o = 0; o < outputs; o++)
      for (int64_t oh = 0; oh < out_height; oh++)
        for (int64_t ow = 0; ow < out_width; ow++) {
          double sum = bias->data[o];
          for (int64_t i = 0; i < group_inputs; i++)
            for (int64_t kh = 0; kh < w->shape.dim[2]; kh++)
              for (int64_t kw = 0; kw < w->shape.dim[3]; kw++) {
                const int64_t h = oh * a->stride[0] + kh * a->dilation[0] - a->pad_begin[0];
                const int64_t v = ow * a->stride[1] + kw * a->dilation[1] - a->pad_begin[1];
                if (h < 0 || h >= height || v < 0 || v >= width) continue;
                const int64_t c = o / group_outputs * group_inputs + i;
                sum += x->data[((n * channels + c) * height + h) * width + v] *
                       w->data[((o * group_inputs + i) * w->shape.dim[2] + kh) * w->shape.dim[3] + kw];
              }
          y->data[((n * outputs + o) * out_height + oh) * out_width + ow] = sum;
        }
}

static reference_tensor random_tensor(uint64_t seed, mf_shape shape) {
  reference_tensor t;
  mf_error e;
  const size_t count = reference_elements(&shape);
  float *values = mf_alloc(count * sizeof *values);
  assert_non_null(values);
  reference_random(seed, values, count);
  support_ok(reference_tensor_from_f32(&t, &shape, values, &e), &e);
  mf_free(values);
  return t;
}

// A number in low..high from a seeded sequence.
static int64_t pick(uint64_t *seed, int64_t low, int64_t high) {
  float value;
  reference_random((*seed)++, &value, 1);
  return low + (int64_t)(((double)value + 1) / 2 * (double)(high - low + 1));
}

static void convolution_against_naive(void **state) {
  (void)state;
  uint64_t seed = 1;
  for (int done = 0; done < 300;) {
    mf_convolution a = {.groups = pick(&seed, 1, 3)};
    mf_shape x = SHAPE(pick(&seed, 1, 2), a.groups * pick(&seed, 1, 3), 0, 0);
    mf_shape w = SHAPE(a.groups * pick(&seed, 1, 3), x.dim[1] / a.groups, 0, 0), y = SHAPE(x.dim[0], w.dim[0], 0, 0);
    bool fits = true;
    for (int i = 0; i < 2; i++) {
      a.stride[i] = pick(&seed, 1, 4), a.dilation[i] = pick(&seed, 1, 3);
      a.pad_begin[i] = pick(&seed, 0, 7), a.pad_end[i] = pick(&seed, 0, 7);
      x.dim[i + 2] = pick(&seed, 1, 9), w.dim[i + 2] = pick(&seed, 1, 5);
      const int64_t room = x.dim[i + 2] + a.pad_begin[i] + a.pad_end[i] - a.dilation[i] * (w.dim[i + 2] - 1) - 1;
      fits = fits && room >= 0;
      y.dim[i + 2] = room / a.stride[i] + 1;
    }
    if (!fits) continue;
    reference_tensor in[3] = {random_tensor(seed, x), random_tensor(seed + 1, w),
                              random_tensor(seed + 2, SHAPE(w.dim[0]))};
    reference_tensor result = zeros(y), naive = zeros(y);
    reference_convolution(&a, in, 3, NULL, &result);
    naive_convolution(&a, &in[0], &in[1], &in[2], &naive);
    // Only the order of at most 75 additions differs.
    assert_true(reference_relative_error(result.data, naive.data, reference_elements(&y)) < 1e-14);
    for (int i = 0; i < 3; i++) reference_tensor_free(&in[i]);
    reference_tensor_free(&result), reference_tensor_free(&naive);
    done++;
  }
}

static void inner_products(void **state) {
  (void)state;
  const mf_no_attributes a = {0};
  CHECK(inner_product, &a, NULL, SHAPE(2, 3), want_inner_product, EXACT, pattern(1, SHAPE(2, 12)),
        pattern(2, SHAPE(3, 12)), pattern(3, SHAPE(3)));
  CHECK(inner_product, &a, NULL, SHAPE(2, 3), want_inner_product, EXACT, pattern(1, SHAPE(2, 3, 2, 2)),
        pattern(2, SHAPE(3, 12)), pattern(3, SHAPE(3)));
}

static void pooling(void **state) {
  (void)state;
  const mf_shape x = SHAPE(1, 2, 7, 7), down = SHAPE(1, 2, 3, 3), up = SHAPE(1, 2, 4, 4), dropped = SHAPE(1, 1, 2, 3);
  const mf_pooling_kind kinds[] = {MF_POOLING_MAX, MF_POOLING_AVERAGE, MF_POOLING_AVERAGE_PADDED};
  mf_pooling a[3], ceil[3], cut[3], all[3];
  for (int i = 0; i < 3; i++) {
    a[i] = (mf_pooling){kinds[i], {3, 3}, {2, 2}, {1, 0}, {0, 1}, false};
    ceil[i] = (mf_pooling){kinds[i], {3, 3}, {2, 2}, {1, 0}, {0, 1}, true};
    cut[i] = (mf_pooling){kinds[i], {2, 3}, {3, 2}, {1, 1}, {1, 2}, true};
    all[i] = (mf_pooling){kinds[i], {3, 2}, {1, 1}, {0, 0}, {0, 0}, false};
  }
  CHECK(pooling, &a[0], NULL, down, want_pooling_max, EXACT, pattern(1, x));
  CHECK(pooling, &a[1], NULL, down, want_pooling_average, FLOAT, pattern(1, x));
  CHECK(pooling, &a[2], NULL, down, want_pooling_average_padded, FLOAT, pattern(1, x));
  CHECK(pooling, &ceil[0], NULL, up, want_pooling_max_ceil, EXACT, pattern(1, x));
  CHECK(pooling, &ceil[1], NULL, up, want_pooling_average_ceil, FLOAT, pattern(1, x));
  CHECK(pooling, &ceil[2], NULL, up, want_pooling_average_padded_ceil, FLOAT, pattern(1, x));
  CHECK(pooling, &cut[0], NULL, dropped, want_pooling_max_dropped, EXACT, pattern(3, SHAPE(1, 1, 4, 5)));
  CHECK(pooling, &cut[1], NULL, dropped, want_pooling_average_dropped, FLOAT, pattern(3, SHAPE(1, 1, 4, 5)));
  CHECK(pooling, &cut[2], NULL, dropped, want_pooling_average_padded_dropped, FLOAT, pattern(3, SHAPE(1, 1, 4, 5)));
  CHECK(pooling, &all[0], NULL, SHAPE(2, 1, 1, 1), want_pooling_max_global, EXACT, pattern(3, SHAPE(2, 1, 3, 2)));
  CHECK(pooling, &all[1], NULL, SHAPE(2, 1, 1, 1), want_pooling_average_global, FLOAT, pattern(3, SHAPE(2, 1, 3, 2)));
  CHECK(pooling, &all[2], NULL, SHAPE(2, 1, 1, 1), want_pooling_average_padded_global, FLOAT,
        pattern(3, SHAPE(2, 1, 3, 2)));
}

static void normalization(void **state) {
  (void)state;
  const mf_shape x = SHAPE(2, 6, 1, 2);
  CHECK(lrn, &((mf_lrn){1, 0.75f, 0.625f, 2}), NULL, x, want_lrn_1, FLOAT, pattern(1, x));
  CHECK(lrn, &((mf_lrn){3, 0.75f, 0.625f, 2}), NULL, x, want_lrn_3, FLOAT, pattern(1, x));
  CHECK(lrn, &((mf_lrn){5, 0.75f, 0.625f, 2}), NULL, x, want_lrn_5, FLOAT, pattern(1, x));
  reference_tensor variance = pattern(5, SHAPE(3));
  for (int i = 0; i < 3; i++) variance.data[i] = fabs(variance.data[i]);
  CHECK(batch_normalization, &((mf_batch_normalization){0.125}), NULL, SHAPE(2, 3, 2, 2), want_batch_normalization,
        FLOAT, pattern(1, SHAPE(2, 3, 2, 2)), pattern(2, SHAPE(3)), pattern(3, SHAPE(3)), pattern(4, SHAPE(3)),
        variance);
}

static void softmax(void **state) {
  (void)state;
  const mf_shape x = SHAPE(2, 3, 4);
  CHECK(softmax, &((mf_softmax){0}), NULL, x, want_softmax_0, FLOAT, scaled(4, pattern(1, x)));
  CHECK(softmax, &((mf_softmax){1}), NULL, x, want_softmax_1, FLOAT, scaled(4, pattern(1, x)));
  CHECK(softmax, &((mf_softmax){2}), NULL, x, want_softmax_2, FLOAT, scaled(4, pattern(1, x)));
  reference_tensor large = zeros(SHAPE(1, 4));
  large.data[0] = 1000, large.data[1] = 999, large.data[2] = -1000, large.data[3] = 1001;
  CHECK(softmax, &((mf_softmax){1}), NULL, SHAPE(1, 4), want_softmax_large, FLOAT, large);
}

static void concat(void **state) {
  (void)state;
  const float *const expected[] = {want_concat_0, want_concat_1, want_concat_2, want_concat_3};
  for (int axis = 0; axis < 4; axis++) {
    mf_shape s[4] = {SHAPE(2, 2, 2, 2), SHAPE(2, 2, 2, 2), SHAPE(2, 2, 2, 2), SHAPE(2, 2, 2, 2)};
    s[1].dim[axis] = 1, s[2].dim[axis] = 3, s[3].dim[axis] = 6;
    reference_tensor inputs[] = {pattern(1, s[0]), pattern(2, s[1]), pattern(3, s[2])}, output = zeros(s[3]);
    reference_concat(&(mf_concat){axis}, inputs, 3, NULL, &output);
    expect(&output, expected[axis], COUNT(want_concat_0), EXACT);
    for (int i = 0; i < 3; i++) reference_tensor_free(&inputs[i]);
    reference_tensor_free(&output);
  }
}

static void binary(void **state) {
  (void)state;
  const mf_shape x = SHAPE(2, 3, 2, 2), mixed = SHAPE(2, 1, 1, 2);
  CHECK(binary, &((mf_binary){MF_BINARY_SUB}), NULL, x, want_binary_sub_channel, EXACT, pattern(1, x),
        pattern(2, SHAPE(1, 3, 1, 1)));
  CHECK(binary, &((mf_binary){MF_BINARY_SUB}), NULL, x, want_binary_sub_scalar, EXACT, pattern(1, x),
        pattern(3, SHAPE(1, 1, 1, 1)));
  CHECK(binary, &((mf_binary){MF_BINARY_DIV}), NULL, x, want_binary_div_same, FLOAT, pattern(1, x), pattern(4, x));
  CHECK(binary, &((mf_binary){MF_BINARY_ADD}), NULL, x, want_binary_add_mixed, EXACT, pattern(1, x), pattern(2, mixed));
  CHECK(binary, &((mf_binary){MF_BINARY_SUB}), NULL, x, want_binary_sub_mixed, EXACT, pattern(1, x), pattern(2, mixed));
  CHECK(binary, &((mf_binary){MF_BINARY_MUL}), NULL, x, want_binary_mul_mixed, EXACT, pattern(1, x), pattern(2, mixed));
  CHECK(binary, &((mf_binary){MF_BINARY_DIV}), NULL, x, want_binary_div_mixed, FLOAT, pattern(1, x), pattern(2, mixed));
  CHECK(binary, &((mf_binary){MF_BINARY_MAX}), NULL, x, want_binary_max_mixed, EXACT, pattern(1, x), pattern(2, mixed));
  CHECK(binary, &((mf_binary){MF_BINARY_MIN}), NULL, x, want_binary_min_mixed, EXACT, pattern(1, x), pattern(2, mixed));
}

static void elementwise(void **state) {
  (void)state;
  const mf_shape s = SHAPE(2, 3, 2, 2);
  const mf_no_attributes none = {0};
  CHECK(eltwise, &((mf_eltwise){MF_ELTWISE_RELU, 0.125f, 0}), NULL, s, want_relu_leaky, EXACT,
        scaled(2, pattern(1, s)));
  CHECK(eltwise, &((mf_eltwise){MF_ELTWISE_CLIP, -1, 1.5f}), NULL, s, want_clip, EXACT, scaled(2, pattern(1, s)));
  CHECK(eltwise, &((mf_eltwise){MF_ELTWISE_HARDSWISH, 1.0f / 6, 0.5f}), NULL, s, want_hardswish, FLOAT,
        scaled(4, pattern(1, s)));
  CHECK(eltwise, &((mf_eltwise){MF_ELTWISE_LOGISTIC, 0, 0}), NULL, s, want_logistic, FLOAT, scaled(2, pattern(1, s)));
  CHECK(eltwise, &((mf_eltwise){MF_ELTWISE_SWISH, 1.5f, 0}), NULL, s, want_swish, FLOAT, scaled(2, pattern(1, s)));
  CHECK(eltwise, &((mf_eltwise){MF_ELTWISE_TANH, 0, 0}), NULL, s, want_tanh, FLOAT, scaled(2, pattern(1, s)));
  CHECK(eltwise, &((mf_eltwise){MF_ELTWISE_LINEAR, 0.75f, -0.5f}), NULL, s, want_linear, EXACT,
        scaled(2, pattern(1, s)));
  CHECK(sum, &none, NULL, s, want_sum, EXACT, scaled(2, pattern(1, s)), pattern(2, s), pattern(3, s));
}

static void copies(void **state) {
  (void)state;
  const mf_no_attributes none = {0};
  float expected[24];
  for (int i = 0; i < 24; i++) expected[i] = pattern_value(5, i);
  CHECK(flatten, &none, NULL, SHAPE(2, 12), expected, EXACT, pattern(5, SHAPE(2, 3, 2, 2)));
  CHECK(dropout, &none, NULL, SHAPE(2, 3, 2, 2), expected, EXACT, pattern(5, SHAPE(2, 3, 2, 2)));
  CHECK(identity, &none, NULL, SHAPE(2, 3, 2, 2), expected, EXACT, pattern(5, SHAPE(2, 3, 2, 2)));
}

// `first`, then ones.
static reference_tensor ones(double first, mf_shape shape) {
  reference_tensor t = zeros(shape);
  for (size_t i = 0; i < reference_elements(&shape); i++) t.data[i] = i ? 1 : first;
  return t;
}

// 2^24 + 1 + 1: float loses each 1, double keeps both.
static void accumulation(void **state) {
  (void)state;
  const double large = 16777216;
  const mf_convolution pointwise = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
  const mf_no_attributes none = {0};
  const mf_pooling average = {MF_POOLING_AVERAGE_PADDED, {1, 4}, {1, 1}, {0, 0}, {0, 1}, false};
  for (int i = 0; i < 2; i++) {
    const reference_options options = {.accumulate_f32 = i == 1};
    const float total[] = {i ? 16777216 : 16777218}, mean[] = {i ? 4194304 : 4194304.5f};
    const mf_shape scalar = SHAPE(1, 1, 1, 1);
    CHECK(convolution, &pointwise, &options, scalar, total, EXACT, ones(large, SHAPE(1, 3, 1, 1)),
          ones(1, SHAPE(1, 3, 1, 1)));
    CHECK(convolution, &pointwise, &options, scalar, total, EXACT, ones(large, SHAPE(1, 2, 1, 1)),
          ones(1, SHAPE(1, 2, 1, 1)), ones(1, SHAPE(1)));
    CHECK(inner_product, &none, &options, SHAPE(1, 1), total, EXACT, ones(large, SHAPE(1, 3)), ones(1, SHAPE(1, 3)));
    CHECK(inner_product, &none, &options, SHAPE(1, 1), total, EXACT, ones(large, SHAPE(1, 2)), ones(1, SHAPE(1, 2)),
          ones(1, SHAPE(1)));
    CHECK(pooling, &average, &options, scalar, mean, EXACT, ones(large, SHAPE(1, 1, 1, 3)));
  }
}

// x -> conv (w, b, stride 2; post-ops that may add s) -> flat
typedef struct fused {
  float x[32], weights[54], bias[3], summand[12];
  mf_graph *graph;
} fused;

static void fill(float *values, size_t count, int seed) {
  for (size_t i = 0; i < count; i++) values[i] = pattern_value(seed, (int64_t)i);
}

static mf_tensor_id add_tensor(mf_graph *g, const char *name, mf_shape shape, const float *data) {
  mf_tensor_id id;
  mf_error e;
  support_ok(mf_graph_add_tensor(g, name, &shape, data, &id, &e), &e);
  return id;
}

static mf_tensor_id add_node(mf_graph *g, const mf_node *node) {
  mf_tensor_id id;
  mf_error e;
  support_ok(mf_graph_add_node(g, node, &id, &e), &e);
  return id;
}

static void fused_create(fused *f, int post_count, const mf_post *posts) {
  mf_error e;
  fill(f->x, COUNT(f->x), 1), fill(f->weights, COUNT(f->weights), 2);
  fill(f->bias, COUNT(f->bias), 3), fill(f->summand, COUNT(f->summand), 8);
  support_ok(mf_graph_create(&f->graph, "fused", &e), &e);
  mf_graph *g = f->graph;
  g->input = add_tensor(g, "x", SHAPE(1, 2, 4, 4), NULL);
  mf_tensor_id inputs[] = {g->input, add_tensor(g, "w", SHAPE(3, 2, 3, 3), f->weights),
                           add_tensor(g, "b", SHAPE(3), f->bias), add_tensor(g, "s", SHAPE(1, 3, 2, 2), f->summand)};
  mf_node node = {
      .op = MF_OP_CONVOLUTION, .name = "conv", .inputs = inputs, .input_count = 3, .post_count = post_count};
  node.attributes.convolution = (mf_convolution){{2, 2}, {1, 1}, {1, 1}, {1, 1}, 1};
  for (int i = 0; i < post_count; i++) {
    node.posts[i] = posts[i];
    if (posts[i].kind == MF_POST_SUM) node.input_count = 4;
  }
  mf_tensor_id middle = add_node(g, &node);
  g->output = add_node(g, &(mf_node){.op = MF_OP_FLATTEN, .name = "flat", .inputs = &middle, .input_count = 1});
  support_ok(mf_graph_verify(g, &e), &e);
}

static void post_ops(void **state) {
  (void)state;
  fused f;
  mf_error e;
  reference_tensor out;
  const mf_post sum = {.kind = MF_POST_SUM, .input = 3};
  const mf_post relu = {.kind = MF_POST_ELTWISE, .eltwise = {MF_ELTWISE_RELU, 0, 0}};
  const mf_post leaky = {.kind = MF_POST_ELTWISE, .eltwise = {MF_ELTWISE_RELU, 0.25f, 0}};
  const mf_post clip = {.kind = MF_POST_ELTWISE, .eltwise = {MF_ELTWISE_CLIP, 0, 1}};
  fused_create(&f, 2, (mf_post[]){sum, relu});
  support_ok(reference_graph_run(f.graph, f.x, NULL, &out, &e), &e);
  expect(&out, want_fused_sum_relu, COUNT(want_fused_sum_relu), EXACT);
  assert_int_equal(out.shape.rank, 2);
  reference_tensor_free(&out);
  mf_graph_free(f.graph);
  fused_create(&f, 3, (mf_post[]){clip, sum, leaky});
  support_ok(reference_graph_run(f.graph, f.x, NULL, &out, &e), &e);
  expect(&out, want_fused_clip_sum_leaky, COUNT(want_fused_clip_sum_leaky), EXACT);
  reference_tensor_free(&out);
  mf_graph_free(f.graph);
}

// What the callbacks were given, and in which order.
typedef struct calls {
  const mf_graph *graph;
  char log[64];
  double middle;
} calls;

static void note(calls *c, char kind, const mf_tensor *tensor, size_t count) {
  const size_t at = strlen(c->log);
  snprintf(c->log + at, sizeof c->log - at, "%c%s%zu ", kind, tensor->name, count);
}

static void round_down(void *context, const mf_tensor *tensor, double *values, size_t count) {
  if (context) note(context, '~', tensor, count);
  for (size_t i = 0; i < count; i++) values[i] = floor(values[i]);
}

static void observe(void *context, const mf_tensor *tensor, const reference_tensor *value) {
  calls *c = context;
  note(c, '=', tensor, reference_elements(&value->shape));
  if (c->graph->nodes[0].output == tensor - c->graph->tensors) c->middle = value->data[0];
}

// One pixel of 1.5, the weight in the middle 2.5, the bias 0.5, the summand 0.5: floor(1.5) * floor(2.5) + 1.
static void rounding(void **state) {
  (void)state;
  fused f;
  mf_error e;
  reference_tensor out;
  fused_create(&f, 1, &(mf_post){.kind = MF_POST_SUM, .input = 3});
  memset(f.x, 0, sizeof f.x), memset(f.weights, 0, sizeof f.weights);
  f.x[0] = 1.5f, f.weights[4] = 2.5f, f.bias[0] = 0.5f, f.summand[0] = 0.5f;
  calls c = {.graph = f.graph};
  const reference_options options = {.round = round_down, .observe = observe, .context = &c};
  support_ok(reference_graph_run(f.graph, f.x, &options, &out, &e), &e);
  assert_string_equal(c.log, "~x32 =x32 ~w54 ~conv12 =conv12 ~flat12 =flat12 ");
  assert_true(c.middle == 3 && out.data[0] == 3);
  reference_tensor_free(&out);
  mf_graph_free(f.graph);
}

static void count_fractions(void *context, const mf_tensor *tensor, const reference_tensor *value) {
  (void)tensor;
  for (size_t i = 0; i < reference_elements(&value->shape); i++)
    *(int *)context += value->data[i] != (double)(float)value->data[i];
}

// With accumulate_f32 every result is a float. Without it the two logistic functions, a post-op and a node, leave 12
// values each that are none, and the copy between them 12 more.
static void float_results(void **state) {
  (void)state;
  fused f;
  mf_error e;
  const mf_eltwise logistic = {MF_ELTWISE_LOGISTIC, 0, 0};
  fused_create(&f, 1, &(mf_post){.kind = MF_POST_ELTWISE, .eltwise = logistic});
  mf_tensor_id flat = f.graph->output;
  mf_node node = {.op = MF_OP_ELTWISE, .name = "last", .inputs = &flat, .input_count = 1};
  node.attributes.eltwise = logistic;
  f.graph->output = add_node(f.graph, &node);
  for (int i = 0; i < 2; i++) {
    int fractions = 0;
    reference_tensor out;
    const reference_options options = {.accumulate_f32 = i == 1, .observe = count_fractions, .context = &fractions};
    support_ok(reference_graph_run(f.graph, f.x, &options, &out, &e), &e);
    assert_int_equal(fractions, i == 1 ? 0 : 36);
    reference_tensor_free(&out);
  }
  mf_graph_free(f.graph);
}

// x, the constant w and c are read more than once; w is rounded where it is a weight and not where it is a factor:
// c = floor(3.5) * floor(2.5) = 6, m = c * 2.5 = 15, m + c + x = 24.
static void shared_tensors(void **state) {
  (void)state;
  mf_graph *g;
  mf_error e;
  reference_tensor out;
  const float x = 3.5f, w = 2.5f;
  const mf_shape scalar = SHAPE(1, 1, 1, 1);
  support_ok(mf_graph_create(&g, "shared", &e), &e);
  g->input = add_tensor(g, "x", scalar, NULL);
  const mf_tensor_id weight = add_tensor(g, "w", scalar, &w);
  mf_node c = {.op = MF_OP_CONVOLUTION, .name = "c", .inputs = (mf_tensor_id[]){g->input, weight}, .input_count = 2};
  c.attributes.convolution = (mf_convolution){{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
  const mf_tensor_id product = add_node(g, &c);
  mf_node m = {.op = MF_OP_BINARY, .name = "m", .inputs = (mf_tensor_id[]){product, weight}, .input_count = 2};
  m.attributes.binary.kind = MF_BINARY_MUL;
  const mf_tensor_id scaled_product = add_node(g, &m);
  mf_tensor_id operands[] = {scaled_product, product, g->input};
  g->output = add_node(g, &(mf_node){.op = MF_OP_SUM, .name = "sum", .inputs = operands, .input_count = 3});
  support_ok(mf_graph_verify(g, &e), &e);
  support_ok(reference_graph_run(g, &x, &(reference_options){.round = round_down}, &out, &e), &e);
  assert_true(out.data[0] == 24);
  reference_tensor_free(&out);
  mf_graph_free(g);
}

static mf_status run_fused(void *context, mf_error *e) {
  const fused *f = context;
  reference_tensor out;
  MF_TRY(reference_graph_run(f->graph, f->x, NULL, &out, e));
  reference_tensor_free(&out);
  return MF_OK;
}

static void refused_memory(void **state) {
  (void)state;
  fused f;
  fused_create(&f, 1, &(mf_post){.kind = MF_POST_SUM, .input = 3});
  assert_true(support_refuse_allocations(run_fused, &f) > 6); // x, w, b, s, conv, flat and the tables
  mf_graph_free(f.graph);
}

static void bf16(void **state) {
  (void)state;
  double values[COUNT(want_bf16_from)];
  for (size_t i = 0; i < COUNT(values); i++) values[i] = (double)want_bf16_from[i];
  reference_round_bf16(NULL, NULL, values, COUNT(values));
  for (size_t i = 0; i < COUNT(values); i++) {
    const double wanted = (double)want_bf16_to[i];
    if (memcmp(&values[i], &wanted, sizeof wanted) != 0) fail_msg("%zu: %g, expected %g", i, values[i], wanted);
  }
  double nan = NAN, third = 1.00390625 + 1e-12; // a float first: the tail must not tip the tie
  reference_round_bf16(NULL, NULL, &nan, 1);
  reference_round_bf16(NULL, NULL, &third, 1);
  assert_true(isnan(nan) && third == 1);
}

static void random_values(void **state) {
  (void)state;
  float values[1000], again[1000];
  reference_random(7, values, 1000);
  reference_random(7, again, 1000);
  assert_memory_equal(values, again, sizeof values);
  assert_memory_equal(values, want_random_7, sizeof want_random_7);
  reference_random(8, again, 1000);
  assert_memory_not_equal(values, again, sizeof values);
  double sum = 0, squares = 0;
  for (int i = 0; i < 1000; i++) {
    assert_true(values[i] >= -1 && values[i] < 1);
    sum += (double)values[i], squares += (double)values[i] * (double)values[i];
  }
  assert_true(fabs(sum / 1000) < 0.05 && fabs(squares / 1000 - 1.0 / 3) < 0.05);
}

static void agreement(void **state) {
  (void)state;
  const double truth[] = {1, -4, 0, 2}, test[] = {1.5, -4, -1, 2}, none[] = {0, 0, 0, 0};
  assert_true(reference_relative_error(test, truth, 4) == 0.25);
  assert_true(reference_relative_error(truth, truth, 4) == 0 && reference_relative_error(none, none, 4) == 0);
  assert_true(reference_relative_error(test, none, 4) == INFINITY);
  assert_true(reference_relative_error((double[]){1, NAN}, (double[]){1, 2}, 2) == INFINITY);
  assert_true(reference_relative_error((double[]){INFINITY, 1}, (double[]){INFINITY, 2}, 2) == 0.5);
  assert_true(reference_relative_error((double[]){-INFINITY, 2}, (double[]){INFINITY, 2}, 2) == INFINITY);
  assert_true(fabs(reference_sqnr_db(test, truth, 4) - 12.253093) < 1e-6); // 10 log10(21 / 1.25)
  assert_true(reference_sqnr_db(truth, truth, 4) == INFINITY);
  assert_true(reference_sqnr_db((double[]){NAN}, (double[]){1}, 1) == -INFINITY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(convolution),    cmocka_unit_test(convolution_against_naive),
      cmocka_unit_test(inner_products), cmocka_unit_test(pooling),
      cmocka_unit_test(normalization),  cmocka_unit_test(softmax),
      cmocka_unit_test(concat),         cmocka_unit_test(binary),
      cmocka_unit_test(elementwise),    cmocka_unit_test(copies),
      cmocka_unit_test(accumulation),   cmocka_unit_test(post_ops),
      cmocka_unit_test(rounding),       cmocka_unit_test(float_results),
      cmocka_unit_test(shared_tensors), cmocka_unit_test(refused_memory),
      cmocka_unit_test(bf16),           cmocka_unit_test(random_values),
      cmocka_unit_test(agreement),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
