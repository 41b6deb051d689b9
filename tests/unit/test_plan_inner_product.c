// Inner products of N,C and N,C,H,W in f32, bf16 and int8, and the flatten that they take in.
#include "pass/pass.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

typedef struct head {
  bool flat; // a flatten in front
  bool bias;
  int64_t out;
  int post; // 0: none, 1: relu, 2: tanh
} head;

static mf_tensor_id add_inner_product(mf_graph *g, const char *name, mf_tensor_id x, const head *h) {
  mf_error e;
  const mf_shape *s = &g->tensors[x].shape;
  const int64_t features = (int64_t)reference_elements(s) / s->dim[0];
  mf_tensor_id inputs[3] = {x}, id;
  inputs[1] = add_constant(g, join(g, name, "weight"), SHAPE(h->out, features), 0, sqrt(3.0 / (double)features));
  // A bias of some size keeps a single output away from 0, where the error relative to the largest has no meaning.
  if (h->bias) inputs[2] = add_constant(g, join(g, name, "bias"), SHAPE(h->out), 2, 0.5);
  mf_node node = {.op = MF_OP_INNER_PRODUCT, .name = name, .inputs = inputs, .input_count = h->bias ? 3 : 2};
  const mf_eltwise posts[] = {{MF_ELTWISE_RELU, 0, 0}, {MF_ELTWISE_TANH, 0, 0}};
  if (h->post) node.posts[node.post_count++] = (mf_post){.kind = MF_POST_ELTWISE, .eltwise = posts[h->post - 1]};
  OK(mf_graph_add_node(g, &node, &id, &e));
  return id;
}

static mf_tensor_id add_head(mf_graph *g, mf_tensor_id x, const void *what) {
  const head *h = what;
  if (h->flat) x = ADD(g, FLATTEN, "flat", NONE, x);
  return add_inner_product(g, "op", x, h);
}

// Two, the second of N,C.
static mf_tensor_id add_classifier(mf_graph *g, mf_tensor_id x, const void *what) {
  const head first = {.bias = true, .out = 40, .post = 1};
  return add_inner_product(g, "second", add_inner_product(g, "first", x, &first), what);
}

static void test_inner_products(void **state) {
  (void)state;
  static const int64_t outs[] = {1, 10, 17, 64};
  for (int i = 0; i < COUNT(outs); i++)
    for (int post = 0; post < 3; post++)
      for (int flat = 0; flat < 2; flat++) {
        const head h = {.flat = flat, .bias = i == 0 || (i + post) % 3 > 0, .out = outs[i], .post = post};
        check_in_places(add_head, &h, 20, flat ? "inner product behind flatten" : "inner product of N,C,H,W");
        if (!flat) check_in_places(add_classifier, &h, 10, "two inner products");
      }
}

// Source, destination and rank by chance; with the pass that takes a flatten in, and without.
static void test_int8(void **state) {
  (void)state;
  mf_error e;
  harness_steps steps = {0};
  char label[60];
  uint64_t seed = 5;
  for (int i = 0; i < HARNESS_SAMPLES(300); i++) {
    // oneDNN saturates with a single output of an s8 source on machines without VNNI.
    const head h = {
        .flat = pick(&seed, 2), .bias = pick(&seed, 3), .out = PICK(&seed, 2, 10, 17, 64), .post = pick(&seed, 3)};
    mf_graph *g = new_graph();
    mf_tensor_id x = add_input(g, SHAPE(PICK(&seed, 1, 3), PICK(&seed, 3, 16), PICK(&seed, 1, 4), PICK(&seed, 1, 3)));
    g->output = add_head(g, x, &h);
    if (pick(&seed, 2)) OK(mf_pass_absorb_flatten(g, &e));
    float *input = random_input(g, seed);
    annotate_all(g, input, (unsigned)pick(&seed, 4096));
    mf_tensor *source = &g->tensors[g->input], *flat = &g->tensors[g->nodes[g->node_count - 1].inputs[0]];
    source->quantization = flat->quantization; // a view
    harness_snap(g, input);
    if (pick(&seed, 3) == 0) g->tensors[g->output].quantization.set = false;
    snprintf(label, sizeof label, "inner product in int8, sample %d", i);
    const mf_plan_options options = {.activations = MF_F32, .float_input = pick(&seed, 2)};
    expect_same(g, &options, PICK(&seed, 1, 2), input, HARNESS_F32, &steps, label);
    mf_free(input);
    mf_graph_free(g);
  }
  harness_expect_few_moved(&steps);
}

// What a convolution wrote in channels-last order is read as it lies: no reorder, and the same numbers.
static void test_no_layout_is_undone(void **state) {
  (void)state;
  mf_error e;
  for (int dtype = 0; dtype < 3; dtype++) { // f32, bf16, int8
    if (dtype == 1 && !harness_has_bf16()) continue;
    mf_graph *g = new_graph();
    const mf_tensor_id x = plain_convolution(g, "conv", add_input(g, SHAPE(2, 3, 5, 6)), 24, 3);
    g->output = add_head(g, x, &(head){.flat = true, .bias = true, .out = 10});
    OK(mf_pass_run_all(g, &(mf_pass_options){.fusion = true}, &e));
    assert_int_equal(g->node_count, 2);
    float *input = random_input(g, 9);
    if (dtype == 2) annotate_all(g, input, 0);
    if (dtype == 2) g->tensors[g->output].quantization.set = false;
    const mf_plan_options options = {.layout = MF_LAYOUT_NHWC, .activations = dtype == 1 ? MF_BF16 : MF_F32};
    harness_engine engine;
    OK(harness_open(&engine, g, &options, 1, &e));
    assert_int_equal(engine.plan->step_count, 2);
    reference_tensor truth = harness_truth(g, options.activations, input), test = harness_run(&engine, input);
    // In int8 a step of the convolution's output goes through the inner product.
    const double error = reference_relative_error(test.data, truth.data, reference_elements(&truth.shape));
    assert_true(error <= (dtype == 0 ? HARNESS_F32 : HARNESS_BF16));
    reference_tensor_free(&truth);
    reference_tensor_free(&test);
    harness_close(&engine);
    mf_free(input);
    mf_graph_free(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_inner_products),
      cmocka_unit_test(test_int8),
      cmocka_unit_test(test_no_layout_is_undone),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
