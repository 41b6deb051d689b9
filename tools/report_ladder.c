// What a ladder prints: its rungs, and where the classical account of them no longer holds.
#include "ladder.h"
#include "report.h"
#include <math.h>
#include <string.h>

static const char *verdict_name(rung_verdict v) {
  static const char *const names[] = {[RUNG_FIRST] = "first",
                                      [RUNG_FASTER] = "faster",
                                      [RUNG_SLOWER] = "slower",
                                      [RUNG_OPEN] = "no difference beyond the noise",
                                      [RUNG_UNKNOWN] = "too few rounds to tell",
                                      [RUNG_SKIPPED] = "skipped"};
  return names[v];
}

static void put_factor(table *t, double value) {
  if (isnan(value))
    table_cell(t, "-");
  else
    table_cell(t, "%.2fx", value);
}

static void put_row(table *t, const rung *r) {
  table_cell(t, "%s", r->name);
  if (!r->open) {
    for (int i = 0; i < 5; i++) table_cell(t, "-");
    table_cell(t, "skipped: %s", r->why.text);
    return;
  }
  table_number(t, r->rounds.p50, 3);
  table_number(t, 1e3 * r->side.plan->batch / r->rounds.p50, 2);
  put_factor(t, r->verdict == RUNG_FIRST ? NAN : r->gain.p50);
  if (r->verdict == RUNG_FIRST || isnan(r->gain.low))
    table_cell(t, "-");
  else
    table_cell(t, "%.2f to %.2f", r->gain.low, r->gain.high);
  put_factor(t, r->to_first);
  table_cell(t, "%s", r->verdict == RUNG_FIRST || r->verdict == RUNG_FASTER ? "" : verdict_name(r->verdict));
}

static void put_ladder(page *p, const ladder *l) {
  table t = {0};
  table_column(&t, "rung", TABLE_LEFT);
  table_column(&t, "p50 ms", TABLE_RIGHT);
  table_column(&t, "images/s", TABLE_RIGHT);
  table_column(&t, "gain", TABLE_RIGHT);
  table_column(&t, "95 % interval", TABLE_RIGHT);
  table_column(&t, "to first", TABLE_RIGHT);
  table_column(&t, "", TABLE_ELASTIC);
  for (int i = 0; i < l->count; i++) put_row(&t, &l->rungs[i]);
  page_heading(p, "%s", l->title);
  page_table(p, &t);
}

// The format that most convolutions of a plan read.
static const char *main_format(const minfer_plan *plan) {
  const char *best = "";
  int most = 0;
  for (int i = 0; i < plan->primitive_count; i++) {
    int count = 0;
    if (strcmp(plan->primitives[i].kind, "convolution") != 0) continue;
    for (int k = 0; k < plan->primitive_count; k++)
      count += strcmp(plan->primitives[k].kind, "convolution") == 0 &&
               strcmp(plan->primitives[k].source.format, plan->primitives[i].source.format) == 0;
    if (count > most) {
      most = count;
      best = plan->primitives[i].source.format;
    }
  }
  return best;
}

static const rung *before_of(const ladder *l, const rung *r) {
  while (r > l->rungs)
    if ((--r)->open) return r;
  return NULL;
}

// What of the classical account this run bears out: that layout, fusion and precision each pay.
typedef struct account {
  int asked, slower, open;
} account;

static account judge_account(const ladder *l) {
  account a = {0};
  for (int i = 0; i < l->count; i++) {
    const rung *r = &l->rungs[i];
    if (!r->claim || !r->open || !before_of(l, r) || isnan(r->gain.low)) continue;
    a.asked++;
    a.slower += r->verdict == RUNG_SLOWER;
    a.open += r->verdict == RUNG_OPEN;
  }
  return a;
}

static void put_exceptions(page *p, const ladder *l) {
  for (int i = 0; i < l->count; i++) {
    const rung *r = &l->rungs[i], *before = before_of(l, r), *next = i + 1 < l->count ? r + 1 : NULL;
    if (!r->claim || !r->open || !before || isnan(r->gain.low)) continue;
    if (r->verdict == RUNG_SLOWER)
      page_line(p, "%s: \"%s\" is slower than \"%s\" (%.2fx)", r->claim, r->name, before->name, r->gain.p50);
    else if (r->verdict == RUNG_OPEN)
      page_line(p, "%s: \"%s\" and \"%s\" are level within the noise (%.2fx, %.2f to %.2f)", r->claim, r->name,
                before->name, r->gain.p50, r->gain.low, r->gain.high);
    if (strcmp(r->claim, "layout") == 0 && next && next->open && next->verdict == RUNG_FASTER)
      page_line(p, "layout: %s, which oneDNN picks, has taken the place of %s: %.2fx over it",
                main_format(next->side.plan), main_format(r->side.plan), next->gain.p50);
  }
}

static void put_account(page *p, const ladder *l) {
  const account a = judge_account(l);
  if (!a.asked) return;
  if (a.slower)
    page_heading(p, "That layout, fusion and precision each pay does not hold here");
  else if (a.open)
    page_heading(p, "That layout, fusion and precision each pay is not settled by this run");
  else
    page_heading(p, "Layout, fusion and precision each pay here");
  put_exceptions(p, l);
}

