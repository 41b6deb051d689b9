// What accuracy prints for people (table, markdown) and as CSV.
#include "report.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

double report_int8_share(const minfer_plan *plan) {
  double int8 = 0, all = 0;
  for (int i = 0; i < plan->primitive_count; i++) {
    const minfer_primitive *p = &plan->primitives[i];
    all += p->flops;
    if (strcmp(p->weights.dtype, "s8") == 0) int8 += p->flops;
  }
  return all > 0 ? int8 / all : 0;
}

static void put_score(table *t, const char *name, const accuracy *a, const accuracy_score *s) {
  table_cell(t, "%s", name);
  table_number(t, accuracy_percent(a, s->top1), 2);
  table_number(t, accuracy_percent(a, s->top5), 2);
}

static void put_scores(page *p, const accuracy_report *r) {
  const accuracy *a = r->result;
  const char *dtype = options_dtype_name((int)r->plan->dtype);
  page_heading(p, "Accuracy on %zu picture%s", a->images, a->images == 1 ? "" : "s");
  table t = {0};
  table_column(&t, "configuration", TABLE_LEFT);
  table_column(&t, "top-1 %", TABLE_RIGHT);
  table_column(&t, "top-5 %", TABLE_RIGHT);
  put_score(&t, "f32", a, &a->f32);
  if (a->compared) put_score(&t, r->plan->dtype == MINFER_F32 ? "f32 as chosen" : dtype, a, &a->chosen);
  page_table(p, &t);
  if (r->skipped)
    page_line(p, "%zu picture%s could not be read and %s not counted", r->skipped, r->skipped == 1 ? "" : "s",
              r->skipped == 1 ? "is" : "are");
  if (r->own_calibration) page_line(p, "calibrated on pictures of the same folder (--calibration takes others)");
  page_line(p, "%.1f pictures/s, reading them included", (double)a->images / r->seconds);
}

static void put_comparison(page *p, const accuracy_report *r) {
  const accuracy *a = r->result;
  page_heading(p, "Against f32");
  if (!a->compared) {
    page_line(p, "this is f32: agreement 1, no SQNR");
    return;
  }
  double low, high, n = (double)a->images;
  accuracy_interval(a, &low, &high);
  page_line(p, "top-1 %+.2f points, 95 %% interval %+.2f to %+.2f; only f32 is right on %zu, only this on %zu",
            accuracy_percent(a, a->chosen.top1) - accuracy_percent(a, a->f32.top1), low, high, a->only_f32,
            a->only_chosen);
  page_line(p, "the same class on %.2f %% of the pictures", accuracy_percent(a, a->agreed));
  page_line(p, "SQNR of the logits: %.2f dB over all pictures, mean %.2f dB, worst %.2f dB (%s)",
            accuracy_sqnr(a->signal, a->noise), a->sqnr_sum / n, a->sqnr_worst, a->worst->file);
  if (r->plan->dtype == MINFER_INT8)
    page_line(p, "%.1f %% of the multiply-adds are in int8", 100 * report_int8_share(r->plan));
}

static bool put_page(FILE *out, const accuracy_report *r) {
  page p = console_page(r->console, r->options, out);
  report_identity(&p, r->model, r->plan);
  put_scores(&p, r);
  put_comparison(&p, r);
  if (r->gate > 0) {
    bool passed = accuracy_passes(r->result, r->gate);
    page_line(&p, "gate: %s (top-1 at least %g times f32's)", passed ? "passed" : "failed", r->gate);
  }
  return !p.failed;
}

