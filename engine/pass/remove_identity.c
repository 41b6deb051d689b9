#include "graph/edit.h"
#include "pass/pass.h"

// Where a tensor's value comes from when identities are looked through. Chains are short after earlier nodes were
// rewritten.
static mf_tensor_id origin(const mf_tensor_id *replaced, mf_tensor_id tensor) {
  return replaced[tensor] == MF_NO_TENSOR ? tensor : replaced[tensor];
}

static void remove_identities(mf_graph *g, mf_tensor_id *replaced) {
  for (int i = 0; i < g->node_count; i++) {
    mf_node *node = &g->nodes[i];
    for (int k = 0; k < node->input_count; k++) node->inputs[k] = origin(replaced, node->inputs[k]);
    if (node->op != MF_OP_DROPOUT && node->op != MF_OP_IDENTITY) continue;
    if (node->output == g->output && g->tensors[node->inputs[0]].producer < 0) continue;
    replaced[node->output] = node->inputs[0];
    g->tensors[node->output].producer = -1;
    node->output = MF_NO_TENSOR;
  }
  g->output = origin(replaced, g->output);
}

mf_status mf_pass_remove_identity(mf_graph *g, mf_error *e) {
  size_t bytes = (size_t)g->tensor_count * sizeof(mf_tensor_id);
  mf_tensor_id *replaced = mf_alloc(bytes);
  if (!replaced) return mf_fail_memory(e, bytes);
  for (int i = 0; i < g->tensor_count; i++) replaced[i] = MF_NO_TENSOR;
  remove_identities(g, replaced);
  mf_free(replaced);
  return mf_graph_sweep(g, e);
}
