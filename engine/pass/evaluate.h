// Nodes computed from constants, in double precision, by plain loops: for small things, not for running networks.
#ifndef MF_PASS_EVALUATE_H
#define MF_PASS_EVALUATE_H

#include "graph/graph.h"

bool mf_pass_can_evaluate(mf_op op);
// `node`'s inputs are constants and mf_pass_can_evaluate said yes to its operator; `count` is the elements of its
// output.
void mf_pass_evaluate(const mf_graph *g, const mf_node *node, size_t count, float *out);

#endif
