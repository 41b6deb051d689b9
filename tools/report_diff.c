// What a diff prints for people (table, markdown) and as CSV.
#include "report_diff.h"
#include "report.h"
#include "text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double diff_percent(const diff_time *t) {
  return 100 * (t->ms[1] / t->ms[0] - 1);
}

bool diff_exceeds(const diff_report *r, const diff_time *t) {
  return t->verdict == DIFF_SLOWER && diff_percent(t) > (isnan(r->limit) ? 0 : r->limit);
}

bool diff_gate_passed(const diff_report *r) {
  return isnan(r->limit) || !diff_exceeds(r, &r->diff->run);
}

static report_pair pair_of(const trace_diff *d) {
  return (report_pair){{&d->sides[0].plan.plan, &d->sides[1].plan.plan}, {&d->sides[0].times, &d->sides[1].times}};
}

const char *diff_name(char out[160], const diff_report *r, const diff_row *row) {
  return report_group_name(out, row->group, pair_of(r->diff).plans);
}

// ---- which traces

static const char *setting(const diff_side *s, const char *key) {
  return trace_text(s->view->environment, s->view->environment_count, key);
}

static void put_side(page *p, const diff_side *s, char letter) {
  const minfer_trace_view *view = s->view;
  char when[64] = "";
  const time_t seconds = (time_t)(view->epoch_ns / 1000000000u);
  struct tm date;
  if (view->epoch_ns && gmtime_r(&seconds, &date)) strftime(when, sizeof when, ", %Y-%m-%d %H:%M:%S UTC", &date);
  page_line(p, "%c: %s (%s, %d thread%s, %zu run%s%s)", letter, s->path, view->name, s->plan.plan.threads,
            s->plan.plan.threads == 1 ? "" : "s", s->times.runs, s->times.runs == 1 ? "" : "s", when);
}

static bool differs(const trace_diff *d, const char *key) {
  for (size_t i = 0; i < d->setting_count; i++)
    if (strcmp(d->settings[i].key, key) == 0) return true;
  return false;
}

// What both were recorded with, as far as it is the same.
static void put_machine(page *p, const trace_diff *d) {
  static const struct {
    const char *key, *title;
  } parts[] = {{"cpu", ""}, {"isa", ""}, {"onednn_version", "oneDNN "}, {"minfer_version", "minfer "}};
  char text[256] = "";
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const char *value = setting(&d->sides[0], parts[i].key);
    const size_t used = strlen(text);
    if (!value[0] || differs(d, parts[i].key)) continue;
    snprintf(text + used, sizeof text - used, "%s%s%.60s", used ? ", " : "", parts[i].title, value);
  }
  if (text[0]) page_line(p, "both on %s", text);
}

static void put_identity(page *p, const diff_report *r) {
  const diff_side *a = &r->diff->sides[0];
  const char *model = setting(a, "model");
  const double width = trace_number(a->view->environment, a->view->environment_count, "width_multiplier");
  char of_width[32] = "";
  if (width > 0 && width != 1) snprintf(of_width, sizeof of_width, ", width %g", width);
  page_heading(p, "%s%s, batch %d, two traces", model[0] ? model : "unknown network", of_width, a->plan.plan.batch);
  put_side(p, a, 'a');
  put_side(p, &r->diff->sides[1], 'b');
  put_machine(p, r->diff);
}

static void put_settings(page *p, const trace_diff *d) {
  if (!d->setting_count) {
    page_line(p, "machine, versions and options are the same");
    return;
  }
  table t = {0};
  page_heading(p, "Set-up that differs");
  table_column(&t, "setting", TABLE_LEFT);
  table_column(&t, "a", TABLE_ELASTIC);
  table_column(&t, "b", TABLE_ELASTIC);
  for (size_t i = 0; i < d->setting_count; i++) {
    const diff_setting *s = &d->settings[i];
    table_cell(&t, "%s", s->key);
    table_cell(&t, "%s", s->a[0] ? s->a : "-");
    table_cell(&t, "%s", s->b[0] ? s->b : "-");
  }
  page_table(p, &t);
}

// ---- what came out

static void put_layer_counts(page *p, const diff_report *r) {
  const trace_diff *d = r->diff;
  int counts[DIFF_SLOWER + 1] = {0};
  double lost = 0;
  for (size_t i = 0; i < d->groups.count; i++) {
    counts[d->rows[i].own.verdict]++;
    if (d->rows[i].own.verdict == DIFF_SLOWER) lost += diff_lost_ms(&d->rows[i].own);
  }
  char slower[64] = "none slower";
  if (counts[DIFF_SLOWER])
    snprintf(slower, sizeof slower, "%d slower (by %.3f ms together)", counts[DIFF_SLOWER], lost);
  if (counts[DIFF_FASTER] + counts[DIFF_SLOWER] + counts[DIFF_SAME])
    page_line(p, "layers: %d faster, %s, %d without a difference beyond chance", counts[DIFF_FASTER], slower,
              counts[DIFF_SAME]);
}

