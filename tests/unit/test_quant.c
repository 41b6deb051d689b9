// Quantisation: what observation sees, and the types and scales that follow from it, computed by hand.
#include "plan/onednn.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

// ---- assignment

// What was seen of a tensor.
static void see(const mf_graph *g, mf_observations *o, const char *name, float min, float max) {
  mf_error e;
  const mf_tensor_id id = mf_graph_find(g, name);
  assert_true(id != MF_NO_TENSOR);
  OK(mf_histogram_add(&o->tensors[id], (float[]){min, max}, 2, harness_pool(1), &e));
}

static mf_observations observations(const mf_graph *g) {
  mf_error e;
  mf_observations o;
  OK(mf_observations_create(&o, g, 1, &e));
  return o;
}

static void assign(mf_graph *g, mf_observations *o) {
  mf_error e;
  OK(harness_quantise(g, o, "minmax", &e));
  OK(mf_graph_verify(g, &e));
  mf_observations_free(o);
}

static void expect(const mf_graph *g, const char *name, mf_dtype dtype, double scale) {
  const mf_quantization *q = &g->tensors[mf_graph_find(g, name)].quantization;
  if (!q->set || q->dtype != dtype || fabs((double)q->scale - scale) > 1e-6 * scale || q->zero_point != 0)
    fail_msg("%s: %d %s %.9g %d (expected %s %.9g)", name, q->set, mf_dtype_name(q->dtype), (double)q->scale,
             q->zero_point, mf_dtype_name(dtype), scale);
}

static void expect_float(const mf_graph *g, const char *name) {
  const mf_quantization *q = &g->tensors[mf_graph_find(g, name)].quantization;
  if (q->set) fail_msg("%s: %s %g (expected float)", name, mf_dtype_name(q->dtype), (double)q->scale);
}

static const mf_post relu_post = {.kind = MF_POST_ELTWISE, .eltwise = {.kind = MF_ELTWISE_RELU}};

static void test_a_chain(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(1, 3, 6, 6));
  x = fused_convolution(g, "a", x, 8, 3, 1, &relu_post, 1, MF_NO_TENSOR);
  x = plain_convolution(g, "b", x, 8, 3);
  x = add_bn(g, "bn", x); // float: nobody reads "b" as integers
  x = ADD(g, ELTWISE, "swish", A(.eltwise = {MF_ELTWISE_SWISH, 1, 0}), x);
  g->output = plain_convolution(g, "c", x, 4, 1);
  for (int t = 0; t < g->tensor_count; t++) // an earlier assignment is forgotten
    if (!g->tensors[t].data) g->tensors[t].quantization = (mf_quantization){true, MF_U8, 7, 3};
  mf_observations o = observations(g);
  see(g, &o, "input", -2, 1);
  see(g, &o, "a", 0, 5.1f);
  see(g, &o, "b", -1, 1);
  see(g, &o, "bn", -1, 1);
  see(g, &o, "swish", -0.25f, 12.7f);
  see(g, &o, "c", -1, 1);
  assign(g, &o);
  expect(g, "input", MF_S8, 2 / 127.0);
  expect(g, "a", MF_U8, 5.1 / 255);
  expect_float(g, "b");
  expect_float(g, "bn");
  expect(g, "swish", MF_S8, 0.1);
  expect_float(g, "c"); // the answer
  for (int i = 0; i < g->node_count; i++)
    assert_int_equal(g->nodes[i].compute, g->nodes[i].op == MF_OP_CONVOLUTION ? MF_S8 : MF_F32);
  mf_graph_free(g);
}

