// What a comparison prints for people (table, markdown) and as CSV.
#include "report_compare.h"
#include "text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

run_report report_compare_side(const compare_report *r, int which) {
  return (run_report){.input_ms = NAN,
                      .options = r->sides[which]->options,
                      .console = r->console,
                      .model = r->model,
                      .plan = r->sides[which]->plan,
                      .input = r->input,
                      .answers = &r->sides[which]->answers,
                      .measured = &r->sides[which]->measured,
                      .times = &r->sides[which]->times,
                      .rss_peak = r->sides[which]->rss_peak};
}

static report_pair pair_of(const compare_report *r) {
  return (report_pair){{r->sides[0]->plan, r->sides[1]->plan}, {&r->sides[0]->times, &r->sides[1]->times}};
}

static const char *name_of(char out[160], const compare_report *r, const layer_row *row) {
  return report_group_name(out, row->group, (const minfer_plan *const[]){r->sides[0]->plan, r->sides[1]->plan});
}

static void put_side(page *p, const compare_report *r, int which) {
  const minfer_plan *plan = r->sides[which]->plan;
  char calibration[256] = "", floats[64] = "";
  if (plan->calibration_source[0])
    snprintf(calibration, sizeof calibration, "; %s over %.160s, %d picture%s", plan->calibrator,
             plan->calibration_source, plan->calibration_images, plan->calibration_images == 1 ? "" : "s");
  if (plan->float_layer_count)
    snprintf(floats, sizeof floats, "; %d layer%s in f32", plan->float_layer_count,
             plan->float_layer_count == 1 ? " stays" : "s stay");
  page_line(p, "%s: %s%s%s, %d thread%s, %s%s%s", which ? "b" : "a", options_dtype_name((int)plan->dtype),
            which && r->versus[0] ? " by " : "", which ? r->versus : "", plan->threads, plan->threads == 1 ? "" : "s",
            plan->isa, calibration, floats);
}

static void put_identity(page *p, const compare_report *r) {
  const minfer_model_info *model = minfer_model_describe(r->model);
  report_weights(p, model);
  page_heading(p, "%s, %dx%d, batch %d, oneDNN %s", model->name, model->height, model->width, r->sides[0]->plan->batch,
               minfer_environment_get()->onednn_version);
  if (model->weights_path[0]) page_line(p, "weights: %s (%s)", model->weights_path, model->weights_source);
  if (model->multiplier > 0 && model->multiplier != 1) page_line(p, "width: %g", model->multiplier);
  put_side(p, r, 0);
  put_side(p, r, 1);
}

static const char *verdict(const stats_summary *s) {
  if (isnan(s->low)) return "too few rounds to tell";
  return s->low > 1 ? "b is faster" : s->high < 1 ? "b is slower" : "no difference beyond the noise";
}

static const char *decibels(char out[32], double sqnr) {
  if (isnan(sqnr))
    snprintf(out, 32, "-");
  else if (isinf(sqnr))
    snprintf(out, 32, sqnr > 0 ? "equal" : "-inf");
  else
    snprintf(out, 32, "%.1f", sqnr);
  return out;
}

// Ranges and corrections that come from an input fit it better than any other.
static bool is_calibrated_on_input(const compare_report *r) {
  return strcmp(r->sides[0]->plan->calibration_source, "own input") == 0 ||
         strcmp(r->sides[1]->plan->calibration_source, "own input") == 0;
}

static void put_answers(page *p, const compare_report *r) {
  const comparison *c = r->comparison;
  const int inputs = r->sides[0]->answers.inputs;
  char logits[64] = "the logits are equal", number[32];
  if (!isinf(c->logits_sqnr))
    snprintf(logits, sizeof logits, "SQNR of the logits %s dB", decibels(number, c->logits_sqnr));
  const char *own = is_calibrated_on_input(r) ? ", which int8 was calibrated on" : "";
  if (r->generated)
    page_line(p, "answers: %s, on one generated input only%s (--image tells about pictures)", logits, own);
  else
    page_line(p, "answers: the same class for %d of %d inputs (%.1f %%), %s%s", c->same_top1, inputs,
              100.0 * c->same_top1 / inputs, logits, own);
}

