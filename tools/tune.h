// The search for the best thread settings, batch and chunk: successive halving (Jamieson and Talwalkar, Non-stochastic
// Best Arm Identification and Hyperparameter Optimization, 2016) over combinations that run in turn.
#ifndef TOOLS_TUNE_H
#define TOOLS_TUNE_H

#include "heat.h"

typedef struct candidate {
  const combination *of;
  side *side;
  stats_summary rate; // images/s of its rounds
  double p99;         // ms, over all runs
  bool fits;          // within the latency bound
  int stage;          // after which it was dropped, from 1; 0: it stayed to the end
} candidate;

// Free with tune_free, also after a failure.
typedef struct tune_result {
  candidate *items; // best first
  size_t count;
  const candidate *first, *second, *standard; // best; next best; what run does without options. NULL: there is none
  stats_summary over_second, over_standard;   // rates of the best over theirs, round by round
  int stages;
  bool interrupted;
} tune_result;

// `o`: its budget is for a candidate that stays to the end; latency_bound_ms 0: none.
minfer_status tune_run(heat *h, const options *o, const combination *standard, tune_result *r, minfer_error *error);
void tune_free(tune_result *r);

typedef struct tune_report {
  const options *options;
  const console *console;
  const minfer_model *model;
  const tune_result *result;
} tune_report;
bool report_tune(FILE *out, const void *report);

#endif
