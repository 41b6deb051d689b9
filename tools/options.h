// The command line: options.def's table, and what was given.
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include "command.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct path_list {
  const char **items;
  size_t count;
} path_list;

typedef struct optional_text {
  bool given;
  const char *text; // NULL: given without a value
} optional_text;

typedef struct image_size {
  int height, width;
} image_size;

typedef enum output_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_JSONL, FORMAT_CSV, FORMAT_MD } output_format;
typedef enum color_choice { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color_choice;

// Texts point into argv. Zero means "not given" where nothing else is said.
typedef struct options {
  const command *command;
  const char *argument; // of `help`, `verbose` and `scenario`
  const char *model, *weights, *classes, *logits, *calibration, *calibrator, *isa, *affinity, *trace_format, *out;
  const char *models, *dtypes, *batches, *chunks, *thread_list, *instance_list, *spins, *affinities,
      *resume;                                                  // of `sweep`
  const char *versus;                                           // of `compare`; NULL: not given
  const char *folder, *labels, *gate, *per_class, *predictions; // of `accuracy`
  const char *charts;                                           // of `report`
  const char *max_regression;                                   // of `diff`
  path_list images, inputs, traces;                             // traces: arguments of `report` and `diff`
  optional_text trace, otlp;
  image_size size;
  int batch, chunk, threads, instances, iterations, top; // 0: not given
  int spin_us, warmup;                                   // -1: not given
  double multiplier, precision;                          // precision: percent
  double min_time_s;                                     // -1: not given
  double budget_s;                                       // of `sweep`; 0: not given
  double qps, latency_bound_ms, duration_s;              // of `scenario`; 0: not given
  double window_ms;                                      // -1: not given
  int seed;                                              // of the arrivals
  bool official;                                         // as long as MLPerf asks for
  double accuracy_target;                                // 0: none
  int dtype, layout, algorithm, trace_level;             // as minfer.h's enumerations
  int equalisation;                                      // minfer_equalisation
  int fusion, bias_correction;                           // 0 on, 1 off
  int jit_profile;                                       // 0 perf, 1 vtune, -1 not given
  int format, color;                                     // output_format, color_choice
  bool emulate, strict, tensors, measure, counters, quiet, progress, help, version;
} options;

typedef enum option_form {
  OPTION_FLAG,
  OPTION_TEXT,
  OPTION_WORDS,
  OPTION_OPTIONAL,
  OPTION_OPTIONAL_WORD,
  OPTION_LIST,
  OPTION_SIZE,
  OPTION_INTEGER,
  OPTION_REAL,
  OPTION_CHOICE,
  OPTION_CONSTANT
} option_form;

typedef enum option_group {
  GROUP_NETWORK,
  GROUP_INPUT,
  GROUP_PRECISION,
  GROUP_PLANNING,
  GROUP_THREADS,
  GROUP_MEASURING,
  GROUP_TRACE,
  GROUP_RESULTS,
  GROUP_COUNT
} option_group;

typedef struct option {
  const char *name;  // without "--"; NULL: only the short form
  char letter;       // 0: none
  const char *value; // as help shows it; NULL: takes none
  const char *help;
  option_group group;
  int commands; // COMMAND_ bits
  option_form form;
  size_t field; // in options
  double low, high;
} option;

extern const option option_table[];
extern const size_t option_count;
extern const char *const option_group_titles[GROUP_COUNT];
bool option_belongs(const option *o, const command *c);

// Fill *o from the command line, which holds at least one argument. Free with options_free, also after a failure.
// MINFER_USAGE names what is wrong. After --help and --version nothing more is read and checked.
minfer_status options_parse(options *o, int argc, char **argv, minfer_error *error);
void options_free(options *o);
// Put options on top of what *o holds: the words of `list` without a command in front, all of groups whose bit 1 <<
// GROUP_... is in `groups`. Texts point into the words; no option of these groups is a list, so *o owns nothing new.
minfer_status options_override(options *o, unsigned groups, char **list, size_t count, minfer_error *error);

extern const options options_default; // of the first command, with nothing given
// The options of such groups that were given, as words: " --size 64x64 --layout nhwc". Without repeatable ones and
// those named in `except` (NULL at its end; may be NULL).
void options_put(FILE *out, const options *o, unsigned groups, const char *const *except);
void options_put_word(FILE *out, const char *word); // with a blank in front, and quoted where a shell needs it

const char *options_dtype_name(int dtype);

#endif
