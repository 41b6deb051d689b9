// minfer models: the networks, and their weights or how to get them.
#include "report.h"

typedef struct models_report {
  const options *options;
  const console *console;
} models_report;

// The multipliers that published weights have. Networks without one have the first.
static const double multipliers[] = {1, 0.75, 0.5, 0.25};

static size_t multiplier_count(const minfer_network *n) {
  return n->has_multiplier ? sizeof multipliers / sizeof *multipliers : 1;
}

static bool find_weights(const minfer_network *n, double multiplier, char *path, size_t size) {
  return minfer_weights_find(n->name, multiplier == 1 ? 0 : multiplier, path, size);
}

static bool put_json(FILE *out, const models_report *r) {
  minfer_json *j = report_json_open(out, r->options, "minfer.models/1");
  if (!j) return false;
  minfer_json_array(j, "models");
  for (int i = 0; i < minfer_network_count(); i++) {
    const minfer_network n = *minfer_network_at(i);
    minfer_json_object(j, NULL);
    minfer_json_string(j, "name", n.name);
    minfer_json_string(j, "summary", n.summary);
    minfer_json_int(j, "input_height", n.height);
    minfer_json_int(j, "input_width", n.width);
    minfer_json_bool(j, "has_width", n.has_multiplier);
    minfer_json_string(j, "weights_hint", n.weights_hint);
    minfer_json_array(j, "weights");
    for (size_t w = 0; w < multiplier_count(&n); w++) {
      char path[4096];
      if (!find_weights(&n, multipliers[w], path, sizeof path)) continue;
      minfer_json_object(j, NULL);
      minfer_json_double(j, "width", multipliers[w]);
      minfer_json_string(j, "path", path);
      minfer_json_end(j);
    }
    minfer_json_end(j);
    minfer_json_end(j);
  }
  minfer_json_close(j);
  return true;
}

// A row for the network, and one more for each other width that has weights.
static void put_rows(table *t, const minfer_network *n) {
  for (size_t w = 0; w < multiplier_count(n); w++) {
    char path[4096];
    bool found = find_weights(n, multipliers[w], path, sizeof path);
    if (w > 0 && !found) continue;
    if (w == 0)
      table_cell(t, "%s", n->name);
    else
      table_cell(t, "%s --width %g", n->name, multipliers[w]);
    table_cell(t, "%dx%d", n->height, n->width);
    table_cell(t, "%s", n->summary);
    table_cell(t, "%s", found ? "found" : "synthetic");
    table_cell(t, "%s", found ? path : n->weights_hint);
  }
}

static bool report_models(FILE *out, const void *report) {
  const models_report *r = report;
  if (report_is_json(r->options)) return put_json(out, r);
  table t = {0};
  table_column(&t, "model", TABLE_LEFT);
  table_column(&t, "input", TABLE_LEFT);
  table_column(&t, "summary", TABLE_ELASTIC);
  table_column(&t, "weights", TABLE_LEFT);
  table_column(&t, "path, or how to get them", TABLE_LEFT);
  for (int i = 0; i < minfer_network_count(); i++) {
    const minfer_network n = *minfer_network_at(i);
    put_rows(&t, &n);
  }
  return report_table(out, r->console, r->options, &t);
}

minfer_status cmd_models(const options *o, console *c, minfer_error *error) {
  return console_emit(c, o->out, report_models, &(models_report){o, c}, error);
}
