// The passes of --fusion: BatchNorm into weights, activations and residual sums into convolutions.
#include "pass/pass.h"
#include "unit/graph_interpreter.h"

static void check_sources(const mf_node *node, const char *expected) {
  char text[256] = "";
  for (int i = 0; i < node->source_count; i++) {
    size_t length = strlen(text);
    snprintf(text + length, sizeof text - length, "%s%s", i ? "+" : "", node->sources[i]);
  }
  assert_string_equal(text, expected);
}

static void test_batch_norm_folds(void **state) {
  (void)state;
  for (int bias = 0; bias < 2; bias++) {
    for (int groups = 1; groups <= 3; groups += 2) {
      mf_graph *g = new_graph();
      mf_tensor_id x = add_input(g, SHAPE(2, 6, 5, 4));
      mf_tensor_id inputs[3] = {x, add_constant(g, "w", SHAPE(9, 6 / groups, 3, 2), 0, 1)};
      if (bias) inputs[2] = add_constant(g, "b", SHAPE(9), 0, 1);
      mf_attributes a = {.convolution = {{2, 1}, {1, 2}, {1, 0}, {0, 1}, groups}};
      mf_tensor_id y = add_node(g, MF_OP_CONVOLUTION, "conv", a, inputs, bias ? 3 : 2);
      g->output = add_bn(g, "bn", y);
      assert_true(check_same_output(g, mf_pass_fold_batch_norm) > 0);
      assert_int_equal(g->node_count, 1);
      assert_int_equal(g->nodes[0].input_count, 3);
      assert_string_equal(g->tensors[g->output].name, "bn");
      assert_int_equal(g->tensor_count, 4); // the old parameters are gone
      check_sources(&g->nodes[0], "conv+bn");
      mf_graph_free(g);
    }
  }
}

// By hand: one channel, weights 2, bias 1; gamma 3, beta 5, mean 4, variance 9 - epsilon: factor 1, so w 2 and b 1 - 4
// + 5.
static void test_batch_norm_by_hand(void **state) {
  (void)state;
  static const float two = 2, one = 1, three = 3, five = 5, four = 4, variance = 8;
  mf_error e;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(1, 1, 2, 2)), p[6];
  static const struct {
    const char *name;
    const float *value;
  } params[] = {{"w", &two}, {"b", &one}, {"gamma", &three}, {"beta", &five}, {"mean", &four}, {"variance", &variance}};
  for (int i = 0; i < 6; i++) {
    mf_shape shape = i ? SHAPE(1) : SHAPE(1, 1, 1, 1);
    OK(mf_graph_add_tensor(g, params[i].name, &shape, params[i].value, &p[i], &e));
  }
  mf_convolution unit = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
  x = ADD(g, CONVOLUTION, "conv", A(.convolution = unit), x, p[0], p[1]);
  g->output = ADD(g, BATCH_NORMALIZATION, "bn", A(.batch_normalization = {1}), x, p[2], p[3], p[4], p[5]);
  OK(mf_pass_fold_batch_norm(g, &e));
  assert_int_equal(g->node_count, 1);
  assert_true(g->tensors[g->nodes[0].inputs[1]].data[0] == 2);
  assert_true(g->tensors[g->nodes[0].inputs[2]].data[0] == 2);
  assert_true(two == 2 && one == 1); // the source's own numbers are not written to
  mf_graph_free(g);
}

static mf_tensor_id add_linear(mf_graph *g, const char *name, mf_tensor_id x, int64_t out) {
  mf_tensor_id weight = add_constant(g, join(g, name, "weight"), SHAPE(out, channels(g, x)), 0, 1);
  return ADD(g, INNER_PRODUCT, name, NONE, x, weight);
}

