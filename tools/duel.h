// Two sides measured in turn, so that whatever drifts (clock, temperature, neighbours) hits both alike.
#ifndef TOOLS_DUEL_H
#define TOOLS_DUEL_H

#include "side.h"

typedef struct duel {
  size_t rounds;
  stats_summary summary; // of the rounds' ratios of a's median over b's: above 1 b is faster
  bool interrupted;      // Ctrl-C ended it early
} duel;

// Rounds of a block of runs of one side and then one of the other, who begins alternates. With --iterations so many
// runs of each side, else at least 20 rounds and until half the 95 % interval of the median ratio is within --precision
// of it, at least --min-time, at most 20 s (or --min-time, when that is longer). Both sides are closed at the end.
minfer_status duel_run(side *a, side *b, const options *o, progress *p, duel *out, minfer_error *error);

#endif
