// Combinations of one model that are open at once, to be measured in turn.
#ifndef TOOLS_HEAT_H
#define TOOLS_HEAT_H

#include "rounds.h"
#include "sweep.h"

typedef struct contestant {
  combination *of;
  side side;
  bool open;
  minfer_error why; // it is not open
} contestant;

// Fill model to where, the rest zero; they are borrowed. Free with heat_free, also after a failure.
typedef struct heat {
  minfer_model *model;
  minfer_input *input;
  console *console;
  const char *where; // for the progress: "group 2 of 6"
  contestant *items;
  size_t count;
  double bytes, most; // of what is open; of the largest
} heat;

// Opens combinations until memory would not hold another one; *taken says how many it came to, open or not. Those of
// one batch, chunk, dtype and number of threads share a plan. MINFER_INTERRUPTED after a signal.
minfer_status heat_open(heat *h, combination *const *items, size_t count, size_t *taken, minfer_error *error);
// The sides of those that are open, into `sides`, which has room for all; returns how many.
size_t heat_sides(heat *h, side **sides);
void heat_free(heat *h);

#endif
