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

static const char *p_text(char out[16], double p) {
  if (isnan(p))
    snprintf(out, 16, "-");
  else if (p < 0.0001)
    snprintf(out, 16, "<0.0001");
  else
    snprintf(out, 16, "%.*f", p < 0.01 ? 4 : 3, p);
  return out;
}

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
            d->run.ms[1], diff_percent(&d->run), p_text(p_of_run, d->run.p), d->sides[0].times.runs,
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

// ---- layers

static int order(double x, double y, const diff_row *a, const diff_row *b) {
  if (x < y || x > y) return x < y ? 1 : -1;
  return a < b ? -1 : a > b;
}

static double changed_ms(const diff_row *row) {
  const double lost = diff_lost_ms(&row->own);
  return isnan(lost) ? 0 : fabs(lost);
}

static int most_changed_first(const void *a, const void *b) {
  const diff_row *const *x = a, *const *y = b;
  return order(changed_ms(*x), changed_ms(*y), *x, *y);
}

static int most_lost_first(const void *a, const void *b) {
  const diff_row *const *x = a, *const *y = b;
  return order(diff_lost_ms(&(*x)->own), diff_lost_ms(&(*y)->own), *x, *y);
}

// The rows that are wanted in order; NULL without memory. Free it.
static const diff_row **rank_rows(const diff_report *r, bool only_exceeding, int (*by)(const void *, const void *),
                                  size_t *count) {
  const trace_diff *d = r->diff;
  const diff_row **rows = calloc(d->groups.count + 1, sizeof *rows);
  *count = 0;
  for (size_t i = 0; rows && i < d->groups.count; i++)
    if (!only_exceeding || diff_exceeds(r, &d->rows[i].own)) rows[(*count)++] = &d->rows[i];
  if (rows) qsort(rows, *count, sizeof *rows, by);
  return rows;
}

// "brg_conv_fwd:avx512_core" and "jit:avx512_core": what differs of them, "brg_conv_fwd" and "jit".
static void put_impl_change(FILE *out, const diff_change *c) {
  const char *a = strrchr(c->a, ':'), *b = strrchr(c->b, ':');
  const size_t a_name = a ? (size_t)(a - c->a) : 0, b_name = b ? (size_t)(b - c->b) : 0;
  if (a && b && strcmp(a, b) == 0)
    fprintf(out, "%.*s -> %.*s", (int)a_name, c->a, (int)b_name, c->b);
  else if (a && b && a_name == b_name && memcmp(c->a, c->b, a_name) == 0)
    fprintf(out, "%.*s for %s -> %s", (int)a_name, c->a, a + 1, b + 1);
  else
    fprintf(out, "%s -> %s", c->a, c->b);
}

static const diff_change *find_change(const diff_row *row, const char *what) {
  for (int i = 0; i < row->change_count; i++)
    if (strcmp(row->changes[i].what, what) == 0) return &row->changes[i];
  return NULL;
}

static bool same_change(const diff_change *x, const diff_change *y) {
  return x && y && strcmp(x->a, y->a) == 0 && strcmp(x->b, y->b) == 0;
}

// "f32 -> int8; brg_conv_fwd -> jit; nhwc -> nChw16c". The weights' format follows from the implementation.
static void put_changes(FILE *out, const diff_row *row) {
  const diff_change *source = find_change(row, "source format"), *destination = find_change(row, "destination format");
  const bool once = same_change(source, destination);
  const char *between = "";
  for (int i = 0; i < row->change_count; i++) {
    const diff_change *c = &row->changes[i];
    const bool implementation = strcmp(c->what, "implementation") == 0;
    if (strcmp(c->what, "weights format") == 0 || (once && c == destination)) continue;
    fputs(between, out);
    between = "; ";
    if (implementation)
      put_impl_change(out, c);
    else if (strcmp(c->what, "dtype") == 0 || (once && c == source))
      fprintf(out, "%s -> %s", c->a, c->b);
    else
      fprintf(out, "%s %s -> %s", c->what, c->a[0] ? c->a : "none", c->b[0] ? c->b : "none");
  }
  if (!row->group->counts[0] || !row->group->counts[1]) fprintf(out, "only in %c", row->group->counts[0] ? 'a' : 'b');
}

static void changes_cell(table *t, const diff_row *row) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  if (stream) put_changes(stream, row);
  if (stream && fclose(stream) == 0)
    table_cell(t, "%s", text);
  else
    t->failed = true;
  free(text);
}

static void time_cells(table *t, const diff_time *time) {
  char p[16];
  table_number(t, time->ms[0], 3);
  table_number(t, time->ms[1], 3);
  if (isnan(diff_speedup(time)))
    table_cell(t, "-");
  else
    table_cell(t, "%.2fx", diff_speedup(time));
  table_cell(t, "%s", p_text(p, time->p));
  table_cell(t, "%s", time->verdict == DIFF_SLOWER ? "slower" : time->verdict == DIFF_FASTER ? "faster" : "");
}