static void test_groups_share_a_scale(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(1, 3, 6, 6));
  const mf_tensor_id a = fused_convolution(g, "a", x, 8, 3, 1, &relu_post, 1, MF_NO_TENSOR);
  const mf_tensor_id pool = add_max_pool(g, "pool", a, 3);
  const mf_tensor_id b = plain_convolution(g, "b", pool, 8, 1), c = plain_convolution(g, "c", x, 8, 1);
  const mf_tensor_id cat = ADD(g, CONCAT, "cat", A(.concat = {1}), b, add_max_pool(g, "pool c", c, 3));
  const mf_tensor_id view = ADD(g, DROPOUT, "dropout", NONE, cat);
  const mf_tensor_id d = plain_convolution(g, "d", view, 8, 1);
  g->output = ADD(g, FLATTEN, "flat", NONE, add_max_pool(g, "last", d, 3)); // read by nobody: float
  mf_observations o = observations(g);
  see(g, &o, "input", 0, 1);
  see(g, &o, "a", 0, 4);
  see(g, &o, "pool", 0.5f, 4);
  see(g, &o, "b", 0, 1);
  see(g, &o, "c", -3, 2);
  see(g, &o, "pool c", -1, 2);
  see(g, &o, "cat", -1, 2);
  see(g, &o, "d", 0, 9); // views are not shown to the observer, nor is the end needed
  assign(g, &o);
  expect(g, "input", MF_U8, 1 / 255.0);
  expect(g, "a", MF_U8, 4 / 255.0);
  expect(g, "pool", MF_U8, 4 / 255.0);
  static const char *const group[] = {"b", "c", "pool c", "cat", "dropout"};
  for (int i = 0; i < COUNT(group); i++) expect(g, group[i], MF_S8, 3 / 127.0);
  static const char *const floats[] = {"d", "last", "flat"};
  for (int i = 0; i < COUNT(floats); i++) expect_float(g, floats[i]);
  mf_graph_free(g);
}

static mf_tensor_id add_average(mf_graph *g, const char *name, mf_tensor_id x) {
  const mf_pooling p = {MF_POOLING_AVERAGE, {2, 2}, {2, 2}, {0, 0}, {0, 0}, false};
  return ADD(g, POOLING, name, A(.pooling = p), x);
}

// Averages have a scale of their own, and the sign of what they are made of; but not where others share theirs.
static void test_averages_have_their_own_scale(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(1, 3, 6, 6));
  const mf_tensor_id a = plain_convolution(g, "a", x, 8, 3), b = plain_convolution(g, "b", x, 8, 3),
                     c = plain_convolution(g, "c", x, 8, 3), d = plain_convolution(g, "d", x, 8, 3);
  const mf_tensor_id cat =
      ADD(g, CONCAT, "cat", A(.concat = {1}), add_average(g, "mean c", c), add_average(g, "mean d", d));
  const mf_tensor_id ends[] = {plain_convolution(g, "a2", add_average(g, "mean a", a), 8, 1),
                               plain_convolution(g, "b2", add_average(g, "mean b", b), 8, 1),
                               plain_convolution(g, "cat2", cat, 8, 1)};
  g->output = ADD(g, CONCAT, "end", A(.concat = {1}), ends[0], ends[1], ends[2]);
  mf_observations o = observations(g);
  see(g, &o, "input", 0, 1);
  see(g, &o, "a", 0, 5.1f);
  see(g, &o, "mean a", 0.5f, 2.55f);
  see(g, &o, "b", -3, 2);
  see(g, &o, "mean b", 0.25f, 1.27f); // no negative average was seen, but there may be one
  see(g, &o, "c", 0, 4);
  see(g, &o, "mean c", 0, 2);
  see(g, &o, "d", 0, 3);
  see(g, &o, "mean d", 0, 1);
  see(g, &o, "cat", 0, 2);
  assign(g, &o);
  expect(g, "a", MF_U8, 0.02);
  expect(g, "mean a", MF_U8, 0.01);
  expect(g, "b", MF_S8, 3 / 127.0);
  expect(g, "mean b", MF_S8, 0.01);
  static const char *const group[] = {"c", "mean c", "d", "mean d", "cat"};
  for (int i = 0; i < COUNT(group); i++) expect(g, group[i], MF_U8, 4 / 255.0);
  mf_graph_free(g);
}

