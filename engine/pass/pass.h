// Rewrites of a graph between loading and planning. After them
//   dropout and identity are gone, unless the graph's output would not be written by any node then;
//   a node's posts are at most [eltwise] [sum] [eltwise], sum on convolutions only;
//   the summand of a fused sum is an activation, not the graph's input, which the node reads only there and nobody
//   reads afterwards, so that its buffer may become the destination.
// A pass edits the graph in place. After an error the graph may only be freed.
#ifndef MF_PASS_PASS_H
#define MF_PASS_PASS_H

#include "graph/graph.h"

typedef struct mf_pass_options {
  bool fusion; // false: BatchNorm, activations and sums stay nodes of their own
  void (*observe)(const char *pass, uint64_t ns, void *context); // after each pass, with its duration; NULL is allowed
  void *context;
} mf_pass_options;

// Runs the rows of pass.def in order; with MINFER_VERIFY defined the graph is verified after each.
// Errors: MF_ERR_UNSUPPORTED (no memory, or a broken graph).
mf_status mf_pass_run_all(mf_graph *g, const mf_pass_options *options, mf_error *e);

#define MF_PASS(name, why, needs_fusion) mf_status mf_pass_##name(mf_graph *g, mf_error *e);
#include "pass/pass.def"
#undef MF_PASS

#endif
