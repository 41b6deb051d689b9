// The traces of a report, read and summarised once; the page and the charts show the same numbers.
#ifndef TOOLS_REPORT_TRACES_H
#define TOOLS_REPORT_TRACES_H

#include "breakdown.h"
#include "match.h"
#include "options.h"
#include "trace_plan.h"

typedef struct spread { // of the traced runs, ms; NaN where nothing was recorded
  double low, high;     // quartiles
} spread;

// Primitives of one stage and kind together; the time is the median over the runs of their sum.
typedef struct tally {
  const char *stage; // NULL: of all stages
  const char *kind;  // as report_kind; NULL: of all kinds
  int first;         // of its stage's primitives, or of all
  int count;
  double ms;
} tally;

typedef struct report_trace {
  const char *path;
  minfer_trace *trace;
  const minfer_trace_view *view;
  trace_plan plan;
  breakdown times;
  spread *layers, *primitives, run;
  tally *kinds;  // longest first
  tally *stages; // in the order of the run; behind each, with its kinds, longest first
  int kind_count, stage_count;
  layer_groups groups; // the first trace's layers against this one's; nothing for the first
} report_trace;

typedef struct report_traces {
  report_trace *items;
  size_t count;
} report_traces;

// Zero-initialise; free with report_traces_free, also after a failure. Errors: those of minfer_trace_read.
minfer_status report_traces_read(report_traces *t, const path_list *paths, minfer_error *error);
void report_traces_free(report_traces *t);

// A primitive's kind; "fused convolution" when it does the work of more than one layer.
const char *report_kind(const report_trace *t, int primitive);
// Time of the layers of one side of a group, ms; NaN when it has none.
double report_group_ms(const report_trace *t, const layer_group *g, int side);
// An environment attribute; "" or NaN where there is none.
const char *report_text(const report_trace *t, const char *key);
double report_number(const report_trace *t, const char *key);

#endif
