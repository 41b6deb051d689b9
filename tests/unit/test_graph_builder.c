#include "graph/builder.h"
#include "graph/eltwise.h"
#include "graph/estimate.h"
#include "unit/graph_interpreter.h"

static mf_builder *start(fake_weights *w) {
  mf_builder *b;
  mf_error e;
  OK(mf_builder_create(&b, "net", &w->weights, &e));
  return b;
}

static mf_graph *finish(mf_builder *b, mf_tensor_id output) {
  mf_graph *g;
  mf_error e;
  OK(mf_builder_finish(b, output, &g, &e));
  return g;
}

static void end(fake_weights *w, mf_builder *b, mf_graph *g) {
  mf_graph_free(g);
  mf_builder_free(b);
  mf_arena_free(&w->arena);
}

static void test_a_network(void **state) {
  (void)state;
  fake_weights w = new_weights();
  mf_builder *b = start(&w);
  mf_build_stage(b, "conv1");
  mf_tensor_id x = mf_build_input(b, 2, 3, 32, 30);
  mf_conv_spec first = {.out = 8, .kernel = {7, 5}, .stride = 2, .pad = {3, 2}};
  x = mf_build_batch_norm(b, mf_build_convolution(b, x, "conv1", first), "bn1", 1e-5);
  x = mf_build_max_pool(b, mf_build_relu6(b, x, "relu"), "maxpool", 3, 2, 1, false);
  char stage[] = "conv2_x";
  mf_build_stage(b, stage);
  stage[0] = '?'; // copied
  mf_conv_spec grouped = {.out = 12, .kernel = {3, 3}, .pad = {2, 2}, .groups = 4, .dilation = 2, .bias = true};
  mf_tensor_id y = mf_build_convolution(b, x, MF_NAME(b, "layer%d.%d.conv1", 1, 0), grouped);
  x = mf_build_concat(b, (mf_tensor_id[]){x, y}, 2, "cat");
  x = mf_build_average_to(b, x, "avgpool", 2, 1);
  x = mf_build_flatten(b, x, "flatten");
  x = mf_build_linear(b, mf_build_dropout(b, x, "drop"), "fc", mf_build_classes(b, "fc.weight"));
  mf_graph *g = finish(b, x);

  static const struct {
    const char *name, *stage;
    mf_op op;
    mf_shape shape;
  } rows[] = {
      {"conv1", "conv1", MF_OP_CONVOLUTION, {4, {2, 8, 16, 15}}},
      {"bn1", "conv1", MF_OP_BATCH_NORMALIZATION, {4, {2, 8, 16, 15}}},
      {"relu", "conv1", MF_OP_ELTWISE, {4, {2, 8, 16, 15}}},
      {"maxpool", "conv1", MF_OP_POOLING, {4, {2, 8, 8, 8}}},
      {"layer1.0.conv1", "conv2_x", MF_OP_CONVOLUTION, {4, {2, 12, 8, 8}}},
      {"cat", "conv2_x", MF_OP_CONCAT, {4, {2, 20, 8, 8}}},
      {"avgpool", "conv2_x", MF_OP_POOLING, {4, {2, 20, 2, 1}}},
      {"flatten", "conv2_x", MF_OP_FLATTEN, {2, {2, 40}}},
      {"drop", "conv2_x", MF_OP_DROPOUT, {2, {2, 40}}},
      {"fc", "conv2_x", MF_OP_INNER_PRODUCT, {2, {2, 17}}},
  };
  assert_int_equal(g->node_count, COUNT(rows));
  for (int i = 0; i < COUNT(rows); i++) {
    const mf_node *node = &g->nodes[i];
    assert_string_equal(node->name, rows[i].name);
    assert_string_equal(node->stage, rows[i].stage);
    assert_int_equal(node->op, rows[i].op);
    assert_int_equal(node->source_count, 1);
    assert_string_equal(node->sources[0], rows[i].name);
    assert_true(mf_shape_equal(&g->tensors[node->output].shape, &rows[i].shape));
  }
  const mf_pooling *average = &g->nodes[6].attributes.pooling;
  assert_true(average->kind == MF_POOLING_AVERAGE && average->kernel[0] == 4 && average->kernel[1] == 8 &&
              average->stride[0] == 4 && average->stride[1] == 8);
  const mf_eltwise *relu6 = &g->nodes[2].attributes.eltwise;
  assert_true(relu6->kind == MF_ELTWISE_CLIP && relu6->alpha == 0 && relu6->beta == 6);

  static const struct {
    const char *name;
    mf_shape shape;
  } params[] = {
      {"conv1.weight", {4, {8, 3, 7, 5}}}, {"bn1.weight", {1, {8}}},      {"bn1.bias", {1, {8}}},
      {"bn1.running_mean", {1, {8}}},      {"bn1.running_var", {1, {8}}}, {"layer1.0.conv1.weight", {4, {12, 2, 3, 3}}},
      {"layer1.0.conv1.bias", {1, {12}}},  {"fc.weight", {2, {17, 40}}},  {"fc.bias", {1, {17}}},
  };
  int count;
  const mf_param_record *records = mf_builder_params(b, &count); // still there after the graph was handed over
  assert_int_equal(count, COUNT(params));
  for (int i = 0; i < count; i++) {
    assert_string_equal(records[i].name, params[i].name);
    assert_true(mf_shape_equal(&records[i].expected, &params[i].shape));
    assert_int_equal(records[i].state, MF_PARAM_OK);
    assert_non_null(g->tensors[mf_graph_find(g, params[i].name)].data);
  }
  end(&w, b, g);
}

