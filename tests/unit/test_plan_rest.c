// Concat, softmax, LRN, and what only renames: flatten, dropout, identity.
#include "pass/pass.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

// ---- concat

typedef struct concat_case {
  int axis, count;
  bool flat;
} concat_case;

// x, a convolution of it, a pooling, an activation: in different layouts and numbers of channels.
static mf_tensor_id add_concat(mf_graph *g, mf_tensor_id x, const void *what) {
  const concat_case *c = what;
  mf_tensor_id operands[4] = {x};
  const int64_t out = c->axis == 1 ? 17 : channels(g, x);
  operands[1] = plain_convolution(g, "conv", x, out, 3);
  operands[2] = add_max_pool(g, "pool", x, 3);
  operands[3] = add_relu(g, "relu", operands[1]);
  for (int i = 0; i < c->count && c->flat; i++)
    operands[i] = ADD(g, FLATTEN, mf_arena_format(&g->arena, "flat%d", i), NONE, operands[i]);
  return add_node(g, MF_OP_CONCAT, "op", A(.concat = {c->axis}), operands, c->count);
}

static void test_concat(void **state) {
  (void)state;
  for (int count = 1; count <= 4; count++) {
    check_in_places(add_concat, &(concat_case){1, count, false}, 50, "concat of channels");
    for (int axis = 0; axis < 4; axis++) check_in_places(add_concat, &(concat_case){axis, count, false}, 10, "concat");
    for (int axis = 0; axis < 2; axis++)
      check_in_places(add_concat, &(concat_case){axis, count, true}, 10, "concat of N,C");
  }
}

static void test_concat_of_many(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id operands[MF_MAX_INPUTS];
  const mf_tensor_id x = add_input(g, SHAPE(1, 3, 5, 5));
  for (int i = 0; i < MF_MAX_INPUTS; i++)
    operands[i] = i % 2 ? x : add_relu(g, join(g, "relu", mf_arena_format(&g->arena, "%d", i)), x);
  g->output = add_node(g, MF_OP_CONCAT, "op", A(.concat = {1}), operands, MF_MAX_INPUTS);
  float *input = random_input(g, 1);
  expect_same(g, &(mf_plan_options){.activations = MF_F32}, 2, input, HARNESS_F32, NULL, "concat of many");
  mf_free(input);
  mf_graph_free(g);
}

// Operands of every storage, each on a scale of its own, into integers or floats.
static void test_concat_of_integers(void **state) {
  (void)state;
  harness_steps steps = {0};
  char label[60];
  uint64_t seed = 3;
  for (int i = 0; i < HARNESS_SAMPLES(200); i++) {
    mf_graph *g = new_graph();
    const mf_tensor_id x = add_input(g, SHAPE(PICK(&seed, 1, 3), 3, 6, 5));
    mf_tensor_id operands[4] = {plain_convolution(g, "a", x, PICK(&seed, 3, 8, 17, 24, 32), 3),
                                plain_convolution(g, "b", x, PICK(&seed, 3, 8, 17, 24, 32), 1)};
    operands[2] = add_max_pool(g, "pool", operands[0], 3); // stays float: it is not annotated
    operands[3] = operands[pick(&seed, 3)];
    g->output = add_node(g, MF_OP_CONCAT, "op", A(.concat = {1}), operands, 2 + pick(&seed, 3));
    float *input = random_input(g, seed);
    annotate_all(g, input, (unsigned)pick(&seed, 4096));
    if (pick(&seed, 4))
      g->tensors[g->output].quantization =
          (mf_quantization){true, pick(&seed, 2) ? MF_U8 : MF_S8, pick(&seed, 2) ? 0.011f : 0.0173f, 0};
    if (pick(&seed, 4) == 0) g->tensors[g->output].quantization = g->tensors[operands[0]].quantization;
    snprintf(label, sizeof label, "concat of integers %d", i);
    expect_same(g, &(mf_plan_options){.activations = MF_F32, .float_input = pick(&seed, 2)}, PICK(&seed, 1, 2), input,
                HARNESS_F32, &steps, label);
    mf_free(input);
    mf_graph_free(g);
  }
  harness_expect_few_moved(&steps);
}

// ---- softmax and LRN

typedef struct softmax_case {
  int axis;
  bool flat;
} softmax_case;

