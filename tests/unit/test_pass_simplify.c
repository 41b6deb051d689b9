// The passes that only take things out: identities, constants, dead code.
#include "pass/pass.h"
#include "unit/graph_interpreter.h"

static void test_identities_go(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = ADD(g, IDENTITY, "first", NONE, add_input(g, SHAPE(2, 3, 4, 4)));
  mf_tensor_id y = add_conv(g, "conv", x, 3, 3, true);
  y = ADD(g, IDENTITY, "again", NONE, ADD(g, DROPOUT, "drop", NONE, y));
  y = add_sum(g, "sum", y, x);
  g->output = ADD(g, DROPOUT, "last", NONE, y);
  assert_true(check_same_output(g, mf_pass_remove_identity) > 0);
  assert_int_equal(g->node_count, 2);
  assert_int_equal(g->nodes[0].inputs[0], g->input);
  assert_int_equal(g->nodes[1].inputs[0], g->nodes[0].output);
  assert_int_equal(g->nodes[1].inputs[1], g->input);
  assert_string_equal(g->tensors[g->output].name, "sum");
  assert_int_equal(g->nodes[1].source_count, 1);
  assert_int_equal(g->tensor_count, 5); // input, conv, its two parameters, sum
  mf_graph_free(g);
}

static void test_flatten_is_absorbed(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(2, 3, 2, 2)), flat = ADD(g, FLATTEN, "flat", NONE, x);
  mf_tensor_id weight = add_constant(g, "weight", SHAPE(12, 12), 0, 1);
  mf_tensor_id fc = ADD(g, INNER_PRODUCT, "fc", NONE, flat, weight);
  g->output = add_sum(g, "sum", fc, flat); // another reader: the flatten stays
  assert_true(check_same_output(g, mf_pass_absorb_flatten) > 0);
  assert_true(check_same_output(g, mf_pass_dead_code) > 0);
  assert_int_equal(g->node_count, 3);
  assert_int_equal(find_node(g, "fc")->inputs[0], g->input);
  g->output = find_node(g, "fc")->output;
  assert_true(check_same_output(g, mf_pass_dead_code) > 0);
  assert_int_equal(g->node_count, 1);
  mf_graph_free(g);

  g = new_graph(); // of a rank that inner product does not read
  x = add_input(g, SHAPE(2, 3, 4));
  weight = add_constant(g, "weight", SHAPE(5, 12), 0, 1);
  g->output = ADD(g, INNER_PRODUCT, "fc", NONE, ADD(g, FLATTEN, "flat", NONE, x), weight);
  assert_true(check_same_output(g, mf_pass_absorb_flatten) > 0);
  mf_graph_free(g);
}

// An output that no node writes is nothing a plan could run.
static void test_the_only_node_stays(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = ADD(g, DROPOUT, "drop", NONE, add_input(g, SHAPE(2, 3)));
  g->output = ADD(g, IDENTITY, "last", NONE, x);
  assert_true(check_same_output(g, mf_pass_remove_identity) > 0);
  assert_int_equal(g->node_count, 1);
  assert_string_equal(g->tensors[g->output].name, "last");
  assert_int_equal(g->nodes[0].inputs[0], g->input);
  mf_graph_free(g);
}

static mf_tensor_id add_numbers(mf_graph *g, const char *name, mf_shape shape, const float *data) {
  mf_error e;
  mf_tensor_id id;
  OK(mf_graph_add_tensor(g, name, &shape, data, &id, &e));
  return id;
}

static void check_constant(const mf_graph *g, const char *name, mf_shape shape, const float *expected) {
  mf_tensor_id id = mf_graph_find(g, name);
  assert_true(id >= 0);
  const mf_tensor *t = &g->tensors[id];
  assert_true(mf_shape_equal(&t->shape, &shape));
  assert_non_null(t->data);
  for (size_t i = 0; i < elements_of(t); i++) {
    if (t->data[i] != expected[i]) fail_msg("%s[%zu] is %g, not %g", name, i, (double)t->data[i], (double)expected[i]);
  }
}

