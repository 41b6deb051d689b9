// The two sides of a comparison as each other's counterfactual: every reorder beside its edge on the other side, every
// fused layer beside the chain of layers that does the same there.
#ifndef TOOLS_WHATIF_H
#define TOOLS_WHATIF_H

#include "comparison.h"

// Two times, one against the other. NaN when nothing was traced.
typedef struct contrast {
  double ms[2];     // medians over the traced runs of sums within a run
  double saved;     // the first less the second within a round, median over the rounds
  double low, high; // its 95 % interval; NaN for fewer than 6 rounds
} contrast;

// The edge of a reorder is the layers at both ends and whatever reorders stand between them. Edges that share a layer
// overlap, so their times do not add up.
typedef struct reorder_cost {
  int side;      // 0: a's, 1: b's
  int primitive; // of that side's plan
  double ms;     // the reorder alone
  contrast edge; // on its own side, on the other side
} reorder_cost;

typedef struct fused_layer {
  const layer_group *group;
  int side;           // that needs fewer layers for it
  contrast time;      // the chain of the other side, the fused layer; without reorders
  double saved_bytes; // read and written by the chain less those of the fused layer
} fused_layer;

typedef enum whatif_part { WHATIF_LAYERS, WHATIF_REORDERS, WHATIF_GAPS, WHATIF_RUN, WHATIF_PARTS } whatif_part;
const char *whatif_part_name(whatif_part part); // "layers", "reorders", "gaps", "run"

// Free with whatif_free, also after a failure.
typedef struct whatif {
  contrast parts[WHATIF_PARTS]; // of a run: a, b
  reorder_cost *reorders;       // longest first
  size_t reorder_count;
  fused_layer *fused; // those that save most first
  size_t fused_count;
  contrast fusion;    // all chains, all fused layers
  double saved_bytes; // by all of them
} whatif;

// The sides are closed; `c` is theirs and outlives `out`.
minfer_status whatif_make(const side *a, const side *b, const comparison *c, whatif *out, minfer_error *error);
void whatif_free(whatif *w);

#endif
