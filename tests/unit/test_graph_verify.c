#include "unit/graph_fixture.h"
#include <stdlib.h>

// input -> conv1 (+ relu) -> conv2 (no bias; + sum of conv1's output, + relu) -> pool -> flatten. Node and tensor
// numbers are below.
enum { CONV1, CONV2, POOL, FLATTEN };
enum { INPUT, WEIGHT1, BIAS1, RESULT1, WEIGHT2, RESULT2, RESULT3, RESULT4 };

static mf_graph *valid_graph(void) {
  mf_graph *g = new_graph();
  mf_error e;
  mf_tensor_id a = add_conv(g, "conv1", add_input(g, SHAPE(1, 3, 5, 5)), 4, 3, true);
  g->nodes[CONV1].posts[0] = (mf_post){.kind = MF_POST_ELTWISE};
  g->nodes[CONV1].post_count = 1;
  mf_tensor_id weight = add_constant(g, "conv2.weight", SHAPE(4, 4, 3, 3), 0, 1);
  mf_node prototype = {
      .op = MF_OP_CONVOLUTION,
      .name = "conv2",
      .inputs = (mf_tensor_id[]){a, weight, a},
      .input_count = 3,
      .attributes = {.convolution = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}},
      .posts = {{.kind = MF_POST_SUM, .input = 2}, {.kind = MF_POST_ELTWISE}},
      .post_count = 2,
  };
  mf_tensor_id b;
  OK(mf_graph_add_node(g, &prototype, &b, &e));
  g->output = ADD(g, FLATTEN, "flatten", NONE, add_max_pool(g, "pool", b, 3));
  return g;
}

static void test_a_valid_graph_passes(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = valid_graph();
  OK(mf_graph_verify(g, &e));
  g->tensors[RESULT3].quantization = (mf_quantization){true, MF_S8, 0.5f, -3};
  g->nodes[CONV1].compute = MF_S8;
  OK(mf_graph_verify(g, &e));
  mf_graph_free(g);
}

static const float number;

static void no_input(mf_graph *g) {
  g->input = MF_NO_TENSOR;
}
static void no_output(mf_graph *g) {
  g->output = g->tensor_count;
}
static void written_input(mf_graph *g) {
  g->input = RESULT1;
}
static void empty_name(mf_graph *g) {
  g->tensors[BIAS1].name = "";
}
static void name_twice(mf_graph *g) {
  g->tensors[BIAS1].name = "conv1.weight";
}
static void name_changed(mf_graph *g) {
  g->tensors[BIAS1].name = "other";
}
static void bad_dimension(mf_graph *g) {
  g->tensors[BIAS1].shape.dim[0] = 0;
}
static void far_producer(mf_graph *g) {
  g->tensors[RESULT1].producer = 4;
}
static void written_constant(mf_graph *g) {
  g->tensors[RESULT1].data = &number;
}
static void fed_constant(mf_graph *g) {
  g->tensors[INPUT].data = &number;
}
static void unwritten(mf_graph *g) {
  g->tensors[WEIGHT1].data = NULL;
}
static void wrong_producer(mf_graph *g) {
  g->tensors[RESULT1].producer = CONV2;
}
static void lost_producer(mf_graph *g) {
  g->tensors[RESULT1].producer = -1;
}
static void wrong_output(mf_graph *g) {
  g->nodes[POOL].output = RESULT2;
}
static void no_node_name(mf_graph *g) {
  g->nodes[POOL].name = NULL;
}
static void no_stage(mf_graph *g) {
  g->nodes[POOL].stage = NULL;
}
static void no_sources(mf_graph *g) {
  g->nodes[POOL].source_count = 0;
}
static void empty_source(mf_graph *g) {
  g->nodes[POOL].sources[0] = NULL;
}
static void other_source(mf_graph *g) {
  g->nodes[POOL].sources[0] = "conv1";
}
static void bad_compute(mf_graph *g) {
  g->nodes[POOL].compute = MF_S32;
}
static void bad_op(mf_graph *g) {
  g->nodes[POOL].op = MF_OP_COUNT;
}
static void few_inputs(mf_graph *g) {
  g->nodes[CONV1].input_count = 1;
}
static void far_input(mf_graph *g) {
  g->nodes[POOL].inputs[0] = -7;
}
static void bad_attribute(mf_graph *g) {
  g->nodes[POOL].attributes.pooling.stride[1] = 0;
}
static void wrong_shape(mf_graph *g) {
  g->tensors[RESULT4].shape.dim[1] = 99;
}
static void reads_itself(mf_graph *g) {
  g->nodes[POOL].inputs[0] = RESULT3;
}
static void swapped_nodes(mf_graph *g) {
  mf_node conv = g->nodes[CONV1];
  g->nodes[CONV1] = g->nodes[CONV2];
  g->nodes[CONV2] = conv;
  g->tensors[RESULT1].producer = 1;
  g->tensors[RESULT2].producer = 0;
}
static void many_posts(mf_graph *g) {
  g->nodes[CONV1].post_count = MF_MAX_POSTS + 1;
}
static void post_on_pool(mf_graph *g) {
  g->nodes[POOL].post_count = 1;
}
static void bad_post(mf_graph *g) {
  g->nodes[CONV1].posts[0].kind = 2;
}
static void bad_eltwise(mf_graph *g) {
  g->nodes[CONV1].posts[0].eltwise.kind = 7;
}
static void sum_of_weights(mf_graph *g) {
  g->nodes[CONV2].posts[0].input = 1;
}
static void sum_of_input(mf_graph *g) {
  g->nodes[CONV2].inputs[2] = INPUT;
}
static void lost_sum(mf_graph *g) {
  g->nodes[CONV2].posts[0].kind = MF_POST_ELTWISE;
}
static void two_sums(mf_graph *g) {
  g->nodes[CONV2].posts[1] = g->nodes[CONV2].posts[0];
}
static void bad_scale(mf_graph *g) {
  g->tensors[RESULT3].quantization = (mf_quantization){true, MF_U8, 0, 0};
}
static void endless_scale(mf_graph *g) {
  g->tensors[RESULT3].quantization = (mf_quantization){true, MF_U8, INFINITY, 0};
}
static void bad_stored_dtype(mf_graph *g) {
  g->tensors[RESULT3].quantization = (mf_quantization){true, MF_S32, 1, 0};
}

