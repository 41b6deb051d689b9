// What inspect prints: the plan, without times.
#include "report.h"
#include "text.h"

static void primitive_columns(table *t) {
  table_column(t, "layer", TABLE_ELASTIC);
  table_column(t, "stage", TABLE_LEFT);
  table_column(t, "kind", TABLE_LEFT);
  table_column(t, "impl", TABLE_ELASTIC);
  table_column(t, "source", TABLE_LEFT);
  table_column(t, "weights", TABLE_ELASTIC);
  table_column(t, "destination", TABLE_LEFT);
  table_column(t, "post-ops", TABLE_ELASTIC);
  table_column(t, "problem", TABLE_LEFT);
}

static void argument_cell(table *t, const minfer_argument *a) {
  if (a->format[0])
    table_cell(t, "%s %s", a->format, a->dtype);
  else
    table_cell(t, "-");
}

static const char *stage_of(const minfer_plan *plan, const minfer_primitive *p) {
  return p->layer >= 0 ? plan->layers[p->layer].stage : "";
}

static void put_primitives(page *p, const minfer_plan *plan) {
  page_heading(p, "Primitives in order: %d", plan->primitive_count);
  table t = {0};
  primitive_columns(&t);
  for (int i = 0; i < plan->primitive_count; i++) {
    const minfer_primitive *r = &plan->primitives[i];
    table_cell(&t, "%s", r->name);
    table_cell(&t, "%s", stage_of(plan, r));
    table_cell(&t, "%s", r->kind);
    table_cell(&t, "%s", r->impl);
    argument_cell(&t, &r->source);
    argument_cell(&t, &r->weights);
    argument_cell(&t, &r->destination);
    table_cell(&t, "%s", r->post_ops);
    table_cell(&t, "%s", r->problem);
  }
  page_table(p, &t);
}

// "53 convolution, 2 pooling, 1 inner_product, 0 reorder"
static void put_counts(page *p, const breakdown *counts) {
  char text[512];
  size_t used = 0;
  for (int i = 0; i < counts->kind_count && used < sizeof text; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%d %s", i ? ", " : "", counts->kinds[i].count,
                             counts->kinds[i].kind);
  page_line(p, "%s", text);
}

static bool put_page(FILE *out, const inspect_report *r) {
  page p = console_page(r->console, r->options, out);
  report_identity(&p, r->model, r->plan);
  put_counts(&p, r->counts);
  put_primitives(&p, r->plan);
  report_reorders(&p, r->plan, NULL);
  report_memory(&p, r->plan, 1);
  return !p.failed;
}

// A row a primitive, in order, as the page has them.
static bool put_csv(FILE *out, const inspect_report *r) {
  table t = {0};
  report_primitive_columns(&t, "time_ms");
  for (int i = 0; i < r->plan->primitive_count; i++) {
    const minfer_primitive *p = &r->plan->primitives[i];
    table_cell(&t, "%d", i);
    table_cell(&t, "%s", p->name);
    table_cell(&t, "%s", stage_of(r->plan, p));
    table_cell(&t, "%s", p->kind);
    table_cell(&t, "%s", p->impl);
    table_cell(&t, "%s", p->source.format);
    table_cell(&t, "%s", p->source.dtype);
    table_cell(&t, "%s", p->weights.format);
    table_cell(&t, "%s", p->weights.dtype);
    table_cell(&t, "%s", p->destination.format);
    table_cell(&t, "%s", p->destination.dtype);
    table_cell(&t, "%s", p->post_ops);
    table_cell(&t, "%s", p->problem);
    table_cell(&t, "%.0f", p->flops);
    table_cell(&t, "%zu", p->bytes_read + p->bytes_written);
    table_cell(&t, "%s", p->reason);
  }
  return report_table(out, r->console, r->options, &t);
}

bool report_inspect(FILE *out, const void *report) {
  const inspect_report *r = report;
  if (r->options->format == FORMAT_CSV) return put_csv(out, r);
  if (report_is_json(r->options)) return report_inspect_json(out, r);
  return put_page(out, r);
}
