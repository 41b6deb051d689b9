// Where the time of traced runs went: spans to medians per primitive, layer and kind.
#ifndef TOOLS_BREAKDOWN_H
#define TOOLS_BREAKDOWN_H

#include <minfer.h>

typedef struct kind_time {
  const char *kind; // oneDNN's word
  int count;        // primitives
  double ms;
} kind_time;

// Every time is in ms and the median over the traced runs; NaN where these recorded nothing. Sums over primitives are
// taken within a run, before the median. Free with breakdown_free.
typedef struct breakdown {
  size_t runs; // whole traced runs found in the spans
  double run_ms;
  double spans_ms;      // primitive spans of a run, summed
  double gap_ms;        // the run without these
  double closure;       // these over the run's span
  double *primitive_ms; // one for each primitive of the plan
  double *layer_ms;     // one for each layer: its own primitives, or the layer's span when only layers were recorded
  kind_time *kinds;     // longest first, then reorder, even if there is none
  int kind_count;
  double *run_times;     // of every run, in their order
  double *by_run;        // `runs` rows of a value a primitive; NULL when only layers were recorded
  double *layers_by_run; // rows of a value a layer; NULL when primitives were recorded
} breakdown;

bool breakdown_make(const minfer_plan *plan, const minfer_span *spans, size_t count,
                    breakdown *out); // false: no memory
// Kinds and their counts; the times stay NaN.
bool breakdown_counts(const minfer_plan *plan, breakdown *out);
void breakdown_free(breakdown *b);

#endif
