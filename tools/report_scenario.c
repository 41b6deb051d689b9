// What a scenario prints: its metric, whether the rules hold, and how the latencies lie.
#include "report.h"
#include "scenario.h"
#include <math.h>

static const char *verdict(bool passed) {
  return passed ? "holds" : "does not hold";
}

static void put_metric(page *p, const scenario_report *report) {
  const scenario_result *r = report->result;
  const char *early = r->kind != SERVER && !isnan(r->early_stopping) ? ", early stopping estimate" : "";
  const char *interrupted = r->interrupted ? " (interrupted)" : "";
  if (isnan(r->value) && report->options->qps > 0)
    page_heading(p, "%s: %.2f queries/s do not hold%s", scenario_names[r->kind], r->qps, interrupted);
  else if (isnan(r->value))
    page_heading(p, "%s: no rate was found that holds%s", scenario_names[r->kind], interrupted);
  else
    page_heading(p, "%s: %.*f %s (%s%s)%s", scenario_names[r->kind], r->kind < SERVER ? 3 : 2, r->value, r->unit,
                 r->metric, early, interrupted);
  const bool official = scenario_is_valid(r, true);
  page_line(p, "valid by the scenario's rule: %s; as an official run: %s", scenario_is_valid(r, false) ? "yes" : "no",
            official                    ? "yes"
            : report->options->official ? "no"
                                        : "no (--official takes its time)");
}

static void put_rules(page *p, const scenario_result *r) {
  table t = {0};
  table_column(&t, "rule", TABLE_LEFT);
  table_column(&t, "required", TABLE_RIGHT);
  table_column(&t, "measured", TABLE_RIGHT);
  table_column(&t, "", TABLE_LEFT);
  for (int i = 0; i < r->rule_count; i++) {
    const scenario_rule *rule = &r->rules[i];
    table_cell(&t, "%s%s", rule->what, rule->official ? " (official)" : "");
    table_cell(&t, "%.6g", rule->required);
    table_cell(&t, "%.6g", rule->measured);
    table_cell(&t, "%s", verdict(rule->passed));
  }
  page_table(p, &t);
}

static void put_latency(page *p, const scenario_result *r) {
  const stats_summary *s = &r->summary;
  const bool one = r->latency.count == 1;
  if (r->kind == OFFLINE)
    page_heading(p, "Time of %zu batch%s, ms", r->latency.count, one ? "" : "es");
  else
    page_heading(p, "Latency of %zu quer%s, ms", r->latency.count, one ? "y" : "ies");
  static const char *const titles[] = {"min", "p50", "p90", "p95", "p97", "p99", "p99.9", "max"};
  const double values[] = {s->min, s->p50, s->p90, r->p95, r->p97, s->p99, r->p999, s->max};
  table t = {0};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_RIGHT);
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) table_number(&t, values[i], 3);
  page_table(p, &t);
  page_line(p, "%lld samples in %.2f s", (long long)r->samples, r->seconds);
  if (r->kind == SERVER)
    page_line(p, "%lld runs of %.2f samples on average, batching window %g ms", (long long)r->runs, r->mean_batch,
              r->window_ms);
}

static void put_trials(page *p, const scenario_result *r) {
  if (r->trial_count < 2 && r->kind != MULTI_STREAM) return;
  if (r->kind == SERVER)
    page_heading(p, "Rates that were tried");
  else if (r->streams >= 0)
    page_heading(p, "Streams within %g ms, as version 0.5 counted: %d", r->bound_ms, r->streams);
  else
    page_heading(p, "Streams within %g ms, as version 0.5 counted: not finished", r->bound_ms);
  table t = {0};
  table_column(&t, r->kind == SERVER ? "queries/s" : "streams", TABLE_RIGHT);
  table_column(&t, "queries", TABLE_RIGHT);
  table_column(&t, "late", TABLE_RIGHT);
  table_column(&t, "p99 ms", TABLE_RIGHT);
  table_column(&t, "", TABLE_LEFT);
  for (int i = 0; i < r->trial_count; i++) {
    const scenario_trial *x = &r->trials[i];
    table_number(&t, x->load, r->kind == SERVER ? 2 : 0);
    table_cell(&t, "%lld", (long long)x->queries);
    table_cell(&t, "%lld", (long long)x->overs);
    table_number(&t, x->tail_ms, 3);
    table_cell(&t, "%s", verdict(x->passed));
  }
  page_table(p, &t);
}

static bool put_page(FILE *out, const scenario_report *report) {
  page p = console_page(report->console, report->options, out);
  const sut *s = report->system;
  report_identity(&p, s->model, sut_plan(s));
  if (s->instances > 1) page_line(&p, "%d instances", s->instances);
  put_metric(&p, report);
  put_rules(&p, report->result);
  put_latency(&p, report->result);
  put_trials(&p, report->result);
  return !p.failed;
}

