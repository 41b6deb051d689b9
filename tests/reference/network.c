#include "network.h"
#include "graph/edit.h"
#include "harness.h"
#include "load/recipe.h"
#include "load/safetensors.h"
#include "load/synthetic.h"
#include "pass/pass.h"
#include "support.h"
#include <string.h>

void network_open(network *n, const char *name, double multiplier) {
  mf_error e;
  *n = (network){.zoo = mf_network_find(name)};
  assert_non_null(n->zoo);
  n->recipe = n->zoo->recipe;
  if (multiplier > 0) n->recipe.multiplier = multiplier;
  support_ok(mf_synthetic_open(&n->weights, 1, &e), &e);
}

void network_open_file(network *n, const char *path) {
  mf_error e;
  *n = (network){0};
  support_ok(mf_safetensors_open(&n->weights, path, &e), &e);
  const char *name = n->weights->metadata(n->weights, "minfer.model");
  assert_non_null(name);
  n->zoo = mf_network_find(name);
  assert_non_null(n->zoo);
  n->recipe = n->zoo->recipe;
  support_ok(mf_recipe_from_metadata(&n->recipe, n->weights, path, &e), &e);
}

void network_close(network *n) {
  if (n->weights) n->weights->close(n->weights);
  *n = (network){0};
}

bool network_costs_much(const mf_network *zoo) {
  static const char *const names[] = {"alexnet",   "vgg16",     "resnet34",          "resnet50_v1",
                                      "resnet101", "resnet152", "efficientnet_lite2"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], zoo->name) == 0) return true;
  return false;
}

mf_graph *network_graph(const network *n, int64_t batch, bool fusion) {
  mf_error e;
  mf_builder *b;
  mf_graph *g;
  support_ok(mf_builder_create(&b, n->zoo->name, n->weights, &e), &e);
  const mf_tensor_id image = mf_build_input(b, batch, 3, n->recipe.height, n->recipe.width);
  const mf_tensor_id logits = n->zoo->build(b, image, &n->recipe, n->zoo->variant);
  support_ok(mf_builder_finish(b, logits, &g, &e), &e);
  mf_builder_free(b);
  support_ok(mf_pass_run_all(g, &(mf_pass_options){.fusion = fusion}, &e), &e);
  return g;
}

static bool is_not_negative(const mf_eltwise *f) {
  return (f->kind == MF_ELTWISE_RELU && f->alpha == 0) || (f->kind == MF_ELTWISE_CLIP && f->alpha >= 0) ||
         f->kind == MF_ELTWISE_LOGISTIC;
}

static bool writes_nothing_negative(const mf_graph *g, const mf_node *node, const mf_observations *o) {
  if (node->post_count > 0) {
    const mf_post *last = &node->posts[node->post_count - 1];
    return last->kind == MF_POST_ELTWISE && is_not_negative(&last->eltwise);
  }
  if (node->op == MF_OP_ELTWISE) return is_not_negative(&node->attributes.eltwise);
  if (node->op == MF_OP_CONVOLUTION || node->op == MF_OP_INNER_PRODUCT || node->op == MF_OP_BATCH_NORMALIZATION)
    return false;
  for (int i = 0; i < mf_node_operands(node); i++) // what moves, adds or averages what it reads
    if (!g->tensors[node->inputs[i]].data && o->tensors[node->inputs[i]].min < 0) return false;
  return true;
}

static void see(mf_observations *o, mf_tensor_id tensor, float min) {
  mf_error e;
  const float ends[] = {min, 1};
  support_ok(mf_histogram_add(&o->tensors[tensor], ends, 2, harness_pool(1), &e), &e);
}

void network_assume_ranges(mf_graph *g) {
  mf_error e;
  mf_observations o;
  support_ok(mf_observations_create(&o, g, 1, &e), &e);
  see(&o, g->input, -1);
  for (int n = 0; n < g->node_count; n++)
    see(&o, g->nodes[n].output, writes_nothing_negative(g, &g->nodes[n], &o) ? 0 : -1);
  support_ok(harness_quantise(g, &o, "minmax", &e), &e);
  mf_observations_free(&o);
}
