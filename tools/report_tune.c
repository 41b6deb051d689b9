// What tune prints: the winner, what it beat, and how to have it again.
#include "report.h"
#include "tune.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// The command that runs a candidate; the caller frees it. NULL without memory.
static char *command_of(const tune_report *report, const combination *c) {
  const options *o = report->options;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return NULL;
  fputs("minfer run", out);
  static const char *const lists[] = {"chunks", NULL};
  options_put(out, o, 1U << GROUP_NETWORK | 1U << GROUP_PRECISION | 1U << GROUP_PLANNING, lists);
  fprintf(out, " --batch %d", c->key.batch);
  if (c->key.chunk) fprintf(out, " --chunk %d", c->key.chunk);
  fprintf(out, " --threads %d", c->key.threads);
  if (c->key.instances > 1) fprintf(out, " --instances %d", c->key.instances);
  if (c->key.threads > 1 && c->key.spin_us != INT64_MAX) fprintf(out, " --spin %lld", (long long)c->key.spin_us);
  if (strcmp(c->key.affinity, "default") != 0) {
    fputs(" --affinity", out);
    options_put_word(out, c->key.affinity);
  }
  return fclose(out) == 0 ? text : NULL;
}

static int chunk_of(const candidate *c) {
  return c->side->plan->batch / c->side->plan->chunks;
}

static void put_candidate(table *t, const candidate *c, const tune_result *r) {
  table_cell(t, "%d", c->of->key.batch);
  table_cell(t, "%d", chunk_of(c));
  table_cell(t, "%d", c->of->key.threads);
  table_cell(t, "%d", c->of->key.instances);
  table_cell(t, "%s", c->of->key.threads == 1 ? "-" : sweep_spin_text((char[24]){0}, c->of->key.spin_us));
  table_cell(t, "%s", c->of->key.affinity);
  table_number(t, c->rate.p50, 2);
  table_number(t, 100 * stats_precision(&c->rate), 1);
  table_number(t, c->p99, 3);
  table_cell(t, "%zu", c->side->rounds.count);
  if (!c->fits)
    table_cell(t, "over the bound");
  else if (c->stage)
    table_cell(t, "dropped after stage %d of %d", c->stage, r->stages);
  else
    table_cell(t, c == r->standard ? "the default" : "");
}

static void candidate_columns(table *t) {
  static const char *const titles[] = {"batch",    "chunk", "threads", "instances", "spin us", "affinity",
                                       "images/s", "+-%",   "p99 ms",  "rounds",    ""};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
    table_column(t, titles[i], i == 5 || i == 10 ? TABLE_LEFT : TABLE_RIGHT);
}

static void put_gain(page *p, const char *over, const stats_summary *ratio) {
  if (isnan(ratio->low))
    page_line(p, "%.2fx of %s", ratio->p50, over);
  else
    page_line(p, "%.2fx of %s, 95 %% interval %.2f to %.2f%s", ratio->p50, over, ratio->low, ratio->high,
              ratio->low <= 1 && ratio->high >= 1 ? ": level within the noise" : "");
}

static bool put_page(FILE *out, const tune_report *report, const char *repeat) {
  const tune_result *r = report->result;
  const options *o = report->options;
  page p = console_page(report->console, o, out);
  table t = {0};
  report_weights(&p, minfer_model_describe(report->model));
  if (r->first->fits)
    page_heading(&p, "Best of %zu: %.2f images/s%s", r->count, r->first->rate.p50,
                 report->result->interrupted ? " (interrupted)" : "");
  else
    page_heading(&p, "None of %zu answers 99 %% within %g ms; the nearest needs %.3f ms", r->count, o->latency_bound_ms,
                 r->first->p99);
  page_line(&p, "%s", repeat);
  if (r->second) put_gain(&p, "the next best", &r->over_second);
  if (r->standard && r->standard != r->first) put_gain(&p, "the default", &r->over_standard);
  if (r->standard == r->first) page_line(&p, "the default is the best");
  candidate_columns(&t);
  const size_t shown = (size_t)o->top < r->count ? (size_t)o->top : r->count;
  for (size_t i = 0; i < shown; i++) put_candidate(&t, &r->items[i], r);
  page_heading(&p, "Candidates: %zu of %zu", shown, r->count);
  page_table(&p, &t);
  return !p.failed;
}

