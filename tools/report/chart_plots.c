// Charts with two axes: the roofline and the memory map.
#include "report/chart.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS = 2000 }; // of a plot; of more the first

typedef struct frame {
  double left, right, top, bottom;
} frame;

// A logarithmic axis from low to high, both above 0.
typedef struct log_axis {
  double low, high, begin, end; // begin, end: where these lie on the paper
} log_axis;

static double place(const log_axis *a, double value) {
  return a->begin + (log(value) - log(a->low)) / (log(a->high) - log(a->low)) * (a->end - a->begin);
}

// ---- roofline

typedef struct roof {
  const char *name;
  double value;
} roof;

typedef struct roofline {
  const report_trace *t;
  roof compute[2], memory[4];
  int compute_count, memory_count;
  log_axis x, y; // FLOP per byte, GFLOP/s
} roofline;

static int add_roof(roof *list, int count, const report_trace *t, const char *name, const char *key) {
  const double value = report_number(t, key);
  if (!(value > 0) || isinf(value)) return count;
  int at = count;
  for (; at > 0 && list[at - 1].value < value; at--) list[at] = list[at - 1]; // highest first
  list[at] = (roof){name, value};
  return count + 1;
}

static void find_roofs(roofline *r) {
  const char *dtype = report_text(r->t, "dtype");
  char key[64];
  snprintf(key, sizeof key, "peak_%.16s_gflops", dtype);
  if (strcmp(dtype, "f32") != 0) r->compute_count = add_roof(r->compute, 0, r->t, dtype, key);
  r->compute_count = add_roof(r->compute, r->compute_count, r->t, "f32", "peak_f32_gflops");
  if (!r->compute_count) r->compute_count = add_roof(r->compute, 0, r->t, "", "peak_gflops");
  static const char *const levels[][2] = {{"L1", "peak_l1_gbytes_per_s"},
                                          {"L2", "peak_l2_gbytes_per_s"},
                                          {"L3", "peak_l3_gbytes_per_s"},
                                          {"DRAM", "peak_gbytes_per_s"}};
  for (int i = 0; i < 4; i++) r->memory_count = add_roof(r->memory, r->memory_count, r->t, levels[i][0], levels[i][1]);
}

// A primitive's place; false when it has none.
static bool point_of(const report_trace *t, int i, double *intensity, double *gflops) {
  const minfer_item *p = &t->view->primitives[i];
  const double ms = t->times.primitive_ms[i];
  if (!(p->flops > 0) || !(p->bytes > 0) || !(ms > 0)) return false;
  *intensity = p->flops / p->bytes;
  *gflops = t->plan.plan.chunks * p->flops / ms * 1e-6;
  return true;
}

static int set_axes(roofline *r, const frame *f) {
  double low_x = INFINITY, high_x = 0, low_y = INFINITY, high_y = 0, x, y;
  int points = 0;
  for (int i = 0; i < r->t->view->primitive_count; i++) {
    if (!point_of(r->t, i, &x, &y)) continue;
    points++;
    low_x = fmin(low_x, x), high_x = fmax(high_x, x), low_y = fmin(low_y, y), high_y = fmax(high_y, y);
  }
  for (int i = 0; i < r->compute_count; i++) high_y = fmax(high_y, r->compute[i].value);
  // With roofs, the place where the highest two meet is in sight.
  if (r->compute_count && r->memory_count) low_x = fmin(low_x, r->compute[0].value / r->memory[0].value / 4);
  r->x = (log_axis){low_x / 1.6, high_x * 1.6, f->left, f->right};
  r->y = (log_axis){low_y / 1.8, high_y * 1.9, f->bottom, f->top};
  return points;
}

static void draw_axes(cairo_t *c, const roofline *r, const frame *f) {
  for (int e = (int)ceil(log10(r->x.low)); pow(10, e) <= r->x.high; e++) {
    const double v = pow(10, e);
    draw_line(c, place(&r->x, v), f->top, place(&r->x, v), f->bottom, DRAW_LINE, 0.5);
    draw_format(c, place(&r->x, v), f->bottom + 10, DRAW_MIDDLE, DRAW_SOFT, "%g", v);
  }
  for (int e = (int)ceil(log10(r->y.low)); pow(10, e) <= r->y.high; e++) {
    const double v = pow(10, e);
    draw_line(c, f->left, place(&r->y, v), f->right, place(&r->y, v), DRAW_LINE, 0.5);
    draw_format(c, f->left - 5, place(&r->y, v), DRAW_RIGHT, DRAW_SOFT, "%g", v);
  }
  draw_line(c, f->left, f->bottom, f->right, f->bottom, DRAW_GREY, 0.75);
  draw_line(c, f->left, f->top, f->left, f->bottom, DRAW_GREY, 0.75);
  draw_text(c, (f->left + f->right) / 2, f->bottom + 24, DRAW_MIDDLE, DRAW_INK, "FLOP per byte");
  draw_text(c, f->left - 5, f->top - 7, DRAW_LEFT, DRAW_INK, "GFLOP/s");
}