static void put_verdict(page *p, const compare_report *r) {
  const duel *d = r->duel;
  const stats_summary *s = &d->summary;
  const comparison *c = r->comparison;
  page_heading(p, "Speed-up of b over a: %.2fx (%s)%s", s->p50, verdict(s), d->interrupted ? " (interrupted)" : "");
  if (isnan(s->low))
    page_line(p, "median of %zu round%s in turn, too few for an interval", d->rounds, d->rounds == 1 ? "" : "s");
  else
    page_line(p, "median of %zu rounds in turn, 95 %% interval %.3f to %.3f", d->rounds, s->low, s->high);
  int both = 0, slower = 0, faster = 0;
  double lost = 0;
  for (size_t i = 0; i < c->groups.count; i++) {
    const layer_row *row = &c->rows[i];
    both += !isnan(row->low);
    faster += row->low > 1;
    slower += row->slower;
    if (row->slower) lost += row->ms[1] + row->reorder_ms[1] - row->ms[0] - row->reorder_ms[0];
  }
  if (slower)
    page_line(p, "layers: %d faster, %d slower (by %.3f ms together), %d without a difference beyond the noise", faster,
              slower, lost, both - faster - slower);
  else if (both)
    page_line(p, "layers: %d faster, none slower, %d without a difference beyond the noise", faster, both - faster);
  put_answers(p, r);
}

// Read and written by the primitives of a run.
static double moved_mb(const minfer_plan *plan) {
  double bytes = 0;
  for (int i = 0; i < plan->primitive_count; i++)
    bytes += (double)plan->primitives[i].bytes_read + (double)plan->primitives[i].bytes_written;
  return plan->chunks * bytes * 1e-6;
}

static void put_totals(page *p, const compare_report *r) {
  const minfer_plan *a = r->sides[0]->plan, *b = r->sides[1]->plan;
  const stats_summary *x = &r->sides[0]->measured.summary, *y = &r->sides[1]->measured.summary;
  const double mib = 1024 * 1024;
  table t = {0};
  page_heading(p, "Totals");
  table_column(&t, "", TABLE_LEFT);
  table_column(&t, "a", TABLE_RIGHT);
  table_column(&t, "b", TABLE_RIGHT);
  table_column(&t, "gain", TABLE_RIGHT);
  report_pair_row(&t, "latency, median ms", x->p50, y->p50, 3, false);
  report_pair_row(&t, "latency, p99 ms", x->p99, y->p99, 3, false);
  report_pair_row(&t, "images/s", 1e3 * a->batch / x->p50, 1e3 * b->batch / y->p50, 2, true);
  report_pair_row(&t, "primitives", a->primitive_count, b->primitive_count, 0, false);
  report_pair_row(&t, "moved by primitives, MB", moved_mb(a), moved_mb(b), 2, false);
  report_pair_row(&t, "activations, MiB", (double)a->activation_bytes / mib, (double)b->activation_bytes / mib, 2,
                  false);
  report_pair_row(&t, "weights, MiB", (double)a->weight_bytes / mib, (double)b->weight_bytes / mib, 2, false);
  report_pair_row(&t, "scratchpad, MiB", (double)a->scratchpad_bytes / mib, (double)b->scratchpad_bytes / mib, 2,
                  false);
  // Both sides stand on one opened model: it counts for neither.
  report_pair_row(&t, "start-up after opening, ms", report_startup_ms(a) - report_phase_ms(a, "weights"),
                  report_startup_ms(b) - report_phase_ms(b, "weights"), 1, false);
  report_pair_row(&t, "  of that calibration, ms", report_phase_ms(a, "calibrate"), report_phase_ms(b, "calibrate"), 1,
                  false);
  page_table(p, &t);
}

// ---- layers

static double lost_ms(const layer_row *row) {
  return row->ms[1] + row->reorder_ms[1] - row->ms[0] - row->reorder_ms[0];
}

static int order(double x, double y, const layer_row *a, const layer_row *b) {
  if (x < y || x > y) return x < y ? 1 : -1;
  return a < b ? -1 : a > b;
}

static int slowest_first(const void *a, const void *b) {
  const layer_row *const *x = a, *const *y = b;
  return order(fmax((*x)->ms[0], (*x)->ms[1]), fmax((*y)->ms[0], (*y)->ms[1]), *x, *y);
}

static int most_lost_first(const void *a, const void *b) {
  const layer_row *const *x = a, *const *y = b;
  return order(lost_ms(*x), lost_ms(*y), *x, *y);
}

