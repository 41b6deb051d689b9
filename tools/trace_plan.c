#include "trace_plan.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const minfer_attribute *find(const minfer_attribute *attributes, int count, const char *key) {
  for (int i = 0; i < count; i++)
    if (strcmp(attributes[i].key, key) == 0) return &attributes[i];
  return NULL;
}

const char *trace_text(const minfer_attribute *attributes, int count, const char *key) {
  const minfer_attribute *a = find(attributes, count, key);
  return a && a->type == MINFER_ATTRIBUTE_TEXT && a->text ? a->text : "";
}

double trace_number(const minfer_attribute *attributes, int count, const char *key) {
  const minfer_attribute *a = find(attributes, count, key);
  if (a && a->type == MINFER_ATTRIBUTE_INT) return (double)a->integer;
  return a && a->type == MINFER_ATTRIBUTE_DOUBLE ? a->number : NAN;
}

static const char *text_of(const minfer_item *item, const char *key) {
  return trace_text(item->attributes, item->attribute_count, key);
}

static size_t bytes_of(const minfer_item *item, const char *key) {
  const double value = trace_number(item->attributes, item->attribute_count, key);
  return value >= 0 && value < 0x1p53 ? (size_t)value : 0;
}

static minfer_argument argument_of(const minfer_item *item, const char *format, const char *dtype) {
  return (minfer_argument){text_of(item, format), text_of(item, dtype)};
}

static minfer_primitive primitive_of(const minfer_item *item) {
  return (minfer_primitive){.kind = item->category,
                            .name = item->name,
                            .layer = -1,
                            .impl = text_of(item, "implementation"),
                            .problem = text_of(item, "problem"),
                            .source = argument_of(item, "source_format", "source_dtype"),
                            .weights = argument_of(item, "weights_format", "weights_dtype"),
                            .bias = argument_of(item, "bias_format", "bias_dtype"),
                            .destination = argument_of(item, "destination_format", "destination_dtype"),
                            .scratchpad_bytes = bytes_of(item, "scratchpad_bytes"),
                            .bytes_read = bytes_of(item, "bytes_read"),
                            .bytes_written = bytes_of(item, "bytes_written"),
                            .post_ops = text_of(item, "post_ops"),
                            .flops = item->flops,
                            .from = text_of(item, "from"),
                            .to = text_of(item, "to"),
                            .reason = text_of(item, "reason")};
}

static minfer_layer layer_of(const minfer_item *item) {
  minfer_layer l = {.name = item->name,
                    .kind = text_of(item, "kind"),
                    .stage = text_of(item, "stage"),
                    .dtype = text_of(item, "dtype"),
                    .impl = text_of(item, "implementation")};
  snprintf(l.input_shape, sizeof l.input_shape, "%s", text_of(item, "input_shape"));
  snprintf(l.output_shape, sizeof l.output_shape, "%s", text_of(item, "output_shape"));
  const minfer_attribute *sources = find(item->attributes, item->attribute_count, "sources");
  if (sources && sources->type == MINFER_ATTRIBUTE_TEXTS) {
    l.sources = sources->texts;
    l.source_count = (int)sources->integer;
  }
  return l;
}

// Which layer a primitive belongs to is said by its span's parent. Layers do not overlap, so only the last one that
// began can be it.
static void place_primitives(const minfer_trace_view *view, minfer_primitive *primitives) {
  const minfer_span *layer = NULL;
  for (size_t i = 0; i < view->span_count; i++) {
    const minfer_span *s = &view->spans[i];
    if (s->kind == MINFER_SPAN_LAYER) layer = s;
    if (s->kind == MINFER_SPAN_PRIMITIVE && layer && s->parent == layer->id) primitives[s->index].layer = layer->index;
  }
}

static void place_layers(minfer_layer *layers, const minfer_primitive *primitives, int count) {
  for (int i = 0; i < count; i++) {
    if (primitives[i].layer < 0) continue;
    minfer_layer *l = &layers[primitives[i].layer];
    if (!l->primitive_count) l->first_primitive = i;
    l->primitive_count = i - l->first_primitive + 1;
    l->flops += primitives[i].flops;
  }
}

// 0 where the trace does not say.
static size_t of_environment(const minfer_trace_view *view, const char *key) {
  const double value = trace_number(view->environment, view->environment_count, key);
  return value >= 0 && value < 0x1p53 ? (size_t)value : 0;
}

static int int_of_environment(const minfer_trace_view *view, const char *key) {
  const size_t value = of_environment(view, key);
  return value <= INT_MAX ? (int)value : 0;
}

bool trace_plan_make(const minfer_trace_view *view, trace_plan *out) {
  minfer_primitive *primitives = calloc((size_t)view->primitive_count + 1, sizeof *primitives);
  minfer_layer *layers = calloc((size_t)view->layer_count + 1, sizeof *layers);
  *out = (trace_plan){.primitives = primitives, .layers = layers};
  if (!primitives || !layers) return false;
  for (int i = 0; i < view->primitive_count; i++) primitives[i] = primitive_of(&view->primitives[i]);
  for (int i = 0; i < view->layer_count; i++) layers[i] = layer_of(&view->layers[i]);
  place_primitives(view, primitives);
  place_layers(layers, primitives, view->primitive_count);
  const int batch = int_of_environment(view, "batch"), chunk = int_of_environment(view, "chunk");
  out->plan = (minfer_plan){.batch = batch,
                            .threads = int_of_environment(view, "threads"),
                            .chunks = chunk && batch > chunk ? batch / chunk : 1, // said where it is not the batch
                            .isa = trace_text(view->environment, view->environment_count, "isa"),
                            .activation_bytes = of_environment(view, "activation_bytes"),
                            .activation_bound_bytes = of_environment(view, "activation_bound_bytes"),
                            .weight_bytes = of_environment(view, "weight_bytes"),
                            .scratchpad_bytes = of_environment(view, "scratchpad_bytes"),
                            .primitives = primitives,
                            .primitive_count = view->primitive_count,
                            .layers = layers,
                            .layer_count = view->layer_count};
  return true;
}

void trace_plan_free(trace_plan *p) {
  free(p->primitives);
  free(p->layers);
  *p = (trace_plan){0};
}