// `below`: the label stands under the line, as the roof before it is near.
static void draw_memory_roof(cairo_t *c, const roofline *r, const roof *m, double highest, bool below) {
  const double begin = fmax(r->x.low, r->y.low / m->value), end = fmin(r->x.high, highest / m->value);
  if (begin >= end) return;
  const double x1 = place(&r->x, begin), y1 = place(&r->y, begin * m->value);
  const double x2 = place(&r->x, end), y2 = place(&r->y, end * m->value);
  cairo_save(c);
  cairo_set_dash(c, (double[]){4, 2.5}, 2, 0);
  draw_line(c, x1, y1, x2, y2, DRAW_INK, 0.9);
  cairo_restore(c);
  if (x2 - x1 < 60) return;
  cairo_save(c);
  cairo_translate(c, x1, y1);
  cairo_rotate(c, atan2(y2 - y1, x2 - x1));
  draw_format(c, 8, below ? 7 : -6, DRAW_LEFT, DRAW_INK, "%s %.3g GB/s", m->name, m->value);
  cairo_restore(c);
}

static void draw_roofs(cairo_t *c, const roofline *r, const frame *f) {
  const double highest = r->compute_count ? r->compute[0].value : r->y.high;
  for (int i = 0; i < r->memory_count; i++)
    draw_memory_roof(c, r, &r->memory[i], highest, i > 0 && r->memory[i - 1].value < 1.6 * r->memory[i].value);
  for (int i = 0; i < r->compute_count; i++) {
    const double value = r->compute[i].value, y = place(&r->y, value);
    const double begin = r->memory_count ? fmax(r->x.low, value / r->memory[0].value) : r->x.low;
    draw_line(c, begin < r->x.high ? place(&r->x, begin) : f->left, y, f->right, y, DRAW_INK, 0.9);
    draw_format(c, f->right - 3, y - 6, DRAW_RIGHT, DRAW_INK, "%s %.0f GFLOP/s", r->compute[i].name, value);
  }
}

static void draw_points(cairo_t *c, const roofline *r) {
  const report_trace *t = r->t;
  double x, y;
  for (int i = 0, drawn = 0; i < t->view->primitive_count && drawn < MARKS; i++) {
    if (!point_of(t, i, &x, &y)) continue;
    const double share = t->times.primitive_ms[i] / t->times.run_ms;
    cairo_new_sub_path(c);
    cairo_arc(c, place(&r->x, x), place(&r->y, y), fmax(2.2, sqrt(share) * 30), 0, 2 * M_PI);
    draw_kind_color(c, report_kind(t, i), 0.55);
    cairo_fill_preserve(c);
    draw_kind_color(c, report_kind(t, i), 1);
    cairo_set_line_width(c, 0.6);
    cairo_stroke(c);
    drawn++;
  }
}

static bool has_points(const report_trace *t, const char *kind) {
  double x, y;
  for (int i = 0; i < t->view->primitive_count; i++)
    if (strcmp(report_kind(t, i), kind) == 0 && point_of(t, i, &x, &y)) return true;
  return false;
}

double chart_roofline(cairo_t *c, const report_trace *t) {
  char subject[128], title[192], conditions[256];
  const char *kinds[24];
  int kind_count = 0;
  roofline r = {.t = t};
  snprintf(title, sizeof title, "%s: roofline", chart_subject(subject, t));
  double y = draw_title(c, title, "%s", chart_conditions(conditions, t));
  for (int i = 0; i < t->kind_count && kind_count < 24; i++)
    if (has_points(t, t->kinds[i].kind)) kinds[kind_count++] = t->kinds[i].kind;
  y += draw_legend(c, y, kinds, kind_count);
  const frame f = {CHART_MARGIN + 34, CHART_WIDTH - CHART_MARGIN, y + 12, y + 312};
  find_roofs(&r);
  if (!set_axes(&r, &f)) {
    draw_text(c, CHART_MARGIN, y, DRAW_LEFT, DRAW_SOFT, "No primitive has FLOPs, bytes and a time.");
    return y + 12;
  }
  draw_axes(c, &r, &f);
  draw_roofs(c, &r, &f);
  draw_points(c, &r);
  draw_text(c, CHART_MARGIN, f.bottom + 42, DRAW_LEFT, DRAW_SOFT,
            r.compute_count ? "A mark is a primitive; its area is its share of the run."
                            : "A mark is a primitive; its area is its share of the run. The machine's peaks are not "
                              "known (minfer env --measure).");
  return f.bottom + 46;
}

