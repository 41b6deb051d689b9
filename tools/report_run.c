// What a run prints for people (table, markdown) and as CSV.
#include "report.h"
#include "text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_INPUTS = 3 }; // inputs whose classes the table shows

static void put_answers(page *p, const run_report *r) {
  const classification *c = r->answers;
  page_heading(p, "Classes of %d input%s", c->inputs, c->inputs == 1 ? "" : "s");
  int shown = c->inputs <= SHOWN_INPUTS ? c->inputs : SHOWN_INPUTS;
  table t = {0};
  table_column(&t, "input", TABLE_ELASTIC);
  table_column(&t, "probability", TABLE_RIGHT);
  table_column(&t, "class", TABLE_RIGHT);
  table_column(&t, "name", TABLE_LEFT);
  for (int i = 0; i < shown; i++)
    for (int k = 0; k < c->per_input; k++) {
      const answer *a = &c->answers[i * c->per_input + k];
      table_cell(&t, "%s", k == 0 ? minfer_input_name(r->input, i) : "");
      table_number(&t, a->probability, 4);
      table_cell(&t, "%d", a->class_index);
      table_cell(&t, "%s", minfer_model_class(r->model, a->class_index));
    }
  page_table(p, &t);
  if (shown < c->inputs) page_line(p, "... %d more (--format json has them all)", c->inputs - shown);
}

static void put_instances(page *p, const measurement *m) {
  table t = {0};
  table_column(&t, "instance", TABLE_LEFT);
  static const char *const titles[] = {"runs", "min ms", "p50 ms", "p90 ms", "p99 ms", "max ms"};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_RIGHT);
  for (int i = 0; i < m->instances; i++) {
    const stats_summary *s = &m->instance_summaries[i];
    const double values[] = {s->min, s->p50, s->p90, s->p99, s->max};
    table_cell(&t, "%d", i);
    table_cell(&t, "%zu", m->by_instance[i].count);
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) table_number(&t, values[k], 3);
  }
  page_table(p, &t);
}

static void put_latency(page *p, const run_report *r) {
  const measurement *m = r->measured;
  const stats_summary *s = &m->summary;
  const double images_per_s = measure_images_per_s(m, r->plan->batch);
  const char *interrupted = m->interrupted ? " (interrupted)" : "";
  if (m->instances > 1)
    page_heading(p, "Latency of %zu runs of %d instances at once, after %d to warm up%s", m->latency.count,
                 m->instances, m->warmup, interrupted);
  else
    page_heading(p, "Latency of %zu runs after %d to warm up%s", m->latency.count, m->warmup, interrupted);
  if (isnan(s->low))
    page_line(p, "median %.3f ms, too few runs for an interval; %.2f images/s", s->p50, images_per_s);
  else
    page_line(p, "median %.3f ms, 95 %% interval %.3f to %.3f ms (+-%.1f %%); %.2f images/s", s->p50, s->low, s->high,
              100 * stats_precision(s), images_per_s);
  page_line(p, "min %.3f, p50 %.3f, p90 %.3f, p99 %.3f, max %.3f ms", s->min, s->p50, s->p90, s->p99, s->max);
  page_line(p, "input written in %.3f ms (%.1f %% of a run)", r->input_ms, 100 * r->input_ms / s->p50);
  if (m->instances > 1) put_instances(p, m);
}

static void put_share(table *t, double ms, double run_ms) {
  table_number(t, ms, 3);
  table_number(t, 100 * ms / run_ms, 1);
}

static void put_kinds(page *p, const run_report *r) {
  const breakdown *b = r->times;
  page_heading(p, "Time by kind of primitive, medians of %zu traced runs%s", b->runs,
               r->measured->instances > 1 ? " of instance 0 alone" : "");
  table t = {0};
  table_column(&t, "kind", TABLE_LEFT);
  table_column(&t, "count", TABLE_RIGHT);
  table_column(&t, "ms", TABLE_RIGHT);
  table_column(&t, "share %", TABLE_RIGHT);
  for (int i = 0; i < b->kind_count; i++) {
    table_cell(&t, "%s", b->kinds[i].kind);
    table_cell(&t, "%d", b->kinds[i].count);
    put_share(&t, b->kinds[i].ms, b->run_ms);
  }
  table_cell(&t, "gap");
  table_cell(&t, "-");
  put_share(&t, b->gap_ms, b->run_ms);
  table_cell(&t, "run");
  table_cell(&t, "%d", r->plan->primitive_count);
  put_share(&t, b->run_ms, b->run_ms);
  page_table(p, &t);
}

