#include "log_summary.h"
#include "stats.h"
#include <stdlib.h>
#include <string.h>

static const minfer_attribute *find(const minfer_attribute *list, int count, const char *key) {
  for (int i = 0; i < count; i++)
    if (strcmp(list[i].key, key) == 0) return &list[i];
  return NULL;
}

const char *log_text(const minfer_attribute *list, int count, const char *key) {
  const minfer_attribute *a = find(list, count, key);
  return a && a->type == MINFER_ATTRIBUTE_TEXT ? a->text : "";
}

int64_t log_integer(const minfer_attribute *list, int count, const char *key) {
  const minfer_attribute *a = find(list, count, key);
  return a && a->type == MINFER_ATTRIBUTE_INT ? a->integer : 0;
}

double log_number(const minfer_attribute *list, int count, const char *key) {
  const minfer_attribute *a = find(list, count, key);
  return a && a->type == MINFER_ATTRIBUTE_DOUBLE ? a->number : (double)log_integer(list, count, key);
}

const char *log_said(const log_summary *s, const char *key) {
  return log_text(s->view->environment, s->view->environment_count, key);
}

int64_t log_counted(const log_summary *s, const char *key) {
  return log_integer(s->view->environment, s->view->environment_count, key);
}

const char *item_text(const minfer_item *item, const char *key) {
  return log_text(item->attributes, item->attribute_count, key);
}

int64_t item_integer(const minfer_item *item, const char *key) {
  return log_integer(item->attributes, item->attribute_count, key);
}

const char *const *log_texts(const log_summary *s, const char *key, int *count) {
  const minfer_attribute *a = find(s->view->environment, s->view->environment_count, key);
  const bool found = a && a->type == MINFER_ATTRIBUTE_TEXTS;
  *count = found ? (int)a->integer : 0;
  return found ? a->texts : NULL;
}

typedef struct table_of_runs {
  double *ms;   // runs x items
  double *wall; // of a run
  double *row;  // for medians
} table_of_runs;

static void read_spans(log_summary *s, table_of_runs *t) {
  const minfer_trace_view *v = s->view;
  int run = -1;
  uint64_t run_id = 0, end = 0;
  for (size_t i = 0; i < v->span_count; i++) {
    const minfer_span *span = &v->spans[i];
    if (span->kind == MINFER_SPAN_RUN) {
      run = span->index;
      run_id = span->id;
      end = span->start_ns + span->duration_ns;
      t->wall[run] = (double)span->duration_ns * 1e-6;
    }
    if (span->kind != MINFER_SPAN_PRIMITIVE || run < 0 || span->index >= s->items || span->start_ns > end) continue;
    const minfer_span *parent = span->parent ? &v->spans[span->parent - 1] : NULL;
    if (!parent || (parent->kind != MINFER_SPAN_LAYER && parent->id != run_id)) continue;
    t->ms[(size_t)run * (size_t)s->items + (size_t)span->index] += (double)span->duration_ns * 1e-6;
    if (run == 0) s->item_count[span->index]++;
    if (parent->kind == MINFER_SPAN_LAYER) s->item_layer[span->index] = parent->index;
  }
}

// Median over the runs of the sum over items for which `belongs` says so.
typedef bool (*belongs)(const log_summary *s, int item, int first); // of a group, with its first item

static double median_of(const log_summary *s, table_of_runs *t, belongs of, int first) {
  for (int r = 0; r < s->runs; r++) {
    t->row[r] = 0;
    for (int i = 0; i < s->items; i++)
      if (of(s, i, first)) t->row[r] += t->ms[(size_t)r * (size_t)s->items + (size_t)i];
  }
  return s->runs ? stats_median(t->row, (size_t)s->runs) : 0;
}

static bool is_any(const log_summary *s, int item, int first) {
  (void)s;
  return item >= first;
}

static bool same_kind(const log_summary *s, int item, int first) {
  return strcmp(s->view->primitives[item].category, s->view->primitives[first].category) == 0;
}