static void test_batch_norm_after_inner_product_and_twice(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_linear(g, "fc", add_input(g, SHAPE(3, 7)), 5);
  g->output = add_bn(g, "bn2", add_bn(g, "bn1", x));
  assert_true(check_same_output(g, mf_pass_fold_batch_norm) > 0);
  assert_int_equal(g->node_count, 1);
  check_sources(&g->nodes[0], "fc+bn1+bn2");
  mf_graph_free(g);
}

static void test_shared_weights_fold_apart(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(1, 4, 3, 3)), w = add_constant(g, "w", SHAPE(4, 4, 1, 1), 0, 1);
  mf_convolution unit = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
  mf_tensor_id a = ADD(g, CONVOLUTION, "a", A(.convolution = unit), x, w);
  mf_tensor_id b = ADD(g, CONVOLUTION, "b", A(.convolution = unit), add_bn(g, "bn1", a), w);
  mf_tensor_id c = ADD(g, CONVOLUTION, "c", A(.convolution = unit), add_bn(g, "bn2", b), w);
  g->output = c;
  assert_true(check_same_output(g, mf_pass_fold_batch_norm) > 0);
  assert_int_equal(g->node_count, 3);
  assert_string_equal(g->tensors[g->nodes[2].inputs[1]].name, "w");
  mf_graph_free(g);
}

static void test_batch_norm_that_stays(void **state) {
  (void)state;
  mf_graph *g = new_graph(); // before anything, after a relu, after a pool
  mf_tensor_id x = add_bn(g, "bn0", add_input(g, SHAPE(1, 4, 3, 3)));
  x = add_bn(g, "bn1", add_relu(g, "relu", add_conv(g, "conv", x, 4, 1, true)));
  g->output = add_bn(g, "bn2", add_max_pool(g, "pool", x, 3));
  assert_true(check_same_output(g, mf_pass_fold_batch_norm) > 0);
  assert_int_equal(count_ops(g, MF_OP_BATCH_NORMALIZATION), 3);
  mf_graph_free(g);

  g = new_graph(); // the convolution has another reader
  x = add_conv(g, "conv", add_input(g, SHAPE(1, 4, 3, 3)), 4, 1, true);
  g->output = add_sum(g, "sum", add_bn(g, "bn", x), x);
  assert_true(check_same_output(g, mf_pass_fold_batch_norm) > 0);
  assert_int_equal(count_ops(g, MF_OP_BATCH_NORMALIZATION), 1);
  mf_graph_free(g);

  g = new_graph(); // the convolution is the output
  x = add_conv(g, "conv", add_input(g, SHAPE(1, 4, 3, 3)), 4, 1, true);
  add_bn(g, "bn", x);
  g->output = x;
  assert_true(check_same_output(g, mf_pass_fold_batch_norm) > 0);
  assert_int_equal(count_ops(g, MF_OP_BATCH_NORMALIZATION), 1);
  mf_graph_free(g);

  g = new_graph(); // the weights are computed from the input
  x = add_input(g, SHAPE(4, 4, 1, 1));
  mf_convolution unit = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
  g->output = add_bn(g, "bn", ADD(g, CONVOLUTION, "conv", A(.convolution = unit), x, x));
  assert_true(check_same_output(g, mf_pass_fold_batch_norm) > 0);
  assert_int_equal(g->node_count, 2);
  mf_graph_free(g);

  g = new_graph(); // something was fused before it
  x = add_relu(g, "relu", add_conv(g, "conv", add_input(g, SHAPE(1, 4, 3, 3)), 4, 1, true));
  g->output = add_bn(g, "bn", x);
  assert_true(check_same_output(g, mf_pass_fuse_activation) > 0);
  assert_true(check_same_output(g, mf_pass_fold_batch_norm) > 0);
  assert_int_equal(g->node_count, 2);
  mf_graph_free(g);
}

