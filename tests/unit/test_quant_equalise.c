// Equalisation: the network computes the same, and its channels use their range.
#include "quant/equalise.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

enum { IMAGES = 4 };

static const mf_post relu = {.kind = MF_POST_ELTWISE, .eltwise = {.kind = MF_ELTWISE_RELU}};
static const mf_post relu6 = {.kind = MF_POST_ELTWISE, .eltwise = {MF_ELTWISE_CLIP, 0, 6}};
static const mf_post clip1 = {.kind = MF_POST_ELTWISE, .eltwise = {MF_ELTWISE_CLIP, 0, 1}};
static const mf_post hardswish = {.kind = MF_POST_ELTWISE, .eltwise = {MF_ELTWISE_HARDSWISH, 1.0f / 6, 0.5f}};
static const mf_post sum = {.kind = MF_POST_SUM};

// Output channels of a layer as different as BatchNorm leaves them: down to an eighth of their size.
static void spread(mf_graph *g, const char *layer, uint64_t seed) {
  const mf_node *node = find_node(g, layer);
  const mf_tensor *w = &g->tensors[node->inputs[1]], *b = &g->tensors[node->inputs[2]];
  const size_t count = (size_t)w->shape.dim[0], row = reference_elements(&w->shape) / count;
  union {
    const float *in;
    float *out;
  } weights = {w->data}, bias = {b->data};
  for (size_t c = 0; c < count; c++) {
    const float factor = ldexpf(1, -pick(&seed, 4));
    for (size_t i = 0; i < row; i++) weights.out[c * row + i] *= factor;
    bias.out[c] *= factor;
  }
}

static mf_tensor_id layer(mf_graph *g, const char *name, mf_tensor_id x, int64_t out, int64_t kernel, int64_t groups,
                          const mf_post *posts, int post_count, mf_tensor_id summand) {
  const mf_tensor_id id = fused_convolution(g, name, x, out, kernel, groups, posts, post_count, summand);
  spread(g, name, (uint64_t)out + (uint64_t)kernel);
  return id;
}

static void end_with_classifier(mf_graph *g, mf_tensor_id x) {
  const int64_t *in = g->tensors[x].shape.dim;
  mf_tensor_id inputs[] = {x, add_constant(g, "fc.weight", SHAPE(10, in[1] * in[2] * in[3]), 0, 0.2),
                           add_constant(g, "fc.bias", SHAPE(10), 0, 0.1)};
  g->output = add_node(g, MF_OP_INNER_PRODUCT, "fc", NONE, inputs, 3);
}

// Every way in which factors go on: groups, depthwise, a residual sum, pooling, an inner product over a plane.
static mf_graph *make_network(const mf_post *activation) {
  const mf_post residual[] = {sum, relu}, leaky = {.kind = MF_POST_ELTWISE, .eltwise = {MF_ELTWISE_RELU, 0.1f, 0}};
  const mf_pooling half = {MF_POOLING_AVERAGE, {2, 2}, {2, 2}, {0, 0}, {0, 0}, false};
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(IMAGES, 3, 8, 8));
  x = layer(g, "first", x, 16, 3, 1, activation, 1, MF_NO_TENSOR);
  x = layer(g, "depthwise", x, 16, 3, 16, activation, 1, MF_NO_TENSOR);
  const mf_tensor_id shortcut = layer(g, "project", x, 24, 1, 1, NULL, 0, MF_NO_TENSOR);
  x = layer(g, "groups", shortcut, 24, 3, 3, &leaky, 1, MF_NO_TENSOR);
  x = layer(g, "residual", x, 24, 1, 1, residual, 2, shortcut);
  x = add_max_pool(g, "max", x, 3);
  x = ADD(g, POOLING, "average", A(.pooling = half), x);
  end_with_classifier(g, x);
  return g;
}

typedef struct watching {
  const mf_graph *graph;
  mf_channels *seen;
  int threads;
} watching;

static void watch(void *context, const mf_tensor *tensor, const reference_tensor *value) {
  const watching *w = context;
  const size_t count = reference_elements(&value->shape), item = count / IMAGES;
  float *data = test_malloc(count * sizeof *data);
  for (size_t i = 0; i < count; i++) data[i] = (float)value->data[i];
  for (size_t i = 0; i < IMAGES; i++)
    mf_channels_add(w->seen, w->graph, (mf_tensor_id)(tensor - w->graph->tensors), data + i * item,
                    harness_pool(w->threads));
  test_free(data);
}