static void layer_columns(table *t, const minfer_plan *plan) {
  table_column(t, "layer", TABLE_ELASTIC);
  table_column(t, "stage", TABLE_LEFT);
  table_column(t, "kind", TABLE_LEFT);
  table_column(t, "impl", TABLE_ELASTIC);
  table_column(t, "output", TABLE_LEFT);
  table_column(t, "ms", TABLE_RIGHT);
  table_column(t, "share %", TABLE_RIGHT);
  table_column(t, "GFLOP/s", TABLE_RIGHT);
  if (!plan->peaks) return;
  table_column(t, "bound", TABLE_LEFT);
  table_column(t, "% of peak", TABLE_RIGHT);
}

static double layer_gflops(const run_report *r, int layer) {
  return report_rate(r->plan, r->plan->layers[layer].flops, r->times->layer_ms[layer]);
}

typedef struct ranked_layer {
  int index;
  double ms;
} ranked_layer;

static int slowest_first(const void *a, const void *b) {
  const ranked_layer *x = a, *y = b;
  if (x->ms > y->ms || x->ms < y->ms) return x->ms < y->ms ? 1 : -1;
  return x->index - y->index;
}

static void put_layers(page *p, const run_report *r) {
  int count = r->plan->layer_count, shown = r->options->top < count ? r->options->top : count;
  if (shown == 0) return;
  ranked_layer *ranked = calloc((size_t)count, sizeof *ranked);
  if (!ranked) {
    p->failed = true;
    return;
  }
  for (int i = 0; i < count; i++) ranked[i] = (ranked_layer){i, r->times->layer_ms[i]};
  qsort(ranked, (size_t)count, sizeof *ranked, slowest_first);
  page_heading(p, "Slowest layers: %d of %d", shown, count);
  table t = {0};
  layer_columns(&t, r->plan);
  for (int i = 0; i < shown; i++) {
    const minfer_layer *layer = &r->plan->layers[ranked[i].index];
    table_cell(&t, "%s", layer->name);
    table_cell(&t, "%s", layer->stage);
    table_cell(&t, "%s", layer->kind);
    table_cell(&t, "%s", layer->impl);
    table_cell(&t, "%s", layer->output_shape);
    put_share(&t, ranked[i].ms, r->times->run_ms);
    table_number(&t, layer->flops > 0 ? layer_gflops(r, ranked[i].index) : NAN, 1);
    if (!r->plan->peaks) continue;
    table_cell(&t, "%s", layer->bound);
    table_number(&t, 100 * report_roof_share(r->plan, layer->roof_ns, ranked[i].ms), 0);
  }
  free(ranked);
  page_table(p, &t);
  if (!r->plan->peaks) page_line(p, "share of this machine's peak: not known (minfer env --measure finds it)");
}

// A forced layout pays for reorders that oneDNN's own choice may not need: the command that measures both.
static void put_what_if(page *p, const run_report *r) {
  const options *o = r->options;
  if (report_reorder_count(r->plan) == 0 || o->layout == MINFER_LAYOUT_AUTO) return;
  page_line(p, "what the run costs without them: compare with the same options and --vs \"--layout auto\"");
}

static bool is_pass(const minfer_phase *phase) {
  return strncmp(phase->name, "pass ", 5) == 0;
}

// Phases "pass NAME" are one row, and parts are not shown: the trace has each.
static void put_startup(page *p, const run_report *r) {
  const minfer_plan *plan = r->plan;
  if (plan->phase_count == 0) return;
  table t = {0};
  table_column(&t, "phase", TABLE_LEFT);
  table_column(&t, "ms", TABLE_RIGHT);
  double total = report_startup_ms(plan), named = 0, passes = 0, first_run = report_phase_ms(plan, "first run");
  int hits, misses;
  report_primitive_cache(plan, &hits, &misses);
  for (int i = 0; i < plan->phase_count; i++) {
    const minfer_phase *phase = &plan->phases[i];
    const double ms = (double)phase->duration_ns * 1e-6;
    if (phase->parent >= 0 || report_is_first_run(phase)) continue;
    named += ms;
    if (is_pass(phase)) passes += ms;
    if (is_pass(phase) && i + 1 < plan->phase_count && is_pass(&plan->phases[i + 1])) continue;
    if (strcmp(phase->name, "primitives") == 0 && hits + misses)
      table_cell(&t, "primitives (%d made, %d from the cache)", misses, hits);
    else
      table_cell(&t, "%s", is_pass(phase) ? "passes" : phase->name);
    table_number(&t, is_pass(phase) ? passes : ms, 1);
  }
  table_cell(&t, "other");
  table_number(&t, total - named, 1);
  page_heading(p, "Start-up: %.1f ms", total);
  page_table(p, &t);
  if (first_run > 0)
    page_line(p, "then the first run takes %.3f ms, later ones %.3f ms", first_run, r->measured->summary.p50);
}