// A summand is stored as integers where the sum is, on its own scale.
static void test_residual_sums(void **state) {
  (void)state;
  static const mf_post posts[] = {{.kind = MF_POST_SUM}, {.kind = MF_POST_ELTWISE}}; // eltwise: relu
  for (int last = 0; last < 2; last++) {
    mf_graph *g = new_graph();
    const mf_tensor_id x = add_input(g, SHAPE(1, 3, 6, 6));
    const mf_tensor_id shortcut = plain_convolution(g, "shortcut", x, 8, 1);
    mf_tensor_id y = fused_convolution(g, "block", x, 8, 3, 1, posts, 2, shortcut);
    if (!last) y = plain_convolution(g, "next", y, 8, 1);
    g->output = y;
    mf_observations o = observations(g);
    see(g, &o, "input", -1, 1);
    see(g, &o, "shortcut", -1.27f, 1);
    see(g, &o, "block", 0, 2.55f);
    assign(g, &o);
    if (last) { // the sum is the float answer, and what it adds stays float
      expect_float(g, "shortcut");
      expect_float(g, "block");
    } else {
      expect(g, "shortcut", MF_S8, 0.01);
      expect(g, "block", MF_U8, 0.01);
    }
    mf_graph_free(g);
  }
}

static void test_what_was_not_seen(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(1, 3, 6, 6));
  g->output = plain_convolution(g, "b", fused_convolution(g, "a", x, 8, 3, 1, &relu_post, 1, MF_NO_TENSOR), 8, 1);
  mf_observations o = observations(g);
  see(g, &o, "input", -1, 1);
  check_fails(harness_quantise(g, &o, "minmax", &e), MF_ERR_FILE, &e, "calibration saw no number in the output of a");
  see(g, &o, "a", 0, 0); // nothing but zeros: any scale does
  OK(harness_quantise(g, &o, "minmax", &e));
  expect(g, "a", MF_U8, 1);
  o.tensor_count--;
  check_fails(harness_quantise(g, &o, "minmax", &e), MF_ERR_USAGE, &e, "the calibration is of a graph with");
  o.tensor_count++;
  mf_observations_free(&o);
  mf_observations_free(&o);
  mf_graph_free(g);
}

// ---- the scales of weights, as the plan passes them to oneDNN

static const float *constant_of(const mf_plan *plan, int step, int argument, size_t *count) {
  for (int a = 0; a < plan->steps[step].argument_count; a++) {
    const mf_step_argument *x = &plan->steps[step].arguments[a];
    if (x->dnnl != argument) continue;
    assert_int_equal(x->source, MF_FROM_CONSTANT);
    *count = plan->constants[x->index].bytes / sizeof(float);
    return (const float *)((const char *)plan->constant_slab + plan->constants[x->index].offset);
  }
  fail_msg("no argument %d", argument);
  return NULL;
}

// What rounding changes in one channel's weights; a kernel's sum counts twice.
static double rounding_error(const float *weights, size_t row, size_t plane, double step) {
  double sum = 0;
  for (size_t begin = 0; begin < row; begin += plane) {
    double whole = 0;
    for (size_t i = begin; i < begin + plane; i++) {
      const double error = (double)weights[i] - rint((double)weights[i] / step) * step;
      sum += error * error;
      whole += error;
    }
    sum += 2 * whole * whole;
  }
  return sum;
}