// Of numbers that exp tells apart.
static mf_tensor_id add_softmax(mf_graph *g, mf_tensor_id x, const void *what) {
  const softmax_case *c = what;
  if (c->flat) x = ADD(g, FLATTEN, "flat", NONE, x);
  x = ADD(g, ELTWISE, "scaled", A(.eltwise = {MF_ELTWISE_LINEAR, 4, 100}), x);
  return ADD(g, SOFTMAX, "op", A(.softmax = {c->axis}), x);
}

static void test_softmax(void **state) {
  (void)state;
  uint64_t seed = 4;
  for (int axis = 0; axis < 4; axis++) check_in_places(add_softmax, &(softmax_case){axis, false}, 15, "softmax");
  for (int axis = 0; axis < 2; axis++) check_in_places(add_softmax, &(softmax_case){axis, true}, 15, "softmax of N,C");
  (void)seed;
}

static mf_tensor_id add_lrn(mf_graph *g, mf_tensor_id x, const void *what) {
  return ADD(g, LRN, "op", A(.lrn = *(const mf_lrn *)what), x);
}

static void test_lrn(void **state) {
  (void)state;
  static const mf_lrn cases[] = {
      {5, 1e-4f, 0.75f, 2}, {5, 1, 0.75f, 1}, {3, 0.5f, 0.5f, 0.1f}, {1, 2, 1, 1}, {7, 1, 1, 1}};
  for (int i = 0; i < COUNT(cases); i++) check_in_places(add_lrn, &cases[i], 25, "LRN");
}

// ---- flatten and other names

static mf_tensor_id add_flatten(mf_graph *g, mf_tensor_id x, const void *what) {
  (void)what;
  return ADD(g, FLATTEN, "op", NONE, x);
}

static mf_tensor_id add_flatten_of_pixels(mf_graph *g, mf_tensor_id x, const void *what) {
  const int64_t *dim = g->tensors[x].shape.dim;
  const mf_pooling all = {MF_POOLING_AVERAGE, {dim[2], dim[3]}, {1, 1}, {0, 0}, {0, 0}, false};
  return add_flatten(g, ADD(g, POOLING, "pool", A(.pooling = all), x), what);
}

// The flattened values once more, in place, while x itself is read again.
static mf_tensor_id add_flatten_and_more(mf_graph *g, mf_tensor_id x, const void *what) {
  const mf_tensor_id flat = add_relu(g, "relu", add_flatten(g, x, what));
  return ADD(g, CONCAT, "cat", A(.concat = {1}), flat, ADD(g, FLATTEN, "again", NONE, x));
}

static mf_tensor_id add_views(mf_graph *g, mf_tensor_id x, const void *what) {
  (void)what;
  const mf_tensor_id view = ADD(g, DROPOUT, "dropout", NONE, ADD(g, IDENTITY, "identity", NONE, x));
  const mf_tensor_id y = add_relu(g, "relu", view); // may not overwrite x
  return ADD(g, IDENTITY, "last", NONE, add_sum(g, "sum", y, x));
}

static void test_flatten(void **state) {
  (void)state;
  check_in_places(add_flatten, NULL, 60, "flatten");
  check_in_places(add_flatten_of_pixels, NULL, 60, "flatten of single pixels");
  check_in_places(add_flatten_and_more, NULL, 60, "flatten and more");
}

static void test_views(void **state) {
  (void)state;
  check_in_places(add_views, NULL, 60, "views");
}

// The network's output may be its input, or a name for it.
static void test_networks_without_a_step(void **state) {
  (void)state;
  for (int kind = 0; kind < 3; kind++)
    for (int open = 0; open < 2; open++) {
      mf_graph *g = new_graph();
      mf_tensor_id x = add_input(g, SHAPE(2, 3, 4, 5));
      if (kind == 1) x = ADD(g, IDENTITY, "identity", NONE, x);
      if (kind == 2) x = ADD(g, FLATTEN, "flat", NONE, x);
      g->output = x;
      float *input = random_input(g, 1);
      expect_same(g, &(mf_plan_options){.activations = MF_F32, .float_input = !open}, 1, input, 0, NULL, "no step");
      mf_free(input);
      mf_graph_free(g);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_concat),
      cmocka_unit_test(test_concat_of_many),
      cmocka_unit_test(test_concat_of_integers),
      cmocka_unit_test(test_softmax),
      cmocka_unit_test(test_lrn),
      cmocka_unit_test(test_flatten),
      cmocka_unit_test(test_views),
      cmocka_unit_test(test_networks_without_a_step),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
