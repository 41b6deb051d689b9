#include "graph/edit.h"
#include "pass/evaluate.h"
#include "pass/pass.h"

static bool can_fold(const mf_graph *g, const mf_node *node) {
  if (!mf_pass_can_evaluate(node->op) || node->output == g->output) return false; // the output stays a node's
  for (int i = 0; i < node->input_count; i++) {
    if (!g->tensors[node->inputs[i]].data) return false;
  }
  return true;
}

mf_status mf_pass_fold_constants(mf_graph *g, mf_error *e) {
  for (int i = 0; i < g->node_count; i++) {
    mf_node *node = &g->nodes[i];
    if (!can_fold(g, node)) continue;
    mf_tensor *output = &g->tensors[node->output];
    size_t count = 0, bytes;
    if (!mf_shape_elements(&output->shape, &count) || !mf_mul(count, sizeof(float), &bytes)) bytes = SIZE_MAX;
    float *data = mf_arena_alloc(&g->arena, bytes);
    if (!data) return mf_fail_memory(e, bytes);
    mf_pass_evaluate(g, node, count, data);
    output->data = data;
    output->producer = -1;
    node->output = MF_NO_TENSOR;
  }
  return mf_graph_sweep(g, e);
}