static void test_activations_fuse(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_conv(g, "conv", add_input(g, SHAPE(2, 3, 4, 4)), 5, 3, false);
  x = ADD(g, ELTWISE, "swish", A(.eltwise = {MF_ELTWISE_HARDSWISH, 0.25f, 0.5f}), x);
  x = add_linear(g, "fc", ADD(g, FLATTEN, "flat", NONE, x), 6);
  g->output = ADD(g, ELTWISE, "clip", A(.eltwise = {MF_ELTWISE_CLIP, -1, 1}), x);
  assert_true(check_same_output(g, mf_pass_fuse_activation) > 0);
  assert_int_equal(g->node_count, 3);
  check_sources(&g->nodes[0], "conv+swish");
  check_sources(&g->nodes[2], "fc+clip");
  assert_int_equal(g->nodes[0].posts[0].eltwise.kind, MF_ELTWISE_HARDSWISH);
  assert_string_equal(g->nodes[2].name, "fc");
  assert_string_equal(g->tensors[g->output].name, "clip");
  mf_graph_free(g);
}

static void test_activations_that_stay(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(1, 4, 4, 4));
  mf_tensor_id shared = add_conv(g, "shared", add_relu(g, "relu0", x), 4, 1, true);
  mf_tensor_id a = add_relu(g, "relu1", shared);
  mf_tensor_id b = add_relu(g, "relu2", add_bn(g, "bn", shared));
  mf_tensor_id c = add_relu(g, "relu3", add_sum(g, "sum", a, b));
  g->output = add_relu(g, "relu4", add_max_pool(g, "pool", c, 3));
  assert_true(check_same_output(g, mf_pass_fuse_activation) > 0);
  assert_int_equal(count_ops(g, MF_OP_ELTWISE), 5);
  mf_graph_free(g);

  g = new_graph(); // of two in a row the second; and a convolution that is the output itself
  x = add_conv(g, "conv", add_input(g, SHAPE(1, 4, 4, 4)), 4, 1, true);
  x = add_relu(g, "relu", x);
  x = add_conv(g, "last", ADD(g, ELTWISE, "clip", A(.eltwise = {MF_ELTWISE_CLIP, 0, 1}), x), 4, 1, true);
  add_relu(g, "dead", x);
  g->output = x;
  assert_true(check_same_output(g, mf_pass_fuse_activation) > 0);
  assert_int_equal(g->node_count, 4);
  check_sources(&g->nodes[0], "conv+relu");
  mf_graph_free(g);
}

static mf_status fuse_posts(mf_graph *g, mf_error *e) {
  MF_TRY(mf_pass_fuse_activation(g, e));
  MF_TRY(mf_pass_fuse_sum(g, e));
  return mf_pass_fuse_activation(g, e);
}

static void check_posts(const mf_node *node, const char *expected) { // e: eltwise, s: sum
  char text[MF_MAX_POSTS + 1] = "";
  for (int i = 0; i < node->post_count; i++) text[i] = node->posts[i].kind == MF_POST_SUM ? 's' : 'e';
  assert_string_equal(text, expected);
}

static const char *summand(const mf_graph *g, const mf_node *node) {
  return g->tensors[node->inputs[node->input_count - 1]].name;
}

static void test_residual_block(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_relu(g, "relu0", add_conv(g, "stem", add_input(g, SHAPE(1, 3, 4, 4)), 6, 3, true));
  mf_tensor_id y = add_relu(g, "relu1", add_conv(g, "conv1", x, 6, 3, true));
  y = add_conv(g, "conv2", y, 6, 3, false); // no bias: the summand is its third input
  g->output = add_relu(g, "relu2", add_sum(g, "add", y, x));
  assert_true(check_same_output(g, fuse_posts) > 0);
  assert_int_equal(g->node_count, 3);
  const mf_node *last = &g->nodes[2];
  check_sources(last, "conv2+add+relu2");
  check_posts(last, "se");
  assert_int_equal(last->input_count, 3);
  assert_int_equal(last->posts[0].input, 2);
  assert_int_equal(mf_node_operands(last), 2);
  assert_string_equal(summand(g, last), "relu0");
  assert_string_equal(g->tensors[g->output].name, "relu2");
  mf_graph_free(g);
}

