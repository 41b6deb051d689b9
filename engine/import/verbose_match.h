// Which layer of a network a log's primitive belongs to, by kind and sizes.
#ifndef MF_IMPORT_VERBOSE_MATCH_H
#define MF_IMPORT_VERBOSE_MATCH_H

#include "graph/graph.h"
#include "import/verbose_log.h"

// A layer as it stands in a log: a convolution, inner product, pooling, concat, lrn or softmax, and the elementwise
// nodes behind it, whether the log's program fused them or not.
typedef struct mf_verbose_group {
  int node;     // the first one
  int position; // of the primitive that was matched, or -1
  int host;     // the group whose primitive computes this one too (a fused depthwise convolution), or -1
  bool loose;   // matched by channels and kernel: the sizes of the map differ
} mf_verbose_group;

typedef struct mf_verbose_match {
  const mf_graph *graph;
  mf_verbose_group *groups; // in the graph's order
  int group_count;
  int *group_of_node; // -1: none
  int *group_at;      // of a position in the run; -1: none
  int length;         // positions
  int found, loose;   // groups with a primitive; of these, loose ones
  int first_missing;  // group, or -1
  int first_foreign;  // position of the first convolution, inner product or matmul without a group, or -1
} mf_verbose_match;

// `graph` as the builder made it, before passes. Equal sizes are told apart by their order in the log; the two branches
// of a residual block also by which of them the log adds into elsewhere. A residual sum belongs to the branch whose
// primitive has it as a post-op, else to the main one. Everything is in the arena.
mf_status mf_verbose_match_graph(mf_verbose_match *m, mf_arena *arena, const mf_verbose_log *log, const int *sequence,
                                 int length, const mf_graph *graph, mf_error *e);

// Pixels of the first convolution's input and its channels, to build the network by; false without a convolution.
bool mf_verbose_first_convolution(const mf_verbose_log *log, const int *sequence, int length, int64_t *height,
                                  int64_t *width, int64_t *out_channels);

#endif
