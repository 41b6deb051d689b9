// What a log says, for people (table, markdown) and as CSV.
#include "report_log.h"
#include "report.h"
#include "text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT = 32, REASONS = 8 }; // a run or a list of layers up to that long is shown whole, in order

double report_log_rate(double amount, double ms) {
  return amount > 0 && ms > 0 ? amount / (ms * 1e6) : NAN;
}

bool report_log_is_reorder(const log_summary *s, int item) {
  return strcmp(s->view->primitives[item].category, "reorder") == 0;
}

static const char *plural(int64_t count) {
  return count == 1 ? "" : "s";
}

// ", batch 8, int8" of the first layer that multiplies.
static void describe_work(char *out, size_t size, const log_summary *s) {
  static const char *const kinds[] = {"convolution", "inner_product", "matmul"};
  for (int i = 0; i < s->view->layer_count; i++) {
    const minfer_item *layer = &s->view->layers[i];
    const char *shape = item_text(layer, "input_shape"), *dtype = item_text(layer, "dtype");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
      if (strcmp(layer->category, kinds[k]) != 0 || !shape[0]) continue;
      snprintf(out, size, ", batch %.*s%s%.8s", (int)strcspn(shape, "x"), shape, dtype[0] ? ", " : "", dtype);
      return;
    }
  }
}

static void put_origin(page *p, const log_summary *s) {
  const char *model = log_said(s, "model"), *version = log_said(s, "onednn_version");
  const double width = log_number(s->view->environment, s->view->environment_count, "width_multiplier");
  char title[160], work[48] = "";
  describe_work(work, sizeof work, s);
  int used = snprintf(title, sizeof title, "%s", model[0] ? model : "log");
  if (model[0] && (width < 1 || width > 1) && width > 0)
    used += snprintf(title + used, sizeof title - (size_t)used, " at width %g", width);
  if (version[0])
    snprintf(title + used, sizeof title - (size_t)used, ", oneDNN %.60s", version);
  else
    snprintf(title + used, sizeof title - (size_t)used, ", %.60s lines", log_said(s, "marker"));
  page_heading(p, "%s%s", title, work);
  const char *runtime = log_said(s, "onednn_runtime"), *isa = log_said(s, "isa");
  const int64_t threads = log_counted(s, "threads");
  if (runtime[0] || isa[0]) {
    char on[64] = "";
    if (threads) snprintf(on, sizeof on, ", %lld thread%s", (long long)threads, plural(threads));
    page_line(p, "%s%s%s%s", runtime[0] ? runtime : "", on, runtime[0] && isa[0] ? ", " : "", isa);
  }
}

static void add_part(char *text, size_t size, int64_t count, const char *what) {
  const size_t used = strlen(text);
  if (count && used < size) snprintf(text + used, size - used, "%s%lld %s", used ? ", " : "", (long long)count, what);
}

static void put_lines(page *p, const log_summary *s) {
  static const char *const parts[][2] = {{"lines_executed", "executed"},    {"lines_created", "created"},
                                         {"lines_dispatched", "dispatch"},  {"lines_info", "info"},
                                         {"lines_graph", "graph"},          {"lines_message", "message"},
                                         {"lines_unreadable", "unreadable"}};
  char text[256] = "";
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    add_part(text, sizeof text, log_counted(s, parts[i][0]), parts[i][1]);
  page_line(p, "%lld line%s, of oneDNN: %s", (long long)log_counted(s, "lines"), plural(log_counted(s, "lines")), text);
  page_line(p, "time: %s", log_said(s, "time_axis"));
}

