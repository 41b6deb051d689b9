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

typedef struct report_trace {
  const char *path;
  minfer_trace *trace;
  const minfer_trace_view *view;
  trace_plan plan;
  breakdown times;
  spread *layers, *primitives, run;
  layer_groups groups; // the first trace's layers against this one's; nothing for the first
} report_trace;

typedef struct report_traces {
  report_trace *items;
  size_t count;
} report_traces;

// Zero-initialise; free with report_traces_free, also after a failure. Errors: those of minfer_trace_read.
minfer_status report_traces_read(report_traces *t, const path_list *paths, minfer_error *error);
void report_traces_free(report_traces *t);

// Time of the layers of one side of a group, ms; NaN when it has none.
double report_group_ms(const report_trace *t, const layer_group *g, int side);
// An environment attribute; "" or NaN where there is none.
const char *report_text(const report_trace *t, const char *key);
double report_number(const report_trace *t, const char *key);

#endif
