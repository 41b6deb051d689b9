// What the trace of a verbose log adds up to.
#ifndef TOOLS_LOG_SUMMARY_H
#define TOOLS_LOG_SUMMARY_H

#include <minfer.h>

typedef struct log_group { // primitives of a kind, of a stage, or of an implementation of a kind
  const char *name;
  const char *kind; // of the first primitive
  int first;        // item
  int count;        // executions a run
  double ms, flops, bytes;
  int64_t lines; // executions in the whole log, what is outside the runs included; kinds only
  double log_ms; // their time
} log_group;

// Times in ms, medians over the runs; sums are taken within a run, before the median. Free with log_summary_free.
typedef struct log_summary {
  const minfer_trace_view *view;
  int runs, items; // items: primitives of a run
  double run_ms;   // wall time where the log has timestamps, else the sum of the primitives
  double run_min_ms, run_max_ms;
  double spans_ms, gap_ms; // of primitives; the rest of the run
  double *item_ms;         // one for each item
  int *item_count;         // executions a run
  int *item_layer;         // -1: none
  double *layer_ms, *layer_flops;
  log_group *kinds, *stages, *impls; // kinds and implementations longest first, stages in their order
  int kind_count, stage_count, impl_count;
} log_summary;

bool log_summary_make(const minfer_trace_view *view, log_summary *out); // false: no memory
void log_summary_free(log_summary *s);

// Attributes of the environment or of an item; "" and 0 where there is none.
const char *log_text(const minfer_attribute *list, int count, const char *key);
int64_t log_integer(const minfer_attribute *list, int count, const char *key);
double log_number(const minfer_attribute *list, int count, const char *key);
const char *log_said(const log_summary *s, const char *key); // of the environment
int64_t log_counted(const log_summary *s, const char *key);
const char *item_text(const minfer_item *item, const char *key);
int64_t item_integer(const minfer_item *item, const char *key);
const char *const *log_texts(const log_summary *s, const char *key, int *count); // of the environment

#endif
