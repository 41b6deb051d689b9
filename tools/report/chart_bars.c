// Charts of bars: kinds, layers, start-up, and layers side by side.
#include "report/chart.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 200, NAME_LIMIT = 230 }; // bars of a chart; of more the first

const char *chart_subject(char out[128], const report_trace *t) {
  const char *model = report_text(t, "model"), *dtype = report_text(t, "dtype");
  snprintf(out, 128, "%s%s%s", model[0] ? model : t->view->name, model[0] && dtype[0] ? " " : "",
           model[0] ? dtype : "");
  return out;
}

static void add_number(char out[256], double number, const char *one, const char *many) {
  const size_t used = strlen(out);
  if (!isnan(number)) snprintf(out + used, 256 - used, ", %.0f %s", number, number == 1 ? one : many);
}

static void add_text(char out[256], const char *text) {
  const size_t used = strlen(out);
  if (text[0]) snprintf(out + used, 256 - used, ", %s", text);
}

const char *chart_conditions(char out[256], const report_trace *t) {
  snprintf(out, 256, "median of %zu traced run%s", t->times.runs, t->times.runs == 1 ? "" : "s");
  add_number(out, report_number(t, "batch"), "picture", "pictures");
  add_number(out, report_number(t, "threads"), "thread", "threads");
  add_text(out, report_text(t, "isa"));
  add_text(out, report_text(t, "cpu"));
  return out;
}

const char *chart_main_kind(const report_trace *t, int layer) {
  int main = -1;
  for (int i = 0; i < t->view->primitive_count; i++)
    if (t->plan.primitives[i].layer == layer &&
        (main < 0 || t->plan.primitives[i].flops > t->plan.primitives[main].flops))
      main = i;
  return main < 0 ? t->plan.layers[layer].kind : report_kind(t, main);
}

// Bars from `left` to `right` for values up to `most`.
typedef struct scale {
  double left, right, most;
} scale;

static double width_of(const scale *s, double value) {
  return value > 0 && s->most > 0 ? value / s->most * (s->right - s->left) : 0;
}

// Grid lines at round times, their labels below.
static void time_axis(cairo_t *c, const scale *s, double top, double bottom) {
  const double step = draw_step(s->most, 6);
  for (int i = 0; i * step <= s->most * (1 + 1e-9); i++) {
    char text[32];
    const double v = i * step, x = s->left + width_of(s, v);
    draw_line(c, x, top, x, bottom, DRAW_LINE, 0.5);
    draw_text(c, x, bottom + 8, DRAW_MIDDLE, DRAW_SOFT, v > 0 ? draw_tick(text, v) : "0");
  }
}

// ---- kinds

double chart_kinds(cairo_t *c, const report_trace *t) {
  char subject[128], title[192], text[32], conditions[256];
  snprintf(title, sizeof title, "%s: time and number of primitives by kind", chart_subject(subject, t));
  double y = draw_title(c, title, "%s", chart_conditions(conditions, t));
  double names = 60;
  int most_count = 1;
  scale time = {.most = 0};
  const int rows = t->kind_count < ROWS ? t->kind_count : ROWS;
  for (int i = 0; i < rows; i++) {
    names = fmax(names, fmin(NAME_LIMIT, 0.5 + draw_text_width(c, t->kinds[i].kind)));
    most_count = t->kinds[i].count > most_count ? t->kinds[i].count : most_count;
    time.most = fmax(time.most, t->kinds[i].ms);
  }
  time.left = CHART_MARGIN + names + 10;
  time.right = time.left + (CHART_WIDTH - time.left) * 0.5;
  const double shares = CHART_WIDTH * 0.5 + time.right * 0.5 - 40;
  const scale count = {shares + 24, CHART_WIDTH - CHART_MARGIN - 26, most_count};
  draw_text(c, time.left, y, DRAW_LEFT, DRAW_SOFT, "time");
  draw_text(c, count.left, y, DRAW_LEFT, DRAW_SOFT, "primitives");
  y += 14;
  for (int i = 0; i < rows; i++) {
    const tally *k = &t->kinds[i];
    draw_name(c, CHART_MARGIN, y, names, DRAW_INK, k->kind);
    draw_kind_color(c, k->kind, 1);
    draw_box(c, time.left, y - 5.5, fmax(0.75, width_of(&time, k->ms)), 11);
    draw_box(c, count.left, y - 5.5, fmax(0.75, width_of(&count, k->count)), 11);
    draw_format(c, time.left + width_of(&time, k->ms) + 4, y, DRAW_LEFT, DRAW_INK, "%s  %.1f %%",
                draw_time(text, k->ms), 100 * k->ms / t->times.run_ms);
    draw_format(c, count.left + width_of(&count, k->count) + 4, y, DRAW_LEFT, DRAW_INK, "%d", k->count);
    y += 17;
  }
  return y;
}