// By the reference kernels: the output, and what every channel showed.
static reference_tensor observe(const mf_graph *g, const float *input, int threads, mf_channels *seen) {
  mf_error e;
  reference_tensor out;
  watching w = {g, seen, threads};
  OK(mf_channels_create(seen, g, &e));
  OK(reference_graph_run(g, input, &(reference_options){.observe = watch, .context = &w}, &out, &e));
  return out;
}

static float largest(const mf_graph *g, const mf_channels *seen, const char *tensor, float *least) {
  const mf_tensor_id id = mf_graph_find(g, tensor);
  float most = 0;
  *least = INFINITY;
  for (int64_t c = 0; c < channels(g, id); c++) {
    most = fmaxf(most, seen->tensors[id][c].largest);
    if (seen->tensors[id][c].largest > 0) *least = fminf(*least, seen->tensors[id][c].largest);
  }
  return most;
}

static void test_channels(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = new_graph();
  mf_channels seen;
  g->output = add_max_pool(g, "pool", add_input(g, SHAPE(1, 3, 2, 2)), 1);
  OK(mf_channels_create(&seen, g, &e));
  const float one[] = {1, -4, 2, NAN, 0, 0, 0, 0, 0.5f, 0.5f, INFINITY, 0.5f}, two[12] = {5};
  mf_channels_add(&seen, g, g->input, one, harness_pool(2));
  mf_channels_add(&seen, g, g->input, two, harness_pool(1));
  const mf_channel *c = seen.tensors[g->input];
  assert_true(c[0].largest == 5 && c[0].sum == 4 && c[0].squares == 46 && c[0].count == 7);
  assert_true(c[1].largest == 0 && c[1].sum == 0 && c[1].squares == 0 && c[1].count == 8);
  assert_true(c[2].largest == 0.5f && c[2].sum == 1.5 && c[2].squares == 0.75 && c[2].count == 7);
  mf_channels_free(&seen);
  mf_graph_free(g);
}

// Computed in double before and after, and by the engine after.
static void check_same(const mf_post *activation, int tensors) {
  mf_error e;
  mf_graph *g = make_network(activation);
  float *input = random_input(g, 5), least, least_before;
  mf_channels seen, again, after;
  mf_calibration c = {0};
  reference_tensor truth = observe(g, input, 1, &seen), same = observe(g, input, 2, &again);
  OK(mf_equalise_choose(&c, g, &seen, &e));
  assert_int_equal(c.equalisation_count, tensors);
  mf_calibration other = {0};
  OK(mf_equalise_choose(&other, g, &again, &e)); // with other threads
  for (int i = 0; i < tensors; i++)
    assert_memory_equal(c.equalisations[i].factors, other.equalisations[i].factors,
                        (size_t)c.equalisations[i].channels * sizeof(float));
  OK(mf_calibration_equalise(&c, g, &g->arena, &e));
  OK(mf_graph_verify(g, &e));
  reference_tensor equalised = observe(g, input, 1, &after);
  const size_t count = reference_elements(&truth.shape);
  assert_true(reference_relative_error(equalised.data, truth.data, count) < 1e-6);
  harness_engine engine;
  OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e));
  reference_tensor run = harness_run(&engine, input);
  assert_true(reference_relative_error(run.data, truth.data, count) < HARNESS_F32);
  // What a depthwise layer reads costs no weight its precision: all channels end up equal.
  const float before = largest(g, &seen, "first", &least_before), now = largest(g, &after, "first", &least);
  assert_true(least_before < before / 4 && fabsf(now - before) <= 1e-5f * before && fabsf(least - now) <= 1e-5f * now);
  for (int t = 0; t < g->tensor_count; t++) { // and no channel leaves the range, or shrinks
    const mf_tensor *tensor = &g->tensors[t];
    for (int64_t k = 0; !tensor->data && tensor->factors && k < tensor->shape.dim[1]; k++) {
      const float was = seen.tensors[t][k].largest, is = after.tensors[t][k].largest;
      assert_true(fabsf(is * tensor->factors[k] - was) <= 1e-5f * was && is >= was * (1 - 1e-5f));
    }
  }
  harness_close(&engine);
  reference_tensor_free(&run);
  reference_tensor_free(&equalised);
  reference_tensor_free(&same);
  reference_tensor_free(&truth);
  mf_channels_free(&seen);
  mf_channels_free(&again);
  mf_channels_free(&after);
  mf_calibration_free(&c);
  mf_calibration_free(&other);
  mf_free(input);
  mf_graph_free(g);
}

