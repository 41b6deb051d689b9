// Sides measured in turn, round by round, so that whatever drifts (clock, temperature, neighbours) hits all alike.
#ifndef TOOLS_ROUNDS_H
#define TOOLS_ROUNDS_H

#include "side.h"

// A block of each side; every second round goes through them backwards, so that the last of a round is the first of the
// next. Each gets a value in its `rounds` and in its `rates`. `traced`: blocks of one instance have a traced run.
// MINFER_INTERRUPTED after a signal: the round is not whole.
minfer_status rounds_take(side *const *sides, size_t count, const options *o, size_t round, bool traced,
                          minfer_error *error);
// Let idle workers of a side go to sleep before another is measured.
void rounds_settle(const side *s);
// Whether they may still poll then.
bool rounds_is_disturbed(const side *s);

// The median over the rounds of a's time over b's: above 1 b is faster. NaN without rounds.
minfer_status rounds_ratio(const side *a, const side *b, stats_summary *out, minfer_error *error);

#endif
