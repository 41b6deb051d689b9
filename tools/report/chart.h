// The charts. Each draws itself on any cairo surface and returns the height it needs; it is drawn once to learn that.
#ifndef TOOLS_REPORT_CHART_H
#define TOOLS_REPORT_CHART_H

#include "report/draw.h"
#include "report/traces.h"

double chart_kinds(cairo_t *c, const report_trace *t);
double chart_layers(cairo_t *c, const report_trace *t); // in the order of the run
double chart_startup(cairo_t *c, const report_trace *t);
double chart_roofline(cairo_t *c, const report_trace *t);
double chart_memory(cairo_t *c, const report_trace *t);
double chart_comparison(cairo_t *c, const report_traces *traces); // layers of all traces, bar beside bar

// "resnet50 int8", or the trace's own name.
const char *chart_subject(char out[128], const report_trace *t);
// "median of 5 traced runs, batch 1, 2 threads, avx512_core_vnni, AMD EPYC"
const char *chart_conditions(char out[256], const report_trace *t);
int chart_kind_list(const report_trace *t, const char **out, int limit); // the trace's kinds, longest first; how many
const char *chart_main_kind(const report_trace *t, int layer);           // of its primitive with the most FLOPs

#endif
