// Operators that work element by element, where no fusion takes them: activations, BatchNorm, binary operators, sums.
#include "reference/support.h"
#include "unit/plan_fixture.h"

static const mf_eltwise eltwises[] = {
    {MF_ELTWISE_RELU, 0, 0},        {MF_ELTWISE_RELU, 0.1f, 0},    {MF_ELTWISE_CLIP, 0, 0.75f},
    {MF_ELTWISE_CLIP, -0.5f, 0.5f}, {MF_ELTWISE_LOGISTIC, 0, 0},   {MF_ELTWISE_HARDSWISH, 1.0f / 6, 0.5f},
    {MF_ELTWISE_SWISH, 1, 0},       {MF_ELTWISE_SWISH, 1.702f, 0}, {MF_ELTWISE_TANH, 0, 0},
    {MF_ELTWISE_LINEAR, -2, 0.25f},
};

static mf_tensor_id add_eltwise(mf_graph *g, mf_tensor_id x, const void *what) {
  return ADD(g, ELTWISE, "op", A(.eltwise = *(const mf_eltwise *)what), x);
}

// In its place, x is overwritten where nobody else reads it; here somebody does.
static mf_tensor_id add_eltwise_beside(mf_graph *g, mf_tensor_id x, const void *what) {
  return ADD(g, CONCAT, "cat", A(.concat = {1}), add_eltwise(g, x, what), x);
}

static void test_eltwise(void **state) {
  (void)state;
  for (int f = 0; f < COUNT(eltwises); f++)
    check_in_places(add_eltwise, &eltwises[f], 30, mf_eltwise_name(eltwises[f].kind));
  check_in_places(add_eltwise_beside, &eltwises[0], 30, "relu beside its input");
}

static mf_tensor_id add_two_bn(mf_graph *g, mf_tensor_id x, const void *what) {
  (void)what;
  return add_bn(g, "bn2", add_bn(g, "bn1", x));
}

static mf_tensor_id add_flat_bn(mf_graph *g, mf_tensor_id x, const void *what) {
  (void)what;
  return add_bn(g, "bn", ADD(g, FLATTEN, "flat", NONE, x));
}

static void test_batch_normalization(void **state) {
  (void)state;
  check_in_places(add_two_bn, NULL, 60, "BatchNorm");
  check_in_places(add_flat_bn, NULL, 30, "BatchNorm of N,C");
}

typedef struct binary_case {
  mf_binary_kind kind;
  bool repeat[4]; // dimensions of the second operand that are 1
  bool flat;
} binary_case;

// The second operand is computed from the first: averaged along what is repeated, and kept away from 0 for division.
static mf_tensor_id add_binary(mf_graph *g, mf_tensor_id x, const void *what) {
  const binary_case *c = what;
  mf_tensor_id y = x;
  const int64_t *dim = g->tensors[x].shape.dim;
  if (c->repeat[1]) y = plain_convolution(g, "to 1", y, 1, 3);
  if (c->repeat[2] || c->repeat[3]) {
    const mf_pooling p = {
        MF_POOLING_MAX, {c->repeat[2] ? dim[2] : 1, c->repeat[3] ? dim[3] : 1}, {1, 1}, {0, 0}, {0, 0}, false};
    y = ADD(g, POOLING, "pool", A(.pooling = p), y);
  }
  y = ADD(g, ELTWISE, "second", CLIP(0.5f, 2), y);
  if (c->flat) {
    x = ADD(g, FLATTEN, "flat", NONE, x);
    y = ADD(g, FLATTEN, "flat second", NONE, y);
  }
  return ADD(g, BINARY, "op", A(.binary = {c->kind}), x, y);
}

static void test_binary(void **state) {
  (void)state;
  static const char *const names[] = {"add", "sub", "mul", "div", "max", "min"};
  static const bool repeats[][4] = {{0}, {0, 0, 1, 1}, {0, 1, 0, 0}, {0, 1, 1, 1}, {0, 0, 0, 1}};
  for (int kind = 0; kind < COUNT(names); kind++) {
    check_in_places(add_binary, &(binary_case){.kind = (mf_binary_kind)kind, .flat = true}, 8, names[kind]);
    for (int r = 0; r < COUNT(repeats); r++) {
      binary_case c = {.kind = (mf_binary_kind)kind};
      memcpy(c.repeat, repeats[r], sizeof c.repeat);
      check_in_places(add_binary, &c, 16, names[kind]);
    }
  }
}

// Of two or three: x, a convolution of it and a pooling, so that they come in different layouts.
static mf_tensor_id add_sums(mf_graph *g, mf_tensor_id x, const void *what) {
  const int count = *(const int *)what;
  const mf_tensor_id y = plain_convolution(g, "second", x, channels(g, x), 1);
  if (count == 2) return ADD(g, SUM, "op", NONE, x, y);
  return ADD(g, SUM, "op", NONE, y, x, add_max_pool(g, "third", x, 3));
}

static void test_sum(void **state) {
  (void)state;
  for (int count = 2; count <= 3; count++) check_in_places(add_sums, &count, 60, count == 2 ? "sum of 2" : "sum of 3");
}

// What passes leave behind for no operator: refused, not read.
static void test_constants_as_operands(void **state) {
  (void)state;
  mf_error e;
  harness_engine engine;
  static const mf_op ops[] = {MF_OP_BINARY, MF_OP_SUM, MF_OP_CONCAT};
  for (int i = 0; i < COUNT(ops); i++) {
    mf_graph *g = new_graph();
    mf_tensor_id inputs[] = {add_input(g, SHAPE(1, 3, 4, 4)), add_constant(g, "constant", SHAPE(1, 3, 4, 4), 0, 1)};
    g->output =
        add_node(g, ops[i], "op", ops[i] == MF_OP_CONCAT ? A(.concat = {1}) : A(.binary = {MF_BINARY_MUL}), inputs, 2);
    check_fails(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e), MF_ERR_UNSUPPORTED, &e,
                "op: constant is a constant");
    mf_graph_free(g);
  }
  mf_graph *g = new_graph();
  mf_tensor_id inputs[] = {add_input(g, SHAPE(3, 3, 4, 4)), MF_NO_TENSOR};
  inputs[1] = add_relu(g, "weights", inputs[0]);
  g->output = add_node(g, MF_OP_CONVOLUTION, "op", A(.convolution = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1}), inputs, 2);
  check_fails(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e), MF_ERR_UNSUPPORTED, &e,
              "op: weights is computed by the network");
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_eltwise), cmocka_unit_test(test_batch_normalization),   cmocka_unit_test(test_binary),
      cmocka_unit_test(test_sum),     cmocka_unit_test(test_constants_as_operands),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