static bool put_page(FILE *out, const ladder_report *report) {
  page p = console_page(report->console, report->options, out);
  const ladder *ways = &report->ladders[0];
  const rung *any = ways->rungs;
  while (!any->open) any++;
  report_weights(&p, minfer_model_describe(report->model));
  page_heading(&p, "%s, batch %d, %d thread%s%s", minfer_model_describe(report->model)->name, any->side.plan->batch,
               any->side.plan->threads, any->side.plan->threads == 1 ? "" : "s",
               report->interrupted ? " (interrupted)" : "");
  page_line(&p, "gain: over the rung before that ran, measured in turn; --format csv has each rung's options");
  for (int k = 0; k < LADDER_COUNT; k++) put_ladder(&p, &report->ladders[k]);
  put_account(&p, ways);
  return !p.failed;
}

static void put_interval(minfer_json *j, const char *key, double low, double high) {
  if (isnan(low)) {
    minfer_json_string(j, key, NULL);
    return;
  }
  minfer_json_array(j, key);
  minfer_json_double(j, NULL, low);
  minfer_json_double(j, NULL, high);
  minfer_json_end(j);
}

static void put_json_rung(minfer_json *j, const rung *r) {
  const bool gains = r->open && r->verdict != RUNG_FIRST;
  minfer_json_object(j, NULL);
  minfer_json_string(j, "name", r->name);
  minfer_json_string(j, "options", r->words);
  minfer_json_string(j, "claim", r->claim);
  minfer_json_string(j, "dtype", options_dtype_name(r->options.dtype));
  minfer_json_string(j, "isa", r->open ? r->side.plan->isa : NULL);
  minfer_json_string(j, "verdict", verdict_name(r->verdict));
  minfer_json_string(j, "skipped_because", r->open ? NULL : r->why.text);
  minfer_json_int(j, "rounds", (int64_t)r->side.rounds.count);
  minfer_json_double(j, "latency_ms_p50", r->open ? r->rounds.p50 : NAN);
  put_interval(j, "latency_ms_ci95", r->open ? r->rounds.low : NAN, r->rounds.high);
  minfer_json_double(j, "images_per_s", r->open ? 1e3 * r->side.plan->batch / r->rounds.p50 : NAN);
  minfer_json_double(j, "gain", gains ? r->gain.p50 : NAN);
  put_interval(j, "gain_ci95", gains ? r->gain.low : NAN, r->gain.high);
  minfer_json_double(j, "to_first", r->open ? r->to_first : NAN);
  minfer_json_end(j);
}

static bool put_json(FILE *out, const ladder_report *report) {
  minfer_json *j = report_json_open(out, report->options, "minfer.ladder/1");
  if (!j) return false;
  const rung *any = report->ladders[0].rungs;
  while (!any->open) any++;
  const minfer_model_info *info = minfer_model_describe(report->model);
  minfer_json_string(j, "cpu", minfer_environment_get()->cpu);
  minfer_json_string(j, "model", info->name);
  minfer_json_double(j, "width", info->multiplier);
  minfer_json_int(j, "batch", any->side.plan->batch);
  minfer_json_int(j, "threads", any->side.plan->threads);
  minfer_json_bool(j, "interrupted", report->interrupted);
  minfer_json_array(j, "ladders");
  for (int k = 0; k < LADDER_COUNT; k++) {
    minfer_json_object(j, NULL);
    minfer_json_string(j, "title", report->ladders[k].title);
    minfer_json_array(j, "rungs");
    for (int i = 0; i < report->ladders[k].count; i++) put_json_rung(j, &report->ladders[k].rungs[i]);
    minfer_json_end(j);
    minfer_json_end(j);
  }
  minfer_json_close(j);
  return true;
}

static bool put_csv(FILE *out, const ladder_report *report) {
  static const char *const titles[] = {"ladder",         "rung",         "options", "dtype",          "isa",
                                       "latency_ms_p50", "images_per_s", "gain",    "gain_ci95_low",  "gain_ci95_high",
                                       "to_first",       "rounds",       "verdict", "skipped_because"};
  table t = {0};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_LEFT);
  for (int k = 0; k < LADDER_COUNT; k++)
    for (int i = 0; i < report->ladders[k].count; i++) {
      const rung *r = &report->ladders[k].rungs[i];
      const bool gains = r->open && r->verdict != RUNG_FIRST;
      table_cell(&t, "%s", report->ladders[k].title);
      table_cell(&t, "%s", r->name);
      table_cell(&t, "%s", r->words);
      table_cell(&t, "%s", options_dtype_name(r->options.dtype));
      table_cell(&t, "%s", r->open ? r->side.plan->isa : "-");
      table_number(&t, r->open ? r->rounds.p50 : NAN, 6);
      table_number(&t, r->open ? 1e3 * r->side.plan->batch / r->rounds.p50 : NAN, 3);
      table_number(&t, gains ? r->gain.p50 : NAN, 4);
      table_number(&t, gains ? r->gain.low : NAN, 4);
      table_number(&t, gains ? r->gain.high : NAN, 4);
      table_number(&t, r->open ? r->to_first : NAN, 4);
      table_cell(&t, "%zu", r->side.rounds.count);
      table_cell(&t, "%s", verdict_name(r->verdict));
      table_cell(&t, "%s", r->open ? "-" : r->why.text);
    }
  return report_table(out, report->console, report->options, &t);
}

bool report_ladder(FILE *out, const void *context) {
  const ladder_report *report = context;
  if (report->options->format == FORMAT_CSV) return put_csv(out, report);
  return report_is_json(report->options) ? put_json(out, report) : put_page(out, report);
}
