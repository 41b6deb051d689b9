#include "report/draw.h"
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// The light colours of page.css.
typedef struct kind_color {
  const char *kind;
  unsigned rgb;
} kind_color;
static const kind_color kind_colors[] = {{"fused convolution", 0x0a5fa5},
                                         {"convolution", 0x4f98cd},
                                         {"deconvolution", 0x4f98cd},
                                         {"reorder", 0xc8450a},
                                         {"pooling", 0x00795a},
                                         {"inner_product", 0xa5407d},
                                         {"matmul", 0xa5407d},
                                         {"eltwise", 0x846900},
                                         {"binary", 0x5f4bb6},
                                         {"sum", 0x5f4bb6},
                                         {"concat", 0x5f4bb6},
                                         {"batch_normalization", 0x7d5330},
                                         {"lrn", 0x7d5330},
                                         {"layer_normalization", 0x7d5330},
                                         {"gap", 0xc3c9cf}};
enum { OTHER_KIND = 0x6a7077 };
static const unsigned inks[] = {[DRAW_INK] = 0x16191d,
                                [DRAW_SOFT] = 0x535b64,
                                [DRAW_LINE] = 0xd8dde3,
                                [DRAW_GREY] = 0x8b949e,
                                [DRAW_BLUE] = 0x0a5fa5};

static void set_rgb(cairo_t *c, unsigned rgb, double opacity) {
  cairo_set_source_rgba(c, (rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0, opacity);
}

void draw_begin(cairo_t *c) {
  cairo_set_source_rgb(c, 1, 1, 1);
  cairo_paint(c);
  cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(c, 9);
  // Text as wide on every surface, so that what is measured fits.
  cairo_font_options_t *options = cairo_font_options_create();
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_set_font_options(c, options);
  cairo_font_options_destroy(options);
}

void draw_kind_color(cairo_t *c, const char *kind, double opacity) {
  unsigned rgb = OTHER_KIND;
  for (size_t i = 0; i < sizeof kind_colors / sizeof *kind_colors; i++)
    if (strcmp(kind_colors[i].kind, kind) == 0) rgb = kind_colors[i].rgb;
  set_rgb(c, rgb, opacity);
}

void draw_color(cairo_t *c, draw_ink ink) {
  set_rgb(c, inks[ink], 1);
}

double draw_text_width(cairo_t *c, const char *text) {
  cairo_text_extents_t size;
  cairo_text_extents(c, text, &size);
  return size.x_advance;
}

void draw_text(cairo_t *c, double x, double y, draw_align align, draw_ink ink, const char *text) {
  cairo_font_extents_t font;
  cairo_font_extents(c, &font);
  if (align != DRAW_LEFT) x -= draw_text_width(c, text) * (align == DRAW_RIGHT ? 1 : 0.5);
  draw_color(c, ink);
  cairo_move_to(c, x, y + (font.ascent - font.descent) / 2);
  cairo_show_text(c, text);
}

void draw_format(cairo_t *c, double x, double y, draw_align align, draw_ink ink, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  draw_text(c, x, y, align, ink, text);
}

// The nearest place at or before `at` where a character begins.
static size_t boundary(const char *text, size_t at) {
  while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80) at--;
  return at;
}

void draw_name(cairo_t *c, double x, double y, double width, draw_ink ink, const char *text) {
  char cut[256];
  size_t length = strlen(text), kept = length < sizeof cut / 2 ? length : sizeof cut / 2;
  if (kept == length && draw_text_width(c, text) <= width) {
    draw_text(c, x, y, DRAW_LEFT, ink, text);
    return;
  }
  do {
    kept -= kept > 1;
    const size_t head = boundary(text, kept / 2), tail = boundary(text, length - kept / 2);
    snprintf(cut, sizeof cut, "%.*s\u2026%s", (int)head, text, text + tail);
  } while (kept > 2 && draw_text_width(c, cut) > width);
  draw_text(c, x, y, DRAW_LEFT, ink, cut);
}

double draw_title(cairo_t *c, const char *title, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
  cairo_set_font_size(c, 12);
  draw_name(c, CHART_MARGIN, 18, CHART_WIDTH - 2 * CHART_MARGIN, DRAW_INK, title);
  cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(c, 9);
  draw_name(c, CHART_MARGIN, 34, CHART_WIDTH - 2 * CHART_MARGIN, DRAW_SOFT, text);
  return 52;
}

void draw_box(cairo_t *c, double x, double y, double width, double height) {
  cairo_rectangle(c, x, y, width, height);
  cairo_fill(c);
}

void draw_line(cairo_t *c, double x1, double y1, double x2, double y2, draw_ink ink, double width) {
  draw_color(c, ink);
  cairo_set_line_width(c, width);
  cairo_move_to(c, x1, y1);
  cairo_line_to(c, x2, y2);
  cairo_stroke(c);
}

double draw_legend(cairo_t *c, double y, const char *const *kinds, int count) {
  double x = CHART_MARGIN, begin = y;
  for (int i = 0; i < count; i++) {
    const double width = 13 + draw_text_width(c, kinds[i]);
    if (x > CHART_MARGIN && x + width > CHART_WIDTH - CHART_MARGIN) {
      x = CHART_MARGIN;
      y += 13;
    }
    draw_kind_color(c, kinds[i], 1);
    draw_box(c, x, y - 4, 8, 8);
    draw_name(c, x + 12, y, CHART_WIDTH - CHART_MARGIN - x - 12, DRAW_SOFT, kinds[i]);
    x += width + 14;
  }
  return count ? y + 14 - begin : 0;
}

static const char *put_time(char out[32], double ms, bool tick) {
  static const char *const units[] = {"ns", "\u00b5s", "ms", "s"};
  int unit = 2;
  double value = ms;
  while (unit < 3 && fabs(value) >= 1e3) value /= 1e3, unit++;
  while (unit > 0 && value != 0 && fabs(value) < 1) value *= 1e3, unit--;
  const int places = fabs(value) >= 100 || value == 0 ? 0 : fabs(value) >= 10 ? 1 : 2;
  if (isnan(ms))
    snprintf(out, 32, "\u2013");
  else if (tick)
    snprintf(out, 32, "%.4g %s", value, units[unit]);
  else
    snprintf(out, 32, "%.*f %s", places, value, units[unit]);
  return out;
}

const char *draw_time(char out[32], double ms) {
  return put_time(out, ms, false);
}

const char *draw_tick(char out[32], double ms) {
  return put_time(out, ms, true);
}

double draw_step(double range, int parts) {
  const double rough = range / parts;
  if (!(rough > 0)) return 1;
  const double power = pow(10, floor(log10(rough)));
  static const double factors[] = {1, 2, 5};
  for (int i = 0; i < 3; i++)
    if (factors[i] * power >= rough * (1 - 1e-9)) return factors[i] * power;
  return 10 * power;
}