static const char *impl_of(const log_summary *s, int item) {
  return item_text(&s->view->primitives[item], "implementation");
}

static bool same_impl(const log_summary *s, int item, int first) {
  return same_kind(s, item, first) && strcmp(impl_of(s, item), impl_of(s, first)) == 0;
}

static const char *stage_of(const log_summary *s, int item) {
  const int layer = s->item_layer[item];
  const char *stage = layer >= 0 ? item_text(&s->view->layers[layer], "stage") : "";
  return stage[0] ? stage : layer >= 0 ? "(not in the model)" : "(reorders)";
}

static bool same_stage(const log_summary *s, int item, int first) {
  return strcmp(stage_of(s, item), stage_of(s, first)) == 0;
}

static const char *kind_of(const log_summary *s, int item) {
  return s->view->primitives[item].category;
}

// What is of no stage goes behind the stages.
static void rest_last(log_group *groups, int count) {
  for (int i = 0, moved = 0; i + moved < count; i++) {
    while (i + moved < count && groups[i].name && groups[i].name[0] == '(') {
      const log_group rest = groups[i];
      memmove(&groups[i], &groups[i + 1], (size_t)(count - i - 1) * sizeof *groups);
      groups[count - 1] = rest;
      moved++;
    }
  }
}

static int longest_first(const void *a, const void *b) {
  const log_group *x = a, *y = b;
  if (x->ms < y->ms || x->ms > y->ms) return x->ms > y->ms ? -1 : 1;
  return strcmp(x->name, y->name);
}

static int make_groups(const log_summary *s, table_of_runs *t, log_group *out,
                       const char *(*name_of)(const log_summary *, int), belongs of) {
  int count = 0;
  for (int i = 0; i < s->items; i++) {
    int g = 0;
    while (g < count && !of(s, i, out[g].first)) g++;
    if (g == count) {
      out[count++] = (log_group){.name = name_of(s, i), .kind = kind_of(s, i), .first = i};
      out[g].ms = median_of(s, t, of, i);
    }
    out[g].count += s->item_count[i];
    out[g].flops += s->view->primitives[i].flops * s->item_count[i];
    out[g].bytes += s->view->primitives[i].bytes * s->item_count[i];
  }
  return count;
}

// Everything of a kind in the log. Items of equal lines carry the same sums, so each counts once.
static void count_log(log_summary *s, bool *seen) {
  const minfer_trace_view *v = s->view;
  for (int i = 0; i < v->primitive_count; i++) {
    const minfer_item *item = &v->primitives[i];
    const int64_t descriptor = item_integer(item, "descriptor");
    if (descriptor < 0 || descriptor >= v->primitive_count || seen[descriptor]) continue;
    seen[descriptor] = true;
    int g = 0;
    while (g < s->kind_count && strcmp(s->kinds[g].name, item->category) != 0) g++;
    if (g == s->kind_count) s->kinds[s->kind_count++] = (log_group){.name = item->category, .kind = item->category};
    s->kinds[g].lines += item_integer(item, "executions");
    s->kinds[g].log_ms += log_number(item->attributes, item->attribute_count, "log_ms");
  }
}

static double median_of_items(const log_summary *s, table_of_runs *t, const int *items, int count) {
  for (int r = 0; r < s->runs; r++) {
    t->row[r] = 0;
    for (int k = 0; k < count; k++) t->row[r] += t->ms[(size_t)r * (size_t)s->items + (size_t)items[k]];
  }
  return s->runs ? stats_median(t->row, (size_t)s->runs) : 0;
}

