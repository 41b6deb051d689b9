// Whole networks on seeded weights: what is planned for them, and that the logits do not depend on fusion, batch,
// threads or layout.
#include "reference/network.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

static const char *const dtypes[] = {"f32", "int8"};

// Networks that take no small images.
static bool is_large(const mf_network *zoo) {
  return strcmp(zoo->name, "alexnet") == 0 || strcmp(zoo->name, "vgg16") == 0;
}

static void open_small(network *n, const mf_network *zoo) {
  network_open(n, zoo->name, 0);
  if (!is_large(zoo)) n->recipe.height = n->recipe.width = 80; // every layer is still there
}

static void expect_steps(const mf_plan *plan, int convolutions, int poolings, int inner_products, int others) {
  assert_int_equal(harness_count_steps(plan, "convolution"), convolutions);
  assert_int_equal(harness_count_steps(plan, "pooling"), poolings);
  assert_int_equal(harness_count_steps(plan, "inner_product"), inner_products);
  assert_int_equal(plan->step_count, convolutions + poolings + inner_products + others);
}

static void test_resnet50(void **state) {
  (void)state;
  mf_error e;
  network n;
  network_open(&n, "resnet50", 0);
  mf_graph *g = network_graph(&n, 1, true);
  for (int dtype = 0; dtype < COUNT(dtypes); dtype++) {
    if (dtype) network_assume_ranges(g);
    harness_engine engine;
    OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 2, &e));
    expect_steps(engine.plan, 53, 2, 1, 0);
    assert_int_equal(engine.plan->layer_count, 56);
    int relus = 0, sums = 0;
    for (int s = 0; s < engine.plan->step_count; s++) {
      const mf_step_info *step = &engine.plan->steps[s].info;
      relus += strstr(step->post_ops, "relu") != NULL;
      sums += strstr(step->post_ops, "sum") != NULL;
      assert_int_equal(engine.plan->steps[s].layer, s);
      if (dtype && s > 0) assert_string_equal(step->source.dtype, "u8"); // everything is behind a ReLU
    }
    assert_true(relus == 49 && sums == 16);
    harness_close(&engine);
    // With a float input there is one reorder in front.
    OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32, .float_input = true}, 2, &e));
    expect_steps(engine.plan, 53, 2, 1, 1);
    assert_string_equal(engine.plan->steps[0].info.reason, "input format");
    harness_close(&engine);
  }
  mf_graph_free(g);
  network_close(&n);
}

static void test_no_reference_code_and_no_reorder(void **state) {
  (void)state;
  mf_error e;
  for (int i = 0; i < mf_network_count; i++) {
    network n;
    if (HARNESS_SANITIZED && network_costs_much(&mf_networks[i])) continue;
    open_small(&n, &mf_networks[i]);
    mf_graph *g = network_graph(&n, 2, true);
    for (int dtype = 0; dtype < COUNT(dtypes); dtype++) {
      if (dtype) network_assume_ranges(g);
      harness_engine engine;
      OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 2, &e));
      for (int s = 0; s < engine.plan->step_count; s++) {
        const mf_step_info *step = &engine.plan->steps[s].info;
        if (strncmp(step->impl, "ref", 3) == 0)
          fail_msg("%s in %s: %s of %s is %s", n.zoo->name, dtypes[dtype], step->kind, step->name, step->impl);
        // An open input and one layout throughout: nothing has to be reordered in any of them.
        if (engine.plan->steps[s].is_reorder)
          fail_msg("%s in %s: reorder %s: %s", n.zoo->name, dtypes[dtype], step->name, step->reason);
      }
      harness_close(&engine);
    }
    mf_graph_free(g);
    network_close(&n);
  }
}

// ---- logits

static harness_engine open_engine(const network *n, const mf_graph *g, mf_plan_options options, int threads) {
  mf_error e;
  harness_engine engine;
  options.activations = MF_F32;
  if (harness_open(&engine, g, &options, threads, &e) != MF_OK) fail_msg("%s: %s", n->zoo->name, e.text);
  return engine;
}

static reference_tensor logits(const network *n, const mf_graph *g, mf_plan_options options, int threads,
                               const float *input) {
  harness_engine engine = open_engine(n, g, options, threads);
  const reference_tensor out = harness_run(&engine, input);
  harness_close(&engine);
  return out;
}

// Row by row; frees `test`.
static void expect_rows(const network *n, const char *what, reference_tensor test, const double *truth,
                        double tolerance) {
  const size_t classes = (size_t)test.shape.dim[1];
  for (size_t r = 0; r < (size_t)test.shape.dim[0]; r++) {
    const double error = reference_relative_error(test.data + r * classes, truth + r * classes, classes);
    if (!(error <= tolerance))
      fail_msg("%s, %s: relative error %.3g (expected at most %.3g)", n->zoo->name, what, error, tolerance);
  }
  reference_tensor_free(&test);
}

