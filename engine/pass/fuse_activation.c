#include "graph/edit.h"
#include "pass/pass.h"
#include "pass/rewrite.h"

// The node before an activation that can take it in, or -1. Of two activations in a row the second stays a node.
static int find_target(const mf_graph *g, const mf_node *eltwise, const int *uses) {
  int producer = g->tensors[eltwise->inputs[0]].producer;
  if (producer < 0 || uses[eltwise->inputs[0]] != 1) return -1;
  const mf_node *node = &g->nodes[producer];
  if (node->op != MF_OP_CONVOLUTION && node->op != MF_OP_INNER_PRODUCT) return -1;
  if (node->post_count > 0 && node->posts[node->post_count - 1].kind == MF_POST_ELTWISE) return -1;
  return node->post_count < MF_MAX_POSTS ? producer : -1;
}

static mf_status fuse_all(mf_graph *g, const int *uses, mf_error *e) {
  for (int i = 0; i < g->node_count; i++) {
    const mf_node *eltwise = &g->nodes[i];
    if (eltwise->op != MF_OP_ELTWISE) continue;
    int target = find_target(g, eltwise, uses);
    if (target < 0) continue;
    mf_node *node = &g->nodes[target];
    node->posts[node->post_count++] = (mf_post){.kind = MF_POST_ELTWISE, .eltwise = eltwise->attributes.eltwise};
    MF_TRY(mf_rewrite_absorb(g, target, i, e));
  }
  return MF_OK;
}

mf_status mf_pass_fuse_activation(mf_graph *g, mf_error *e) {
  int *uses;
  MF_TRY(mf_rewrite_count_uses(g, &uses, e));
  mf_status status = fuse_all(g, uses, e);
  mf_free(uses);
  MF_TRY(status);
  return mf_graph_sweep(g, e);
}