// The shortcut's convolution comes last in execution order and takes the sum.
static void test_block_with_downsampling(void **state) {
  (void)state;
  for (int swapped = 0; swapped < 2; swapped++) {
    mf_graph *g = new_graph();
    mf_tensor_id x = add_relu(g, "relu0", add_conv(g, "stem", add_input(g, SHAPE(1, 3, 4, 4)), 6, 3, true));
    mf_tensor_id y = add_conv(g, "conv", x, 8, 3, true), z = add_conv(g, "downsample", x, 8, 1, true);
    g->output = add_relu(g, "relu", swapped ? add_sum(g, "add", z, y) : add_sum(g, "add", y, z));
    assert_true(check_same_output(g, fuse_posts) > 0);
    assert_int_equal(g->node_count, 3);
    check_sources(&g->nodes[2], "downsample+add+relu");
    assert_string_equal(summand(g, &g->nodes[2]), "conv");
    mf_graph_free(g);
  }
}

// An activation before the sum stays before it.
static void test_activations_on_both_sides(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_max_pool(g, "pool", add_input(g, SHAPE(1, 6, 4, 4)), 3);
  mf_tensor_id y = add_conv(g, "conv", ADD(g, ELTWISE, "tanh", A(.eltwise = {.kind = MF_ELTWISE_TANH}), x), 6, 3, true);
  y = add_sum(g, "add", x, add_relu(g, "before", y));
  g->output = ADD(g, ELTWISE, "after", A(.eltwise = {MF_ELTWISE_CLIP, -0.5f, 0.5f}), y);
  assert_true(check_same_output(g, fuse_posts) > 0);
  assert_int_equal(g->node_count, 3);
  check_sources(&g->nodes[2], "conv+before+add+after");
  check_posts(&g->nodes[2], "ese");
  mf_graph_free(g);
}

// MobileNet's linear bottleneck: no activation; each sum is the summand of the next.
static void test_linear_bottlenecks(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_conv(g, "stem", add_input(g, SHAPE(1, 3, 4, 4)), 6, 3, true);
  for (int i = 0; i < 3; i++) {
    const char *block = mf_arena_format(&g->arena, "block%d", i);
    mf_tensor_id y = add_relu(g, join(g, block, "relu"), add_conv(g, join(g, block, "expand"), x, 9, 1, true));
    x = add_sum(g, join(g, block, "add"), add_conv(g, join(g, block, "project"), y, 6, 1, true), x);
  }
  g->output = x;
  assert_true(check_same_output(g, fuse_posts) > 0);
  assert_int_equal(g->node_count, 7);
  assert_string_equal(summand(g, &g->nodes[2]), "stem");
  assert_string_equal(summand(g, &g->nodes[6]), "block1.add");
  mf_graph_free(g);
}

// The summand is written after the convolution: the convolution moves later.
static void test_convolution_moves_behind_the_summand(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_relu(g, "relu", add_input(g, SHAPE(1, 6, 4, 4)));
  mf_tensor_id y = add_conv(g, "conv", x, 6, 3, true);
  mf_tensor_id z = add_max_pool(g, "pool", x, 3);
  g->output = add_relu(g, "relu2", add_sum(g, "add", y, z));
  assert_true(check_same_output(g, fuse_posts) > 0);
  assert_int_equal(g->node_count, 3);
  assert_string_equal(g->nodes[1].name, "pool");
  check_sources(&g->nodes[2], "conv+add+relu2");
  mf_graph_free(g);
}

