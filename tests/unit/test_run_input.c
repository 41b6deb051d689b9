// Filling a session's input: pixels and floats, in every format and type that a first primitive reads.
#include "reference/support.h"
#include "unit/plan_fixture.h"

enum { BATCH = 2, HEIGHT = 5, WIDTH = 37, ITEM = 3 * HEIGHT * WIDTH };
static const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};

static mf_graph *graph(int64_t channels_in) {
  mf_graph *g = new_graph();
  g->output = plain_convolution(g, "conv", add_input(g, SHAPE(BATCH, channels_in, HEIGHT, WIDTH)), 8, 1);
  return g;
}

// Pixels of all values, and what they are as normalised C,H,W.
static void make_pixels(int n, uint8_t pixels[ITEM], float floats[ITEM]) {
  for (int i = 0; i < ITEM; i++) pixels[i] = (uint8_t)(i * 41 + n * 100);
  for (int c = 0; c < 3; c++)
    for (int p = 0; p < HEIGHT * WIDTH; p++)
      floats[c * HEIGHT * WIDTH + p] = ((float)pixels[p * 3 + c] / 255.0f - mean[c]) / deviation[c];
}

static void test_pixels(void **state) {
  (void)state;
  mf_error e;
  static const mf_quantization int8[] = {
      {true, MF_S8, 0.02f, 0}, {true, MF_S8, 0.01f, 0}, {true, MF_U8, 0.02f, 0}}; // the whole range, a part of it
  for (int kind = 0; kind < 5; kind++)                                            // f32, bf16, int8
    for (mf_layout layout = MF_LAYOUT_AUTO; layout <= MF_LAYOUT_NCHW; layout++) {
      if ((kind == 1 && !harness_has_bf16()) || (kind >= 2 && layout % 2)) continue;
      mf_graph *g = graph(3);
      float input[BATCH * ITEM];
      uint8_t pixels[BATCH][ITEM];
      for (int n = 0; n < BATCH; n++) make_pixels(n, pixels[n], input + n * ITEM);
      if (kind >= 2) { // not moved onto the grid: both have to round alike
        g->nodes[0].compute = MF_S8;
        g->tensors[g->input].quantization = int8[kind - 2];
      }
      harness_engine engine;
      OK(harness_open(&engine, g, &(mf_plan_options){.layout = layout, .activations = kind == 1 ? MF_BF16 : MF_F32}, 1,
                      &e));
      assert_int_equal(harness_count_steps(engine.plan, "convolution"), 1);
      reference_tensor expected = harness_run(&engine, input);
      const float zeros[ITEM] = {0};
      for (int n = 0; n < BATCH; n++) OK(mf_session_fill_floats(engine.session, n, zeros, &e));
      for (int n = BATCH; n-- > 0;) OK(mf_session_fill_pixels(engine.session, n, pixels[n], mean, deviation, &e));
      OK(mf_session_run(engine.session, NULL, MF_TRACE_OFF, 0, NULL, &e));
      size_t count;
      const float *output = mf_session_output(engine.session, &count);
      for (size_t i = 0; i < count; i++) assert_true((double)output[i] == expected.data[i]);
      reference_tensor_free(&expected);
      harness_close(&engine);
      mf_graph_free(g);
    }
}

// Numbers beyond the integers' range become the nearest; NaN becomes one of them.
static void test_saturation(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = new_graph();
  g->output = ADD(g, IDENTITY, "identity", NONE, add_input(g, SHAPE(1, 1, 2, 3)));
  static const mf_dtype dtypes[] = {MF_U8, MF_S8};
  static const float input[] = {-1000, -0.5f, 0.26f, 0.74f, 1000, 1e30f};
  static const float expected[][6] = {{0, 0, 0.5f, 0.5f, 127.5f, 127.5f}, {-64, -0.5f, 0.5f, 0.5f, 63.5f, 63.5f}};
  for (int d = 0; d < 2; d++) {
    harness_engine engine;
    size_t count;
    g->tensors[g->input].quantization = (mf_quantization){true, dtypes[d], 0.5f, 0};
    OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e));
    OK(mf_session_fill_floats(engine.session, 0, input, &e));
    OK(mf_session_run(engine.session, NULL, MF_TRACE_OFF, 0, NULL, &e));
    const float *output = mf_session_output(engine.session, &count);
    assert_int_equal(count, 6);
    for (int i = 0; i < 6; i++)
      if (output[i] != expected[d][i])
        fail_msg("%s, %g: %g", mf_dtype_name(dtypes[d]), (double)input[i], (double)output[i]);
    float none[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
    OK(mf_session_fill_floats(engine.session, 0, none, &e));
    OK(mf_session_run(engine.session, NULL, MF_TRACE_OFF, 0, NULL, &e));
    assert_true(mf_session_output(engine.session, &count)[0] == (d ? -64 : 0));
    harness_close(&engine);
  }
  mf_graph_free(g);
}

static void test_wrong_use(void **state) {
  (void)state;
  mf_error e;
  harness_engine engine;
  float floats[4 * HEIGHT * WIDTH] = {0};
  uint8_t pixels[ITEM] = {0};
  mf_graph *g = graph(4);
  OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e));
  check_fails(mf_session_fill_floats(engine.session, BATCH, floats, &e), MF_ERR_USAGE, &e,
              "item 2 is outside a batch of 2");
  check_fails(mf_session_fill_floats(engine.session, -1, floats, &e), MF_ERR_USAGE, &e, "item -1 is outside");
  check_fails(mf_session_fill_pixels(engine.session, 0, pixels, mean, deviation, &e), MF_ERR_USAGE, &e,
              "the network reads 4 channels (pictures have 3)");
  harness_close(&engine);
  mf_graph_free(g);
  g = new_graph(); // without height and width
  g->output = add_relu(g, "relu", add_input(g, SHAPE(BATCH, 4)));
  OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e));
  check_fails(mf_session_fill_floats(engine.session, 0, floats, &e), MF_ERR_UNSUPPORTED, &e,
              "the input cannot be filled");
  harness_close(&engine);
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pixels),
      cmocka_unit_test(test_saturation),
      cmocka_unit_test(test_wrong_use),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
