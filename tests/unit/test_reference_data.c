// Whole networks through the reference kernels, against the logits ONNX Runtime gave for the same weights and images:
// as built, and after every pass. So the kernels, the networks and the folding of BatchNorm vouch for each other.
#include "load/npy.h"
#include "load/recipe.h"
#include "load/safetensors.h"
#include "models/zoo.h"
#include "pass/pass.h"
#include "reference/reference.h"
#include "reference/support.h"
#include <stdio.h>

static mf_graph *build(const char *name, mf_weights *weights, const char *path, int64_t images) {
  mf_error e;
  mf_builder *b;
  mf_graph *g;
  const mf_network *network = mf_network_find(name);
  assert_non_null(network);
  mf_recipe recipe = network->recipe;
  support_ok(mf_recipe_from_metadata(&recipe, weights, path, &e), &e);
  support_ok(mf_builder_create(&b, name, weights, &e), &e);
  const mf_tensor_id image = mf_build_input(b, images, 3, recipe.height, recipe.width);
  support_ok(mf_builder_finish(b, network->build(b, image, &recipe, network->variant), &g, &e), &e);
  mf_builder_free(b);
  return g;
}

// Of the first `images` of the golden batch; the error of each is relative to its own largest logit.
static void compare(const mf_graph *g, const mf_array *input, const mf_array *logits, int64_t images,
                    double tolerance) {
  mf_error e;
  reference_tensor result, golden;
  support_ok(reference_graph_run(g, input->data, NULL, &result, &e), &e);
  support_ok(reference_tensor_from_f32(&golden, &result.shape, logits->data, &e), &e);
  const size_t classes = (size_t)logits->shape.dim[1];
  assert_int_equal(reference_elements(&result.shape), (size_t)images * classes);
  for (size_t i = 0; i < (size_t)images; i++) {
    const double error = reference_relative_error(result.data + i * classes, golden.data + i * classes, classes);
    print_message("%s: %d nodes, image %zu: relative error %.2g\n", g->name, g->node_count, i, error);
    assert_true(error <= tolerance);
  }
  reference_tensor_free(&result);
  reference_tensor_free(&golden);
}

static void check(const char *network, const char *file, const char *golden, int64_t images) {
  mf_error e;
  mf_weights *weights;
  mf_array input, logits;
  char weights_path[SUPPORT_PATH], path[SUPPORT_PATH], name[128];
  snprintf(name, sizeof name, "weights/%s.safetensors", file);
  support_data(weights_path, name);
  snprintf(name, sizeof name, "golden/%s.input.npy", golden);
  support_data(path, name);
  support_ok(mf_npy_read(&input, path, &e), &e);
  snprintf(name, sizeof name, "golden/%s.logits.npy", golden);
  support_data(path, name);
  support_ok(mf_npy_read(&logits, path, &e), &e);
  assert_true(input.shape.rank == 4 && logits.shape.rank == 2 && logits.shape.dim[0] == input.shape.dim[0] &&
              input.shape.dim[0] >= images);
  support_ok(mf_safetensors_open(&weights, weights_path, &e), &e);
  mf_graph *g = build(network, weights, weights_path, images);
  // Golden logits carry the rounding of float sums of up to 4608 terms over some 20 layers.
  compare(g, &input, &logits, images, 1e-5);
  support_ok(mf_pass_run_all(g, &(mf_pass_options){.fusion = true}, &e), &e);
  for (int i = 0; i < g->node_count; i++) assert_int_not_equal(g->nodes[i].op, MF_OP_BATCH_NORMALIZATION);
  compare(g, &input, &logits, images, 1e-5);
  mf_graph_free(g);
  weights->close(weights);
  mf_array_free(&input);
  mf_array_free(&logits);
}

static void resnet18(void **state) {
  (void)state;
  check("resnet18", "synthetic/resnet18", "synthetic.resnet18", 1);
}

static void mobilenet_v1_25(void **state) {
  (void)state;
  check("mobilenet_v1", "mobilenet_v1_25", "mobilenet_v1_25", 4);
}

static void mobilenet_v1(void **state) {
  (void)state;
  check("mobilenet_v1", "mobilenet_v1", "mobilenet_v1", 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resnet18),
      cmocka_unit_test(mobilenet_v1_25),
      cmocka_unit_test(mobilenet_v1),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
