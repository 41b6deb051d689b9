// The four scenarios of MLPerf Inference, after inference_rules.adoc of mlcommons/inference_policies: sections
// Scenarios, LoadGen Operation and appendix Early Stopping Criterion. Latency is from the moment a query was due to its
// answer, filling the network's input from prepared pixels included.
//
//   version 2.0 on   samples a query   official   metric
//   single-stream    1                 600 s      early stopping estimate of the 90th percentile
//   multi-stream     8                 600 s      that of the 99th
//   server           1                 600 s      highest Poisson rate with 99 % of the latencies within the bound
//   offline          all, in one       600 s and 24,576 samples   samples/s
//
// Early stopping (tolerance 0, confidence 99 %) took the place of numbers of queries that were asked for before (1,024
// and 270,336): the more queries were late, the more are needed to be sure of a percentile. The estimates need one late
// query at least, so 64 and 662 queries; an official run goes on until it has them.
//
// Multi-stream also gives version 0.5's number of streams: the most samples that can come at once every so many ms when
// 99 % have to be answered in time; a query that is due before the one before is answered is dropped and counts as
// late. It is searched for in runs of a fifth of the duration, not in 270,336 queries each.
#ifndef TOOLS_SCENARIO_H
#define TOOLS_SCENARIO_H

#include "stats.h"
#include "sut.h"

typedef enum scenario_kind { SINGLE_STREAM, MULTI_STREAM, SERVER, OFFLINE, SCENARIO_COUNT } scenario_kind;
extern const char *const scenario_names[SCENARIO_COUNT];

enum {
  SCENARIO_STREAM_SAMPLES = 8,      // of a multi-stream query
  SCENARIO_OFFLINE_SAMPLES = 24576, // least of an official offline run, whose duration is SCENARIO_OFFICIAL_S
  SCENARIO_OFFICIAL_S = 600,
  SCENARIO_RULES = 6,
  SCENARIO_TRIALS = 64
};
#define SCENARIO_CONFIDENCE 0.99 // of early stopping

typedef struct scenario_rule {
  const char *what;
  double required, measured;
  bool passed, official; // official: only asked for by --official
} scenario_rule;

// A rate or a number of streams that was tried.
typedef struct scenario_trial {
  double load; // queries/s, or streams
  double tail_ms;
  int64_t queries, overs;
  bool passed;
} scenario_trial;

// Free with scenario_result_free, also after a failure.
typedef struct scenario_result {
  scenario_kind kind;
  const char *metric, *unit;
  double value; // NaN: there is none
  scenario_rule rules[SCENARIO_RULES];
  int rule_count;
  samples latency; // ms, of each query
  stats_summary summary;
  double p95, p97, p999;
  double seconds; // that the queries took
  int64_t samples;
  double tail;           // 0.9, 0.99; 0: none
  double early_stopping; // ms; estimate of the tail; NaN: too few queries
  double bound_ms;       // server, and multi-stream's number of streams; 0: none
  double qps, window_ms; // server
  double mean_batch;     // server: samples a run
  int64_t runs;          // server
  scenario_trial trials[SCENARIO_TRIALS];
  int trial_count;
  int streams; // multi-stream: most that version 0.5 would count; -1: not looked for
  bool interrupted;
} scenario_result;

void scenario_rule_add(scenario_result *r, const char *what, double required, double measured, bool passed,
                       bool official);
// That there were queries enough to say something of the tail when so many were late.
void scenario_add_early_stopping(scenario_result *r, int64_t late);
bool scenario_is_valid(const scenario_result *r, bool official); // every rule passed, the official ones if asked for
double scenario_duration_s(const options *o);
void scenario_result_free(scenario_result *r);

// Each fills r, zero but for `kind`, from an open system: of batch 1, SCENARIO_STREAM_SAMPLES, 1 to the largest, and
// one size. Interrupted runs count as far as they came; MINFER_INTERRUPTED when there is nothing.
minfer_status scenario_single_stream(sut *s, scenario_result *r, minfer_error *error);
minfer_status scenario_multi_stream(sut *s, scenario_result *r, minfer_error *error);
minfer_status scenario_server(sut *s, scenario_result *r, minfer_error *error);
minfer_status scenario_offline(sut *s, scenario_result *r, minfer_error *error);
// Version 0.5's number of streams, for a query every bound_ms.
minfer_status scenario_count_streams(const sut *like, scenario_result *r, minfer_error *error);

// The summary, percentiles and the early stopping estimate of the latencies.
minfer_status scenario_summarise(scenario_result *r, minfer_error *error);

typedef struct scenario_report {
  const options *options;
  const console *console;
  const sut *system;
  const scenario_result *result;
} scenario_report;
bool report_scenario(FILE *out, const void *report);

#endif
