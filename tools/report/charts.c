#include "report/charts.h"
#include "fail.h"
#include "report/chart.h"
#include <cairo/cairo-svg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PNG_SCALE = 3 }; // 216 dots an inch

// What a chart is drawn from: one trace, or all of them.
typedef struct subject {
  double (*one)(cairo_t *c, const report_trace *t);
  double (*all)(cairo_t *c, const report_traces *traces);
  const report_trace *trace;
  const report_traces *traces;
} subject;

static double draw(cairo_t *c, const subject *s) {
  draw_begin(c);
  return (s->one ? s->one(c, s->trace) : s->all(c, s->traces)) + CHART_MARGIN;
}

static cairo_status_t draw_on(cairo_surface_t *surface, const subject *s, double *height) {
  cairo_t *c = cairo_create(surface);
  const double used = draw(c, s);
  const cairo_status_t status = cairo_status(c);
  if (height) *height = used;
  cairo_destroy(c);
  return status;
}

static cairo_status_t put_bytes(void *out, const unsigned char *bytes, unsigned count) {
  return fwrite(bytes, 1, count, out) == count ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

// The height is what drawing on no paper says.
static cairo_status_t measure(const subject *s, double *height) {
  cairo_surface_t *nothing = cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, NULL);
  const cairo_status_t status = draw_on(nothing, s, height);
  cairo_surface_destroy(nothing);
  return status;
}

static cairo_status_t write_svg(FILE *out, const subject *s, double height) {
  cairo_surface_t *surface = cairo_svg_surface_create_for_stream(put_bytes, out, CHART_WIDTH, height);
  cairo_status_t status = draw_on(surface, s, NULL);
  cairo_surface_finish(surface);
  if (!status) status = cairo_surface_status(surface);
  cairo_surface_destroy(surface);
  return status;
}

static cairo_status_t write_png(FILE *out, const subject *s, double height) {
  cairo_surface_t *surface =
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, CHART_WIDTH * PNG_SCALE, (int)(height * PNG_SCALE));
  cairo_surface_set_device_scale(surface, PNG_SCALE, PNG_SCALE);
  cairo_status_t status = draw_on(surface, s, NULL);
  if (!status) status = cairo_surface_write_to_png_stream(surface, put_bytes, out);
  cairo_surface_destroy(surface);
  return status;
}

typedef cairo_status_t (*writer)(FILE *out, const subject *s, double height);

static minfer_status write_file(const char *folder, const char *name, const char *suffix, writer write,
                                const subject *s, minfer_error *error) {
  char *path = NULL, *bytes = NULL;
  size_t count = 0;
  double height = 0;
  FILE *out = open_memstream(&bytes, &count);
  minfer_status status = MINFER_OK;
  if (!out || asprintf(&path, "%s/%s.%s", folder, name, suffix) < 0) {
    path = NULL;
    status = fail_memory(error);
  }
  cairo_status_t drawn = CAIRO_STATUS_SUCCESS;
  if (status == MINFER_OK) drawn = measure(s, &height);
  if (status == MINFER_OK && !drawn) drawn = write(out, s, height);
  if (out && fclose(out) != 0 && !drawn) drawn = CAIRO_STATUS_NO_MEMORY;
  if (status == MINFER_OK && drawn)
    status = fail(error, MINFER_UNSUPPORTED, "%s: cannot be drawn: %s", path, cairo_status_to_string(drawn));
  if (status == MINFER_OK) status = minfer_file_write(path, bytes, count, error);
  free(bytes);
  free(path);
  return status;
}

static minfer_status write_chart(const char *folder, const char *name, const subject *s, minfer_error *error) {
  TRY(write_file(folder, name, "svg", write_svg, s, error));
  return write_file(folder, name, "png", write_png, s, error);
}

minfer_status report_charts_write(const report_traces *traces, const char *folder, minfer_error *error) {
  static const struct {
    const char *name;
    double (*draw)(cairo_t *c, const report_trace *t);
  } charts[] = {{"kinds", chart_kinds},
                {"layers", chart_layers},
                {"roofline", chart_roofline},
                {"startup", chart_startup},
                {"memory", chart_memory}};
  for (size_t t = 0; t < traces->count; t++)
    for (size_t i = 0; i < sizeof charts / sizeof *charts; i++) {
      char name[48];
      if (traces->count > 1)
        snprintf(name, sizeof name, "%s-%zu", charts[i].name, t + 1);
      else
        snprintf(name, sizeof name, "%s", charts[i].name);
      TRY(write_chart(folder, name, &(subject){.one = charts[i].draw, .trace = &traces->items[t]}, error));
    }
  if (traces->count == 2)
    TRY(write_chart(folder, "comparison", &(subject){.all = chart_comparison, .traces = traces}, error));
  return MINFER_OK;
}
