// Pooling: maximum and both averages, ceil mode, padding, in every layout; in int8 the integers keep their scale, or
// averages get their own.
#include "reference/support.h"
#include "unit/plan_fixture.h"

static mf_tensor_id add_pooling(mf_graph *g, mf_tensor_id x, const void *what) {
  return ADD(g, POOLING, "op", A(.pooling = *(const mf_pooling *)what), x);
}

// Fits images of 4x5 and more.
static mf_pooling pick_pooling(uint64_t *seed) {
  mf_pooling p = {.kind = (mf_pooling_kind)pick(seed, 3), .ceil = pick(seed, 2)};
  for (int i = 0; i < 2; i++) {
    p.kernel[i] = PICK(seed, 1, 2, 3, 4);
    p.stride[i] = PICK(seed, 1, 2, 3);
    p.pad_begin[i] = pick(seed, (int)p.kernel[i]);
    p.pad_end[i] = pick(seed, 2) ? p.pad_begin[i] : pick(seed, (int)p.kernel[i]);
  }
  // Refused: see below.
  if (p.kind == MF_POOLING_AVERAGE_PADDED) p.ceil = false;
  return p;
}

static void describe(char *label, size_t size, const mf_pooling *p) {
  snprintf(label, size, "pooling %d, k%lldx%lld s%lld,%lld p%lld-%lld,%lld-%lld%s", p->kind, (long long)p->kernel[0],
           (long long)p->kernel[1], (long long)p->stride[0], (long long)p->stride[1], (long long)p->pad_begin[0],
           (long long)p->pad_end[0], (long long)p->pad_begin[1], (long long)p->pad_end[1], p->ceil ? " ceil" : "");
}

static void test_float(void **state) {
  (void)state;
  uint64_t seed = 1;
  char label[100];
  for (int i = 0; i < HARNESS_SAMPLES(200); i++) {
    const mf_pooling p = pick_pooling(&seed);
    describe(label, sizeof label, &p);
    check_in_places(add_pooling, &p, 3, label);
  }
}

// Integers are pooled as they are: input and output are annotated alike, but that averages may have another scale.
static void test_integers(void **state) {
  (void)state;
  uint64_t seed = 2;
  char label[100];
  int n_rescaled = 0;
  harness_steps steps = {0};
  for (int i = 0; i < HARNESS_SAMPLES(300); i++) {
    const mf_pooling p = pick_pooling(&seed);
    describe(label, sizeof label, &p);
    mf_graph *g = new_graph();
    // A float input would be pooled as float: only an open one is filled with integers.
    const bool convolution = pick(&seed, 3), float_input = convolution && pick(&seed, 2);
    mf_tensor_id x = add_input(g, SHAPE(PICK(&seed, 1, 3), 3, 6, 7));
    if (convolution) x = plain_convolution(g, "before", x, PICK(&seed, 3, 8, 17, 24, 32), 3);
    const mf_tensor_id y = g->output = add_pooling(g, x, &p);
    float *input = random_input(g, seed);
    annotate_all(g, input, (unsigned)pick(&seed, 4096));
    // Averages lie between two integers often, and are rounded to the even one: exact in the truth as well when the
    // scale is a power of two.
    g->tensors[y].quantization = g->tensors[x].quantization =
        (mf_quantization){true, pick(&seed, 2) ? MF_U8 : MF_S8, 1.0f / 64, 0};
    const bool rescaled = p.kind != MF_POOLING_MAX && pick(&seed, 2);
    if (rescaled) g->tensors[y].quantization.scale = 1.0f / 128;
    n_rescaled += rescaled;
    harness_snap(g, input);
    const mf_plan_options options = {
        .layout = pick(&seed, 2) ? MF_LAYOUT_AUTO : MF_LAYOUT_NHWC, .activations = MF_F32, .float_input = float_input};
    expect_same(g, &options, PICK(&seed, 1, 2), input, HARNESS_F32, &steps, label);
    mf_free(input);
    mf_graph_free(g);
  }
  assert_true(n_rescaled > 0);
  harness_expect_few_moved(&steps);
}

// What lies there as float is pooled as float, though the annotations say that scales differ.
static void test_floats_between_integers(void **state) {
  (void)state;
  uint64_t seed = 3;
  harness_steps steps = {0};
  const mf_pooling p = {MF_POOLING_AVERAGE, {2, 2}, {2, 2}, {0, 0}, {0, 0}, false};
  for (int i = 0; i < 8; i++) {
    mf_graph *g = new_graph();
    const mf_tensor_id x = add_relu(g, "relu", plain_convolution(g, "a", add_input(g, SHAPE(2, 8, 6, 8)), 16, 3));
    const mf_tensor_id y = add_pooling(g, x, &p);
    g->output = plain_convolution(g, "b", y, 16, 1);
    float *input = random_input(g, seed);
    annotate_all(g, input, (unsigned)pick(&seed, 4096) | 1u << y);
    g->tensors[g->output].quantization.set = false;
    g->tensors[x].quantization = (mf_quantization){true, MF_U8, 1.0f / 32, 0};
    g->tensors[y].quantization = (mf_quantization){true, MF_U8, 1.0f / 64, 0};
    expect_same(g, &(mf_plan_options){.activations = MF_F32}, 1 + i % 2, input, 0.03, &steps, "averages of floats");
    mf_free(input);
    mf_graph_free(g);
  }
}

// A last window that ceil mode lets reach beyond the padding would count zeros that are not there.
static void test_padded_average_in_ceil_mode(void **state) {
  (void)state;
  mf_error e;
  harness_engine engine;
  mf_pooling p = {MF_POOLING_AVERAGE_PADDED, {3, 3}, {2, 2}, {1, 1}, {1, 1}, true};
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(1, 3, 6, 6)); // windows from -1, 1, 3, 5: the last one up to 7
  g->output = add_pooling(g, x, &p);
  check_fails(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e), MF_ERR_UNSUPPORTED, &e,
              "op: average pooling that counts padding");
  mf_graph_free(g);
  p.ceil = true;
  g = new_graph();
  g->output = add_pooling(g, add_input(g, SHAPE(1, 3, 5, 7)), &p); // whose windows end with the padding
  float *input = random_input(g, 5);
  expect_same(g, &(mf_plan_options){.activations = MF_F32}, 1, input, HARNESS_F32, NULL,
              "ceil mode that changes nothing");
  mf_free(input);
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_float),
      cmocka_unit_test(test_integers),
      cmocka_unit_test(test_floats_between_integers),
      cmocka_unit_test(test_padded_average_in_ceil_mode),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
