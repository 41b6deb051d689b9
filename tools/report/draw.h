// What charts are drawn with, on top of cairo: points (1/72 inch) from the top left, one typeface, few weights.
#ifndef TOOLS_REPORT_DRAW_H
#define TOOLS_REPORT_DRAW_H

#include <cairo/cairo.h>
#include <stddef.h>

enum { CHART_WIDTH = 620, CHART_MARGIN = 12 };

typedef enum draw_align { DRAW_LEFT, DRAW_MIDDLE, DRAW_RIGHT } draw_align;
typedef enum draw_ink { DRAW_INK, DRAW_SOFT, DRAW_LINE, DRAW_GREY, DRAW_BLUE } draw_ink;

void draw_begin(cairo_t *c); // white paper, the typeface
// The kind's colour, as on the page; `opacity` 0 to 1.
void draw_kind_color(cairo_t *c, const char *kind, double opacity);
void draw_color(cairo_t *c, draw_ink ink);

double draw_text_width(cairo_t *c, const char *text);
// `y` is the middle of the line.
void draw_text(cairo_t *c, double x, double y, draw_align align, draw_ink ink, const char *text);
void draw_format(cairo_t *c, double x, double y, draw_align align, draw_ink ink, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
// Cut at the width, in the middle, where a name does not fit.
void draw_name(cairo_t *c, double x, double y, double width, draw_ink ink, const char *text);
double draw_title(cairo_t *c, const char *title, const char *format, ...)
    __attribute__((format(printf, 3, 4))); // a title and a line below it; where the chart may begin
void draw_box(cairo_t *c, double x, double y, double width, double height); // filled, with the current colour
void draw_line(cairo_t *c, double x1, double y1, double x2, double y2, draw_ink ink, double width);
// Swatches and names in rows; the height that they take.
double draw_legend(cairo_t *c, double y, const char *const *kinds, int count);

// "7.92 ms", three digits; on an axis "5 ms".
const char *draw_time(char out[32], double ms);
const char *draw_tick(char out[32], double ms);
// A round step, 1, 2 or 5 times a power of ten, that divides `range` into `parts` or fewer.
double draw_step(double range, int parts);

#endif