// What the reader has to know before the numbers.
static void put_warnings(page *p, const log_summary *s) {
  const int64_t unreadable = log_counted(s, "lines_unreadable"), dropped = log_counted(s, "lines_dropped");
  if (unreadable)
    page_warning(p, "%lld line%s of oneDNN could not be read and %s not counted; %s: %s", (long long)unreadable,
                 plural(unreadable), unreadable == 1 ? "is" : "are", unreadable == 1 ? "it is" : "the first is",
                 log_said(s, "first_unreadable"));
  const int64_t odd = log_counted(s, "lines_odd");
  if (odd)
    page_warning(p, "the sizes in %lld line%s could not be read (the first is line %lld): only %s time counts",
                 (long long)odd, plural(odd), (long long)log_counted(s, "first_odd_line"), odd == 1 ? "its" : "their");
  if (dropped)
    page_warning(p, "the log is too long: %lld line%s behind its first million are left out", (long long)dropped,
                 plural(dropped));
  if (log_said(s, "first_message")[0])
    page_warning(p, "%lld message%s of oneDNN, the first: %s", (long long)log_counted(s, "lines_message"),
                 plural(log_counted(s, "lines_message")), log_said(s, "first_message"));
  if (log_said(s, "match_note")[0]) page_warning(p, "%s", log_said(s, "match_note"));
}

static void put_runs(page *p, const log_summary *s) {
  const int64_t outside = log_counted(s, "executions_outside");
  if (s->runs == 0) return;
  if (!log_counted(s, "repeats"))
    page_heading(p, "One run of %d primitives (nothing repeats): %.3f ms", (int)log_counted(s, "primitives_per_run"),
                 s->run_ms);
  else
    page_heading(p, "%d run%s of %d primitives: median %.3f ms", s->runs, plural(s->runs), s->items, s->run_ms);
  if (s->runs > 1) page_line(p, "min %.3f, max %.3f ms", s->run_min_ms, s->run_max_ms);
  if (outside) {
    const int64_t before = log_counted(s, "executions_before"), behind = log_counted(s, "executions_behind");
    page_line(p, "%lld execution%s outside the runs: %lld before the first, %lld behind the last, %lld between",
              (long long)outside, plural(outside), (long long)before, (long long)behind,
              (long long)(outside - before - behind));
  }
  if (log_counted(s, "folded")) page_line(p, "a long log: equal primitives share a row");
}

static void share(table *t, double ms, double of) {
  table_number(t, ms, 3);
  table_number(t, of > 0 ? 100 * ms / of : NAN, 1);
}

static void rates(table *t, double flops, double bytes, double ms) {
  table_number(t, report_log_rate(flops, ms), 1);
  table_number(t, report_log_rate(bytes, ms), 1);
}

static void put_kinds(page *p, const log_summary *s) {
  const bool more = s->runs > 1 || log_counted(s, "executions_outside") > 0;
  page_heading(p, "Time by kind of primitive%s", s->runs > 1 ? ", medians over the runs" : "");
  table t = {0};
  table_column(&t, "kind", TABLE_LEFT);
  table_column(&t, "count", TABLE_RIGHT);
  table_column(&t, "ms", TABLE_RIGHT);
  table_column(&t, "share %", TABLE_RIGHT);
  table_column(&t, "GFLOP/s", TABLE_RIGHT);
  table_column(&t, "GB/s", TABLE_RIGHT);
  if (more) table_column(&t, "all lines", TABLE_RIGHT);
  if (more) table_column(&t, "all ms", TABLE_RIGHT);
  int count = 0;
  int64_t lines = 0;
  double log_ms = 0;
  for (int i = 0; i < s->kind_count; i++) {
    const log_group *k = &s->kinds[i];
    count += k->count;
    lines += k->lines;
    log_ms += k->log_ms;
    table_cell(&t, "%s", k->name);
    table_cell(&t, "%d", k->count);
    share(&t, k->ms, s->run_ms);
    rates(&t, k->flops, k->bytes, k->ms);
    if (more) table_cell(&t, "%lld", (long long)k->lines);
    if (more) table_number(&t, k->log_ms, 3);
  }
  const bool gaps = strcmp(log_said(s, "time_axis"), "timestamps") == 0;
  for (int i = !gaps; i < 2; i++) {
    table_cell(&t, "%s", i ? "run" : "gap");
    table_cell(&t, i ? "%d" : "-", count);
    share(&t, i ? s->run_ms : s->gap_ms, s->run_ms);
    table_cell(&t, "-");
    table_cell(&t, "-");
    if (more) table_cell(&t, i ? "%lld" : "-", (long long)lines);
    if (more) table_number(&t, i ? log_ms : NAN, 3);
  }
  page_table(p, &t);
}

