// Shared by the shape rules.
#ifndef MF_GRAPH_SHAPE_H
#define MF_GRAPH_SHAPE_H

#include "graph/graph.h"

// MF_ERR_FILE unless that input is a vector of `length` elements; `what` names it in the error line.
mf_status mf_shape_expect_vector(const mf_graph *g, const mf_node *node, int input, const char *what, int64_t length,
                                 mf_error *e);

// MF_ERR_FILE unless 0 <= axis < the rank of x.
mf_status mf_shape_expect_axis(const mf_node *node, const mf_shape *x, int axis, mf_error *e);

#endif
