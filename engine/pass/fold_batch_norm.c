#include "graph/edit.h"
#include "pass/pass.h"
#include "pass/rewrite.h"
#include <math.h>
#include <string.h>

// The node before a BatchNorm that can take it in, or -1.
static int find_target(const mf_graph *g, const mf_node *bn, const int *uses) {
  int producer = g->tensors[bn->inputs[0]].producer;
  if (producer < 0 || uses[bn->inputs[0]] != 1) return -1;
  const mf_node *node = &g->nodes[producer];
  if ((node->op != MF_OP_CONVOLUTION && node->op != MF_OP_INNER_PRODUCT) || node->post_count > 0) return -1;
  for (int i = 1; i < bn->input_count; i++) {
    if (!g->tensors[bn->inputs[i]].data) return -1;
  }
  for (int i = 1; i < node->input_count; i++) {
    if (!g->tensors[node->inputs[i]].data) return -1;
  }
  return producer;
}

// Named after the BatchNorm: another node may share the old weights, and fold a BatchNorm of its own into them.
static mf_status add_folded(mf_graph *g, const mf_node *bn, const char *what, const mf_shape *shape, const float *data,
                            mf_tensor_id *id, mf_error *e) {
  const char *name = mf_arena_format(&g->arena, "%s.folded_%s", bn->name, what);
  if (!name) return mf_fail_memory(e, strlen(bn->name));
  return mf_graph_add_tensor(g, name, shape, data, id, e);
}

// gamma (w x + b - mean) / sqrt(variance + epsilon) + beta, with w x + b from `node`: another w and another b.
static mf_status fold(mf_graph *g, mf_node *node, const mf_node *bn, mf_error *e) {
  const float *gamma = g->tensors[bn->inputs[1]].data, *beta = g->tensors[bn->inputs[2]].data;
  const float *mean = g->tensors[bn->inputs[3]].data, *variance = g->tensors[bn->inputs[4]].data;
  double epsilon = bn->attributes.batch_normalization.epsilon;
  mf_tensor weights = g->tensors[node->inputs[1]];
  mf_tensor bias = {.data = NULL};
  if (node->input_count > 2) bias = g->tensors[node->inputs[2]];

  size_t channels = (size_t)weights.shape.dim[0], elements = 0, bytes;
  if (!mf_shape_elements(&weights.shape, &elements) || !mf_mul(elements, sizeof(float), &bytes)) bytes = SIZE_MAX;
  float *folded_weights = mf_arena_alloc(&g->arena, bytes);
  float *folded_bias = mf_arena_alloc(&g->arena, channels * sizeof(float));
  if (!folded_weights || !folded_bias) return mf_fail_memory(e, bytes);
  size_t per_channel = elements / channels;
  for (size_t c = 0; c < channels; c++) {
    double factor = (double)gamma[c] / sqrt((double)variance[c] + epsilon);
    for (size_t i = c * per_channel; i < (c + 1) * per_channel; i++) {
      folded_weights[i] = (float)((double)weights.data[i] * factor);
    }
    double shift = (bias.data ? (double)bias.data[c] : 0) - (double)mean[c];
    folded_bias[c] = (float)(shift * factor + (double)beta[c]);
  }

  mf_tensor_id id;
  MF_TRY(add_folded(g, bn, "weight", &weights.shape, folded_weights, &node->inputs[1], e));
  MF_TRY(add_folded(g, bn, "bias", &(mf_shape){1, {weights.shape.dim[0]}}, folded_bias, &id, e));
  if (!bias.data) return mf_rewrite_append_input(g, node, id, e);
  node->inputs[2] = id;
  return MF_OK;
}

static mf_status fold_all(mf_graph *g, const int *uses, mf_error *e) {
  for (int i = 0; i < g->node_count; i++) {
    if (g->nodes[i].op != MF_OP_BATCH_NORMALIZATION) continue;
    int target = find_target(g, &g->nodes[i], uses);
    if (target < 0) continue;
    MF_TRY(fold(g, &g->nodes[target], &g->nodes[i], e));
    MF_TRY(mf_rewrite_absorb(g, target, i, e));
  }
  return MF_OK;
}

mf_status mf_pass_fold_batch_norm(mf_graph *g, mf_error *e) {
  int *uses;
  MF_TRY(mf_rewrite_count_uses(g, &uses, e));
  mf_status status = fold_all(g, uses, e);
  mf_free(uses);
  MF_TRY(status);
  return mf_graph_sweep(g, e);
}