// ---- layers

static double layer_names(cairo_t *c, const report_trace *t, int rows) {
  double names = 60;
  for (int i = 0; i < rows; i++)
    names = fmax(names, fmin(NAME_LIMIT, 0.5 + draw_text_width(c, t->view->layers[i].name)));
  return names;
}

int chart_kind_list(const report_trace *t, const char **out, int limit) {
  int count = 0;
  for (int i = 0; i < t->kind_count && count < limit; i++) out[count++] = t->kinds[i].kind;
  return count;
}

double chart_layers(cairo_t *c, const report_trace *t) {
  char subject[128], title[192], text[32], conditions[256];
  const char *kinds[24];
  const int rows = t->view->layer_count < ROWS ? t->view->layer_count : ROWS;
  snprintf(title, sizeof title, "%s: time of each layer, in the order of the run", chart_subject(subject, t));
  double y = draw_title(c, title, "%s", chart_conditions(conditions, t));
  y += draw_legend(c, y, kinds, chart_kind_list(t, kinds, 24));
  cairo_set_font_size(c, 7.5);
  const double names = layer_names(c, t, rows);
  scale s = {CHART_MARGIN + names + 8, CHART_WIDTH - CHART_MARGIN - 38, 0};
  for (int i = 0; i < rows; i++)
    s.most = fmax(s.most, fmax(t->times.layer_ms[i], isnan(t->layers[i].high) ? 0 : t->layers[i].high));
  const double bottom = y + rows * 11;
  time_axis(c, &s, y - 4, bottom);
  for (int i = 0; i < rows; i++) {
    const double ms = t->times.layer_ms[i], end = s.left + width_of(&s, ms);
    const double low = s.left + width_of(&s, t->layers[i].low), high = s.left + width_of(&s, t->layers[i].high);
    draw_name(c, CHART_MARGIN, y + 3, names, DRAW_INK, t->view->layers[i].name);
    draw_kind_color(c, chart_main_kind(t, i), 1);
    draw_box(c, s.left, y - 0.5, fmax(0.5, width_of(&s, ms)), 7.5);
    if (high > low + 0.5) draw_line(c, low, y + 3.25, high, y + 3.25, DRAW_INK, 0.8);
    draw_text(c, fmax(end, high) + 3, y + 3, DRAW_LEFT, DRAW_SOFT, draw_time(text, ms));
    y += 11;
  }
  y = bottom + 22;
  draw_text(c, CHART_MARGIN, y, DRAW_LEFT, DRAW_SOFT, "Thin lines: quartiles over the runs.");
  if (rows < t->view->layer_count)
    draw_format(c, CHART_WIDTH - CHART_MARGIN, y, DRAW_RIGHT, DRAW_SOFT, "%d more layers are not shown",
                t->view->layer_count - rows);
  return y;
}

// ---- start-up

double chart_startup(cairo_t *c, const report_trace *t) {
  const minfer_trace_view *view = t->view;
  char subject[128], title[192], text[32];
  uint64_t first = 0, last = 0;
  int rows = 0;
  double names = 60;
  snprintf(title, sizeof title, "%s: start-up", chart_subject(subject, t));
  for (size_t i = 0; i < view->span_count; i++) {
    const minfer_span *s = &view->spans[i];
    if (s->kind != MINFER_SPAN_APPLICATION || s->parent) continue; // parts of phases are not drawn
    if (rows++ == 0) first = s->start_ns;
    if (s->start_ns + s->duration_ns > last) last = s->start_ns + s->duration_ns;
    if (rows <= ROWS) names = fmax(names, fmin(NAME_LIMIT, 0.5 + draw_text_width(c, view->phases[s->index].name)));
  }
  double y = draw_title(c, title, "%d phases, %s from the first to the end of the last", rows,
                        draw_time(text, (double)(last - first) * 1e-6));
  const scale s = {CHART_MARGIN + names + 10, CHART_WIDTH - CHART_MARGIN - 48, (double)(last - first) * 1e-6};
  rows = rows < ROWS ? rows : ROWS;
  time_axis(c, &s, y - 6, y + rows * 14 - 4);
  for (size_t i = 0; i < view->span_count && rows > 0; i++) {
    const minfer_span *span = &view->spans[i];
    if (span->kind != MINFER_SPAN_APPLICATION || span->parent) continue;
    const double ms = (double)span->duration_ns * 1e-6,
                 x = s.left + width_of(&s, (double)(span->start_ns - first) * 1e-6);
    draw_name(c, CHART_MARGIN, y, names, DRAW_INK, view->phases[span->index].name);
    draw_color(c, DRAW_BLUE);
    draw_box(c, x, y - 4.5, fmax(0.75, width_of(&s, ms)), 9);
    draw_text(c, x + width_of(&s, ms) + 4, y, DRAW_LEFT, DRAW_SOFT, draw_time(text, ms));
    y += 14;
    rows--;
  }
  return y + 12;
}