static void put_stages(page *p, const log_summary *s) {
  if (s->stage_count < 2 || s->stage_count > s->view->layer_count) return; // a stage a layer says nothing new
  page_heading(p, "Stages");
  table t = {0};
  table_column(&t, "stage", TABLE_LEFT);
  table_column(&t, "primitives", TABLE_RIGHT);
  table_column(&t, "ms", TABLE_RIGHT);
  table_column(&t, "share %", TABLE_RIGHT);
  table_column(&t, "GFLOP/s", TABLE_RIGHT);
  table_column(&t, "GB/s", TABLE_RIGHT);
  for (int i = 0; i < s->stage_count; i++) {
    const log_group *g = &s->stages[i];
    table_cell(&t, "%s", g->name);
    table_cell(&t, "%d", g->count);
    share(&t, g->ms, s->run_ms);
    rates(&t, g->flops, g->bytes, g->ms);
  }
  page_table(p, &t);
}

typedef struct ranked {
  int index;
  double ms;
} ranked;

static int slowest_first(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->ms > y->ms || x->ms < y->ms) return x->ms > y->ms ? -1 : 1;
  return x->index - y->index;
}

// In order when there are few, else the slowest. Free it.
static ranked *rank_times(const double *ms, int count, int top, int *shown) {
  ranked *list = calloc((size_t)count + 1, sizeof *list);
  if (!list) return NULL;
  for (int i = 0; i < count; i++) list[i] = (ranked){i, ms[i]};
  *shown = count;
  if (count <= SHORT) return list;
  qsort(list, (size_t)count, sizeof *list, slowest_first);
  if (*shown > top) *shown = top;
  return list;
}

// Else the table of primitives says the same.
static bool has_larger_layers(const log_summary *s) {
  int in_layers = 0;
  for (int i = 0; i < s->items; i++) in_layers += s->item_layer[i] >= 0;
  return in_layers > s->view->layer_count;
}

static void put_layers(page *p, const log_summary *s, int top) {
  const int count = s->view->layer_count;
  int shown = 0;
  if (top == 0 || count == 0) return;
  ranked *list = rank_times(s->layer_ms, count, top, &shown);
  if (!list) {
    p->failed = true;
    return;
  }
  if (count <= SHORT)
    page_heading(p, "Layers");
  else
    page_heading(p, "Slowest layers: %d of %d", shown, count);
  table t = {0};
  const bool stages = s->stage_count > 1;
  table_column(&t, "layer", TABLE_ELASTIC);
  if (stages) table_column(&t, "stage", TABLE_LEFT);
  table_column(&t, "kind", TABLE_LEFT);
  table_column(&t, "impl", TABLE_ELASTIC);
  table_column(&t, "output", TABLE_LEFT);
  table_column(&t, "ms", TABLE_RIGHT);
  table_column(&t, "share %", TABLE_RIGHT);
  table_column(&t, "GFLOP/s", TABLE_RIGHT);
  for (int i = 0; i < shown; i++) {
    const minfer_item *layer = &s->view->layers[list[i].index];
    table_cell(&t, "%s", layer->name);
    if (stages) table_cell(&t, "%s", item_text(layer, "stage"));
    table_cell(&t, "%s", layer->category);
    table_cell(&t, "%s", item_text(layer, "implementation"));
    table_cell(&t, "%s", item_text(layer, "output_shape"));
    share(&t, list[i].ms, s->run_ms);
    table_number(&t, report_log_rate(s->layer_flops[list[i].index], list[i].ms), 1);
  }
  free(list);
  page_table(p, &t);
}

