// schema/verbose.json in C.
#include "report.h"
#include "report_log.h"
#include <math.h>
#include <string.h>

static void text_or_null(minfer_json *j, const char *key, const char *text) {
  minfer_json_string(j, key, text[0] ? text : NULL);
}

static void put_origin(minfer_json *j, const log_summary *s) {
  static const char *const lines[] = {"executed", "created",    "dispatched", "info",   "graph",
                                      "message",  "unreadable", "odd",        "dropped"};
  text_or_null(j, "log", log_said(s, "log"));
  text_or_null(j, "onednn", log_said(s, "onednn_version"));
  text_or_null(j, "runtime", log_said(s, "onednn_runtime"));
  text_or_null(j, "isa", log_said(s, "isa"));
  minfer_json_int(j, "threads", log_counted(s, "threads"));
  text_or_null(j, "model", log_said(s, "model"));
  if (log_said(s, "model")[0]) {
    minfer_json_double(j, "width", log_number(s->view->environment, s->view->environment_count, "width_multiplier"));
    minfer_json_object(j, "match");
    minfer_json_int(j, "found", log_counted(s, "layers_found"));
    minfer_json_int(j, "expected", log_counted(s, "layers_expected"));
    text_or_null(j, "note", log_said(s, "match_note"));
    minfer_json_end(j);
  }
  minfer_json_object(j, "lines");
  minfer_json_int(j, "all", log_counted(s, "lines"));
  minfer_json_int(j, "verbose", log_counted(s, "lines_verbose"));
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    char key[48];
    snprintf(key, sizeof key, "lines_%s", lines[i]);
    minfer_json_int(j, lines[i], log_counted(s, key));
  }
  text_or_null(j, "first_unreadable", log_said(s, "first_unreadable"));
  text_or_null(j, "first_message", log_said(s, "first_message"));
  minfer_json_end(j);
  text_or_null(j, "time_axis", log_said(s, "time_axis"));
}

static void put_runs(minfer_json *j, const log_summary *s) {
  minfer_json_object(j, "runs");
  minfer_json_int(j, "count", s->runs);
  minfer_json_bool(j, "repeats", log_counted(s, "repeats") != 0);
  minfer_json_int(j, "primitives", log_counted(s, "primitives_per_run"));
  minfer_json_int(j, "outside", log_counted(s, "executions_outside"));
  minfer_json_int(j, "before", log_counted(s, "executions_before"));
  minfer_json_int(j, "behind", log_counted(s, "executions_behind"));
  minfer_json_bool(j, "folded", log_counted(s, "folded") != 0);
  minfer_json_double(j, "time_ms", s->run_ms);
  minfer_json_double(j, "min_ms", s->run_min_ms);
  minfer_json_double(j, "max_ms", s->run_max_ms);
  minfer_json_double(j, "primitives_ms", s->spans_ms);
  minfer_json_end(j);
}

static double share(const log_summary *s, double ms) {
  return s->run_ms > 0 ? ms / s->run_ms : NAN;
}

static void put_rates(minfer_json *j, double flops, double bytes, double ms) {
  minfer_json_double(j, "gflops", report_log_rate(flops, ms));
  minfer_json_double(j, "gbytes_per_s", report_log_rate(bytes, ms));
}