static void test_each_broken_invariant_is_named(void **state) {
  (void)state;
  static const struct {
    void (*spoil)(mf_graph *g);
    const char *line;
  } rows[] = {
      {no_input, "test: there is no input"},
      {no_output, "test: there is no output"},
      {written_input, "test: a node writes the input"},
      {empty_name, "tensor 2 has no name"},
      {name_twice, "conv1.weight: the tensor's name was changed or is used twice"},
      {name_changed, "other: the tensor's name was changed or is used twice"},
      {bad_dimension, "conv1.bias: shape 0 is out of range"},
      {far_producer, "conv1: node 4 does not exist"},
      {written_constant, "conv1: a constant is written or fed"},
      {fed_constant, "input: a constant is written or fed"},
      {unwritten, "conv1.weight: nobody writes the tensor"},
      {wrong_producer, "conv1: its node conv2 writes another tensor"},
      {lost_producer, "conv1: nobody writes the tensor"},
      {wrong_output, "pool: its node pool writes another tensor"},
      {no_node_name, "node 2 of test has no name"},
      {no_stage, "pool: the stage is missing"},
      {no_sources, "pool: no source layer"},
      {empty_source, "pool: source layer 0 has no name"},
      {other_source, "pool: the first source layer is conv1"},
      {bad_compute, "pool: computes in 5"},
      {bad_op, "pool: operator number 13 does not exist"},
      {few_inputs, "conv1: convolution has 1 inputs (expected 2 to 3)"},
      {far_input, "pool: input 0 does not exist"},
      {bad_attribute, "pool: width stride is 0"},
      {wrong_shape, "flatten: the output is 1x99 (expected 1x100)"},
      {reads_itself, "pool: reads pool, which a later node writes"},
      {swapped_nodes, "conv2: reads conv1, which a later node writes"},
      {many_posts, "conv1: 5 posts (at most 4)"},
      {post_on_pool, "pool: posts on pooling"},
      {bad_post, "conv1: post 0 is of kind 2"},
      {bad_eltwise, "conv1: post 0 is no eltwise"},
      {sum_of_weights, "conv2: post 0 adds input 1 (expected 2)"},
      {sum_of_input, "conv2: post 0 adds input of shape 1x3x5x5"},
      {lost_sum, "conv2: bias is 1x4x5x5 (expected 4)"},
      {two_sums, "conv2: convolution has 1 inputs"},
      {bad_scale, "pool: quantization to u8 by a scale of 0"},
      {endless_scale, "pool: quantization to u8 by a scale of inf"},
      {bad_stored_dtype, "pool: quantization to s32 by a scale of 1"},
  };
  for (int i = 0; i < COUNT(rows); i++) {
    mf_error e;
    mf_graph *g = valid_graph();
    rows[i].spoil(g);
    check_fails(mf_graph_verify(g, &e), MF_ERR_UNSUPPORTED, &e, rows[i].line);
    assert_true(strncmp(e.text, "graph check: ", 13) == 0);
    mf_graph_free(g);
  }
}

