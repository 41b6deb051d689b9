// schema/diff.json in C.
#include "report.h"
#include "report_diff.h"
#include <math.h>

static const char *or_null(const char *text) {
  return text && text[0] ? text : NULL;
}

static void put_side(minfer_json *j, const char *key, const diff_side *s) {
  static const char *const levels[] = {"run", "layer", "primitive", "thread"};
  minfer_json_object(j, key);
  minfer_json_string(j, "path", s->path);
  minfer_json_string(j, "name", s->view->name);
  minfer_json_int(j, "runs", (int64_t)s->times.runs);
  minfer_json_string(j, "level", levels[s->level]);
  minfer_json_int(j, "primitives", s->plan.plan.primitive_count);
  minfer_json_end(j);
}

static void put_settings(minfer_json *j, const trace_diff *d) {
  minfer_json_array(j, "settings");
  for (size_t i = 0; i < d->setting_count; i++) {
    const diff_setting *s = &d->settings[i];
    minfer_json_object(j, NULL);
    minfer_json_string(j, "setting", s->key);
    minfer_json_string(j, "a", or_null(s->a));
    minfer_json_string(j, "b", or_null(s->b));
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_time(minfer_json *j, const diff_time *t) { // keys of an open object
  minfer_json_double(j, "a_ms", t->ms[0]);
  minfer_json_double(j, "b_ms", t->ms[1]);
  minfer_json_double(j, "speedup", diff_speedup(t));
  minfer_json_double(j, "p", t->p);
  minfer_json_string(j, "verdict", diff_verdict_name(t->verdict));
}

static void put_total(minfer_json *j, const char *key, const diff_time *t) {
  minfer_json_object(j, key);
  put_time(j, t);
  minfer_json_end(j);
}

static void put_gate(minfer_json *j, const diff_report *r) {
  if (isnan(r->limit)) {
    minfer_json_string(j, "gate", NULL);
    return;
  }
  minfer_json_object(j, "gate");
  minfer_json_double(j, "max_regression_pct", r->limit);
  minfer_json_double(j, "regression_pct", diff_percent(&r->diff->run));
  minfer_json_bool(j, "passed", diff_gate_passed(r));
  minfer_json_end(j);
}

static void put_names(minfer_json *j, const char *key, const diff_report *r, const layer_group *g, int which) {
  minfer_json_array(j, key);
  for (int i = 0; i < g->counts[which]; i++)
    minfer_json_string(j, NULL, r->diff->sides[which].plan.plan.layers[g->layers[which][i]].name);
  minfer_json_end(j);
}

static void put_sources(minfer_json *j, const diff_report *r, const layer_group *g) {
  const int which = g->counts[0] ? 0 : 1;
  minfer_json_array(j, "sources");
  for (int i = 0; i < g->counts[which]; i++) {
    const minfer_layer *layer = &r->diff->sides[which].plan.plan.layers[g->layers[which][i]];
    for (int k = 0; k < layer->source_count; k++) minfer_json_string(j, NULL, layer->sources[k]);
  }
  minfer_json_end(j);
}

static void put_changes(minfer_json *j, const diff_row *row) {
  minfer_json_array(j, "changes");
  for (int i = 0; i < row->change_count; i++) {
    const diff_change *c = &row->changes[i];
    minfer_json_object(j, NULL);
    minfer_json_string(j, "what", c->what);
    minfer_json_string(j, "a", or_null(c->a));
    minfer_json_string(j, "b", or_null(c->b));
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_layer(minfer_json *j, const diff_report *r, const diff_row *row) {
  minfer_json_object(j, NULL);
  put_sources(j, r, row->group);
  put_names(j, "a_layers", r, row->group, 0);
  put_names(j, "b_layers", r, row->group, 1);
  put_time(j, &row->own);
  minfer_json_int(j, "a_reorders", row->reorder_counts[0]);
  minfer_json_int(j, "b_reorders", row->reorder_counts[1]);
  minfer_json_double(j, "a_reorder_ms", row->reorders.ms[0]);
  minfer_json_double(j, "b_reorder_ms", row->reorders.ms[1]);
  put_changes(j, row);
  minfer_json_string(j, "why", or_null(row->why.text));
  minfer_json_string(j, "why_rule", or_null(row->why.rule));
  minfer_json_end(j);
}

bool report_diff_json(FILE *out, const diff_report *r) {
  const trace_diff *d = r->diff;
  const diff_side *a = &d->sides[0];
  minfer_json *j = report_json_open(out, r->options, "minfer.diff/1");
  if (!j) return false;
  minfer_json_string(j, "model", or_null(trace_text(a->view->environment, a->view->environment_count, "model")));
  minfer_json_int(j, "batch", a->plan.plan.batch);
  put_side(j, "a", a);
  put_side(j, "b", &d->sides[1]);
  put_settings(j, d);
  put_total(j, "run", &d->run);
  put_gate(j, r);
  put_total(j, "reorders", &d->reorders);
  put_total(j, "gaps", &d->gaps);
  minfer_json_array(j, "layers");
  for (size_t i = 0; i < d->groups.count; i++) put_layer(j, r, &d->rows[i]);
  minfer_json_end(j);
  minfer_json_close(j);
  return true;
}