static void put_counters(page *p, const run_report *r) {
  const run_counters *c = &r->counters;
  if (!r->plan->counters[0] || r->measured->traced.count == 0) return;
  page_line(p, "counted: %s", r->plan->counters);
  page_line(p, "a run: %.1f page faults, %.1f voluntary and %.1f involuntary context switches", c->page_faults,
            c->voluntary_switches, c->involuntary_switches);
  if (r->plan->hardware_counters)
    page_line(p, "a run: %.3g million cycles, %.3g million instructions, %.3g thousand cache misses", c->cycles * 1e-6,
              c->instructions * 1e-6, c->cache_misses * 1e-3);
}

static void put_trace(page *p, const run_report *r) {
  const measurement *m = r->measured;
  const breakdown *b = r->times;
  if (m->traced.count == 0) return;
  page_heading(p, "Tracing");
  char interval[64] = "";
  if (!isnan(m->overhead_low))
    snprintf(interval, sizeof interval, ", 95 %% interval %+.2f to %+.2f %%", 100 * m->overhead_low,
             100 * m->overhead_high);
  page_line(p, "untraced %.3f ms, traced %.3f ms: overhead %+.2f %% (median of %zu pairs%s)", m->plain_ms, m->traced_ms,
            100 * m->overhead, m->traced.count, interval);
  if (!isnan(b->closure))
    page_line(p, "primitive spans %.3f ms: closure %.2f %% of the run", b->spans_ms, 100 * b->closure);
  put_counters(p, r);
}

static bool put_page(FILE *out, const run_report *r) {
  page p = console_page(r->console, r->options, out);
  report_identity(&p, r->model, r->plan);
  put_answers(&p, r);
  put_latency(&p, r);
  if (r->times->runs) {
    if (!isnan(r->times->spans_ms)) put_kinds(&p, r);
    put_layers(&p, r);
  }
  report_reorders(&p, r->plan, r->times->primitive_ms);
  put_what_if(&p, r);
  report_memory(&p, r->plan, measure_instances(r->measured));
  put_startup(&p, r);
  put_trace(&p, r);
  return !p.failed;
}

static void put_sources(table *t, const minfer_layer *layer) {
  char text[512];
  size_t used = 0;
  text[0] = 0;
  for (int i = 0; i < layer->source_count && used < sizeof text; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? "+" : "", layer->sources[i]);
  table_cell(t, "%s", text);
}

// A row a layer; the columns in front let rows of several runs stand in one file.
static bool put_csv(FILE *out, const run_report *r) {
  static const char *const titles[] = {"model",       "dtype",        "batch",   "threads",     "layer",
                                       "sources",     "stage",        "kind",    "layer_dtype", "impl",
                                       "input_shape", "output_shape", "time_ms", "share",       "gflops"};
  table t = {0};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_LEFT);
  for (int i = 0; i < r->plan->layer_count; i++) {
    const minfer_layer *layer = &r->plan->layers[i];
    table_cell(&t, "%s", minfer_model_describe(r->model)->name);
    table_cell(&t, "%s", options_dtype_name((int)r->plan->dtype));
    table_cell(&t, "%d", r->plan->batch);
    table_cell(&t, "%d", r->plan->threads);
    table_cell(&t, "%s", layer->name);
    put_sources(&t, layer);
    table_cell(&t, "%s", layer->stage);
    table_cell(&t, "%s", layer->kind);
    table_cell(&t, "%s", layer->dtype);
    table_cell(&t, "%s", layer->impl);
    table_cell(&t, "%s", layer->input_shape);
    table_cell(&t, "%s", layer->output_shape);
    table_number(&t, r->times->layer_ms[i], 6);
    table_number(&t, r->times->layer_ms[i] / r->times->run_ms, 6);
    table_number(&t, layer_gflops(r, i), 3);
  }
  return report_table(out, r->console, r->options, &t);
}

bool report_run(FILE *out, const void *report) {
  const run_report *r = report;
  if (r->options->format == FORMAT_CSV) return put_csv(out, r);
  if (report_is_json(r->options)) return report_run_json(out, r);
  return put_page(out, r);
}