static void check_request(const fake_weights *w, const char *name, mf_param_kind kind, double spread) {
  assert_string_equal(w->last.name, name);
  assert_int_equal(w->last.kind, kind);
  assert_true(fabs(w->last.spread - spread) <= spread * 0x1p-10);
}

// A weight's spread is 1 / sqrt(terms of a sum x E[x^2]): 49 of one channel in a group, then 8 x 9 after a relu has
// halved the moment.
static void test_spreads(void **state) {
  (void)state;
  fake_weights w = new_weights();
  mf_builder *b = start(&w);
  mf_tensor_id x = mf_build_input(b, 1, 3, 16, 16);
  x = mf_build_convolution(b, x, "a", (mf_conv_spec){.out = 8, .kernel = {7, 7}});
  check_request(&w, "a.weight", MF_PARAM_WEIGHT, 1 / sqrt(3 * 49));
  x = mf_build_relu(b, x, "relu");
  x = mf_build_convolution(b, x, "b", (mf_conv_spec){.out = 8, .kernel = {3, 3}});
  check_request(&w, "b.weight", MF_PARAM_WEIGHT, 1 / sqrt(8 * 9 * 0.5));
  mf_tensor_id sum = mf_build_sum(b, x, x, "sum");
  mf_build_convolution(b, sum, "c", (mf_conv_spec){.out = 8, .kernel = {1, 1}, .groups = 8});
  check_request(&w, "c.weight", MF_PARAM_WEIGHT, 1 / sqrt(1 * 2));
  mf_tensor_id both[] = {x, mf_build_relu(b, x, "relu2"), mf_build_relu(b, x, "relu3")};
  mf_build_linear(b, mf_build_average_to(b, mf_build_concat(b, both, 3, "cat"), "pool", 1, 1), "d", 10);
  check_request(&w, "d.bias", MF_PARAM_BIAS, 0.05);
  mf_build_convolution(b, mf_build_concat(b, both, 2, "cat2"), "e", (mf_conv_spec){.out = 8, .kernel = {1, 1}});
  check_request(&w, "e.weight", MF_PARAM_WEIGHT, 1 / sqrt(16 * 0.75));
  mf_tensor_id wide = mf_build_convolution(b, x, "wide", (mf_conv_spec){.out = 24, .kernel = {1, 1}});
  wide = mf_build_concat(b, (mf_tensor_id[]){both[1], wide}, 2, "cat3"); // by channels: 8 of 1/2, 24 of 1
  mf_build_convolution(b, wide, "f", (mf_conv_spec){.out = 8, .kernel = {1, 1}});
  check_request(&w, "f.weight", MF_PARAM_WEIGHT, 1 / sqrt(32 * 0.875));
  x = mf_build_batch_norm(b, x, "bn", 1e-5);
  check_request(&w, "bn.running_var", MF_PARAM_VARIANCE, 0.1155);
  end(&w, b, finish(b, x));
}