// `late` reads s; the sum of `early` and s overwrites s. If `late` moved to the last sum, it would read what is gone.
static void test_no_move_behind_an_overwritten_input(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(1, 6, 4, 4));
  mf_tensor_id s = add_max_pool(g, "s", x, 3);
  mf_tensor_id late = add_conv(g, "late", s, 6, 3, true);
  mf_tensor_id sum = add_sum(g, "sum1", add_conv(g, "early", x, 6, 1, true), s);
  mf_tensor_id pool = add_max_pool(g, "pool", sum, 3);
  g->output = add_sum(g, "sum2", late, pool);
  assert_true(check_same_output(g, fuse_posts) > 0);
  check_posts(find_node(g, "early"), "s");
  check_posts(find_node(g, "late"), "");
  assert_non_null(find_node(g, "sum2"));
  mf_graph_free(g);
}

static void test_sums_that_stay(void **state) {
  (void)state;
  enum { INPUT, CONSTANT, READ_LATER, IS_OUTPUT, SHARED, OWN_SOURCE, TWICE, THREE, NO_CONVOLUTION, CASES };
  for (int why = 0; why < CASES; why++) {
    mf_graph *g = new_graph();
    mf_tensor_id in = add_input(g, SHAPE(1, 6, 4, 4)), x = add_relu(g, "relu", in), out = MF_NO_TENSOR;
    mf_tensor_id y = add_conv(g, "conv", why == OWN_SOURCE ? x : in, 6, 3, true);
    switch (why) {
    case INPUT:
      out = add_sum(g, "add", y, in);
      break;
    case CONSTANT:
      out = add_sum(g, "add", y, add_constant(g, "c", SHAPE(1, 6, 4, 4), 0, 1));
      break;
    case READ_LATER:
      out = ADD(g, CONCAT, "cat", A(.concat = {1}), add_sum(g, "add", y, x), x);
      break;
    case IS_OUTPUT:
      add_sum(g, "add", y, x);
      out = x;
      break;
    case SHARED:
      out = add_max_pool(g, "pool", add_sum(g, "add2", y, add_sum(g, "add", y, x)), 3);
      break;
    case OWN_SOURCE:
      out = add_sum(g, "add", y, x);
      break;
    case TWICE:
      out = add_sum(g, "add", y, y);
      break;
    case THREE:
      out = ADD(g, SUM, "add", NONE, y, x, add_max_pool(g, "pool", x, 3));
      break;
    default:
      out = add_sum(g, "add", add_max_pool(g, "pool", y, 3), x);
    }
    g->output = out;
    int sums = count_ops(g, MF_OP_SUM);
    assert_true(check_same_output(g, fuse_posts) > 0);
    if (count_ops(g, MF_OP_SUM) != sums) fail_msg("case %d was fused", why);
    mf_graph_free(g);
  }
}

// One sum a convolution: the next stays, as both its operands' convolutions have one or are none.
static void test_one_sum_each(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(1, 6, 4, 4));
  mf_tensor_id a = add_max_pool(g, "a", x, 3), b = add_max_pool(g, "b", x, 1);
  mf_tensor_id y = add_sum(g, "sum1", add_conv(g, "conv", x, 6, 3, true), a);
  g->output = add_sum(g, "sum2", y, b);
  assert_true(check_same_output(g, fuse_posts) > 0);
  check_posts(find_node(g, "conv"), "s");
  assert_int_equal(count_ops(g, MF_OP_SUM), 1);
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_batch_norm_folds),
      cmocka_unit_test(test_batch_norm_by_hand),
      cmocka_unit_test(test_batch_norm_after_inner_product_and_twice),
      cmocka_unit_test(test_shared_weights_fold_apart),
      cmocka_unit_test(test_batch_norm_that_stays),
      cmocka_unit_test(test_activations_fuse),
      cmocka_unit_test(test_activations_that_stay),
      cmocka_unit_test(test_residual_block),
      cmocka_unit_test(test_block_with_downsampling),
      cmocka_unit_test(test_activations_on_both_sides),
      cmocka_unit_test(test_linear_bottlenecks),
      cmocka_unit_test(test_convolution_moves_behind_the_summand),
      cmocka_unit_test(test_no_move_behind_an_overwritten_input),
      cmocka_unit_test(test_sums_that_stay),
      cmocka_unit_test(test_one_sum_each),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
