// Tables about two plans and their times.
#include "report_pair.h"
#include "report.h"
#include <math.h>
#include <string.h>

const minfer_layer *report_group_main(const layer_group *g, int which, const minfer_plan *plan) {
  const minfer_layer *found = NULL;
  for (int i = 0; i < g->counts[which]; i++) {
    const minfer_layer *layer = &plan->layers[g->layers[which][i]];
    if (!found || layer->flops > found->flops) found = layer;
  }
  return found;
}

double report_group_bytes(const layer_group *g, int which, const minfer_plan *plan) {
  double bytes = 0;
  for (int i = 0; i < g->counts[which]; i++) bytes += report_layer_bytes(plan, &plan->layers[g->layers[which][i]]);
  return plan->chunks * bytes;
}

// The side that needs fewer layers has the name for all of them.
const char *report_group_name(char out[160], const layer_group *g, const minfer_plan *const plans[2]) {
  const int which = !g->counts[0] || (g->counts[1] && g->counts[1] < g->counts[0]);
  const minfer_layer *first = &plans[which]->layers[g->layers[which][0]];
  if (g->counts[which] == 1)
    snprintf(out, 160, "%s", first->name);
  else
    snprintf(out, 160, "%.120s and %d more", first->name, g->counts[which] - 1);
  return out;
}

void report_pair_row(table *t, const char *what, double a, double b, int decimals, bool more_is_better) {
  table_cell(t, "%s", what);
  table_number(t, a, decimals);
  table_number(t, b, decimals);
  if (b > 0 && a > 0)
    table_cell(t, "%.2fx", more_is_better ? b / a : a / b);
  else
    table_cell(t, "-");
}

static const kind_time *find_kind(const breakdown *b, const char *kind) {
  for (int i = 0; i < b->kind_count; i++)
    if (strcmp(b->kinds[i].kind, kind) == 0) return &b->kinds[i];
  return NULL;
}

double report_pair_kind_ms(const breakdown *b, const char *kind) {
  const kind_time *found = find_kind(b, kind);
  return found ? found->ms : 0;
}

static void kind_row(table *t, const report_pair *r, const char *kind, const int counts[2], const double ms[2]) {
  table_cell(t, "%s", kind);
  for (int k = 0; k < 2; k++)
    if (counts)
      table_cell(t, "%d", counts[k]);
    else
      table_cell(t, "-");
  for (int k = 0; k < 2; k++) table_number(t, ms[k], 3);
  for (int k = 0; k < 2; k++) table_number(t, 100 * ms[k] / r->times[k]->run_ms, 1);
  if (ms[0] > 0 && ms[1] > 0)
    table_cell(t, "%.2fx", ms[0] / ms[1]);
  else
    table_cell(t, "-");
}

static void put_kind(table *t, const report_pair *r, const char *kind) {
  int counts[2];
  double ms[2];
  for (int k = 0; k < 2; k++) {
    const kind_time *found = find_kind(r->times[k], kind);
    counts[k] = found ? found->count : 0;
    ms[k] = found ? found->ms : 0;
  }
  kind_row(t, r, kind, counts, ms);
}

// a's kinds, then those that only b has, then what is no computing.
void report_pair_kinds(page *p, const report_pair *r) {
  static const char *const titles[] = {"kind", "count a",   "count b",   "ms a",
                                       "ms b", "share % a", "share % b", "speed-up"};
  const breakdown *a = r->times[0], *b = r->times[1];
  page_heading(p, "Time by kind of primitive, medians of %zu and %zu traced runs", a->runs, b->runs);
  table t = {0};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], i ? TABLE_RIGHT : TABLE_LEFT);
  for (int i = 0; i < a->kind_count; i++)
    if (strcmp(a->kinds[i].kind, "reorder") != 0) put_kind(&t, r, a->kinds[i].kind);
  for (int i = 0; i < b->kind_count; i++)
    if (!find_kind(a, b->kinds[i].kind)) put_kind(&t, r, b->kinds[i].kind);
  put_kind(&t, r, "reorder");
  kind_row(&t, r, "gap", NULL, (double[]){a->gap_ms, b->gap_ms});
  kind_row(&t, r, "run", (int[]){r->plans[0]->primitive_count, r->plans[1]->primitive_count},
           (double[]){a->run_ms, b->run_ms});
  page_table(p, &t);
}

// "int8 brg_conv_fwd:avx512_core_vnni +2"; the instruction set is left out where both sides have the same.
void report_pair_impl(table *t, const report_pair *r, const layer_group *g, int which) {
  const minfer_plan *plan = r->plans[which];
  const minfer_layer *main = report_group_main(g, which, plan);
  const bool short_name = strcmp(r->plans[0]->isa, r->plans[1]->isa) == 0;
  const int more = g->counts[which] - 1;
  if (!main) {
    table_cell(t, "-");
    return;
  }
  const char *isa = short_name ? strrchr(main->impl, ':') : NULL;
  if (isa && strncmp(isa, ":avx", 4) != 0 && strncmp(isa, ":sse", 4) != 0) isa = NULL;
  const size_t length = isa ? (size_t)(isa - main->impl) : strlen(main->impl);
  char others[16] = "";
  if (more) snprintf(others, sizeof others, " +%d", more);
  table_cell(t, "%s %.*s%s", main->dtype, (int)length, main->impl, others);
}
