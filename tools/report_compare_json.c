// schema/compare.json in C.
#include "report_compare.h"
#include <math.h>

static void put_side(minfer_json *j, const char *key, const compare_report *r, int which) {
  const run_report run = report_compare_side(r, which);
  minfer_json_object(j, key);
  report_json_head(j, "minfer.run/1");
  report_json_run(j, &run);
  minfer_json_end(j);
}

static void put_speedup(minfer_json *j, const duel *d) {
  minfer_json_object(j, "speedup");
  minfer_json_double(j, "median", d->summary.p50);
  report_json_interval(j, d->summary.low, d->summary.high);
  minfer_json_int(j, "rounds", (int64_t)d->rounds);
  minfer_json_end(j);
}

// Infinity is no JSON: equal numbers have no SQNR but are said to be equal.
static void put_sqnr(minfer_json *j, double sqnr) {
  minfer_json_double(j, "sqnr_db", sqnr);
  if (isnan(sqnr))
    minfer_json_string(j, "equal", NULL);
  else
    minfer_json_bool(j, "equal", isinf(sqnr) && sqnr > 0);
}

static void put_answers(minfer_json *j, const compare_report *r) {
  const comparison *c = r->comparison;
  const int inputs = r->sides[0]->answers.inputs;
  minfer_json_object(j, "answers");
  minfer_json_int(j, "inputs", inputs);
  minfer_json_bool(j, "generated", r->generated);
  minfer_json_int(j, "same_top1", c->same_top1);
  minfer_json_double(j, "agreement", (double)c->same_top1 / inputs);
  put_sqnr(j, c->logits_sqnr);
  minfer_json_end(j);
}

static void put_sources(minfer_json *j, const compare_report *r, const layer_group *g) {
  const int which = g->counts[0] ? 0 : 1;
  minfer_json_array(j, "sources");
  for (int i = 0; i < g->counts[which]; i++) {
    const minfer_layer *layer = &r->sides[which]->plan->layers[g->layers[which][i]];
    for (int k = 0; k < layer->source_count; k++) minfer_json_string(j, NULL, layer->sources[k]);
  }
  minfer_json_end(j);
}

static void put_names(minfer_json *j, const char *key, const compare_report *r, const layer_group *g, int which) {
  minfer_json_array(j, key);
  for (int i = 0; i < g->counts[which]; i++)
    minfer_json_string(j, NULL, r->sides[which]->plan->layers[g->layers[which][i]].name);
  minfer_json_end(j);
}

static void put_layer(minfer_json *j, const compare_report *r, const layer_row *row) {
  const layer_group *g = row->group;
  const minfer_layer *a = report_group_main(g, 0, r->sides[0]->plan), *b = report_group_main(g, 1, r->sides[1]->plan);
  minfer_json_object(j, NULL);
  put_sources(j, r, g);
  put_names(j, "a_layers", r, g, 0);
  put_names(j, "b_layers", r, g, 1);
  minfer_json_double(j, "a_ms", row->ms[0]);
  minfer_json_double(j, "b_ms", row->ms[1]);
  minfer_json_double(j, "a_reorder_ms", row->reorder_ms[0]);
  minfer_json_double(j, "b_reorder_ms", row->reorder_ms[1]);
  minfer_json_double(j, "a_bytes", report_group_bytes(g, 0, r->sides[0]->plan));
  minfer_json_double(j, "b_bytes", report_group_bytes(g, 1, r->sides[1]->plan));
  minfer_json_double(j, "speedup", row->speedup);
  report_json_interval(j, row->low, row->high);
  put_sqnr(j, row->sqnr_db);
  minfer_json_string(j, "a_dtype", a ? a->dtype : NULL);
  minfer_json_string(j, "b_dtype", b ? b->dtype : NULL);
  minfer_json_string(j, "a_impl", a ? a->impl : NULL);
  minfer_json_string(j, "b_impl", b ? b->impl : NULL);
  minfer_json_string(j, "why", row->slower ? row->why.text : NULL);
  minfer_json_string(j, "why_rule", row->slower ? row->why.rule : NULL);
  minfer_json_end(j);
}

bool report_compare_json(FILE *out, const compare_report *r) {
  const comparison *c = r->comparison;
  minfer_json *j = report_json_open(out, r->options, "minfer.compare/1");
  if (!j) return false;
  minfer_json_string(j, "vs", r->versus);
  minfer_json_bool(j, "one_process", !r->sides[0]->process);
  minfer_json_bool(j, "interrupted", r->duel->interrupted);
  put_speedup(j, r->duel);
  put_answers(j, r);
  minfer_json_int(j, "layers_sqnr_inputs", c->observed);
  minfer_json_array(j, "layers");
  for (size_t i = 0; i < c->groups.count; i++) put_layer(j, r, &c->rows[i]);
  minfer_json_end(j);
  report_whatif_json(j, r);
  put_side(j, "a", r, 0);
  put_side(j, "b", r, 1);
  minfer_json_close(j);
  return true;
}