static void put_primitives(page *p, const log_summary *s, int top) {
  int shown = 0;
  if (top == 0 || s->items == 0) return;
  ranked *list = rank_times(s->item_ms, s->items, top, &shown);
  if (!list) {
    p->failed = true;
    return;
  }
  if (s->items <= SHORT)
    page_heading(p, "Primitives in order");
  else
    page_heading(p, "Slowest primitives: %d of %d", shown, s->items);
  table t = {0};
  table_column(&t, "layer", TABLE_ELASTIC);
  table_column(&t, "kind", TABLE_LEFT);
  table_column(&t, "impl", TABLE_ELASTIC);
  table_column(&t, "source", TABLE_LEFT);
  table_column(&t, "destination", TABLE_LEFT);
  table_column(&t, "problem", TABLE_ELASTIC);
  table_column(&t, "ms", TABLE_RIGHT);
  table_column(&t, "GFLOP/s", TABLE_RIGHT);
  table_column(&t, "GB/s", TABLE_RIGHT);
  for (int i = 0; i < shown; i++) {
    const int index = list[i].index;
    const minfer_item *item = &s->view->primitives[index];
    table_cell(&t, "%s", item->name);
    table_cell(&t, "%s", item->category);
    table_cell(&t, "%s", item_text(item, "implementation"));
    table_cell(&t, "%s %s", item_text(item, "source_format"), item_text(item, "source_dtype"));
    table_cell(&t, "%s %s", item_text(item, "destination_format"), item_text(item, "destination_dtype"));
    table_cell(&t, "%s", item_text(item, "problem"));
    table_number(&t, list[i].ms, 4);
    rates(&t, item->flops * s->item_count[index], item->bytes * s->item_count[index], list[i].ms);
  }
  free(list);
  page_table(p, &t);
}

static void put_reorders(page *p, const log_summary *s) {
  table t = {0};
  table_column(&t, "from", TABLE_ELASTIC);
  table_column(&t, "to", TABLE_ELASTIC);
  table_column(&t, "reads", TABLE_LEFT);
  table_column(&t, "writes", TABLE_LEFT);
  table_column(&t, "bytes", TABLE_RIGHT);
  table_column(&t, "ms", TABLE_RIGHT);
  table_column(&t, "GB/s", TABLE_RIGHT);
  table_column(&t, "reason", TABLE_LEFT);
  int count = 0;
  double ms = 0;
  for (int i = 0; i < s->items; i++) {
    if (!report_log_is_reorder(s, i)) continue;
    const minfer_item *r = &s->view->primitives[i];
    count += s->item_count[i];
    ms += s->item_ms[i];
    table_cell(&t, "%s", item_text(r, "from"));
    table_cell(&t, "%s", item_text(r, "to"));
    table_cell(&t, "%s %s", item_text(r, "source_format"), item_text(r, "source_dtype"));
    table_cell(&t, "%s %s", item_text(r, "destination_format"), item_text(r, "destination_dtype"));
    table_number(&t, r->bytes > 0 ? r->bytes : NAN, 0);
    table_number(&t, s->item_ms[i], 4);
    table_number(&t, report_log_rate(r->bytes * s->item_count[i], s->item_ms[i]), 1);
    table_cell(&t, "%s", item_text(r, "reason"));
  }
  if (count)
    page_heading(p, "Reorders: %d, %.3f ms", count, ms);
  else
    page_heading(p, "Reorders: 0");
  if (count) page_table(p, &t);
  table_free(&t);
}

static void put_impls(page *p, const log_summary *s) {
  page_heading(p, "Implementations");
  table t = {0};
  table_column(&t, "impl", TABLE_ELASTIC);
  table_column(&t, "kind", TABLE_LEFT);
  table_column(&t, "count", TABLE_RIGHT);
  table_column(&t, "ms", TABLE_RIGHT);
  table_column(&t, "share %", TABLE_RIGHT);
  table_column(&t, "GFLOP/s", TABLE_RIGHT);
  for (int i = 0; i < s->impl_count; i++) {
    const log_group *g = &s->impls[i];
    table_cell(&t, "%s", g->name);
    table_cell(&t, "%s", g->kind);
    table_cell(&t, "%d", g->count);
    share(&t, g->ms, s->run_ms);
    table_number(&t, report_log_rate(g->flops, g->ms), 1);
  }
  page_table(p, &t);
}

