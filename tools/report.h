// What the commands print, in the forms of --format. The JSON forms follow the schemas in schema/.
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include "accuracy.h"
#include "breakdown.h"
#include "classify.h"
#include "console.h"
#include "measure.h"
#include "setup.h"

// What the process did during the traced runs, whole runs: the mean of a run. Zero without counters.
typedef struct run_counters {
  double page_faults, voluntary_switches, involuntary_switches, cycles, instructions, cache_misses;
} run_counters;

typedef struct run_report {
  const options *options;
  const console *console;
  const minfer_model *model;
  const minfer_plan *plan;
  const minfer_input *input;
  const classification *answers;
  const measurement *measured;
  const breakdown *times;
  run_counters counters;
  double input_ms; // that the inputs of a run take to be written where it reads them; NaN: not measured
  size_t rss_peak; // bytes, of the process that ran
} run_report;
bool report_run(FILE *out, const void *report);
bool report_run_json(FILE *out, const run_report *r);
void report_json_run(minfer_json *j, const run_report *r); // keys of an open object, behind those of report_json_head

typedef struct inspect_report {
  const options *options;
  const console *console;
  const minfer_model *model;
  const minfer_plan *plan;
  const breakdown *counts;
} inspect_report;
bool report_inspect(FILE *out, const void *report);
bool report_inspect_json(FILE *out, const inspect_report *r);

typedef struct accuracy_report {
  const options *options;
  const console *console;
  const minfer_model *model;
  const minfer_plan *plan; // of the chosen configuration
  const accuracy *result;
  const accuracy_item *items; // result->images
  size_t skipped;             // pictures that could not be read
  double seconds;             // that all pictures took, reading included
  double gate;                // 0: none
  bool own_calibration;       // int8 was calibrated on the folder of the pictures
} accuracy_report;
bool report_accuracy(FILE *out, const void *report);
bool report_accuracy_json(FILE *out, const accuracy_report *r);
bool report_predictions(FILE *out, const void *report); // CSV, a row a picture
bool report_per_class(FILE *out, const void *report);   // CSV, a row a class that has pictures
// Share of the multiply-adds whose weights are int8, 0 to 1.
double report_int8_share(const minfer_plan *plan);

// ---- parts that both have: for people
void report_weights(page *p, const minfer_model_info *model); // a warning when they are synthetic
void report_identity(page *p, const minfer_model *model, const minfer_plan *plan);
// int8: what stays in f32, and why.
void report_float_layer_lines(page *p, const minfer_plan *plan);
void report_float_layers(minfer_json *j, const minfer_plan *plan);
// Every reorder, and every primitive that converts inside itself. `primitive_ms` may be NULL: no times.
void report_reorders(page *p, const minfer_plan *plan, const double *primitive_ms);
void report_memory(page *p, const minfer_plan *plan, int instances);

// A table that is the whole result, in every form but JSON; frees it.
bool report_table(FILE *out, const console *c, const options *o, table *t);

// Columns of a CSV with a row a primitive, without the one that the caller does not know ("weights_dtype", "time_ms").
void report_primitive_columns(table *t, const char *unknown);

// ---- and for programs
bool report_is_json(const options *o);
minfer_json *report_json_open(FILE *out, const options *o,
                              const char *schema); // an object is open; NULL without memory
void report_json_head(minfer_json *j, const char *schema);
void report_json_identity(minfer_json *j, const minfer_model *model, const minfer_plan *plan, int instances);
void report_json_layer(minfer_json *j, const minfer_plan *plan, const minfer_layer *layer); // keys of an open object
void report_json_reorder(minfer_json *j, const minfer_primitive *reorder);
void report_json_peaks(minfer_json *j, const minfer_plan *plan);
void report_json_roof(minfer_json *j, double roof_ns, const char *bound); // keys of an open object
void report_json_memory(minfer_json *j, const minfer_plan *plan, size_t rss_peak);

// The reason why a layer's own primitive converts inside itself; "" when none does.
const char *report_conversion(const minfer_plan *plan, const minfer_layer *layer);
double report_layer_bytes(const minfer_plan *plan, const minfer_layer *layer); // read and written by its primitives
// The least time over the time it took: how near a primitive or a layer comes to its roof. NaN when unknown.
double report_roof_share(const minfer_plan *plan, double roof_ns, double ms);
// Of an amount that one execution of a primitive or a layer has (FLOPs, bytes), what a run does of it in 10^9 a second.
double report_rate(const minfer_plan *plan, double amount, double ms);
// Of the runs among the spans.
run_counters report_counters(const minfer_span *spans, size_t count);
// Start-up until the session was ready, in ms; the first run, which is the last phase, is not in it.
bool report_is_first_run(const minfer_phase *phase);
double report_startup_ms(const minfer_plan *plan);                 // NaN without phases
double report_phase_ms(const minfer_plan *plan, const char *name); // of all phases of that name
// Primitives that were made, and how many of them came out of oneDNN's cache; both 0 where it does not tell.
void report_primitive_cache(const minfer_plan *plan, int *hits, int *misses);
size_t report_rss_peak(void); // of this process, in bytes
bool report_is_reorder(const minfer_primitive *p);
int report_reorder_count(const minfer_plan *plan);

#endif
