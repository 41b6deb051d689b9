// What differs between two traces of one network: settings, layers, times, and whether these differ by more than
// chance.
#ifndef TOOLS_TRACE_DIFF_H
#define TOOLS_TRACE_DIFF_H

#include "breakdown.h"
#include "match.h"
#include "trace_plan.h"
#include "why.h"

// Findings are accepted at this share of false ones.
#define TRACE_DIFF_LEVEL 0.05

typedef enum diff_verdict {
  DIFF_UNKNOWN, // too few runs, or only on one side
  DIFF_SAME,    // no difference beyond the noise
  DIFF_FASTER,  // b is
  DIFF_SLOWER
} diff_verdict;
const char *diff_verdict_name(diff_verdict verdict); // "unknown", "same", "faster", "slower"

// A time in both traces: ms, median over the traced runs; NaN where nothing was recorded.
typedef struct diff_time {
  double ms[2];
  double p; // of the U test over the runs; of layers adjusted for their number. NaN when there was no test
  diff_verdict verdict;
} diff_time;

typedef struct diff_change { // of what a group is computed with
  const char *what;          // "implementation", "dtype", "source format", "layers", ...
  char a[96], b[96];
} diff_change;
enum { DIFF_CHANGES = 8 };

typedef struct diff_row {
  const layer_group *group;
  diff_time own, reorders; // of the layers' own primitives; of reorders in front of them, without a test
  int reorder_counts[2];
  const minfer_primitive *reorder[2]; // the last of them, NULL: none
  diff_change changes[DIFF_CHANGES];
  int change_count;
  why_reason why; // when own is slower; "" when unknown
} diff_row;

typedef struct diff_side {
  const char *path;
  minfer_trace *trace;
  const minfer_trace_view *view;
  trace_plan plan;
  breakdown times;
  minfer_trace_level level;
} diff_side;

typedef struct diff_setting { // of the environment, as text; "" where a trace does not have it
  const char *key;
  char *a, *b;
} diff_setting;

// Zero-initialise; free with trace_diff_free, also after a failure.
typedef struct trace_diff {
  diff_side sides[2];
  layer_groups groups;
  diff_row *rows;                // one a group, in the groups' order
  diff_time run, reorders, gaps; // whole runs; sums over a run
  diff_setting *settings;        // those that differ
  size_t setting_count;
} trace_diff;

// Errors: those of minfer_trace_read; MINFER_FILE when a trace has no whole run; MINFER_USAGE when they are of
// different networks, widths or batches.
minfer_status trace_diff_make(trace_diff *d, const char *a, const char *b, minfer_error *error);
void trace_diff_free(trace_diff *d);

double diff_speedup(const diff_time *t); // NaN when unknown or one side takes no time
double diff_lost_ms(const diff_time *t); // ms that b takes longer

#endif