static void test_constants_are_computed(void **state) {
  (void)state;
  static const float a[] = {1, -2, 3, -4, 5, -6}, row[] = {10, 20, 30}, column[] = {2, 4};
  mf_error e;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(2, 3));
  mf_tensor_id ca = add_numbers(g, "a", SHAPE(2, 3), a), cr = add_numbers(g, "row", SHAPE(1, 3), row);
  mf_tensor_id cc = add_numbers(g, "column", SHAPE(2, 1), column);
  mf_tensor_id relu = add_relu(g, "relu", ca); // 1 0 3 0 5 0
  struct {
    const char *name;
    mf_binary_kind kind;
    mf_tensor_id second;
    float expected[6];
  } rows[] = {
      {"add", MF_BINARY_ADD, cr, {11, 20, 33, 10, 25, 30}}, {"sub", MF_BINARY_SUB, cc, {-1, -2, 1, -4, 1, -4}},
      {"mul", MF_BINARY_MUL, cc, {2, 0, 6, 0, 20, 0}},      {"div", MF_BINARY_DIV, cc, {0.5, 0, 1.5, 0, 1.25, 0}},
      {"max", MF_BINARY_MAX, ca, {1, 0, 3, 0, 5, 0}},       {"min", MF_BINARY_MIN, ca, {1, -2, 3, -4, 5, -6}},
  };
  mf_tensor_id operands[COUNT(rows) + 1] = {x};
  for (int i = 0; i < COUNT(rows); i++) {
    operands[i + 1] = ADD(g, BINARY, rows[i].name, A(.binary = {rows[i].kind}), relu, rows[i].second);
  }
  // The input reaches the output, so that this sum stays; what it adds is constant by then.
  g->output = add_node(g, MF_OP_SUM, "out", NONE, operands, COUNT(operands));
  OK(mf_pass_fold_constants(g, &e));
  OK(mf_graph_verify(g, &e));
  assert_int_equal(g->node_count, 1);
  for (int i = 0; i < COUNT(rows); i++) check_constant(g, rows[i].name, SHAPE(2, 3), rows[i].expected);
  assert_int_equal(mf_graph_find(g, "row"), MF_NO_TENSOR); // only read by what was computed
  mf_graph_free(g);
}

static void test_constants_in_a_chain(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_error e;
  mf_tensor_id x = add_input(g, SHAPE(2, 12));
  mf_tensor_id c = add_constant(g, "c", SHAPE(2, 3, 2, 2), 0, 1), d = add_constant(g, "d", SHAPE(2, 3, 2, 2), 0, 1);
  c = ADD(g, FLATTEN, "flat", NONE, add_sum(g, "sum", add_relu(g, "relu", c), d));
  g->output = add_sum(g, "out", c, x);
  assert_true(check_same_output(g, mf_pass_fold_constants) > 0);
  assert_int_equal(g->node_count, 1);
  assert_int_equal(g->tensor_count, 3);
  mf_graph_free(g);

  // The last node stays a node; other operators are left alone.
  g = new_graph();
  add_input(g, SHAPE(1, 1));
  c = add_max_pool(g, "pool", add_constant(g, "c", SHAPE(1, 2, 3, 3), 0, 1), 3);
  g->output = add_relu(g, "relu2", add_relu(g, "relu1", c));
  assert_true(check_same_output(g, mf_pass_fold_constants) > 0);
  assert_int_equal(g->node_count, 3);
  mf_graph_free(g);
  g = new_graph();
  add_input(g, SHAPE(1, 1));
  g->output = add_relu(g, "relu2", add_relu(g, "relu1", add_constant(g, "c", SHAPE(1, 2), 1, 1)));
  OK(mf_pass_fold_constants(g, &e));
  OK(mf_graph_verify(g, &e));
  assert_int_equal(g->node_count, 1);
  mf_graph_free(g);
}

static void test_dead_code_goes(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(1, 3, 4, 4));
  mf_tensor_id a = add_conv(g, "a", x, 4, 1, true);
  mf_tensor_id dead = add_relu(g, "dead1", add_conv(g, "dead0", a, 4, 1, true));
  mf_tensor_id b = add_relu(g, "b", a);
  add_sum(g, "dead2", dead, b);
  add_constant(g, "dead3", SHAPE(5), 0, 1);
  g->output = b;
  assert_true(check_same_output(g, mf_pass_dead_code) > 0);
  assert_int_equal(g->node_count, 2);
  assert_int_equal(g->tensor_count, 5);
  assert_non_null(find_node(g, "a"));
  assert_non_null(find_node(g, "b"));
  mf_graph_free(g);

  // The input stays, read or not.
  g = new_graph();
  add_relu(g, "dead", add_input(g, SHAPE(1, 2)));
  g->output = add_relu(g, "out", add_constant(g, "c", SHAPE(1, 2), 1, 1));
  assert_true(check_same_output(g, mf_pass_dead_code) > 0);
  assert_int_equal(g->node_count, 1);
  assert_string_equal(g->tensors[g->input].name, "input");
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_flatten_is_absorbed),  cmocka_unit_test(test_identities_go),
      cmocka_unit_test(test_the_only_node_stays),  cmocka_unit_test(test_constants_are_computed),
      cmocka_unit_test(test_constants_in_a_chain), cmocka_unit_test(test_dead_code_goes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