// TensorFlow: ceil(in / stride) outputs, total padding (out - 1) stride + window - in, the larger half at the end.
static void test_same_padding(void **state) {
  (void)state;
  static const struct {
    int64_t in, kernel, stride, dilation, begin, end, out;
  } rows[] = {
      {224, 3, 2, 1, 0, 1, 112}, {113, 3, 2, 1, 1, 1, 57}, {112, 3, 1, 1, 1, 1, 112},
      {56, 5, 2, 1, 1, 2, 28},   {7, 5, 1, 1, 2, 2, 7},    {56, 1, 2, 1, 0, 0, 28},
      {28, 3, 1, 2, 2, 2, 28},   {1, 3, 2, 1, 1, 1, 1},    {4, 2, 1, 1, 0, 1, 4},
  };
  for (int i = 0; i < COUNT(rows); i++) {
    fake_weights w = new_weights();
    mf_builder *b = start(&w);
    mf_conv_spec spec = {.out = 1,
                         .kernel = {rows[i].kernel, rows[i].kernel},
                         .stride = rows[i].stride,
                         .dilation = rows[i].dilation,
                         .pad = {9, 9},
                         .same = true};
    mf_tensor_id x = mf_build_input(b, 1, 1, rows[i].in, rows[i].in);
    mf_graph *g = finish(b, mf_build_convolution(b, x, "conv", spec));
    const mf_convolution *c = &g->nodes[0].attributes.convolution;
    for (int axis = 0; axis < 2; axis++) {
      assert_int_equal(c->pad_begin[axis], rows[i].begin);
      assert_int_equal(c->pad_end[axis], rows[i].end);
      assert_int_equal(g->tensors[g->output].shape.dim[2 + axis], rows[i].out);
    }
    end(&w, b, g);
  }
}

static mf_tensor_id build_convs(mf_builder *b, int count) {
  mf_tensor_id x = mf_build_input(b, 1, 64, 4, 4);
  for (int i = 0; i < count; i++) {
    mf_conv_spec spec = {.out = 64, .kernel = {3, 3}, .pad = {1, 1}};
    x = mf_build_convolution(b, x, MF_NAME(b, "layer%d", i), spec);
  }
  return mf_build_linear(b, mf_build_average_to(b, x, "pool", 1, 1), "fc", 1000);
}

static void test_missing_parameters_are_gathered(void **state) {
  (void)state;
  static const struct {
    int convs;
    const char *missing, *reshaped, *retyped, *text;
  } rows[] = {
      {1, "layer0", NULL, NULL, "layer0.weight is missing (expected 64x64x3x3)"},
      {1, "layer0", "fc.weight", NULL,
       "layer0.weight is missing (expected 64x64x3x3), fc.weight is 10x512 (expected 1000x64)"},
      {1, NULL, NULL, "fc.bias", "fc.bias has the wrong dtype (expected 1000 of f32, f16 or bf16)"},
      {9, "layer", "fc.weight", "fc.bias",
       "layer0.weight is missing (expected 64x64x3x3), layer1.weight is missing (expected 64x64x3x3), layer2.weight is "
       "missing (expected 64x64x3x3) and 8 more"},
  };
  for (int i = 0; i < COUNT(rows); i++) {
    fake_weights w = new_weights();
    w.missing = rows[i].missing, w.reshaped = rows[i].reshaped, w.retyped = rows[i].retyped;
    mf_builder *b = start(&w);
    mf_graph *g;
    mf_error e;
    assert_int_equal(mf_builder_finish(b, build_convs(b, rows[i].convs), &g, &e), MF_ERR_FILE);
    assert_null(g);
    assert_string_equal(e.text, rows[i].text);
    int count;
    const mf_param_record *records = mf_builder_params(b, &count);
    assert_int_equal(count, rows[i].convs + 2);
    assert_int_equal(records[0].state, rows[i].missing ? MF_PARAM_MISSING : MF_PARAM_OK);
    end(&w, b, NULL);
  }
}

static mf_status refuse_get(mf_weights *self, const mf_param *p, const float **data, mf_param_state *state,
                            mf_shape *found, mf_error *e) {
  (void)self, (void)data, (void)state, (void)found;
  return mf_fail(e, MF_ERR_FILE, "the source broke at %s", p->name);
}

