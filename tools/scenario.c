// What the scenarios share, and the two in which a query follows its answer.
#include "scenario.h"
#include "arrivals.h"
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double short_s = 10;

const char *const scenario_names[SCENARIO_COUNT] = {"single-stream", "multi-stream", "server", "offline"};

void scenario_rule_add(scenario_result *r, const char *what, double required, double measured, bool passed,
                       bool official) {
  r->rules[r->rule_count++] = (scenario_rule){what, required, measured, passed, official};
}

bool scenario_is_valid(const scenario_result *r, bool official) {
  bool valid = true;
  for (int i = 0; i < r->rule_count; i++) valid &= r->rules[i].passed || (r->rules[i].official && !official);
  return valid;
}

double scenario_duration_s(const options *o) {
  const double wanted = o->duration_s > 0 ? o->duration_s : o->official ? SCENARIO_OFFICIAL_S : short_s;
  return o->official ? fmax(wanted, SCENARIO_OFFICIAL_S) : wanted;
}

// The early stopping estimate leaves out one fewer of the highest latencies than may lie above: it is the bound that
// the run has shown to hold.
static minfer_status find_quantiles(scenario_result *r, minfer_error *error) {
  const size_t count = r->latency.count;
  double *sorted = reallocarray(NULL, count + 1, sizeof *sorted);
  if (!sorted) return fail_memory(error);
  if (count) memcpy(sorted, r->latency.values, count * sizeof *sorted);
  stats_sort(sorted, count);
  r->p95 = stats_quantile(sorted, count, 0.95);
  r->p97 = stats_quantile(sorted, count, 0.97);
  r->p999 = stats_quantile(sorted, count, 0.999);
  r->early_stopping = NAN;
  const int64_t overs = r->tail > 0 ? stats_overs_allowed((int64_t)count, r->tail, SCENARIO_CONFIDENCE) : 0;
  if (overs > 0) r->early_stopping = sorted[count - (size_t)overs];
  free(sorted);
  return MINFER_OK;
}

minfer_status scenario_summarise(scenario_result *r, minfer_error *error) {
  if (!stats_summarise(&r->latency, &r->summary)) return fail_memory(error);
  r->interrupted = interrupt_seen();
  return find_quantiles(r, error);
}

void scenario_result_free(scenario_result *r) {
  samples_free(&r->latency);
}

void scenario_add_early_stopping(scenario_result *r, int64_t late) {
  const double needed = (double)stats_values_needed(late, r->tail, SCENARIO_CONFIDENCE);
  const double queries = (double)r->latency.count;
  scenario_rule_add(r, "queries, for early stopping", needed, queries, queries >= needed, false);
}

// Queries of `count` samples, each when the one before has been answered.
static minfer_status run_stream(sut *s, int count, scenario_result *r, minfer_error *error) {
  arrivals random = {(uint64_t)s->options->seed};
  const int pictures = minfer_input_count(s->input);
  const double wanted_s = scenario_duration_s(s->options), start = clock_s();
  const int64_t wanted = s->options->official ? stats_values_needed(1, r->tail, SCENARIO_CONFIDENCE) : 1;
  for (double now = start; !interrupt_seen() && (now - start < wanted_s || (int64_t)r->latency.count < wanted);) {
    TRY(sut_serve(s, 0, arrivals_pick(&random, pictures), count, error));
    const double end = clock_s();
    if (!samples_add(&r->latency, (end - now) * 1e3)) return fail_memory(error);
    progress_show(&s->console->progress, scenario_names[r->kind], "%zu queries, %.0f s left", r->latency.count,
                  fmax(0, wanted_s - (end - start)));
    now = end;
    r->seconds = end - start;
  }
  r->samples = (int64_t)r->latency.count * count;
  if (!r->latency.count) return fail(error, MINFER_INTERRUPTED, "interrupted");
  return scenario_summarise(r, error);
}

// The rules of both streams: enough queries for the estimate, and the official duration.
static void add_stream_rules(scenario_result *r, double percentile) {
  scenario_add_early_stopping(r, 1); // the estimate leaves at least one out
  scenario_rule_add(r, "seconds", SCENARIO_OFFICIAL_S, r->seconds, r->seconds >= SCENARIO_OFFICIAL_S, true);
  r->value = isnan(r->early_stopping) ? percentile : r->early_stopping;
}

minfer_status scenario_single_stream(sut *s, scenario_result *r, minfer_error *error) {
  r->tail = 0.9;
  r->metric = "90th percentile latency";
  r->unit = "ms";
  TRY(run_stream(s, 1, r, error));
  add_stream_rules(r, r->summary.p90);
  return MINFER_OK;
}

minfer_status scenario_multi_stream(sut *s, scenario_result *r, minfer_error *error) {
  r->tail = 0.99;
  r->metric = "99th percentile latency of 8 samples";
  r->unit = "ms";
  TRY(run_stream(s, SCENARIO_STREAM_SAMPLES, r, error));
  add_stream_rules(r, r->summary.p99);
  return MINFER_OK;
}