// `next` chains the items of a layer.
static void measure_layers(log_summary *s, table_of_runs *t, int *first, int *next, int *members) {
  for (int i = 0; i < s->view->layer_count; i++) first[i] = -1;
  for (int i = s->items - 1; i >= 0; i--) {
    s->item_ms[i] = median_of_items(s, t, &i, 1);
    const int layer = s->item_layer[i];
    if (layer < 0) continue;
    s->layer_flops[layer] += s->view->primitives[i].flops * s->item_count[i];
    next[i] = first[layer];
    first[layer] = i;
  }
  for (int i = 0; i < s->view->layer_count; i++) {
    int count = 0;
    for (int k = first[i]; k >= 0; k = next[k]) members[count++] = k;
    s->layer_ms[i] = median_of_items(s, t, members, count);
  }
}

static void measure_runs(log_summary *s, table_of_runs *t) {
  s->spans_ms = median_of(s, t, is_any, 0);
  memcpy(t->row, t->wall, (size_t)s->runs * sizeof *t->row);
  s->run_ms = s->runs ? stats_median(t->row, (size_t)s->runs) : 0;
  s->run_min_ms = s->runs ? t->row[0] : 0;
  s->run_max_ms = s->runs ? t->row[s->runs - 1] : 0;
  s->gap_ms = s->run_ms - s->spans_ms;
  if (s->gap_ms < 0) s->gap_ms = 0;
}

bool log_summary_make(const minfer_trace_view *view, log_summary *s) {
  *s = (log_summary){.view = view};
  s->runs = (int)log_counted(s, "runs");
  s->items = log_counted(s, "folded") ? view->primitive_count : (int)log_counted(s, "primitives_per_run");
  const size_t items = (size_t)view->primitive_count + 1, layers = (size_t)view->layer_count + 1;
  s->item_ms = calloc(items, sizeof *s->item_ms);
  s->item_count = calloc(items, sizeof *s->item_count);
  s->item_layer = calloc(items, sizeof *s->item_layer);
  s->layer_ms = calloc(layers, sizeof *s->layer_ms);
  s->layer_flops = calloc(layers, sizeof *s->layer_flops);
  s->kinds = calloc(items, sizeof *s->kinds);
  s->stages = calloc(items, sizeof *s->stages);
  s->impls = calloc(items, sizeof *s->impls);
  table_of_runs t = {.ms = calloc((size_t)s->runs + 1, items * sizeof(double)),
                     .wall = calloc((size_t)s->runs + 1, sizeof(double)),
                     .row = calloc((size_t)s->runs + 1, sizeof(double))};
  bool *seen = calloc(items, sizeof *seen);
  int *chain = calloc(2 * items + layers, sizeof *chain);
  const bool done = seen && chain && s->item_ms && s->item_count && s->item_layer && s->layer_ms && s->layer_flops &&
                    s->kinds && s->stages && s->impls && t.ms && t.wall && t.row;
  if (done) {
    for (size_t i = 0; i < items; i++) s->item_layer[i] = -1;
    read_spans(s, &t);
    measure_layers(s, &t, chain, chain + layers, chain + layers + items);
    measure_runs(s, &t);
    s->kind_count = make_groups(s, &t, s->kinds, kind_of, same_kind);
    if (log_said(s, "model")[0]) s->stage_count = make_groups(s, &t, s->stages, stage_of, same_stage);
    s->impl_count = make_groups(s, &t, s->impls, impl_of, same_impl);
    rest_last(s->stages, s->stage_count);
    count_log(s, seen);
    qsort(s->kinds, (size_t)s->kind_count, sizeof *s->kinds, longest_first);
    qsort(s->impls, (size_t)s->impl_count, sizeof *s->impls, longest_first);
  }
  free(seen);
  free(chain);
  free(t.ms);
  free(t.wall);
  free(t.row);
  if (!done) log_summary_free(s);
  return done;
}

void log_summary_free(log_summary *s) {
  free(s->item_ms);
  free(s->item_count);
  free(s->item_layer);
  free(s->layer_ms);
  free(s->layer_flops);
  free(s->kinds);
  free(s->stages);
  free(s->impls);
  *s = (log_summary){.view = NULL};
}
