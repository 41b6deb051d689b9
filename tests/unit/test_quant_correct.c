// Bias correction: the mean output of every channel, measured in runs before and after.
#include "quant/correct.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

enum { IMAGES = 6 };

typedef struct setting {
  mf_graph *graph; // of batch IMAGES
  float *input;
  mf_observations seen; // of the graph in f32
  mf_pool *pool;
} setting;

// Observed image by image, as production does.
static setting observe(mf_graph *g, int threads, uint64_t seed) {
  mf_error e;
  setting s = {.graph = g, .input = random_input(g, seed), .pool = harness_pool(threads)};
  harness_engine engine;
  OK(mf_graph_rebatch(g, 1, &e));
  OK(mf_observations_create(&s.seen, g, threads, &e));
  OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, threads, &e));
  const size_t item = reference_elements(&g->tensors[g->input].shape);
  for (size_t i = 0; i < IMAGES; i++) {
    OK(mf_session_fill_floats(engine.session, 0, s.input + i * item, &e));
    OK(mf_observations_add(&s.seen, g, engine.session, s.pool, true, &e));
  }
  harness_close(&engine);
  OK(mf_graph_rebatch(g, IMAGES, &e));
  return s;
}

static void end(setting *s) {
  mf_observations_free(&s->seen);
  mf_free(s->input);
  mf_graph_free(s->graph);
}

// Mean of every channel of the output.
static void take_means(harness_engine *engine, const float *input, double *means) {
  reference_tensor out = harness_run(engine, input);
  const int64_t *y = out.shape.dim;
  const int64_t plane = out.shape.rank == 4 ? y[2] * y[3] : 1;
  for (int64_t c = 0; c < y[1]; c++) means[c] = 0;
  for (int64_t i = 0; i < y[0] * y[1] * plane; i++) means[i / plane % y[1]] += out.data[i] / (double)(y[0] * plane);
  reference_tensor_free(&out);
}

static double largest_difference(const double *a, const double *b, int64_t count) {
  double largest = 0, size = 0;
  for (int64_t i = 0; i < count; i++) {
    largest = fmax(largest, fabs(a[i] - b[i]));
    size = fmax(size, fabs(b[i]));
  }
  return largest / size;
}

// The last layer's output is float: its means become those of f32. Whatever errors came before are in them.
static void check_means(setting *s, int threads, const mf_plan_options *options, int layers) {
  mf_error e;
  double f32[64] = {0}, plain[64] = {0}, corrected[64] = {0}, applied[64] = {0};
  const int64_t count = channels(s->graph, s->graph->output);
  assert_in_range(count, 1, 64);
  harness_engine engine;
  OK(harness_open(&engine, s->graph, options, threads, &e));
  take_means(&engine, s->input, f32);
  harness_close(&engine);
  OK(harness_quantise(s->graph, &s->seen, "minmax", &e));
  OK(harness_open(&engine, s->graph, options, threads, &e));
  take_means(&engine, s->input, plain);
  mf_calibration c = {0};
  OK(mf_quant_correct(&c, s->graph, engine.plan, engine.session, IMAGES, &s->seen.taps, 1, s->pool, &e));
  take_means(&engine, s->input, corrected);
  harness_close(&engine);
  assert_int_equal(c.correction_count, layers);
  const double before = largest_difference(plain, f32, count), after = largest_difference(corrected, f32, count);
  print_message("means are off by %.2g before and %.2g after\n", before, after);
  assert_true(after <= 1e-4 && before > 5 * after);
  // The graph with the corrections in its biases is the same network.
  OK(mf_calibration_correct(&c, s->graph, &e));
  OK(mf_graph_verify(s->graph, &e));
  OK(harness_open(&engine, s->graph, options, threads, &e));
  take_means(&engine, s->input, applied);
  harness_close(&engine);
  assert_memory_equal(applied, corrected, (size_t)count * sizeof *applied);
  mf_calibration_free(&c);
}

static const mf_post relu_post = {.kind = MF_POST_ELTWISE, .eltwise = {.kind = MF_ELTWISE_RELU}};

static mf_tensor_id add_fc(mf_graph *g, mf_tensor_id x, int64_t out) { // reads N,C,H,W, as the passes leave it
  const int64_t *in = g->tensors[x].shape.dim;
  mf_tensor_id inputs[] = {x, add_constant(g, "fc.weight", SHAPE(out, in[1] * in[2] * in[3]), 0.02, 0.1),
                           add_constant(g, "fc.bias", SHAPE(out), 0, 0.5)};
  return add_node(g, MF_OP_INNER_PRODUCT, "fc", NONE, inputs, 3);
}