static void put_creations(page *p, const log_summary *s) {
  table t = {0};
  table_column(&t, "kind", TABLE_LEFT);
  table_column(&t, "cache", TABLE_LEFT);
  table_column(&t, "count", TABLE_RIGHT);
  table_column(&t, "ms", TABLE_RIGHT);
  table_column(&t, "ms each", TABLE_RIGHT);
  int64_t count = 0;
  double ms = 0;
  for (int i = 0; i < s->view->phase_count; i++) {
    const minfer_item *c = &s->view->phases[i];
    if (strcmp(c->category, "create") != 0) continue;
    const double time = log_number(c->attributes, c->attribute_count, "time_ms");
    const int64_t times = item_integer(c, "count");
    count += times;
    ms += time;
    table_cell(&t, "%s", item_text(c, "kind"));
    table_cell(&t, "%s", item_text(c, "status")[0] ? item_text(c, "status") : "-");
    table_cell(&t, "%lld", (long long)times);
    table_number(&t, time, 3);
    table_number(&t, time / (double)times, 3);
  }
  if (count) page_heading(p, "Creation of primitives: %lld in %.3f ms", (long long)count, ms);
  if (count) page_table(p, &t);
  table_free(&t);
}

static void put_dispatch(page *p, const log_summary *s) {
  int count;
  const char *const *reasons = log_texts(s, "dispatch_reasons", &count);
  if (count == 0) return;
  page_heading(p, "Why implementations were passed over");
  for (int i = 0; i < count && i < REASONS; i++) page_line(p, "%s", reasons[i]);
  if (count > REASONS) page_line(p, "... (--format json has more)");
}

static bool put_page(FILE *out, const log_report *r) {
  const log_summary *s = r->summary;
  page p = console_page(r->console, r->options, out);
  put_origin(&p, s);
  put_lines(&p, s);
  put_warnings(&p, s);
  if (s->runs && s->items) {
    put_runs(&p, s);
    put_kinds(&p, s);
    put_stages(&p, s);
    if (has_larger_layers(s)) put_layers(&p, s, r->options->top);
    put_primitives(&p, s, r->options->top);
    put_reorders(&p, s);
    put_impls(&p, s);
  }
  put_creations(&p, s);
  put_dispatch(&p, s);
  return !p.failed;
}

// A row a primitive of the run, in order.
static bool put_csv(FILE *out, const log_report *r) {
  const log_summary *s = r->summary;
  table t = {0};
  report_primitive_columns(&t, "weights_dtype");
  for (int i = 0; i < s->items; i++) {
    const minfer_item *item = &s->view->primitives[i];
    const minfer_item *layer = s->item_layer[i] >= 0 ? &s->view->layers[s->item_layer[i]] : NULL;
    table_cell(&t, "%d", i);
    table_cell(&t, "%s", item->name);
    table_cell(&t, "%s", layer ? item_text(layer, "stage") : "");
    table_cell(&t, "%s", item->category);
    table_cell(&t, "%s", item_text(item, "implementation"));
    table_cell(&t, "%s", item_text(item, "source_format"));
    table_cell(&t, "%s", item_text(item, "source_dtype"));
    table_cell(&t, "%s", item_text(item, "weights_format"));
    table_cell(&t, "%s", item_text(item, "destination_format"));
    table_cell(&t, "%s", item_text(item, "destination_dtype"));
    table_cell(&t, "%s", item_text(item, "post_ops"));
    table_cell(&t, "%s", item_text(item, "problem"));
    table_number(&t, s->item_ms[i], 6);
    table_number(&t, item->flops > 0 ? item->flops : NAN, 0);
    table_number(&t, item->bytes > 0 ? item->bytes : NAN, 0);
    table_cell(&t, "%s", item_text(item, "reason"));
  }
  return report_table(out, r->console, r->options, &t);
}

bool report_log(FILE *out, const void *report) {
  const log_report *r = report;
  if (r->options->format == FORMAT_CSV) return put_csv(out, r);
  if (report_is_json(r->options)) return report_log_json(out, r);
  return put_page(out, r);
}