static void test_the_first_failure_latches(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g;
  fake_weights w = new_weights();
  mf_builder *b = start(&w);
  mf_tensor_id x = mf_build_input(b, 1, 3, 7, 7);
  assert_int_equal(mf_build_average_to(b, x, "pool", 2, 2), MF_NO_TENSOR);
  mf_build_refuse(b, "a later reason");
  mf_tensor_id y = mf_build_convolution(b, x, "conv", (mf_conv_spec){.out = 4, .kernel = {1, 1}, .same = true});
  y = mf_build_concat(b, (mf_tensor_id[]){x, y}, 2, MF_NAME(b, "cat%d", 1));
  y = mf_build_linear(b, mf_build_sum(b, y, y, "sum"), "fc", 10);
  assert_int_equal(y, MF_NO_TENSOR);
  assert_int_equal(mf_build_shape(b, x)->rank, 0);
  check_fails(mf_builder_finish(b, y, &g, &e), MF_ERR_USAGE, &e, "pool: 7x7 does not divide into 2x2");
  int count;
  mf_builder_params(b, &count);
  assert_int_equal(count, 0);
  end(&w, b, NULL);

  b = start(&w);
  mf_build_refuse(b, "%dx%d is too small (expected at least %d)", 8, 9, 32);
  check_fails(mf_builder_finish(b, mf_build_input(b, 1, 3, 8, 9), &g, &e), MF_ERR_USAGE, &e,
              "8x9 is too small (expected at least 32)");
  end(&w, b, NULL);

  w.weights.get = refuse_get;
  b = start(&w);
  check_fails(mf_builder_finish(b, build_convs(b, 2), &g, &e), MF_ERR_FILE, &e, "the source broke at layer0.weight");
  end(&w, b, NULL);

  w = new_weights();
  b = start(&w);
  x = mf_build_input(b, 1, 3, 8, 8);
  check_fails(mf_builder_finish(b, mf_build_sum(b, x, mf_build_max_pool(b, x, "pool", 2, 0, 0, false), "sum"), &g, &e),
              MF_ERR_FILE, &e, "sum: operand 1 is 1x3x4x4 (expected 1x3x8x8 like the first)");
  end(&w, b, NULL);

  b = start(&w);
  mf_build_input(b, 1, 3, 8, 8);
  check_fails(mf_builder_finish(b, MF_NO_TENSOR, &g, &e), MF_ERR_UNSUPPORTED, &e, "there is no output");
  end(&w, b, NULL);
}

static void test_average_to(void **state) {
  (void)state;
  fake_weights w = new_weights();
  mf_builder *b = start(&w);
  mf_tensor_id x = mf_build_input(b, 1, 3, 6, 6);
  assert_int_equal(mf_build_average_to(b, x, "same", 6, 6), x); // AlexNet's pool at 224x224 does nothing
  mf_tensor_id one = mf_build_average_to(b, x, "one", 1, 1);
  mf_tensor_id still = mf_build_average_to(b, one, "still", 1, 1); // a global average is shown even there
  assert_int_not_equal(still, one);
  mf_graph *g = finish(b, still);
  assert_int_equal(g->node_count, 2);
  end(&w, b, g);
  b = start(&w);
  assert_int_equal(mf_build_classes(b, "fc.weight"), 17);
  assert_int_equal(mf_build_classes(b, "classifier.weight"), 1000);
  end(&w, b, NULL);
}

// max(x, 0) of a normal x, in closed form.
static mf_estimate relu_of_normal(mf_estimate x) {
  double s = sqrt(x.moment - x.mean * x.mean), t = x.mean / s;
  double density = exp(-t * t / 2) / sqrt(2 * acos(-1)), below = erfc(-t / sqrt(2)) / 2;
  return (mf_estimate){x.mean * below + s * density, x.moment * below + x.mean * s * density};
}

static void test_estimates(void **state) {
  (void)state;
  mf_eltwise relu = {.kind = MF_ELTWISE_RELU}, linear = {MF_ELTWISE_LINEAR, 2, 3};
  static const mf_estimate inputs[] = {{0, 1}, {0, 4}, {1, 2}, {-0.5, 1.3}, {3, 10}};
  for (int i = 0; i < COUNT(inputs); i++) {
    mf_estimate got = mf_estimate_eltwise(inputs[i], &relu), expected = relu_of_normal(inputs[i]);
    assert_true(fabs(got.mean - expected.mean) < 1e-3 && fabs(got.moment - expected.moment) < 1e-3);
    got = mf_estimate_eltwise(inputs[i], &linear);
    assert_true(fabs(got.mean - (2 * inputs[i].mean + 3)) < 1e-9);
    assert_true(fabs(got.moment - (4 * inputs[i].moment + 12 * inputs[i].mean + 9)) < 1e-9);
  }
  assert_true(mf_estimate_spread((mf_estimate){0, 0.25}, 16) == 0.5);
  // Ten bits: the same whatever the last bits of the moment are.
  double spread = mf_estimate_spread((mf_estimate){0, 0.3}, 7);
  assert_true(fabs(spread - 1 / sqrt(2.1)) < spread * 0x1p-10);
  assert_true(spread == mf_estimate_spread((mf_estimate){0, 0.3 * (1 + 1e-14)}, 7));
  assert_true(spread * 0x1p11 == floor(spread * 0x1p11));
  mf_estimate sum = mf_estimate_sum((mf_estimate){1, 2}, (mf_estimate){2, 5});
  assert_true(sum.mean == 3 && sum.moment == 11);
}