static void put_json_ratio(minfer_json *j, const char *key, bool there, const stats_summary *ratio) {
  if (!there) {
    minfer_json_string(j, key, NULL);
    return;
  }
  minfer_json_object(j, key);
  minfer_json_double(j, "median", ratio->p50);
  minfer_json_double(j, "low", ratio->low);
  minfer_json_double(j, "high", ratio->high);
  minfer_json_end(j);
}

static void put_json_candidate(minfer_json *j, const candidate *c, bool standard) {
  minfer_json_object(j, NULL);
  minfer_json_int(j, "batch", c->of->key.batch);
  minfer_json_int(j, "chunk", chunk_of(c));
  minfer_json_int(j, "threads", c->of->key.threads);
  minfer_json_int(j, "instances", c->of->key.instances);
  if (c->of->key.spin_us == INT64_MAX)
    minfer_json_string(j, "spin_us", NULL);
  else
    minfer_json_int(j, "spin_us", c->of->key.spin_us);
  minfer_json_string(j, "affinity", c->of->key.affinity);
  minfer_json_double(j, "images_per_s", c->rate.p50);
  minfer_json_double(j, "images_per_s_low", c->rate.low);
  minfer_json_double(j, "images_per_s_high", c->rate.high);
  minfer_json_double(j, "latency_ms_p99", c->p99);
  minfer_json_bool(j, "within_bound", c->fits);
  minfer_json_int(j, "rounds", (int64_t)c->side->rounds.count);
  minfer_json_int(j, "dropped_after_stage", c->stage);
  minfer_json_bool(j, "default", standard);
  minfer_json_end(j);
}

static bool put_json(FILE *out, const tune_report *report, const char *repeat) {
  const tune_result *r = report->result;
  minfer_json *j = report_json_open(out, report->options, "minfer.tune/1");
  if (!j) return false;
  minfer_json_string(j, "cpu", minfer_environment_get()->cpu);
  minfer_json_string(j, "model", minfer_model_describe(report->model)->name);
  minfer_json_string(j, "dtype", options_dtype_name(report->options->dtype));
  minfer_json_double(j, "latency_bound_ms",
                     report->options->latency_bound_ms > 0 ? report->options->latency_bound_ms : NAN);
  minfer_json_bool(j, "interrupted", r->interrupted);
  minfer_json_string(j, "command", repeat);
  put_json_ratio(j, "over_next", r->second != NULL, &r->over_second);
  put_json_ratio(j, "over_default", r->standard != NULL, &r->over_standard);
  minfer_json_array(j, "candidates");
  for (size_t i = 0; i < r->count && r->items; i++) put_json_candidate(j, &r->items[i], &r->items[i] == r->standard);
  minfer_json_end(j);
  minfer_json_close(j);
  return true;
}

static bool put_csv(FILE *out, const tune_report *report) {
  const tune_result *r = report->result;
  table t = {0};
  static const char *const titles[] = {"batch",          "threads",      "instances",        "spin_us",
                                       "affinity",       "images_per_s", "images_per_s_low", "images_per_s_high",
                                       "latency_ms_p99", "within_bound", "rounds",           "dropped_after_stage",
                                       "chunk"};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_LEFT);
  for (size_t i = 0; i < r->count; i++) {
    const candidate *c = &r->items[i];
    table_cell(&t, "%d", c->of->key.batch);
    table_cell(&t, "%d", c->of->key.threads);
    table_cell(&t, "%d", c->of->key.instances);
    table_cell(&t, "%s", sweep_spin_text((char[24]){0}, c->of->key.spin_us));
    table_cell(&t, "%s", c->of->key.affinity);
    table_number(&t, c->rate.p50, 3);
    table_number(&t, c->rate.low, 3);
    table_number(&t, c->rate.high, 3);
    table_number(&t, c->p99, 6);
    table_cell(&t, "%s", c->fits ? "yes" : "no");
    table_cell(&t, "%zu", c->side->rounds.count);
    table_cell(&t, "%d", c->stage);
    table_cell(&t, "%d", chunk_of(c));
  }
  return report_table(out, report->console, report->options, &t);
}

bool report_tune(FILE *out, const void *context) {
  const tune_report *report = context;
  char *repeat = command_of(report, report->result->first->of);
  if (!repeat) return false;
  const bool whole = report->options->format == FORMAT_CSV ? put_csv(out, report)
                     : report_is_json(report->options)     ? put_json(out, report, repeat)
                                                           : put_page(out, report, repeat);
  free(repeat);
  return whole;
}
