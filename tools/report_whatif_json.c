// Keys of schema/compare.json: the sides as each other's counterfactual.
#include "report_compare.h"
#include <math.h>

void report_json_interval(minfer_json *j, double low, double high) {
  if (isnan(low)) {
    minfer_json_string(j, "ci95", NULL);
    return;
  }
  minfer_json_array(j, "ci95");
  minfer_json_double(j, NULL, low);
  minfer_json_double(j, NULL, high);
  minfer_json_end(j);
}

static void json_saved(minfer_json *j, const contrast *c) {
  minfer_json_double(j, "saved_ms", c->saved);
  report_json_interval(j, c->low, c->high);
}

static void json_parts(minfer_json *j, const whatif *w) {
  minfer_json_array(j, "parts");
  for (int i = 0; i < WHATIF_PARTS; i++) {
    minfer_json_object(j, NULL);
    minfer_json_string(j, "part", whatif_part_name((whatif_part)i));
    minfer_json_double(j, "a_ms", w->parts[i].ms[0]);
    minfer_json_double(j, "b_ms", w->parts[i].ms[1]);
    json_saved(j, &w->parts[i]);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void json_reorders(minfer_json *j, const compare_report *r) {
  minfer_json_array(j, "reorders");
  for (size_t i = 0; i < r->whatif->reorder_count; i++) {
    const reorder_cost *c = &r->whatif->reorders[i];
    const minfer_primitive *reorder = &r->sides[c->side]->plan->primitives[c->primitive];
    minfer_json_object(j, NULL);
    minfer_json_string(j, "side", c->side ? "b" : "a");
    report_json_reorder(j, reorder);
    minfer_json_double(j, "time_ms", c->ms);
    minfer_json_double(
        j, "gbytes_per_s",
        report_rate(r->sides[c->side]->plan, (double)(reorder->bytes_read + reorder->bytes_written), c->ms));
    minfer_json_double(j, "edge_ms", c->edge.ms[0]);
    minfer_json_double(j, "other_edge_ms", c->edge.ms[1]);
    json_saved(j, &c->edge);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void json_chain(minfer_json *j, const compare_report *r, const fused_layer *f) {
  const side *s = r->sides[!f->side];
  minfer_json_array(j, "chain");
  for (int i = 0; i < f->group->counts[!f->side]; i++) {
    const int layer = f->group->layers[!f->side][i];
    minfer_json_object(j, NULL);
    minfer_json_string(j, "name", s->plan->layers[layer].name);
    minfer_json_string(j, "kind", s->plan->layers[layer].kind);
    minfer_json_double(j, "time_ms", s->times.layer_ms[layer]);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void json_gain(minfer_json *j, const contrast *c, double saved_bytes) {
  minfer_json_double(j, "fused_ms", c->ms[1]);
  minfer_json_double(j, "chain_ms", c->ms[0]);
  json_saved(j, c);
  minfer_json_double(j, "saved_bytes", saved_bytes);
}

static void json_fusion(minfer_json *j, const compare_report *r) {
  const whatif *w = r->whatif;
  minfer_json_object(j, "fusion");
  json_gain(j, &w->fusion, w->saved_bytes);
  minfer_json_array(j, "layers");
  for (size_t i = 0; i < w->fused_count; i++) {
    const fused_layer *f = &w->fused[i];
    minfer_json_object(j, NULL);
    minfer_json_string(j, "side", f->side ? "b" : "a");
    minfer_json_array(j, "fused");
    for (int k = 0; k < f->group->counts[f->side]; k++)
      minfer_json_string(j, NULL, r->sides[f->side]->plan->layers[f->group->layers[f->side][k]].name);
    minfer_json_end(j);
    json_gain(j, &f->time, f->saved_bytes);
    json_chain(j, r, f);
    minfer_json_end(j);
  }
  minfer_json_end(j);
  minfer_json_end(j);
}

void report_whatif_json(minfer_json *j, const compare_report *r) {
  json_parts(j, r->whatif);
  json_reorders(j, r);
  json_fusion(j, r);
}
