// What passes, loaders and tests need beside graph.h to look at graphs and to rewrite them.
#ifndef MF_GRAPH_EDIT_H
#define MF_GRAPH_EDIT_H

#include "graph/graph.h"

mf_tensor_id mf_graph_find(const mf_graph *g, const char *name); // the tensor of that name, or MF_NO_TENSOR

// Inputs of the operator itself; those behind it in node->inputs are summands of posts. A convolution has a bias when
// it is 3.
int mf_node_operands(const mf_node *node);

// To drop a node, set its output to MF_NO_TENSOR. The sweep takes such nodes out, then every tensor that no node reads
// or writes (not the graph's input and output), and renumbers: ids and node indices from before are void. Names of
// tensors must not be edited.
mf_status mf_graph_sweep(mf_graph *g, mf_error *e);

// The same network for another batch size: the input's first dimension, and what follows from it by the shape rules.
mf_status mf_graph_rebatch(mf_graph *g, int64_t batch, mf_error *e);

#endif