// ---- memory

static const char *size_text(char out[32], double bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  while (unit < 4 && bytes >= 1024) bytes /= 1024, unit++;
  snprintf(out, 32, "%.3g %s", bytes, units[unit]);
  return out;
}

// Powers of two, six at most, and the whole.
static void size_axis(cairo_t *c, const frame *f, double slab) {
  char text[32];
  double step = 1;
  while (slab / step > 6) step *= 2;
  for (int i = 0;; i++) {
    const double at = i * step < slab - step / 3 ? i * step : slab, y = f->bottom - at / slab * (f->bottom - f->top);
    draw_line(c, f->left, y, f->right, y, DRAW_LINE, 0.5);
    draw_text(c, f->left - 5, y, DRAW_RIGHT, DRAW_SOFT, at > 0 ? size_text(text, at) : "0");
    if (at >= slab) break;
  }
}

// What writes a buffer; "" for what is there before the run.
static const char *writer_of(const report_trace *t, const minfer_buffer *b) {
  const int first = b->first_primitive;
  return first < 0 || first >= t->view->primitive_count || strcmp(b->name, "input") == 0 ? "" : report_kind(t, first);
}

static bool writes(const report_trace *t, const char *kind) {
  for (int i = 0; i < t->view->buffer_count; i++)
    if (strcmp(writer_of(t, &t->view->buffers[i]), kind) == 0) return true;
  return false;
}

double chart_memory(cairo_t *c, const report_trace *t) {
  const minfer_trace_view *view = t->view;
  char subject[128], title[192], text[2][32];
  const char *kinds[24];
  double slab = 1, steps = 1, together = 0;
  for (int i = 0; i < view->buffer_count; i++) {
    const minfer_buffer *b = &view->buffers[i];
    slab = fmax(slab, (double)b->offset + (double)b->bytes);
    steps = fmax(steps, (double)b->last_primitive + 1);
    together += (double)b->bytes;
  }
  snprintf(title, sizeof title, "%s: activation memory over the steps of a run", chart_subject(subject, t));
  double y = draw_title(c, title, "%d activations share %s; one after the other they would take %s", view->buffer_count,
                        size_text(text[0], view->buffer_count ? slab : 0), size_text(text[1], together));
  if (!view->buffer_count) return y;
  int kind_count = 0;
  for (int i = 0; i < t->kind_count && kind_count < 24; i++)
    if (writes(t, t->kinds[i].kind)) kinds[kind_count++] = t->kinds[i].kind;
  y += draw_legend(c, y, kinds, kind_count);
  const frame f = {CHART_MARGIN + 46, CHART_WIDTH - CHART_MARGIN, y, y + 240};
  size_axis(c, &f, slab);
  const double step = fmax(1, draw_step(steps, 10));
  for (int i = 0; i * step < steps; i++)
    draw_format(c, f.left + (i * step + 0.5) / steps * (f.right - f.left), f.bottom + 10, DRAW_MIDDLE, DRAW_SOFT,
                "%.0f", i * step);
  for (int i = 0; i < view->buffer_count && i < MARKS; i++) {
    const minfer_buffer *b = &view->buffers[i];
    const double left = f.left + b->first_primitive / steps * (f.right - f.left);
    const double right = f.left + (b->last_primitive + 1) / steps * (f.right - f.left);
    const double height = (double)b->bytes / slab * (f.bottom - f.top);
    const double top = f.bottom - (double)b->offset / slab * (f.bottom - f.top) - height;
    draw_kind_color(c, writer_of(t, b), 0.75);
    draw_box(c, left, top, fmax(1, right - left - 0.6), fmax(0.6, height - 0.6));
  }
  draw_line(c, f.left, f.bottom, f.right, f.bottom, DRAW_GREY, 0.75);
  draw_text(c, (f.left + f.right) / 2, f.bottom + 24, DRAW_MIDDLE, DRAW_INK,
            "primitive (step of a run); coloured by what writes, the input grey");
  return f.bottom + 28;
}