static void put_verdict(page *p, const diff_report *r) {
  static const char *const words[] = {"too few runs to tell", "no difference beyond chance", "b is faster",
                                      "b is slower"};
  const trace_diff *d = r->diff;
  char p_of_run[16];
  page_heading(p, "Speed-up of b over a: %.2fx (%s)", diff_speedup(&d->run), words[d->run.verdict]);
  page_line(p, "median run %.3f ms in a, %.3f ms in b: %+.1f %%; p %s (U test, %zu and %zu runs)", d->run.ms[0],
            d->run.ms[1], diff_percent(&d->run), diff_p_text(p_of_run, d->run.p), d->sides[0].times.runs,
            d->sides[1].times.runs);
  if (!isnan(r->limit))
    page_line(p, "limit: at most %g %% slower: %s", r->limit, diff_gate_passed(r) ? "passed" : "failed");
  put_layer_counts(p, r);
  for (int k = 0; k < 2; k++)
    if (!d->sides[k].plan.plan.layer_count) page_line(p, "layers: unknown, %c holds only whole runs", "ab"[k]);
  page_line(p, "the traces are of different times: other work on the machine counts too (minfer compare takes turns)");
}

static void put_totals(page *p, const diff_report *r) {
  const minfer_plan *a = &r->diff->sides[0].plan.plan, *b = &r->diff->sides[1].plan.plan;
  const double mib = 1024 * 1024;
  table t = {0};
  page_heading(p, "Totals");
  table_column(&t, "", TABLE_LEFT);
  table_column(&t, "a", TABLE_RIGHT);
  table_column(&t, "b", TABLE_RIGHT);
  table_column(&t, "gain", TABLE_RIGHT);
  report_pair_row(&t, "run, median ms", r->diff->run.ms[0], r->diff->run.ms[1], 3, false);
  if (a->batch)
    report_pair_row(&t, "images/s", 1e3 * a->batch / r->diff->run.ms[0], 1e3 * b->batch / r->diff->run.ms[1], 2, true);
  if (a->primitive_count && b->primitive_count)
    report_pair_row(&t, "primitives", a->primitive_count, b->primitive_count, 0, false);
  if (a->activation_bytes && b->activation_bytes)
    report_pair_row(&t, "activations, MiB", (double)a->activation_bytes / mib, (double)b->activation_bytes / mib, 2,
                    false);
  if (a->weight_bytes && b->weight_bytes)
    report_pair_row(&t, "weights, MiB", (double)a->weight_bytes / mib, (double)b->weight_bytes / mib, 2, false);
  if (a->scratchpad_bytes && b->scratchpad_bytes)
    report_pair_row(&t, "scratchpad, MiB", (double)a->scratchpad_bytes / mib, (double)b->scratchpad_bytes / mib, 2,
                    false);
  page_table(p, &t);
}

static bool put_page(FILE *out, const diff_report *r) {
  page p = console_page(r->console, r->options, out);
  const report_pair pair = pair_of(r->diff);
  put_identity(&p, r);
  put_settings(&p, r->diff);
  put_verdict(&p, r);
  put_totals(&p, r);
  if (r->diff->sides[0].times.by_run && r->diff->sides[1].times.by_run) report_pair_kinds(&p, &pair);
  if (r->options->top && r->diff->groups.count) {
    report_diff_layers(&p, r);
  }
  return !p.failed;
}

// ---- CSV: a row a group of layers, then the reorders, the gaps and the run

static void csv_begin(table *t, const trace_diff *d, const char *layer) {
  table_cell(t, "%s", setting(&d->sides[0], "model"));
  table_cell(t, "%d", d->sides[0].plan.plan.batch);
  table_cell(t, "%s", layer);
}

static void csv_time(table *t, const diff_time *time) {
  for (int k = 0; k < 2; k++) table_number(t, time->ms[k], 6);
  table_number(t, diff_speedup(time), 4);
  if (isnan(time->p))
    table_cell(t, "-");
  else
    table_cell(t, "%.4g", time->p);
  table_cell(t, "%s", diff_verdict_name(time->verdict));
}

static void csv_total(table *t, const trace_diff *d, const char *kind, const diff_time *time) {
  csv_begin(t, d, "");
  table_cell(t, "%s", kind);
  csv_time(t, time);
  for (int i = 0; i < 6; i++) table_cell(t, "%s", "");
}

static bool put_csv(FILE *out, const diff_report *r) {
  static const char *const titles[] = {"model",   "batch",   "layer",   "kind",   "a_ms",   "b_ms",    "speedup", "p",
                                       "verdict", "a_dtype", "b_dtype", "a_impl", "b_impl", "changes", "why"};
  const trace_diff *d = r->diff;
  table t = {0};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_LEFT);
  for (size_t i = 0; i < d->groups.count; i++) {
    const diff_row *row = &d->rows[i];
    const minfer_layer *mains[2];
    char name[160];
    for (int k = 0; k < 2; k++) mains[k] = report_group_main(row->group, k, &d->sides[k].plan.plan);
    csv_begin(&t, d, diff_name(name, r, row));
    table_cell(&t, "%s", mains[0] ? mains[0]->kind : mains[1]->kind);
    csv_time(&t, &row->own);
    for (int k = 0; k < 2; k++) table_cell(&t, "%s", mains[k] ? mains[k]->dtype : "-");
    for (int k = 0; k < 2; k++) table_cell(&t, "%s", mains[k] ? mains[k]->impl : "-");
    report_diff_changes(&t, row);
    table_cell(&t, "%s", row->why.text);
  }
  csv_total(&t, d, "reorder", &d->reorders);
  csv_total(&t, d, "gap", &d->gaps);
  csv_total(&t, d, "run", &d->run);
  return report_table(out, r->console, r->options, &t);
}

bool report_diff(FILE *out, const void *report) {
  const diff_report *r = report;
  if (r->options->format == FORMAT_CSV) return put_csv(out, r);
  if (report_is_json(r->options)) return report_diff_json(out, r);
  return put_page(out, r);
}