static void put_row(table *t, const accuracy_report *r, const char *configuration, const accuracy_score *s) {
  const accuracy *a = r->result;
  bool other = s == &a->chosen;
  double low, high;
  accuracy_interval(a, &low, &high);
  table_cell(t, "%s", minfer_model_describe(r->model)->name);
  table_cell(t, "%s", configuration);
  table_cell(t, "%d", r->plan->batch);
  table_cell(t, "%d", r->plan->threads);
  table_cell(t, "%zu", a->images);
  table_cell(t, "%zu", r->skipped);
  table_number(t, accuracy_percent(a, s->top1), 4);
  table_number(t, accuracy_percent(a, s->top5), 4);
  table_number(t, other ? (double)a->agreed / (double)a->images : 1, 6);
  table_number(t, other ? accuracy_percent(a, s->top1) - accuracy_percent(a, a->f32.top1) : NAN, 4);
  table_number(t, other ? low : NAN, 4);
  table_number(t, other ? high : NAN, 4);
  table_number(t, other ? accuracy_sqnr(a->signal, a->noise) : NAN, 4);
  table_number(t, other ? a->sqnr_sum / (double)a->images : NAN, 4);
  table_number(t, other ? a->sqnr_worst : NAN, 4);
  table_number(t, other ? report_int8_share(r->plan) : 0, 6);
}

// A row for f32 and, where there is one, a row for the chosen configuration.
static bool put_csv(FILE *out, const accuracy_report *r) {
  static const char *const titles[] = {
      "model",         "dtype",  "batch",      "threads",     "images",  "skipped",      "top1",          "top5",
      "agreement_f32", "points", "points_low", "points_high", "sqnr_db", "sqnr_db_mean", "sqnr_db_worst", "int8_share"};
  table t = {0};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_LEFT);
  put_row(&t, r, "f32", &r->result->f32);
  if (r->result->compared) put_row(&t, r, options_dtype_name((int)r->plan->dtype), &r->result->chosen);
  return report_table(out, r->console, r->options, &t);
}

bool report_accuracy(FILE *out, const void *report) {
  const accuracy_report *r = report;
  if (r->options->format == FORMAT_CSV) return put_csv(out, r);
  if (report_is_json(r->options)) return report_accuracy_json(out, r);
  return put_page(out, r);
}

static bool emit_csv(FILE *out, table *t) {
  bool done = !t->failed;
  table_print_csv(t, out);
  table_free(t);
  return done;
}

bool report_predictions(FILE *out, const void *report) {
  const accuracy_report *r = report;
  static const char *const titles[] = {"file", "class", "f32", "f32_probability", "predicted", "probability"};
  table t = {0};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_LEFT);
  for (size_t i = 0; i < r->result->images; i++) {
    const accuracy_item *item = &r->items[i];
    table_cell(&t, "%s", item->label->file);
    table_cell(&t, "%d", item->label->class_index);
    table_cell(&t, "%d", item->f32.class_index);
    table_number(&t, item->f32.probability, 6);
    table_cell(&t, "%d", item->chosen.class_index);
    table_number(&t, item->chosen.probability, 6);
  }
  return emit_csv(out, &t);
}

typedef struct class_count {
  size_t images, f32, chosen;
} class_count;

bool report_per_class(FILE *out, const void *report) {
  const accuracy_report *r = report;
  int classes = minfer_model_describe(r->model)->classes;
  class_count *counts = calloc((size_t)classes, sizeof *counts);
  if (!counts) return false;
  for (size_t i = 0; i < r->result->images; i++) {
    const accuracy_item *item = &r->items[i];
    class_count *c = &counts[item->label->class_index];
    c->images++;
    c->f32 += item->f32.class_index == item->label->class_index;
    c->chosen += item->chosen.class_index == item->label->class_index;
  }
  static const char *const titles[] = {"class", "label", "images", "right_f32", "right"};
  table t = {0};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_LEFT);
  for (int i = 0; i < classes; i++) {
    if (!counts[i].images) continue;
    table_cell(&t, "%d", i);
    table_cell(&t, "%s", minfer_model_class(r->model, i));
    table_cell(&t, "%zu", counts[i].images);
    table_cell(&t, "%zu", counts[i].f32);
    table_cell(&t, "%zu", counts[i].chosen);
  }
  free(counts);
  return emit_csv(out, &t);
}