// The same sums in another order: some 1e-6. Kernels of another layout and BatchNorm that is not folded are further
// away.
static void check_logits(const network *n) {
  const int64_t batch = is_large(n->zoo) ? 2 : 4;
  mf_graph *many = network_graph(n, batch, true), *one = network_graph(n, 1, true),
           *unfused = network_graph(n, 1, false);
  assert_true(unfused->node_count > one->node_count);
  const size_t item = reference_elements(&one->tensors[one->input].shape);
  float *input = random_input(many, 21);
  reference_tensor rows = logits(n, many, (mf_plan_options){0}, 2, input);
  const size_t classes = (size_t)rows.shape.dim[1];
  harness_engine engine = open_engine(n, one, (mf_plan_options){0}, 2);
  for (size_t r = 0; r < (size_t)batch; r++) // each item alone gives its row
    expect_rows(n, "batch 1", harness_run(&engine, input + r * item), rows.data + r * classes, 1e-5);
  harness_close(&engine);
  expect_rows(n, "1 thread", logits(n, one, (mf_plan_options){.float_input = true}, 1, input), rows.data, 1e-5);
  expect_rows(n, "fusion off", logits(n, unfused, (mf_plan_options){0}, 2, input), rows.data, 1e-4);
  static const char *const layouts[] = {"auto", "layout blocked", "layout nhwc", "layout nchw"};
  for (mf_layout layout = MF_LAYOUT_BLOCKED; layout <= MF_LAYOUT_NCHW; layout++)
    expect_rows(n, layouts[layout], logits(n, one, (mf_plan_options){.layout = layout}, 2, input), rows.data, 1e-4);
  reference_tensor_free(&rows);
  mf_free(input);
  mf_graph_free(one);
  mf_graph_free(many);
  mf_graph_free(unfused);
}

static void test_logits(void **state) {
  (void)state;
  for (int i = 0; i < mf_network_count; i++) {
    network n;
    if (HARNESS_SANITIZED && network_costs_much(&mf_networks[i])) continue;
    open_small(&n, &mf_networks[i]);
    check_logits(&n);
    network_close(&n);
  }
}

// ---- what is refused

static void test_another_number_of_threads(void **state) {
  (void)state;
  mf_error e;
  harness_engine engine;
  mf_session *session = NULL;
  mf_graph *g = new_graph();
  g->output = plain_convolution(g, "conv", add_input(g, SHAPE(1, 3, 6, 6)), 8, 3);
  OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e));
  check_fails(mf_session_create(&session, engine.plan, harness_pool(2), &e), MF_ERR_USAGE, &e,
              "the plan was made for 1 threads, the pool has 2");
  assert_null(session);
  harness_close(&engine);
  mf_graph_free(g);
}

static void test_int8_in_other_layouts(void **state) {
  (void)state;
  static const mf_layout layouts[] = {MF_LAYOUT_NCHW, MF_LAYOUT_BLOCKED};
  mf_error e;
  harness_engine engine;
  network n;
  network_open(&n, "resnet18", 0);
  n.recipe.height = n.recipe.width = 64;
  mf_graph *g = network_graph(&n, 1, true);
  network_assume_ranges(g);
  for (int l = 0; l < COUNT(layouts); l++)
    check_fails(harness_open(&engine, g, &(mf_plan_options){.layout = layouts[l], .activations = MF_F32}, 1, &e),
                MF_ERR_UNSUPPORTED, &e, "int8 in nchw or nChw16c is oneDNN's reference code");
  assert_int_equal(MF_ERR_UNSUPPORTED, 4); // the exit status that is promised
  mf_graph_free(g);
  network_close(&n);
}

typedef struct attempt {
  const mf_graph *graph;
  mf_plan_options options;
} attempt;

static mf_status open_and_close(void *context, mf_error *e) {
  const attempt *a = context;
  harness_engine engine;
  const mf_status status = harness_open(&engine, a->graph, &a->options, 2, e);
  harness_close(&engine);
  return status;
}

// oneDNN's own allocations do not pass the hook.
static void test_refused_allocations(void **state) {
  (void)state;
  network n;
  network_open(&n, "squeezenet1_1", 0); // convolutions, pooling, concat
  n.recipe.height = n.recipe.width = 32;
  mf_graph *g = network_graph(&n, 1, true);
  attempt a = {.graph = g, .options = {.activations = MF_F32, .float_input = true}};
  harness_pool(2); // not to be refused
  const int in_f32 = support_refuse_allocations(open_and_close, &a);
  network_assume_ranges(g);
  const int in_int8 = support_refuse_allocations(open_and_close, &a);
  print_message("%d and %d allocations\n", in_f32, in_int8);
  assert_true(in_f32 > 10 && in_int8 > in_f32); // weights are rounded in a buffer of their own
  mf_graph_free(g);
  network_close(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resnet50),
      cmocka_unit_test(test_no_reference_code_and_no_reorder),
      cmocka_unit_test(test_logits),
      cmocka_unit_test(test_another_number_of_threads),
      cmocka_unit_test(test_int8_in_other_layouts),
      cmocka_unit_test(test_refused_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