static void put_json_rules(minfer_json *j, const scenario_result *r) {
  minfer_json_array(j, "rules");
  for (int i = 0; i < r->rule_count; i++) {
    const scenario_rule *rule = &r->rules[i];
    minfer_json_object(j, NULL);
    minfer_json_string(j, "rule", rule->what);
    minfer_json_double(j, "required", rule->required);
    minfer_json_double(j, "measured", rule->measured);
    minfer_json_bool(j, "passed", rule->passed);
    minfer_json_bool(j, "official_only", rule->official);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_json_trials(minfer_json *j, const scenario_result *r) {
  minfer_json_array(j, "trials");
  for (int i = 0; i < r->trial_count; i++) {
    const scenario_trial *x = &r->trials[i];
    minfer_json_object(j, NULL);
    minfer_json_double(j, r->kind == SERVER ? "queries_per_s" : "streams", x->load);
    minfer_json_int(j, "queries", x->queries);
    minfer_json_int(j, "late", x->overs);
    minfer_json_double(j, "p99_ms", x->tail_ms);
    minfer_json_bool(j, "passed", x->passed);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_or_null(minfer_json *j, const char *key, bool there, double value) {
  minfer_json_double(j, key, there ? value : NAN);
}

static bool put_json(FILE *out, const scenario_report *report) {
  const scenario_result *r = report->result;
  const stats_summary *s = &r->summary;
  minfer_json *j = report_json_open(out, report->options, "minfer.scenario/1");
  if (!j) return false;
  report_json_identity(j, report->system->model, sut_plan(report->system), report->system->instances);
  minfer_json_string(j, "scenario", scenario_names[r->kind]);
  minfer_json_object(j, "metric");
  minfer_json_string(j, "name", r->metric);
  minfer_json_string(j, "unit", r->unit);
  minfer_json_double(j, "value", r->value);
  minfer_json_end(j);
  minfer_json_bool(j, "valid", scenario_is_valid(r, false));
  minfer_json_bool(j, "valid_official", scenario_is_valid(r, true));
  minfer_json_bool(j, "interrupted", r->interrupted);
  put_json_rules(j, r);
  minfer_json_int(j, "queries", (int64_t)r->latency.count);
  minfer_json_int(j, "samples", r->samples);
  minfer_json_double(j, "seconds", r->seconds);
  minfer_json_int(j, "seed", report->options->seed);
  minfer_json_object(j, "latency_ms");
  const char *const names[] = {"min", "p50", "p90", "p95", "p97", "p99", "p999", "max", "early_stopping"};
  const double values[] = {s->min, s->p50, s->p90, r->p95, r->p97, s->p99, r->p999, s->max, r->early_stopping};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) minfer_json_double(j, names[i], values[i]);
  minfer_json_end(j);
  put_or_null(j, "latency_bound_ms", r->bound_ms > 0, r->bound_ms);
  put_or_null(j, "window_ms", r->kind == SERVER, r->window_ms);
  put_or_null(j, "queries_per_s", r->kind == SERVER, r->qps);
  put_or_null(j, "mean_batch", r->kind == SERVER, r->mean_batch);
  put_or_null(j, "streams", r->streams >= 0, r->streams);
  put_json_trials(j, r);
  minfer_json_close(j);
  return true;
}

static bool put_csv(FILE *out, const scenario_report *report) {
  const scenario_result *r = report->result;
  const minfer_plan *plan = sut_plan(report->system);
  static const char *const titles[] = {"scenario",       "model",  "dtype",  "batch",  "threads",
                                       "instances",      "metric", "unit",   "value",  "valid",
                                       "valid_official", "p50_ms", "p90_ms", "p99_ms", "streams"};
  table t = {0};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_LEFT);
  table_cell(&t, "%s", scenario_names[r->kind]);
  table_cell(&t, "%s", minfer_model_describe(report->system->model)->name);
  table_cell(&t, "%s", options_dtype_name((int)plan->dtype));
  table_cell(&t, "%d", plan->batch);
  table_cell(&t, "%d", plan->threads);
  table_cell(&t, "%d", report->system->instances);
  table_cell(&t, "%s", r->metric);
  table_cell(&t, "%s", r->unit);
  table_number(&t, r->value, 6);
  table_cell(&t, "%s", scenario_is_valid(r, false) ? "yes" : "no");
  table_cell(&t, "%s", scenario_is_valid(r, true) ? "yes" : "no");
  table_number(&t, r->summary.p50, 6);
  table_number(&t, r->summary.p90, 6);
  table_number(&t, r->summary.p99, 6);
  table_number(&t, r->streams >= 0 ? (double)r->streams : NAN, 0);
  return report_table(out, report->console, report->options, &t);
}

bool report_scenario(FILE *out, const void *context) {
  const scenario_report *report = context;
  if (report->options->format == FORMAT_CSV) return put_csv(out, report);
  return report_is_json(report->options) ? put_json(out, report) : put_page(out, report);
}
