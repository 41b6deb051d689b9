// Synthetic weights keep activations in a realistic range through the depth: measured with the reference kernels.
#include "load/synthetic.h"
#include "models/zoo.h"
#include "reference/reference.h"
#include "reference/support.h"
#include <math.h>

enum { SIZE = 64 };

typedef struct range {
  const mf_graph *g;
  double low, high; // root mean squares of what convolutions, inner products and sums give
} range;

static void observe(void *context, const mf_tensor *tensor, const reference_tensor *value) {
  range *r = context;
  if (tensor->producer < 0) return;
  const mf_op op = r->g->nodes[tensor->producer].op;
  if (op != MF_OP_CONVOLUTION && op != MF_OP_INNER_PRODUCT && op != MF_OP_SUM) return;
  const size_t count = reference_elements(&value->shape);
  double square = 0;
  for (size_t i = 0; i < count; i++) square += value->data[i] * value->data[i];
  const double rms = sqrt(square / (double)count);
  r->low = fmin(r->low, rms);
  r->high = fmax(r->high, rms);
}

static void check(const char *name, double low, double high) {
  static float image[3 * SIZE * SIZE];
  const mf_network *network = mf_network_find(name);
  mf_error e = {0};
  mf_weights *w;
  mf_builder *b;
  mf_graph *g;
  reference_tensor output;
  reference_random(1, image, 3 * SIZE * SIZE);
  for (int i = 0; i < 3 * SIZE * SIZE; i++) image[i] *= 1.732f; // unit variance
  assert_non_null(network);
  support_ok(mf_synthetic_open(&w, 0, &e), &e);
  support_ok(mf_builder_create(&b, name, w, &e), &e);
  const mf_tensor_id x = mf_build_input(b, 1, 3, SIZE, SIZE);
  support_ok(mf_builder_finish(b, network->build(b, x, &network->recipe, network->variant), &g, &e), &e);
  range r = {g, INFINITY, 0};
  const reference_options options = {.observe = observe, .context = &r};
  support_ok(reference_graph_run(g, image, &options, &output, &e), &e);
  print_message("%s: %.3f to %.3f\n", name, r.low, r.high);
  assert_true(r.low >= low && r.high <= high);
  reference_tensor_free(&output);
  mf_graph_free(g);
  mf_builder_free(b);
  w->close(w);
}

// 1 everywhere in theory, but residual sums grow with the depth, maximum pooling raises the mean, and the last maps of
// a small image are mostly padding.
static void test_activations_keep_their_range(void **state) {
  (void)state;
  static const char *const names[] = {"squeezenet1_1", "googlenet",    "mobilenet_v1",      "resnet18",
                                      "resnet101",     "mobilenet_v2", "efficientnet_lite0"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) check(names[i], 0.05, 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_activations_keep_their_range)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
