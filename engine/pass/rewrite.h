// Steps that several passes share.
#ifndef MF_PASS_REWRITE_H
#define MF_PASS_REWRITE_H

#include "graph/graph.h"

// How often each tensor is read, as mf_graph_uses counts, indexed by id. Free with mf_free.
mf_status mf_rewrite_count_uses(const mf_graph *g, int **uses, mf_error *e);

// Node `into` takes over the output of node `next`, its only reader, and appends its source layers; `next` is dropped
// (for the sweep).
mf_status mf_rewrite_absorb(mf_graph *g, int into, int next, mf_error *e);

mf_status mf_rewrite_append_input(mf_graph *g, mf_node *node, mf_tensor_id input, mf_error *e);

#endif
