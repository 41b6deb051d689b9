// The parts of a comparison that show each side as the other's counterfactual: reorders, and fused layers.
#include "report_compare.h"
#include <math.h>
#include <string.h>

static void interval_cell(table *t, const contrast *c) {
  if (isnan(c->low))
    table_cell(t, "-");
  else
    table_cell(t, "%.3f to %.3f", c->low, c->high);
}

static size_t shown_of(const compare_report *r, size_t count) {
  return (size_t)r->options->top < count ? (size_t)r->options->top : count;
}

// ---- reorders

// In a run.
static double moved_bytes(const minfer_plan *plan, const minfer_primitive *p) {
  return plan->chunks * ((double)p->bytes_read + (double)p->bytes_written);
}

// "nhwc to nChw16c", "f32 nhwc to u8 nhwc".
static void formats_cell(table *t, const minfer_primitive *p) {
  const minfer_argument *from = &p->source, *to = &p->destination;
  if (strcmp(from->dtype, to->dtype) == 0)
    table_cell(t, "%s to %s", from->format, to->format);
  else
    table_cell(t, "%s %s to %s %s", from->dtype, from->format, to->dtype, to->format);
}

static void reorder_columns(table *t) {
  table_column(t, "in", TABLE_LEFT);
  table_column(t, "edge", TABLE_ELASTIC);
  table_column(t, "formats", TABLE_LEFT);
  table_column(t, "MB", TABLE_RIGHT);
  table_column(t, "ms", TABLE_RIGHT);
  table_column(t, "GB/s", TABLE_RIGHT);
  table_column(t, "edge ms", TABLE_RIGHT);
  table_column(t, "other side", TABLE_RIGHT);
  table_column(t, "costs ms", TABLE_RIGHT);
  table_column(t, "95 % interval", TABLE_RIGHT);
  table_column(t, "reason", TABLE_ELASTIC);
}

static void put_reorder_list(page *p, const compare_report *r) {
  const whatif *w = r->whatif;
  const size_t shown = shown_of(r, w->reorder_count);
  table t = {0};
  reorder_columns(&t);
  for (size_t i = 0; i < shown; i++) {
    const reorder_cost *c = &w->reorders[i];
    const minfer_plan *plan = r->sides[c->side]->plan;
    const minfer_primitive *reorder = &plan->primitives[c->primitive];
    table_cell(&t, "%c", "ab"[c->side]);
    table_cell(&t, "%s", reorder->name);
    formats_cell(&t, reorder);
    table_number(&t, moved_bytes(plan, reorder) * 1e-6, 3);
    table_number(&t, c->ms, 3);
    table_number(&t, moved_bytes(plan, reorder) / (c->ms * 1e6), 1);
    table_number(&t, c->edge.ms[0], 3);
    table_number(&t, c->edge.ms[1], 3);
    table_number(&t, c->edge.saved, 3);
    interval_cell(&t, &c->edge);
    table_cell(&t, "%s", reorder->reason);
  }
  if (shown) page_table(p, &t);
  table_free(&t);
  if (shown < w->reorder_count) page_line(p, "... %zu more (--format json has them all)", w->reorder_count - shown);
  if (shown)
    page_line(p, "an edge is the layers at both ends and what stands between them; edges that share a layer overlap");
}

static void put_parts(page *p, const compare_report *r) {
  table t = {0};
  table_column(&t, "part of a run", TABLE_LEFT);
  table_column(&t, "ms a", TABLE_RIGHT);
  table_column(&t, "ms b", TABLE_RIGHT);
  table_column(&t, "b saves ms", TABLE_RIGHT);
  table_column(&t, "95 % interval", TABLE_RIGHT);
  for (int i = 0; i < WHATIF_PARTS; i++) {
    const contrast *c = &r->whatif->parts[i];
    table_cell(&t, "%s", whatif_part_name((whatif_part)i));
    table_number(&t, c->ms[0], 3);
    table_number(&t, c->ms[1], 3);
    table_number(&t, c->saved, 3);
    interval_cell(&t, c);
  }
  page_table(p, &t);
}

static void put_reorders(page *p, const compare_report *r) {
  if (!r->whatif->reorder_count) return;
  page_heading(p, "Reorders: %d in a, %d in b, and what their edges take on the other side",
               report_reorder_count(r->sides[0]->plan), report_reorder_count(r->sides[1]->plan));
  put_reorder_list(p, r);
  put_parts(p, r);
}

// ---- fused layers

// "convolution 0.121, batch_normalization 0.034, eltwise 0.031"
static void chain_cell(table *t, const compare_report *r, const fused_layer *f) {
  const int chain = !f->side;
  const side *s = r->sides[chain];
  char text[512];
  size_t used = 0;
  text[0] = 0;
  for (int i = 0; i < f->group->counts[chain] && used < sizeof text; i++) {
    const int layer = f->group->layers[chain][i];
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %.3f", i ? ", " : "", s->plan->layers[layer].kind,
                             s->times.layer_ms[layer]);
  }
  table_cell(t, "%s", text);
}

static void gain_cells(table *t, const contrast *c, double saved_bytes) {
  table_number(t, c->ms[1], 3);
  table_number(t, c->ms[0], 3);
  table_number(t, c->saved, 3);
  interval_cell(t, c);
  if (c->ms[0] > 0 && c->ms[1] > 0)
    table_cell(t, "%.2fx", c->ms[0] / c->ms[1]);
  else
    table_cell(t, "-");
  table_number(t, saved_bytes * 1e-6, 3);
}

static void put_fusion(page *p, const compare_report *r) {
  const whatif *w = r->whatif;
  if (!w->fused_count) return;
  const size_t shown = shown_of(r, w->fused_count);
  page_heading(p, "Fusion: %zu layers that the other side runs as chains, medians of %zu rounds", w->fused_count,
               r->duel->rounds);
  table t = {0};
  table_column(&t, "layer", TABLE_ELASTIC);
  table_column(&t, "in", TABLE_LEFT);
  table_column(&t, "fused ms", TABLE_RIGHT);
  table_column(&t, "chain ms", TABLE_RIGHT);
  table_column(&t, "gain ms", TABLE_RIGHT);
  table_column(&t, "95 % interval", TABLE_RIGHT);
  table_column(&t, "gain", TABLE_RIGHT);
  table_column(&t, "MB saved", TABLE_RIGHT);
  table_column(&t, "the chain", TABLE_ELASTIC);
  for (size_t i = 0; i < shown; i++) {
    const fused_layer *f = &w->fused[i];
    char name[160];
    table_cell(&t, "%s",
               report_group_name(name, f->group, (const minfer_plan *const[]){r->sides[0]->plan, r->sides[1]->plan}));
    table_cell(&t, "%c", "ab"[f->side]);
    gain_cells(&t, &f->time, f->saved_bytes);
    chain_cell(&t, r, f);
  }
  table_cell(&t, "all %zu", w->fused_count);
  table_cell(&t, "%s", "");
  gain_cells(&t, &w->fusion, w->saved_bytes);
  table_cell(&t, "%s", "");
  page_table(p, &t);
}

void report_whatif(page *p, const compare_report *r) {
  put_reorders(p, r);
  put_fusion(p, r);
}