static double activate(mf_eltwise_kind kind, float alpha, float beta, double x) {
  return mf_eltwise_value(&(mf_eltwise){kind, alpha, beta}, x);
}

// Numbers of scipy.special.expit and numpy.
static void test_eltwise_values(void **state) {
  (void)state;
  assert_true(activate(MF_ELTWISE_RELU, 0, 0, 2.5) == 2.5 && activate(MF_ELTWISE_RELU, 0, 0, -2) == 0);
  assert_true(activate(MF_ELTWISE_RELU, 0.25f, 0, -2) == -0.5);
  assert_true(activate(MF_ELTWISE_CLIP, 0, 6, 7) == 6 && activate(MF_ELTWISE_CLIP, -1, 6, -3) == -1 &&
              activate(MF_ELTWISE_CLIP, 0, 6, 3) == 3);
  assert_true(activate(MF_ELTWISE_HARDSWISH, 0.25f, 0.5f, 1) == 0.75);
  assert_true(activate(MF_ELTWISE_HARDSWISH, 0.25f, 0.5f, 9) == 9 &&
              activate(MF_ELTWISE_HARDSWISH, 0.25f, 0.5f, -9) == 0);
  assert_true(fabs(activate(MF_ELTWISE_LOGISTIC, 0, 0, 2) - 0.8807970779778823) < 1e-15);
  assert_true(fabs(activate(MF_ELTWISE_SWISH, 1, 0, 2) - 1.7615941559557646) < 1e-15);
  assert_true(fabs(activate(MF_ELTWISE_TANH, 0, 0, -0.5) + 0.46211715726000973) < 1e-15);
  assert_true(activate(MF_ELTWISE_LINEAR, 2, -1, 4) == 7);
  for (mf_eltwise_kind kind = 0; kind <= MF_ELTWISE_LINEAR; kind++) assert_true(isnan(activate(kind, 1, 2, NAN)));
  assert_string_equal(mf_eltwise_name(MF_ELTWISE_RELU), "relu");
  assert_string_equal(mf_eltwise_name(MF_ELTWISE_LINEAR), "linear");
}

static double second_moment(const double *x, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += x[i] * x[i];
  return sum / (double)count;
}

// What the estimates are for: at any depth of a residual network a convolution's output has about unit variance. Within
// 2.5, which is the luck of few channels; halving at each relu and adding at each sum alone would be far off by
// block 24.
static void test_activations_keep_their_scale(void **state) {
  (void)state;
  static const int depths[] = {0, 1, 4, 16, 24};
  for (int i = 0; i < COUNT(depths); i++) {
    fake_weights w = new_weights();
    mf_builder *b = start(&w);
    mf_conv_spec spec = {.out = 48, .kernel = {1, 1}};
    mf_tensor_id x = mf_build_convolution(b, mf_build_input(b, 4, 48, 4, 4), "stem", spec);
    x = mf_build_relu(b, x, "stem.relu");
    for (int d = 0; d < depths[i]; d++) {
      mf_tensor_id y = mf_build_convolution(b, x, MF_NAME(b, "%d.conv1", d), spec);
      y = mf_build_relu6(b, mf_build_batch_norm(b, y, MF_NAME(b, "%d.bn1", d), 1e-5), MF_NAME(b, "%d.relu6", d));
      y = mf_build_batch_norm(b, mf_build_convolution(b, y, MF_NAME(b, "%d.conv2", d), spec), MF_NAME(b, "%d.bn2", d),
                              1e-5);
      x = mf_build_relu(b, mf_build_sum(b, y, x, MF_NAME(b, "%d.sum", d)), MF_NAME(b, "%d.relu", d));
    }
    mf_graph *g = finish(b, mf_build_convolution(b, x, "last", spec));
    size_t count;
    double *out = run_graph(g, &count);
    double moment = second_moment(out, count);
    if (!(moment > 0.4 && moment < 2.5)) fail_msg("%d blocks: E[x^2] = %g", depths[i], moment);
    free(out);
    end(&w, b, g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_network),
      cmocka_unit_test(test_spreads),
      cmocka_unit_test(test_same_padding),
      cmocka_unit_test(test_missing_parameters_are_gathered),
      cmocka_unit_test(test_the_first_failure_latches),
      cmocka_unit_test(test_average_to),
      cmocka_unit_test(test_estimates),
      cmocka_unit_test(test_eltwise_values),
      cmocka_unit_test(test_activations_keep_their_scale),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