static mf_graph *make(int kind) {
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(IMAGES, 8, 9, 10));
  switch (kind) {
  case 0:
    break;
  case 1:
    x = fused_convolution(g, "a", x, 16, 3, 1, &relu_post, 1, MF_NO_TENSOR);
    break;
  case 2: // groups, and stride and padding that leave something out
    x = fused_convolution(g, "a", x, 16, 3, 4, &relu_post, 1, MF_NO_TENSOR);
    x = fused_convolution(g, "depthwise", x, 16, 3, 16, &relu_post, 1, MF_NO_TENSOR);
    g->nodes[1].attributes.convolution.stride[0] = 2;
    g->nodes[1].attributes.convolution.dilation[1] = 2;
    break;
  default:
    x = fused_convolution(g, "a", x, 16, 3, 1, &relu_post, 1, MF_NO_TENSOR);
    x = add_max_pool(g, "pool", x, 3);
    break;
  }
  mf_error e;
  OK(mf_graph_rebatch(g, IMAGES, &e));
  g->output = kind == 3 ? add_fc(g, x, 20) : plain_convolution(g, "last", x, 12, 3);
  return g;
}

static void test_means(void **state) {
  (void)state;
  static const int layers[] = {1, 2, 3, 2};
  for (int kind = 0; kind < COUNT(layers); kind++)
    for (int threads = 1; threads <= 2; threads++) {
      setting s = observe(make(kind), threads, (uint64_t)kind + 1);
      check_means(&s, threads, &(mf_plan_options){.activations = MF_F32}, layers[kind]);
      end(&s);
    }
}

static mf_calibration correct(const setting *s, const mf_taps *reference, double follow) {
  mf_error e;
  harness_engine engine;
  mf_calibration c = {0};
  OK(harness_open(&engine, s->graph, &(mf_plan_options){.activations = MF_F32}, 1, &e));
  reference_tensor out = harness_run(&engine, s->input); // fills the input
  reference_tensor_free(&out);
  OK(mf_quant_correct(&c, s->graph, engine.plan, engine.session, IMAGES, reference, follow, s->pool, &e));
  harness_close(&engine);
  return c;
}

// With 0 the inputs' shift stays: a correction is the mean of the weights' rounding alone, whatever was run.
static void test_follow(void **state) {
  (void)state;
  mf_error e;
  setting s = observe(make(1), 1, 3);
  OK(harness_quantise(s.graph, &s.seen, "percentile-99.9", &e));
  mf_calibration none = correct(&s, &s.seen.taps, 0), all = correct(&s, &s.seen.taps, 1);
  for (int i = 0; i < IMAGES * 8 * 9 * 10; i++) s.input[i] *= 0.5f; // other images
  mf_calibration other = correct(&s, &s.seen.taps, 0);
  assert_int_equal(none.correction_count, 2);
  assert_int_equal(other.correction_count, 2);
  double moved = 0;
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < none.corrections[i].channels; k++) {
      assert_true(none.corrections[i].shift[k] == other.corrections[i].shift[k]);
      moved = fmax(moved, fabs((double)none.corrections[i].shift[k] - (double)all.corrections[i].shift[k]));
    }
  assert_true(moved > 1e-4); // what the percentile cuts off
  mf_calibration_free(&none);
  mf_calibration_free(&all);
  mf_calibration_free(&other);
  end(&s);
}

static void test_nothing_to_correct(void **state) {
  (void)state;
  mf_error e;
  setting s = observe(make(2), 1, 7);
  mf_calibration c = correct(&s, &s.seen.taps, 1); // f32 against itself
  assert_int_equal(c.correction_count, 3);
  for (int i = 0; i < c.correction_count; i++)
    for (int k = 0; k < c.corrections[i].channels; k++) assert_true(fabs((double)c.corrections[i].shift[k]) < 1e-6);
  mf_calibration_free(&c);
  OK(harness_quantise(s.graph, &s.seen, "minmax", &e)); // int8, of which nothing was observed
  mf_taps empty = {0};
  OK(mf_taps_create(&empty, s.graph, 1, &e));
  c = correct(&s, &empty, 1);
  assert_int_equal(c.correction_count, 0);
  mf_taps_free(&empty);
  mf_calibration_free(&c);
  end(&s);
  // A layer without a bias has nothing that could be corrected; the one behind it has.
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(IMAGES, 3, 6, 7));
  g->output = plain_convolution(g, "b", add_conv(g, "a", x, 8, 3, false), 8, 3);
  s = observe(g, 1, 8);
  OK(harness_quantise(s.graph, &s.seen, "minmax", &e));
  c = correct(&s, &s.seen.taps, 1);
  assert_int_equal(c.correction_count, 1);
  assert_string_equal(c.corrections[0].layer, "b");
  assert_int_equal(c.corrections[0].channels, 8);
  mf_calibration_free(&c);
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_means), cmocka_unit_test(test_follow),
                                     cmocka_unit_test(test_nothing_to_correct)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