static void put_kinds(minfer_json *j, const log_summary *s) {
  minfer_json_array(j, "kinds");
  for (int i = 0; i < s->kind_count; i++) {
    const log_group *k = &s->kinds[i];
    minfer_json_object(j, NULL);
    minfer_json_string(j, "kind", k->name);
    minfer_json_int(j, "count", k->count);
    minfer_json_double(j, "time_ms", k->ms);
    minfer_json_double(j, "share", share(s, k->ms));
    put_rates(j, k->flops, k->bytes, k->ms);
    minfer_json_int(j, "log_lines", k->lines);
    minfer_json_double(j, "log_ms", k->log_ms);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_groups(minfer_json *j, const log_summary *s, const char *key, const char *name, const log_group *list,
                       int count) {
  minfer_json_array(j, key);
  for (int i = 0; i < count; i++) {
    minfer_json_object(j, NULL);
    minfer_json_string(j, name, list[i].name);
    if (strcmp(name, "impl") == 0) minfer_json_string(j, "kind", list[i].kind);
    minfer_json_int(j, "count", list[i].count);
    minfer_json_double(j, "time_ms", list[i].ms);
    minfer_json_double(j, "share", share(s, list[i].ms));
    put_rates(j, list[i].flops, list[i].bytes, list[i].ms);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_layers(minfer_json *j, const log_summary *s) {
  minfer_json_array(j, "layers");
  for (int i = 0; i < s->view->layer_count; i++) {
    const minfer_item *layer = &s->view->layers[i];
    minfer_json_object(j, NULL);
    minfer_json_string(j, "name", layer->name);
    minfer_json_string(j, "kind", layer->category);
    minfer_json_array(j, "sources");
    for (int k = 0; k < layer->attribute_count; k++) {
      const minfer_attribute *a = &layer->attributes[k];
      if (strcmp(a->key, "sources") != 0) continue;
      for (int64_t n = 0; n < a->integer; n++) minfer_json_string(j, NULL, a->texts[n]);
    }
    minfer_json_end(j);
    minfer_json_string(j, "stage", item_text(layer, "stage"));
    minfer_json_string(j, "dtype", item_text(layer, "dtype"));
    minfer_json_string(j, "impl", item_text(layer, "implementation"));
    minfer_json_string(j, "input_shape", item_text(layer, "input_shape"));
    minfer_json_string(j, "output_shape", item_text(layer, "output_shape"));
    minfer_json_double(j, "time_ms", s->layer_ms[i]);
    minfer_json_double(j, "share", share(s, s->layer_ms[i]));
    minfer_json_double(j, "gflops", report_log_rate(s->layer_flops[i], s->layer_ms[i]));
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_operand(minfer_json *j, const minfer_item *item, const char *key, const char *format,
                        const char *dtype) {
  minfer_json_object(j, key);
  minfer_json_string(j, "format", item_text(item, format));
  minfer_json_string(j, "dtype", item_text(item, dtype));
  minfer_json_end(j);
}

static void put_primitives(minfer_json *j, const log_summary *s) {
  minfer_json_array(j, "primitives");
  for (int i = 0; i < s->items; i++) {
    const minfer_item *item = &s->view->primitives[i];
    const int layer = s->item_layer[i];
    minfer_json_object(j, NULL);
    text_or_null(j, "layer", layer >= 0 ? s->view->layers[layer].name : "");
    minfer_json_string(j, "kind", item->category);
    minfer_json_string(j, "impl", item_text(item, "implementation"));
    minfer_json_string(j, "prop_kind", item_text(item, "prop_kind"));
    put_operand(j, item, "source", "source_format", "source_dtype");
    put_operand(j, item, "weights", "weights_format", "weights_dtype");
    put_operand(j, item, "bias", "bias_format", "bias_dtype");
    put_operand(j, item, "destination", "destination_format", "destination_dtype");
    minfer_json_string(j, "post_ops", item_text(item, "post_ops"));
    minfer_json_string(j, "attributes", item_text(item, "attributes"));
    minfer_json_string(j, "auxiliary", item_text(item, "auxiliary"));
    minfer_json_string(j, "problem", item_text(item, "problem"));
    minfer_json_int(j, "count", s->item_count[i]);
    minfer_json_double(j, "time_ms", s->item_ms[i]);
    minfer_json_double(j, "flops", item->flops);
    minfer_json_double(j, "bytes", item->bytes);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_reorders(minfer_json *j, const log_summary *s) {
  minfer_json_array(j, "reorders");
  for (int i = 0; i < s->items; i++) {
    const minfer_item *r = &s->view->primitives[i];
    if (!report_log_is_reorder(s, i)) continue;
    minfer_json_object(j, NULL);
    minfer_json_string(j, "from", item_text(r, "from"));
    minfer_json_string(j, "to", item_text(r, "to"));
    minfer_json_string(j, "from_format", item_text(r, "source_format"));
    minfer_json_string(j, "from_dtype", item_text(r, "source_dtype"));
    minfer_json_string(j, "to_format", item_text(r, "destination_format"));
    minfer_json_string(j, "to_dtype", item_text(r, "destination_dtype"));
    minfer_json_string(j, "reason", item_text(r, "reason"));
    minfer_json_double(j, "bytes", r->bytes);
    minfer_json_double(j, "time_ms", s->item_ms[i]);
    minfer_json_double(j, "gbytes_per_s", report_log_rate(r->bytes * s->item_count[i], s->item_ms[i]));
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_creations(minfer_json *j, const log_summary *s) {
  int count;
  minfer_json_array(j, "creations");
  for (int i = 0; i < s->view->phase_count; i++) {
    const minfer_item *c = &s->view->phases[i];
    if (strcmp(c->category, "create") != 0) continue;
    minfer_json_object(j, NULL);
    minfer_json_string(j, "kind", item_text(c, "kind"));
    minfer_json_string(j, "cache", item_text(c, "status"));
    minfer_json_int(j, "count", item_integer(c, "count"));
    minfer_json_double(j, "time_ms", log_number(c->attributes, c->attribute_count, "time_ms"));
    minfer_json_end(j);
  }
  minfer_json_end(j);
  minfer_json_array(j, "dispatch_reasons");
  const char *const *reasons = log_texts(s, "dispatch_reasons", &count);
  for (int i = 0; i < count; i++) minfer_json_string(j, NULL, reasons[i]);
  minfer_json_end(j);
}

bool report_log_json(FILE *out, const log_report *r) {
  const log_summary *s = r->summary;
  minfer_json *j = report_json_open(out, r->options, "minfer.verbose/1");
  if (!j) return false;
  put_origin(j, s);
  put_runs(j, s);
  put_kinds(j, s);
  put_groups(j, s, "stages", "stage", s->stages, s->stage_count);
  put_layers(j, s);
  put_primitives(j, s);
  put_reorders(j, s);
  put_groups(j, s, "implementations", "impl", s->impls, s->impl_count);
  put_creations(j, s);
  minfer_json_close(j);
  return true;
}