static void test_names(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = new_graph();
  mf_tensor_id id;
  mf_tensor_id x = add_input(g, SHAPE(1, 2, 3, 3));
  mf_shape shape = SHAPE(1);
  check_fails(mf_graph_add_tensor(g, "input", &shape, NULL, &id, &e), MF_ERR_FILE, &e, "input: the name is used twice");
  assert_int_equal(id, MF_NO_TENSOR);
  mf_node node = {.op = MF_OP_FLATTEN, .name = "input", .inputs = &x, .input_count = 1};
  check_fails(mf_graph_add_node(g, &node, &id, &e), MF_ERR_FILE, &e, "input: the name is used twice");
  assert_int_equal(g->node_count, 0);
  check_fails(mf_graph_add_tensor(g, "", &shape, NULL, &id, &e), MF_ERR_FILE, &e, "a tensor has no name");
  check_fails(mf_graph_add_tensor(g, "a\nb", &shape, NULL, &id, &e), MF_ERR_FILE, &e, "control characters");
  check_fails(mf_graph_add_tensor(g, "a", &SHAPE(1, 0), NULL, &id, &e), MF_ERR_FILE, &e,
              "a: shape 1x0 is out of range");
  check_fails(mf_graph_add_tensor(g, "a", &(mf_shape){.rank = 7}, NULL, &id, &e), MF_ERR_FILE, &e, "is out of range");
  char name[500];
  memset(name, 'n', sizeof name);
  name[400] = 0;
  OK(mf_graph_add_tensor(g, name, &shape, NULL, &id, &e));
  name[400] = 'n', name[401] = 0;
  check_fails(mf_graph_add_tensor(g, name, &shape, NULL, &id, &e), MF_ERR_FILE, &e,
              "a name of 401 bytes (at most 400)");

  // The caller's text is copied, and every name is found after the tables have grown and shrunk.
  char text[32];
  for (int i = 0; i < 1000; i++) {
    snprintf(text, sizeof text, "constant%d", i);
    OK(mf_graph_add_tensor(g, text, &shape, &number, &id, &e));
  }
  for (int i = 0; i < 1000; i++) {
    snprintf(text, sizeof text, "constant%d", i);
    id = mf_graph_find(g, text);
    assert_true(id >= 0);
    assert_string_equal(g->tensors[id].name, text);
  }
  assert_int_equal(mf_graph_find(g, "constant1000"), MF_NO_TENSOR);
  OK(mf_graph_sweep(g, &e)); // nobody reads any of them
  assert_int_equal(g->tensor_count, 1);
  assert_int_equal(mf_graph_find(g, "constant5"), MF_NO_TENSOR);
  assert_int_equal(mf_graph_find(g, "input"), g->input);
  OK(mf_graph_add_tensor(g, "constant5", &shape, &number, &id, &e));
  mf_graph_free(g);
}

static void test_sweep_renumbers(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = new_graph();
  mf_tensor_id unread = add_constant(g, "unread", SHAPE(3), 0, 1);
  mf_tensor_id x = add_input(g, SHAPE(1, 2, 3, 3));
  mf_tensor_id dropped = add_conv(g, "dropped", x, 4, 1, true);
  mf_tensor_id kept = add_conv(g, "kept", x, 4, 1, false);
  g->output = add_relu(g, "relu", kept);
  assert_int_equal(mf_graph_uses(g, x), 2);
  assert_int_equal(mf_graph_uses(g, unread), 0);
  assert_int_equal(mf_graph_uses(g, g->output), 1);
  g->nodes[g->tensors[dropped].producer].output = MF_NO_TENSOR;
  OK(mf_graph_sweep(g, &e));
  OK(mf_graph_verify(g, &e));
  assert_int_equal(g->node_count, 2);
  static const char *const names[] = {"input", "kept.weight", "kept", "relu"};
  assert_int_equal(g->tensor_count, COUNT(names));
  for (int i = 0; i < COUNT(names); i++) assert_string_equal(g->tensors[i].name, names[i]);
  assert_int_equal(g->input, 0);
  assert_int_equal(g->output, 3);
  assert_int_equal(g->nodes[1].inputs[0], 2);
  assert_int_equal(g->tensors[3].producer, 1);
  mf_graph_free(g);
}

// What people read: the operator, names, shapes, attributes and what was fused.
static void test_print(void **state) {
  (void)state;
  mf_graph *g = valid_graph();
  char *text = NULL;
  size_t size = 0;
  FILE *to = open_memstream(&text, &size);
  assert_non_null(to);
  mf_graph_print(g, to);
  fclose(to);
  static const char *const fragments[] = {
      "test: 4 nodes, 8 tensors\n",
      "convolution",
      " conv1 ",
      " 1x3x5x5 ",
      "-> 1x4x5x5 ",
      " 3x3 pad 1 + relu\n",
      " 3x3 pad 1 + sum(conv1) + relu\n",
      " max 3x3 pad 1\n",
      "flatten",
      "-> 1x100 ",
  };
  for (int i = 0; i < COUNT(fragments); i++) {
    if (!strstr(text, fragments[i])) fail_msg("no \"%s\" in\n%s", fragments[i], text);
  }
  free(text);
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_valid_graph_passes),
      cmocka_unit_test(test_each_broken_invariant_is_named),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_sweep_renumbers),
      cmocka_unit_test(test_print),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
