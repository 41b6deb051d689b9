#include "pass/pass.h"

// The flatten itself goes with dead_code, unless somebody else reads it.
mf_status mf_pass_absorb_flatten(mf_graph *g, mf_error *e) {
  (void)e;
  for (int i = 0; i < g->node_count; i++) {
    mf_node *node = &g->nodes[i];
    if (node->op != MF_OP_INNER_PRODUCT) continue;
    int producer = g->tensors[node->inputs[0]].producer;
    if (producer < 0 || g->nodes[producer].op != MF_OP_FLATTEN) continue;
    mf_tensor_id x = g->nodes[producer].inputs[0];
    int rank = g->tensors[x].shape.rank;
    if (rank == 2 || rank == 4) node->inputs[0] = x; // the ranks an inner product reads
  }
  return MF_OK;
}