// The rows that are wanted in order; NULL without memory. Free it.
static const layer_row **rank_rows(const comparison *c, bool only_slower, int (*by)(const void *, const void *),
                                   size_t *count) {
  const layer_row **rows = calloc(c->groups.count + 1, sizeof *rows);
  *count = 0;
  for (size_t i = 0; rows && i < c->groups.count; i++)
    if (!only_slower || c->rows[i].slower) rows[(*count)++] = &c->rows[i];
  if (rows) qsort(rows, *count, sizeof *rows, by);
  return rows;
}

static void end_row(table *t, const char *name, double a, double b) {
  table_cell(t, "%s", name);
  table_number(t, a, 3);
  table_number(t, b, 3);
  if (a > 0 && b > 0)
    table_cell(t, "%.2fx", a / b);
  else
    table_cell(t, "-");
  for (int i = 0; i < 3; i++) table_cell(t, "%s", "");
}

static void put_layers(page *p, const compare_report *r) {
  size_t count;
  const layer_row **rows = rank_rows(r->comparison, false, slowest_first, &count);
  const breakdown *a = &r->sides[0]->times, *b = &r->sides[1]->times;
  const report_pair pair = pair_of(r);
  if (!rows) {
    p->failed = true;
    return;
  }
  const size_t shown = (size_t)r->options->top < count ? (size_t)r->options->top : count;
  page_heading(p, "Slowest layers: %zu of %zu", shown, count);
  table t = {0};
  table_column(&t, "layer", TABLE_ELASTIC);
  table_column(&t, "ms a", TABLE_RIGHT);
  table_column(&t, "ms b", TABLE_RIGHT);
  table_column(&t, "speed-up", TABLE_RIGHT);
  table_column(&t, "SQNR dB", TABLE_RIGHT);
  table_column(&t, "a computes with", TABLE_ELASTIC);
  table_column(&t, "b computes with", TABLE_ELASTIC);
  char text[160];
  double rest[2] = {0, 0};
  for (size_t i = 0; i < count; i++) {
    const layer_row *row = rows[i];
    if (i >= shown) {
      for (int k = 0; k < 2; k++) rest[k] += row->ms[k];
      continue;
    }
    table_cell(&t, "%s", name_of(text, r, row));
    table_number(&t, row->ms[0], 3);
    table_number(&t, row->ms[1], 3);
    if (isnan(row->speedup))
      table_cell(&t, "-");
    else
      table_cell(&t, "%.2fx", row->speedup);
    table_cell(&t, "%s", decibels(text, row->sqnr_db));
    report_pair_impl(&t, &pair, row->group, 0);
    report_pair_impl(&t, &pair, row->group, 1);
  }
  free(rows);
  if (shown < count) {
    snprintf(text, sizeof text, "%zu more", count - shown);
    end_row(&t, text, rest[0], rest[1]);
  }
  end_row(&t, "reorders", report_pair_kind_ms(a, "reorder"), report_pair_kind_ms(b, "reorder"));
  end_row(&t, "gaps", a->gap_ms, b->gap_ms);
  page_table(p, &t);
  if (!r->comparison->observed)
    page_line(p, "SQNR of layers: unknown, %s",
              r->sides[0]->process ? "the sides ran in two processes" : "interrupted");
}

static void put_reasons(page *p, const compare_report *r) {
  size_t count;
  const layer_row **rows = rank_rows(r->comparison, true, most_lost_first, &count);
  if (!rows) {
    p->failed = true;
    return;
  }
  const size_t shown = (size_t)r->options->top < count ? (size_t)r->options->top : count;
  if (count) page_heading(p, "Why layers are slower in b: %zu of %zu", shown, count);
  double rest = 0;
  for (size_t i = 0; i < count; i++) {
    char name[160];
    if (i < shown)
      page_line(p, "%s (%.3f to %.3f ms): %s.", name_of(name, r, rows[i]), rows[i]->ms[0], rows[i]->ms[1],
                rows[i]->why.text);
    else
      rest += lost_ms(rows[i]);
  }
  if (shown < count)
    page_line(p, "... %zu more lose %.3f ms together (--format json has them all)", count - shown, rest);
  free(rows);
}

static bool put_page(FILE *out, const compare_report *r) {
  page p = console_page(r->console, r->options, out);
  put_identity(&p, r);
  put_verdict(&p, r);
  put_totals(&p, r);
  const report_pair pair = pair_of(r);
  report_pair_kinds(&p, &pair);
  if (r->options->top) {
    put_layers(&p, r);
    put_reasons(&p, r);
  }
  report_whatif(&p, r);
  return !p.failed;
}