static void test_same_network(void **state) {
  (void)state;
  check_same(&relu, 4); // first, depthwise, project with residual and the poolings, groups
  check_same(&relu6, 4);
  check_same(&clip1, 4); // cuts something off
}

static int count_equalised(mf_graph *g) {
  mf_error e;
  float *input = random_input(g, 5);
  mf_channels seen;
  mf_calibration c = {0};
  reference_tensor out = observe(g, input, 1, &seen);
  OK(mf_equalise_choose(&c, g, &seen, &e));
  const int count = c.equalisation_count;
  mf_calibration_free(&c);
  mf_channels_free(&seen);
  reference_tensor_free(&out);
  mf_free(input);
  mf_graph_free(g);
  return count;
}

// What is not linear in its input, or is read by something else, or has its parameters from elsewhere too.
static void test_left_alone(void **state) {
  (void)state;
  const mf_post early_clip[] = {relu6, sum};
  mf_graph *g = new_graph();
  mf_tensor_id x = layer(g, "a", add_input(g, SHAPE(IMAGES, 3, 6, 6)), 8, 3, 1, &hardswish, 1, MF_NO_TENSOR);
  end_with_classifier(g, x);
  assert_int_equal(count_equalised(g), 0);
  g = new_graph();
  x = layer(g, "a", add_input(g, SHAPE(IMAGES, 3, 6, 6)), 8, 3, 1, &relu, 1, MF_NO_TENSOR);
  end_with_classifier(g, layer(g, "b", x, 8, 1, 1, early_clip, 2, x));
  assert_int_equal(count_equalised(g), 0); // the sum ties a to b, and b's clip sees what is not stored
  g = new_graph();
  x = layer(g, "a", add_input(g, SHAPE(IMAGES, 3, 6, 6)), 8, 3, 1, &relu, 1, MF_NO_TENSOR);
  const mf_tensor_id y = layer(g, "b", x, 8, 1, 1, &relu, 1, MF_NO_TENSOR);
  end_with_classifier(g, ADD(g, CONCAT, "concat", A(.concat = {1}), x, y));
  assert_int_equal(count_equalised(g), 0);
  g = new_graph();
  x = layer(g, "a", add_input(g, SHAPE(IMAGES, 8, 6, 6)), 8, 3, 1, &relu, 1, MF_NO_TENSOR);
  mf_tensor_id shared[] = {x, g->nodes[0].inputs[1], g->nodes[0].inputs[2]};
  x = add_node(g, MF_OP_CONVOLUTION, "b", g->nodes[0].attributes, shared, 3);
  end_with_classifier(g, x);
  assert_int_equal(count_equalised(g), 0);
  g = new_graph();
  x = layer(g, "a", add_input(g, SHAPE(IMAGES, 3, 6, 6)), 8, 3, 1, &relu, 1, MF_NO_TENSOR);
  end_with_classifier(g, x);
  assert_int_equal(count_equalised(g), 1);
}

static void test_of_another_network(void **state) {
  (void)state;
  static const char *const without[] = {"else", "input", "fc", "residual", "average", "first.weight"};
  float factors[24];
  for (int i = 0; i < COUNT(factors); i++) factors[i] = 0.5f;
  for (int i = 0; i < COUNT(without); i++) {
    mf_error e;
    mf_graph *g = make_network(&relu);
    mf_equalisation one = {without[i], factors, 24};
    mf_calibration c = {.equalisations = &one, .equalisation_count = 1};
    check_fails(mf_calibration_equalise(&c, g, &g->arena, &e), MF_ERR_FILE, &e, "to equalise");
    assert_non_null(strstr(e.text, without[i]));
    mf_graph_free(g);
  }
  mf_error e;
  mf_graph *g = make_network(&relu);
  mf_equalisation twice[] = {{"first", factors, 16}, {"first", factors, 16}}, few = {"first", factors, 15};
  mf_calibration c = {.equalisations = twice, .equalisation_count = 2};
  check_fails(mf_calibration_equalise(&c, g, &g->arena, &e), MF_ERR_FILE, &e, "no activation first to equalise");
  mf_graph_free(g);
  g = make_network(&relu);
  c = (mf_calibration){.equalisations = &few, .equalisation_count = 1};
  check_fails(mf_calibration_equalise(&c, g, &g->arena, &e), MF_ERR_FILE, &e, "first has 16 channels (not 15)");
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_channels), cmocka_unit_test(test_same_network),
                                     cmocka_unit_test(test_left_alone), cmocka_unit_test(test_of_another_network)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