// ---- layers side by side

static double side_ms(const report_traces *traces, size_t trace, size_t row) {
  return report_group_ms(&traces->items[trace], &traces->items[1].groups.items[row], trace ? 1 : 0);
}

static const char *group_name(const report_traces *traces, size_t row) {
  const layer_group *g = &traces->items[1].groups.items[row];
  return g->counts[0] ? traces->items[0].view->layers[g->layers[0][0]].name
                      : traces->items[1].view->layers[g->layers[1][0]].name;
}

static void side_color(cairo_t *c, int side) {
  draw_color(c, side ? DRAW_BLUE : DRAW_GREY);
}

double chart_comparison(cairo_t *c, const report_traces *traces) {
  char subjects[2][128], title[320], text[2][32];
  const report_trace *a = &traces->items[0], *b = &traces->items[1];
  const size_t groups = b->groups.count, rows = groups < ROWS ? groups : ROWS;
  snprintf(title, sizeof title, "%s against %s: time of each layer", chart_subject(subjects[0], a),
           chart_subject(subjects[1], b));
  double y = draw_title(c, title, "whole run %s and %s: %.2f times as fast", draw_time(text[0], a->times.run_ms),
                        draw_time(text[1], b->times.run_ms), a->times.run_ms / b->times.run_ms);
  for (int side = 0; side < 2; side++) {
    const double x = side ? CHART_MARGIN + 24 + draw_text_width(c, subjects[0]) : CHART_MARGIN;
    side_color(c, side);
    draw_box(c, x, y - 4, 8, 8);
    draw_text(c, x + 12, y, DRAW_LEFT, DRAW_SOFT, subjects[side]);
  }
  cairo_set_font_size(c, 7.5);
  draw_text(c, CHART_WIDTH - CHART_MARGIN, y, DRAW_RIGHT, DRAW_SOFT, "speed-up");
  y += 14;
  double names = 60;
  scale s = {.right = CHART_WIDTH - CHART_MARGIN - 44, .most = 0};
  for (size_t i = 0; i < rows; i++) {
    names = fmax(names, fmin(NAME_LIMIT, 0.5 + draw_text_width(c, group_name(traces, i))));
    for (size_t side = 0; side < 2; side++) s.most = fmax(s.most, side_ms(traces, side, i));
  }
  s.left = CHART_MARGIN + names + 8;
  const double bottom = y + (double)rows * 13;
  time_axis(c, &s, y - 4, bottom);
  for (size_t i = 0; i < rows; i++) {
    const double before = side_ms(traces, 0, i), after = side_ms(traces, 1, i);
    draw_name(c, CHART_MARGIN, y + 4, names, DRAW_INK, group_name(traces, i));
    side_color(c, 0);
    draw_box(c, s.left, y - 0.5, width_of(&s, before), 4.5);
    side_color(c, 1);
    draw_box(c, s.left, y + 4, width_of(&s, after), 4.5);
    if (before > 0 && after > 0)
      draw_format(c, CHART_WIDTH - CHART_MARGIN, y + 4, DRAW_RIGHT, DRAW_INK, "%.2f\u00d7", before / after);
    y += 13;
  }
  if (rows < groups)
    draw_format(c, CHART_WIDTH - CHART_MARGIN, bottom + 22, DRAW_RIGHT, DRAW_SOFT, "%zu more are not shown",
                groups - rows);
  return bottom + (rows < groups ? 24 : 12);
}