// What a step of the weight scales stands for: 127 of them reach the largest weight, or 63 where products would
// saturate; a quarter less in short rows, where that rounds better.
static void check_weight_scales(const mf_graph *g, double source_scale) {
  mf_error e;
  harness_engine engine = {0};
  size_t count = 0;
  OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e));
  const mf_node *node = &g->nodes[0];
  const mf_tensor *weights = &g->tensors[node->inputs[1]];
  const size_t channels = (size_t)weights->shape.dim[0], row = reference_elements(&weights->shape) / channels;
  const float *scales = constant_of(engine.plan, 0, DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, &count);
  assert_int_equal(count, channels);
  const size_t plane = (size_t)(weights->shape.dim[2] * weights->shape.dim[3]);
  const double top = mf_onednn_has_vnni() ? 127 : 63;
  double before = 0, after = 0;
  for (size_t c = 0; c < channels; c++) {
    double largest = 0;
    for (size_t i = 0; i < row; i++) largest = fmax(largest, fabs((double)weights->data[c * row + i]));
    if (c == 1) {
      assert_true(largest == 0 && scales[c] == 1); // of a channel that is all zeros
      continue;
    }
    const double reach = largest / (double)scales[c];
    assert_true(reach < top + 1e-3 && reach > (row > 64 ? top - 1e-3 : 0.8 * top));
    const float *w = weights->data + c * row;
    const double error = rounding_error(w, row, plane, (double)scales[c]),
                 plain = rounding_error(w, row, plane, largest / top);
    assert_true(error <= plain * (1 + 1e-4));
    before += plain;
    after += error;
  }
  assert_true(row > 64 ? after >= before * (1 - 1e-4) : after < before * 0.8);
  assert_true(fabs((double)*constant_of(engine.plan, 0, DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, &count) - source_scale) <
              1e-9);
  harness_close(&engine);
}

static void test_weights_have_a_scale_a_channel(void **state) {
  (void)state;
  static const int64_t groups[] = {1, 2, 8};
  for (int i = 0; i < COUNT(groups); i++) {
    mf_graph *g = new_graph();
    const mf_tensor_id x = add_input(g, SHAPE(1, 8, 5, 5));
    g->output = fused_convolution(g, "conv", x, 8, 3, groups[i], NULL, 0, MF_NO_TENSOR);
    mf_tensor *weights = &g->tensors[g->nodes[0].inputs[1]];
    const size_t count = reference_elements(&weights->shape), row = count / 8;
    float *scaled = mf_arena_alloc(&g->arena, count * sizeof *scaled);
    for (size_t k = 0; k < count; k++) { // channels of unlike sizes, one of them empty
      const size_t channel = k / row;
      scaled[k] = channel == 1 ? 0 : weights->data[k] * (float)(1 + 100 * channel);
    }
    weights->data = scaled;
    mf_observations o = observations(g);
    see(g, &o, "input", 0, 2.55f);
    assign(g, &o);
    check_weight_scales(g, (double)g->tensors[x].quantization.scale);
    mf_graph_free(g);
  }
}

// ---- observation

typedef struct shown {
  const mf_graph *graph;
  reference_tensor *truth; // by tensor
  int count;
  double tolerance;
} shown;

static void keep(void *context, const mf_tensor *tensor, const reference_tensor *value) {
  mf_error e;
  shown *s = context;
  reference_tensor *copy = &s->truth[tensor - s->graph->tensors];
  OK(reference_tensor_create(copy, &value->shape, &e));
  memcpy(copy->data, value->data, reference_elements(&value->shape) * sizeof *copy->data);
}

static mf_status compare(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  (void)e;
  shown *s = context;
  const reference_tensor *truth = &s->truth[tensor];
  double test[10000];
  assert_int_equal(count, reference_elements(&truth->shape));
  assert_true(count <= COUNT(test));
  for (size_t i = 0; i < count; i++) test[i] = (double)data[i];
  const double error = reference_relative_error(test, truth->data, count);
  if (!(error <= s->tolerance)) fail_msg("%s: relative error %g", s->graph->tensors[tensor].name, error);
  s->count++;
  return MF_OK;
}

static mf_graph *some_graph(void) {
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(2, 3, 6, 7));
  const mf_tensor_id a = fused_convolution(g, "a", x, 17, 3, 1, &relu_post, 1, MF_NO_TENSOR);
  const mf_tensor_id b = plain_convolution(g, "b", add_max_pool(g, "pool", a, 3), 17, 1);
  const mf_tensor_id sum = add_sum(g, "sum", a, b);
  x = plain_convolution(g, "c", ADD(g, CONCAT, "cat", A(.concat = {1}), sum, b), 8, 3);
  g->output = ADD(g, FLATTEN, "flat", NONE, add_relu(g, "relu", x));
  return g;
}

