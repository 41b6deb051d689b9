// What two measured sides come to: layer by layer, and in their answers.
#ifndef TOOLS_COMPARISON_H
#define TOOLS_COMPARISON_H

#include "match.h"
#include "side.h"
#include "why.h"

// One group of layers. Times are in ms, medians over the traced runs of sums within a run; 0 where a side has no
// layers, NaN when nothing was traced.
typedef struct layer_row {
  const layer_group *group;
  double ms[2];         // of the layers' own primitives
  double reorder_ms[2]; // of the reorders in front of them
  double speedup;       // ms of a over ms of b; NaN when one side has no layers
  double low, high;     // 95 % interval of the ratio with reorders, over the rounds; NaN for fewer than 6
  double sqnr_db;       // of the group's output; infinite: equal; NaN: unknown
  bool slower;          // b is slower than a, beyond the noise of the rounds
  why_reason why;       // if slower
} layer_row;

// Free with comparison_free, also after a failure.
typedef struct comparison {
  layer_groups groups;
  layer_row *rows;    // one a group, in the groups' order
  int same_top1;      // inputs whose likeliest class is the same
  double logits_sqnr; // dB, over all inputs; as above
  int observed;       // inputs that the layers' SQNR is of; 0: unknown, in two processes or after Ctrl-C
} comparison;

// The sides are closed. The layers' SQNR is taken here when both are in this process, over at most COMPARISON_OBSERVED
// inputs.
enum { COMPARISON_OBSERVED = 32 };
minfer_status comparison_make(side *a, side *b, comparison *out, minfer_error *error);
void comparison_free(comparison *c);

#endif
