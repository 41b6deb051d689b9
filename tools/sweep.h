// A sweep: every combination of models, dtypes, batches and thread settings, and the rows that come of it.
#ifndef TOOLS_SWEEP_H
#define TOOLS_SWEEP_H

#include "console.h"
#include "lists.h"
#include <stdint.h>

typedef struct sweep_row {
  // the combination
  char *model, *dtype, *affinity; // affinity: "default" when none was named
  int batch, threads, instances;
  int chunk;       // 0: the default
  int64_t spin_us; // INT64_MAX: without end
  // what came of it
  double p50, p99;     // ms; p50: of the medians of the rounds; NaN when the combination failed
  double low, high;    // 95 % interval of p50; NaN for fewer than 6 rounds
  double images_per_s; // of all instances
  int runs;            // of all instances
  char *isa;           // "" when the combination failed
  char *status;        // "ok", or "unsupported: ..." and the like
  // Shares of its workers' time in primitives: at work, polling, asleep, handing over. NaN with several instances.
  double effective, spin, wait, overhead;
  // under what it was measured (sweep_identity.c)
  char *weights;  // a file or "synthetic[:SEED]"
  char *settings; // the options that are not above, as typed: "--size 64x64 --layout nhwc"; "" for none
  char *cpu, *minfer, *onednn;
} sweep_row;

// Zero-initialise; free with sweep_rows_free.
typedef struct sweep_rows {
  sweep_row *items;
  size_t count;
} sweep_rows;

// Texts of `row` are copied. False without memory.
bool sweep_rows_add(sweep_rows *rows, const sweep_row *row);
void sweep_rows_cut(sweep_rows *rows, size_t count); // keeps the first `count`
void sweep_rows_free(sweep_rows *rows);
const sweep_row *sweep_rows_find(const sweep_rows *rows, const sweep_row *key); // of the same combination, or NULL

#define SWEEP_ROW_SCHEMA "minfer.sweep_row/2"
typedef enum sweep_form { SWEEP_TEXT, SWEEP_COUNT, SWEEP_SPIN, SWEEP_REAL } sweep_form;
typedef struct sweep_column {
  const char *name; // in CSV and JSON
  sweep_form form;
  size_t field;  // in sweep_row
  int low, high; // counts
  int decimals;  // reals in CSV
  bool required; // texts: not empty
} sweep_column;
enum { SWEEP_COLUMN_COUNT = 25 };
extern const sweep_column sweep_columns[SWEEP_COLUMN_COUNT]; // in their order

// ---- rows as text (sweep_rows.c). CSV with or without the line of titles; a line of JSON each.
bool sweep_write_csv(FILE *out, const sweep_row *rows, size_t count, bool titles);
bool sweep_write_jsonl(FILE *out, const sweep_row *rows, size_t count);
void sweep_write_keys(minfer_json *j, const sweep_row *row); // keys of an open object
const char *sweep_spin_text(char out[24], int64_t spin_us);

// ---- and back (sweep_read.c). A last line without its end is left out and told in *cut. An absent or empty file has
// no rows. MINFER_FILE when it is no CSV or JSONL of a sweep.
minfer_status sweep_read(const char *path, sweep_rows *rows, bool *is_jsonl, bool *cut, minfer_error *error);

// ---- what is to be measured (sweep_plan.c)
typedef struct combination {
  options options; // of its run; texts are the plan's
  sweep_row key;   // its combination, the rest zero; borrowed texts
} combination;

// Free with sweep_plan_free, also after a failure. Combinations stand group by group: of one model and batch.
typedef struct sweep_plan {
  name_list models, dtypes, affinities;
  char **weights, *settings; // of the rows: weights of each model
  number_list batches, threads, instances, spins, chunks;
  combination *items;
  size_t count, group; // group: how many to one
  minfer_session_options defaults;
} sweep_plan;
minfer_status sweep_plan_make(sweep_plan *p, const options *o, minfer_error *error);
void sweep_plan_free(sweep_plan *p);

// ---- under what rows are measured (sweep_identity.c)
minfer_status sweep_identify(sweep_plan *p, const options *o, minfer_error *error); // fills weights and settings
// That rows of a file were measured as the plan would. MINFER_USAGE says what differs.
minfer_status sweep_check_rows(const sweep_plan *p, const sweep_rows *rows, const char *path, minfer_error *error);

// ---- measuring (sweep_group.c)
// The combinations of one model and batch, in turn. Rows are added for all of them, or none when it is interrupted
// (MINFER_INTERRUPTED). *first_failure (zero before) keeps the first reason why a combination did not run.
typedef struct sweep_group {
  const options *options;
  console *console;
  minfer_model *model;
  combination *const *items;
  size_t count;
  double left_s;  // what the groups behind this one may take, for the progress
  char where[64]; // "group 2 of 6"
} sweep_group;
minfer_status sweep_group_run(const sweep_group *g, sweep_rows *rows, minfer_error *first_failure, minfer_error *error);
// The row of a combination that did not run.
minfer_status sweep_add_failure(const combination *c, const minfer_error *why, sweep_rows *rows, minfer_error *error);

#endif
