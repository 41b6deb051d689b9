#include "graph/edit.h"
#include "pass/pass.h"
#include "pass/rewrite.h"

// Of a tensor.
typedef struct readers {
  int uses;         // as mf_graph_uses counts
  int last;         // the node that reads it last; for the graph's output the number of nodes
  bool overwritten; // became a summand: what reads it must not move (so that a node takes one sum at most)
} readers;

static void find_readers(const mf_graph *g, readers *of) {
  for (int i = 0; i < g->node_count; i++) {
    for (int k = 0; k < g->nodes[i].input_count; k++) {
      readers *r = &of[g->nodes[i].inputs[k]];
      r->uses++;
      r->last = i;
    }
  }
  of[g->output].uses++;
  of[g->output].last = g->node_count;
}

// Whether the convolution that writes `result` may move to the place of node `sum` and add into the buffer of
// `summand`.
static bool can_fuse(const mf_graph *g, const readers *of, mf_tensor_id result, mf_tensor_id summand, int sum) {
  int producer = g->tensors[result].producer;
  if (producer < 0 || of[result].uses != 1) return false;
  const mf_node *node = &g->nodes[producer];
  if (node->op != MF_OP_CONVOLUTION || node->post_count == MF_MAX_POSTS) return false;
  if (g->tensors[summand].producer < 0 || of[summand].last != sum) return false;
  for (int i = 0; i < node->input_count; i++) {
    if (node->inputs[i] == summand || of[node->inputs[i]].overwritten) return false;
  }
  return true;
}

// In the place of the sum both operands are there.
static mf_status fuse(mf_graph *g, readers *of, mf_tensor_id result, mf_tensor_id summand, int sum, mf_error *e) {
  int producer = g->tensors[result].producer;
  mf_node *node = &g->nodes[producer];
  node->posts[node->post_count++] = (mf_post){.kind = MF_POST_SUM, .input = node->input_count};
  MF_TRY(mf_rewrite_append_input(g, node, summand, e));
  MF_TRY(mf_rewrite_absorb(g, producer, sum, e));
  of[summand].overwritten = true;
  g->nodes[sum] = *node;
  g->tensors[node->output].producer = sum;
  node->output = MF_NO_TENSOR;
  return MF_OK;
}

static mf_status fuse_all(mf_graph *g, readers *of, mf_error *e) {
  for (int i = 0; i < g->node_count; i++) {
    const mf_node *node = &g->nodes[i];
    if (node->op != MF_OP_SUM || node->input_count != 2) continue;
    mf_tensor_id late = node->inputs[0], early = node->inputs[1];
    if (g->tensors[late].producer < g->tensors[early].producer) {
      late = node->inputs[1];
      early = node->inputs[0];
    }
    if (can_fuse(g, of, late, early, i)) {
      MF_TRY(fuse(g, of, late, early, i, e));
    } else if (can_fuse(g, of, early, late, i)) {
      MF_TRY(fuse(g, of, early, late, i, e));
    }
  }
  return MF_OK;
}

mf_status mf_pass_fuse_sum(mf_graph *g, mf_error *e) {
  size_t bytes = (size_t)g->tensor_count * sizeof(readers);
  readers *of = mf_alloc_zero(bytes);
  if (!of) return mf_fail_memory(e, bytes);
  find_readers(g, of);
  mf_status status = fuse_all(g, of, e);
  mf_free(of);
  MF_TRY(status);
  return mf_graph_sweep(g, e);
}
