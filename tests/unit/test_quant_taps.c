// Taps: against loops over every output position.
#include "quant/taps.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

static mf_tensor_id add_random_convolution(mf_graph *g, const char *name, mf_tensor_id x, uint64_t *seed) {
  mf_convolution c;
  const int64_t in = channels(g, x), kernel[2] = {PICK(seed, 1, 2, 3), PICK(seed, 1, 3, 4)};
  c.groups = PICK(seed, 1, 1, 2, (int)in);
  if (in % c.groups) c.groups = 1;
  for (int i = 0; i < 2; i++) {
    c.stride[i] = PICK(seed, 1, 1, 2, 3);
    c.dilation[i] = PICK(seed, 1, 1, 2);
    c.pad_begin[i] = pick(seed, 4);
    c.pad_end[i] = pick(seed, 3);
  }
  const int64_t out = c.groups * PICK(seed, 1, 2, 3);
  mf_tensor_id inputs[] = {
      x, add_constant(g, join(g, name, "weight"), SHAPE(out, in / c.groups, kernel[0], kernel[1]), 0, 1)};
  return add_node(g, MF_OP_CONVOLUTION, name, A(.convolution = c), inputs, 2);
}

static void expect_taps(const mf_taps *taps, const mf_graph *g, int n, const float *data, int64_t items) {
  const mf_node *node = &g->nodes[n];
  const mf_convolution *a = &node->attributes.convolution;
  const int64_t *x = g->tensors[node->inputs[0]].shape.dim, *k = g->tensors[node->inputs[1]].shape.dim,
                *y = g->tensors[node->output].shape.dim;
  assert_int_equal(taps->counts[n], items * y[2] * y[3]);
  for (int64_t c = 0; c < x[1]; c++)
    for (int64_t kh = 0; kh < k[2]; kh++)
      for (int64_t kw = 0; kw < k[3]; kw++) {
        double sum = 0, size = 0;
        for (int64_t i = 0; i < items; i++)
          for (int64_t oh = 0; oh < y[2]; oh++)
            for (int64_t ow = 0; ow < y[3]; ow++) {
              const int64_t h = oh * a->stride[0] - a->pad_begin[0] + kh * a->dilation[0],
                            w = ow * a->stride[1] - a->pad_begin[1] + kw * a->dilation[1];
              if (h < 0 || h >= x[2] || w < 0 || w >= x[3]) continue;
              const double value = (double)data[((i * x[1] + c) * x[2] + h) * x[3] + w];
              sum += value;
              size += fabs(value);
            }
        const double test = taps->sums[n][(c * k[2] + kh) * k[3] + kw];
        if (!(fabs(test - sum) <= 1e-12 * size))
          fail_msg("channel %d, kernel %d,%d: %g (expected %g)", (int)c, (int)kh, (int)kw, test, sum);
      }
}

static void test_convolutions(void **state) {
  (void)state;
  uint64_t seed = 1;
  for (int i = 0; i < HARNESS_SAMPLES(300); i++) {
    mf_error e;
    const int workers = PICK(&seed, 1, 2, 3), items = PICK(&seed, 1, 2, 3);
    mf_graph *g = new_graph();
    const mf_tensor_id x = add_input(g, SHAPE(3, PICK(&seed, 1, 2, 4, 6), PICK(&seed, 7, 9), PICK(&seed, 8, 11)));
    add_random_convolution(g, "a", x, &seed);
    const mf_tensor_id relu = add_relu(g, "relu", x); // multiplies nothing
    add_random_convolution(g, "b", x, &seed);
    g->output = add_random_convolution(g, "c", relu, &seed);
    float *data = random_input(g, seed);
    mf_taps taps = {0};
    OK(mf_taps_create(&taps, g, workers, &e));
    assert_null(taps.sums[1]);
    mf_taps_add(&taps, g, x, data, 1, harness_pool(workers)); // in two parts
    const size_t item = reference_elements(&g->tensors[x].shape) / 3;
    if (items > 1) mf_taps_add(&taps, g, x, data + item, items - 1, harness_pool(workers));
    expect_taps(&taps, g, 0, data, items);
    expect_taps(&taps, g, 2, data, items);
    assert_int_equal(taps.counts[3], 0); // reads another tensor
    mf_taps_free(&taps);
    mf_free(data);
    mf_graph_free(g);
  }
}

static void test_inner_product(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(3, 7));
  mf_tensor_id inputs[] = {x, add_constant(g, "weight", SHAPE(4, 7), 0, 1)};
  g->output = add_node(g, MF_OP_INNER_PRODUCT, "fc", NONE, inputs, 2);
  float *data = random_input(g, 3);
  mf_taps taps = {0};
  OK(mf_taps_create(&taps, g, 2, &e));
  mf_taps_add(&taps, g, x, data, 2, harness_pool(2));
  mf_taps_add(&taps, g, x, data + 14, 1, harness_pool(2));
  assert_int_equal(taps.counts[0], 3);
  for (int k = 0; k < 7; k++)
    assert_true(fabs(taps.sums[0][k] - ((double)data[k] + (double)data[7 + k] + (double)data[14 + k])) < 1e-12);
  mf_taps_free(&taps);
  mf_taps_free(&taps);
  mf_free(data);
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_convolutions), cmocka_unit_test(test_inner_product)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
