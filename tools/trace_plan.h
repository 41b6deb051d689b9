// A trace's layers and primitives as a plan, so that what reads plans (breakdown, match) reads traces too.
#ifndef TOOLS_TRACE_PLAN_H
#define TOOLS_TRACE_PLAN_H

#include <minfer.h>

typedef struct trace_plan {
  minfer_plan plan; // layers, primitives and what the environment says of both; texts belong to the trace
  minfer_primitive *primitives;
  minfer_layer *layers;
} trace_plan;

bool trace_plan_make(const minfer_trace_view *view, trace_plan *out); // false: no memory. Free with trace_plan_free
void trace_plan_free(trace_plan *p);

// An attribute by its key; "" or NAN where there is none of this key and type.
const char *trace_text(const minfer_attribute *attributes, int count, const char *key);
double trace_number(const minfer_attribute *attributes, int count, const char *key);

#endif
