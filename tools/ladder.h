// A ladder: one network from the slowest way to run it to the fastest, rung by rung, and what each rung gains.
#ifndef TOOLS_LADDER_H
#define TOOLS_LADDER_H

#include "rounds.h"

enum { LADDER_RUNGS = 8, LADDER_COUNT = 3 };

typedef enum rung_verdict { RUNG_FIRST, RUNG_FASTER, RUNG_SLOWER, RUNG_OPEN, RUNG_UNKNOWN, RUNG_SKIPPED } rung_verdict;

typedef struct rung {
  const char *name, *words; // words: the options that make it, as typed
  const char *claim;        // what the classical account says pays here ("layout", "fusion", "precision"); NULL: none
  options options;
  side side;
  bool open;
  minfer_error why;     // it is not open
  stats_summary rounds; // of its medians, ms
  stats_summary gain;   // over the rung before that ran; above 1: faster
  double to_first;
  rung_verdict verdict;
} rung;

typedef struct ladder {
  const char *title;
  rung rungs[LADDER_RUNGS];
  int count;
} ladder;

// ---- what is in them. `common`: the options of all rungs.
void ladder_fill(ladder ladders[LADDER_COUNT], const options *common);
// Runs the rungs that open in turn; the others keep why. Interrupted: the rounds until then count.
minfer_status ladder_measure(ladder *l, const options *o, console *c, minfer_error *error);

typedef struct ladder_report {
  const options *options;
  const console *console;
  const minfer_model *model;
  ladder *ladders;
  bool interrupted;
} ladder_report;
bool report_ladder(FILE *out, const void *report);

#endif