// ---- CSV

static void csv_head(table *t, const compare_report *r, const char *name, const char *kind) {
  table_cell(t, "%s", minfer_model_describe(r->model)->name);
  table_cell(t, "%d", r->sides[0]->plan->batch);
  table_cell(t, "%s", name);
  table_cell(t, "%s", kind);
}

static void csv_layer(table *t, const compare_report *r, const layer_row *row) {
  const layer_group *g = row->group;
  const minfer_plan *const plans[2] = {r->sides[0]->plan, r->sides[1]->plan};
  const minfer_layer *mains[2] = {report_group_main(g, 0, plans[0]), report_group_main(g, 1, plans[1])};
  char name[160];
  csv_head(t, r, name_of(name, r, row), mains[0] ? mains[0]->kind : mains[1]->kind);
  for (int k = 0; k < 2; k++) table_number(t, row->ms[k], 6);
  table_number(t, row->speedup, 4);
  if (isinf(row->sqnr_db))
    table_cell(t, row->sqnr_db > 0 ? "inf" : "-inf");
  else
    table_number(t, row->sqnr_db, 2);
  for (int k = 0; k < 2; k++) table_cell(t, "%s", mains[k] ? mains[k]->dtype : "-");
  for (int k = 0; k < 2; k++) table_cell(t, "%s", mains[k] ? mains[k]->impl : "-");
  for (int k = 0; k < 2; k++) table_cell(t, "%d", g->counts[k]);
  for (int k = 0; k < 2; k++) table_number(t, report_group_bytes(g, k, plans[k]), 0);
  table_cell(t, "%s", row->slower ? row->why.text : "");
}

static void csv_reorder(table *t, const compare_report *r, const reorder_cost *c) {
  const minfer_plan *plan = r->sides[c->side]->plan;
  const minfer_primitive *p = &plan->primitives[c->primitive];
  const double moved = plan->chunks * ((double)p->bytes_read + (double)p->bytes_written);
  csv_head(t, r, p->name, p->kind);
  for (int k = 0; k < 2; k++) table_number(t, k == c->side ? c->ms : NAN, 6);
  for (int i = 0; i < 2; i++) table_cell(t, "%s", "");
  for (int k = 0; k < 2; k++) table_cell(t, "%s", k == c->side ? p->destination.dtype : "");
  for (int k = 0; k < 2; k++) table_cell(t, "%s", k == c->side ? p->impl : "");
  for (int k = 0; k < 2; k++) table_cell(t, "%s", "");
  for (int k = 0; k < 2; k++) table_number(t, k == c->side ? moved : NAN, 0);
  table_cell(t, "%s", p->reason);
}

// A row a group of layers, then one for each reorder and one for the gaps, so that the times add up to the run's.
static bool put_csv(FILE *out, const compare_report *r) {
  static const char *const titles[] = {"model",    "batch",    "layer",   "kind",    "a_ms",   "b_ms",
                                       "speedup",  "sqnr_db",  "a_dtype", "b_dtype", "a_impl", "b_impl",
                                       "a_layers", "b_layers", "a_bytes", "b_bytes", "why"};
  const comparison *c = r->comparison;
  const double gaps[2] = {r->sides[0]->times.gap_ms, r->sides[1]->times.gap_ms};
  table t = {0};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_LEFT);
  for (size_t i = 0; i < c->groups.count; i++) csv_layer(&t, r, &c->rows[i]);
  for (size_t i = 0; i < r->whatif->reorder_count; i++) csv_reorder(&t, r, &r->whatif->reorders[i]);
  csv_head(&t, r, "", "gap");
  for (int k = 0; k < 2; k++) table_number(&t, gaps[k], 6);
  table_number(&t, gaps[0] > 0 && gaps[1] > 0 ? gaps[0] / gaps[1] : NAN, 4);
  for (int i = 0; i < 10; i++) table_cell(&t, "%s", "");
  return report_table(out, r->console, r->options, &t);
}

bool report_compare(FILE *out, const void *report) {
  const compare_report *r = report;
  if (r->options->format == FORMAT_CSV) return put_csv(out, r);
  if (report_is_json(r->options)) return report_compare_json(out, r);
  return put_page(out, r);
}
