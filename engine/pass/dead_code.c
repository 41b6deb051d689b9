#include "graph/edit.h"
#include "pass/pass.h"

static void drop_dead(mf_graph *g, bool *live) {
  live[g->output] = true;
  for (int i = g->node_count - 1; i >= 0; i--) {
    mf_node *node = &g->nodes[i];
    if (live[node->output]) {
      for (int k = 0; k < node->input_count; k++) live[node->inputs[k]] = true;
    } else {
      g->tensors[node->output].producer = -1;
      node->output = MF_NO_TENSOR;
    }
  }
}

mf_status mf_pass_dead_code(mf_graph *g, mf_error *e) {
  size_t bytes = (size_t)g->tensor_count * sizeof(bool);
  bool *live = mf_alloc_zero(bytes);
  if (!live) return mf_fail_memory(e, bytes);
  drop_dead(g, live);
  mf_free(live);
  return mf_graph_sweep(g, e);
}