static void total_row(table *t, const char *name, const diff_time *time) {
  table_cell(t, "%s", name);
  time_cells(t, time);
  table_cell(t, "%s", "");
}

static void put_layers(page *p, const diff_report *r) {
  static const char *const titles[] = {"ms a", "ms b", "speed-up", "p"};
  const trace_diff *d = r->diff;
  size_t count;
  const diff_row **rows = rank_rows(r, false, most_changed_first, &count);
  if (!rows) {
    p->failed = true;
    return;
  }
  const size_t shown = (size_t)r->options->top < count ? (size_t)r->options->top : count;
  page_heading(p, "Layers by how much their time changed: %zu of %zu", shown, count);
  table t = {0};
  char name[160];
  table_column(&t, "layer", TABLE_ELASTIC);
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_RIGHT);
  table_column(&t, "b is", TABLE_LEFT);
  table_column(&t, "what changed", TABLE_ELASTIC);
  diff_time rest = {.p = NAN};
  for (size_t i = 0; i < count; i++) {
    if (i >= shown) {
      for (int k = 0; k < 2; k++) rest.ms[k] += rows[i]->own.ms[k];
      continue;
    }
    table_cell(&t, "%s", diff_name(name, r, rows[i]));
    time_cells(&t, &rows[i]->own);
    changes_cell(&t, rows[i]);
  }
  free(rows);
  snprintf(name, sizeof name, "%zu more", count - shown);
  if (shown < count) total_row(&t, name, &rest);
  total_row(&t, "reorders", &d->reorders);
  total_row(&t, "gaps", &d->gaps);
  total_row(&t, "run", &d->run);
  page_table(p, &t);
}

static void reorder_cell(table *t, const diff_row *row, int which) {
  const minfer_primitive *x = row->reorder[which];
  if (!x)
    table_cell(t, "-");
  else
    table_cell(t, "%s %s -> %s %s%s", x->source.dtype, x->source.format, x->destination.dtype, x->destination.format,
               row->reorder_counts[which] > 1 ? ", ..." : "");
}

static void put_reorders(page *p, const diff_report *r) {
  const trace_diff *d = r->diff;
  int counts[2] = {0, 0};
  for (size_t i = 0; i < d->groups.count; i++)
    for (int k = 0; k < 2; k++) counts[k] += d->rows[i].reorder_counts[k];
  if (!counts[0] && !counts[1]) return;
  page_heading(p, "Reorders: %d in a, %d in b", counts[0], counts[1]);
  table t = {0};
  char name[160];
  table_column(&t, "at", TABLE_ELASTIC);
  table_column(&t, "ms a", TABLE_RIGHT);
  table_column(&t, "ms b", TABLE_RIGHT);
  table_column(&t, "a", TABLE_ELASTIC);
  table_column(&t, "b", TABLE_ELASTIC);
  for (size_t i = 0; i < d->groups.count; i++) {
    const diff_row *row = &d->rows[i];
    if (!row->reorder[0] && !row->reorder[1]) continue;
    table_cell(&t, "%s", diff_name(name, r, row));
    for (int k = 0; k < 2; k++) table_number(&t, row->reorder[k] ? row->reorders.ms[k] : NAN, 3);
    for (int k = 0; k < 2; k++) reorder_cell(&t, row, k);
  }
  page_table(p, &t);
}

static void put_reasons(page *p, const diff_report *r) {
  size_t count;
  const diff_row **rows = rank_rows(r, true, most_lost_first, &count);
  if (!rows) {
    p->failed = true;
    return;
  }
  const size_t shown = (size_t)r->options->top < count ? (size_t)r->options->top : count;
  if (count && !isnan(r->limit))
    page_heading(p, "Layers that are slower by more than %g %%: %zu of %zu", r->limit, shown, count);
  else if (count)
    page_heading(p, "%s: %zu of %zu",
                 rows[0]->why.text[0] ? "Why layers are slower in b" : "Layers that are slower in b", shown, count);
  double rest = 0;
  for (size_t i = 0; i < count; i++) {
    const diff_row *row = rows[i];
    char name[160];
    if (i < shown)
      page_line(p, "%s (%.3f to %.3f ms)%s%s.", diff_name(name, r, row), row->own.ms[0], row->own.ms[1],
                row->why.text[0] ? ": " : "", row->why.text);
    else
      rest += diff_lost_ms(&row->own);
  }
  if (shown < count)
    page_line(p, "... %zu more lose %.3f ms together (--format json has them all)", count - shown, rest);
  free(rows);
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
    put_layers(&p, r);
    put_reasons(&p, r);
    put_reorders(&p, r);
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
    changes_cell(&t, row);
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
