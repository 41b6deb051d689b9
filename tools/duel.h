// Two sides measured in turn, so that whatever drifts (clock, temperature, neighbours) hits both alike.
#ifndef TOOLS_DUEL_H
#define TOOLS_DUEL_H

#include "side.h"

// Free with duel_free, also after a failure.
typedef struct duel {
  samples ratios;        // a's median over b's, of each round: above 1 b is faster
  stats_summary summary; // of ratios
  bool interrupted;      // Ctrl-C ended it early
} duel;

// Rounds of a block of runs of one side and then one of the other, who begins alternates. With --iterations so many
// runs of each side, else at least 20 rounds and until half the 95 % interval of the median ratio is within --precision
// of it, at least --min-time, at most 20 s (or --min-time, when that is longer). Both sides are closed at the end.
minfer_status duel_run(side *a, side *b, const options *o, progress *p, duel *out, minfer_error *error);
void duel_free(duel *d);

// Whether workers of a side may still poll when the other side's block begins.
bool duel_is_disturbed(const side *s);

#endif