// Every step's output is shown, dense and real, whatever it is stored in.
static void test_activations_are_shown(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; kind++) { // f32, f32 blocked, bf16, int8
    if (kind == 2 && !harness_has_bf16()) continue;
    mf_error e;
    mf_graph *g = some_graph();
    float *input = random_input(g, 3);
    mf_observations o = harness_ranges(g, input);
    shown s = {.graph = g, .tolerance = kind < 2 ? HARNESS_F32 : kind == 2 ? HARNESS_BF16 : 0.05};
    if (kind == 3) OK(harness_quantise(g, &o, "minmax", &e));
    mf_observations_free(&o);
    reference_tensor out;
    reference_tensor truth[64] = {0};
    s.truth = truth;
    OK(reference_graph_run(g, input, &(reference_options){.observe = keep, .context = &s}, &out, &e));
    reference_tensor_free(&out);
    const mf_plan_options options = {.layout = kind == 1 ? MF_LAYOUT_BLOCKED : MF_LAYOUT_AUTO,
                                     .activations = kind == 2 ? MF_BF16 : MF_F32};
    harness_engine engine;
    OK(harness_open(&engine, g, &options, 2, &e));
    reference_tensor run = harness_run(&engine, input); // fills the input
    reference_tensor_free(&run);
    OK(mf_session_observe(engine.session, 0, compare, &s, &e));
    assert_int_equal(s.count, 1 + 7); // input; a, pool, b, sum, cat, c, relu; flat is a view
    harness_close(&engine);
    for (int t = 0; t < COUNT(truth); t++) reference_tensor_free(&truth[t]);
    mf_free(input);
    mf_graph_free(g);
  }
}

static void observe_one(mf_observations *o, const mf_graph *g, harness_engine *engine, const float *input) {
  mf_error e;
  for (int n = 0; n < 2; n++) OK(mf_session_fill_floats(engine->session, n, input + n * 3 * 6 * 7, &e));
  OK(mf_observations_add(o, g, engine->session, harness_pool(1), false, &e));
}

// The range over all that was observed, of finite numbers.
static void test_ranges(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = some_graph();
  harness_engine engine;
  OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e));
  float *first = random_input(g, 3), *second = random_input(g, 4);
  for (int i = 0; i < 20; i++) second[i] *= 3;
  mf_observations o = observations(g), a = harness_ranges(g, first), b = harness_ranges(g, second);
  observe_one(&o, g, &engine, first);
  observe_one(&o, g, &engine, second);
  assert_int_equal(o.samples, 2);
  for (int t = 0; t < g->tensor_count; t++) {
    const bool is_shown = !g->tensors[t].data && t != g->output; // the output is a view
    assert_int_equal(mf_histogram_seen(&o.tensors[t]), is_shown);
    if (!is_shown) continue;
    const float min = fminf(a.tensors[t].min, b.tensors[t].min), max = fmaxf(a.tensors[t].max, b.tensors[t].max);
    assert_true(fabsf(o.tensors[t].min - min) <= 1e-5f * (max - min) &&
                fabsf(o.tensors[t].max - max) <= 1e-5f * (max - min));
  }
  const mf_histogram before = o.tensors[g->input];
  first[0] = INFINITY;
  first[1] = -INFINITY;
  first[2] = NAN;
  first[3] = before.max + 1;
  observe_one(&o, g, &engine, first);
  assert_true(o.tensors[g->input].min == before.min && o.tensors[g->input].max == before.max + 1);
  mf_observations_free(&o);
  mf_observations_free(&a);
  mf_observations_free(&b);
  mf_free(first);
  mf_free(second);
  harness_close(&engine);
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_chain),
      cmocka_unit_test(test_averages_have_their_own_scale),
      cmocka_unit_test(test_groups_share_a_scale),
      cmocka_unit_test(test_residual_sums),
      cmocka_unit_test(test_what_was_not_seen),
      cmocka_unit_test(test_weights_have_a_scale_a_channel),
      cmocka_unit_test(test_activations_are_shown),
      cmocka_unit_test(test_ranges),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
