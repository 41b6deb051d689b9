#include "breakdown.h"
#include "stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct traced_run {
  uint64_t start, end;
  size_t seen; // spans found inside
} traced_run;

// The runs of a trace and, for each, the ms of every item: primitives or layers.
typedef struct run_table {
  traced_run *runs;
  double *ms; // runs rows of `items`
  size_t count, items;
  double *scratch; // a value a run
} run_table;

static void table_release(run_table *t) {
  free(t->runs);
  free(t->ms);
  free(t->scratch);
}

static size_t count_kind(const minfer_span *spans, size_t count, minfer_span_kind kind) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) found += spans[i].kind == kind;
  return found;
}

// The run whose time a span lies in; runs come in order of time.
static traced_run *run_of(const run_table *t, const minfer_span *span) {
  size_t low = 0, high = t->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (t->runs[middle].end <= span->start_ns)
      low = middle + 1;
    else
      high = middle;
  }
  return low < t->count && t->runs[low].start <= span->start_ns ? &t->runs[low] : NULL;
}

static traced_run *run_of_item(const run_table *t, const minfer_span *span, minfer_span_kind kind) {
  const bool counts = span->kind == kind && span->index >= 0 && (size_t)span->index < t->items;
  return counts ? run_of(t, span) : NULL;
}

// Runs that lack a span, because the recorder has overwritten it, tell nothing.
static void keep_whole(run_table *t, const minfer_span *spans, size_t count, minfer_span_kind kind) {
  for (size_t i = 0; i < count; i++)
    if (spans[i].kind == MINFER_SPAN_RUN)
      t->runs[t->count++] = (traced_run){.start = spans[i].start_ns, .end = spans[i].start_ns + spans[i].duration_ns};
  for (size_t i = 0; i < count; i++) {
    traced_run *run = run_of_item(t, &spans[i], kind);
    if (run) run->seen++;
  }
  size_t kept = 0, whole = t->items ? 1 : 0; // not every item of a plan has a span
  for (size_t r = 0; r < t->count; r++)
    if (t->runs[r].seen > whole) whole = t->runs[r].seen;
  for (size_t r = 0; r < t->count; r++)
    if (t->runs[r].seen == whole) t->runs[kept++] = t->runs[r];
  t->count = kept;
}

static bool read_runs(run_table *t, const minfer_span *spans, size_t count, minfer_span_kind kind, size_t items) {
  size_t runs = count_kind(spans, count, MINFER_SPAN_RUN);
  *t = (run_table){.runs = calloc(runs + 1, sizeof *t->runs), .items = items};
  if (!t->runs) return false;
  keep_whole(t, spans, count, kind);
  t->scratch = calloc(t->count + 1, sizeof *t->scratch);
  t->ms = calloc(t->count * items + 1, sizeof *t->ms); // runs and items are bounded by the spans
  if (!t->scratch || !t->ms) return false;
  for (size_t i = 0; i < count; i++) {
    const traced_run *run = run_of_item(t, &spans[i], kind);
    if (run) t->ms[(size_t)(run - t->runs) * items + (size_t)spans[i].index] += (double)spans[i].duration_ns * 1e-6;
  }
  return true;
}

// Median over the runs of the sum of the items that `takes` chooses.
static double median_of(run_table *t, bool (*takes)(size_t item, const void *context), const void *context) {
  for (size_t r = 0; r < t->count; r++) {
    t->scratch[r] = 0;
    for (size_t i = 0; i < t->items; i++)
      if (takes(i, context)) t->scratch[r] += t->ms[r * t->items + i];
  }
  return stats_median(t->scratch, t->count);
}

static bool takes_range(size_t item, const void *context) {
  const size_t *range = context;
  return item >= range[0] && item < range[1];
}

static double median_of_range(run_table *t, size_t first, size_t count) {
  return median_of(t, takes_range, (size_t[]){first, first + count});
}

static double run_ms(const run_table *t, size_t r) {
  return (double)(t->runs[r].end - t->runs[r].start) * 1e-6;
}

static double sum_ms(const run_table *t, size_t r) {
  double sum = 0;
  for (size_t i = 0; i < t->items; i++) sum += t->ms[r * t->items + i];
  return sum;
}

typedef struct kind_key {
  const minfer_plan *plan;
  const char *kind;
} kind_key;

static bool takes_kind(size_t item, const void *context) {
  const kind_key *key = context;
  return strcmp(key->plan->primitives[item].kind, key->kind) == 0;
}

static kind_time *find_kind(breakdown *b, const char *kind) {
  for (int k = 0; k < b->kind_count; k++)
    if (strcmp(b->kinds[k].kind, kind) == 0) return &b->kinds[k];
  b->kinds[b->kind_count] = (kind_time){.kind = kind, .ms = NAN};
  return &b->kinds[b->kind_count++];
}

static bool is_last(const kind_time *k) {
  return strcmp(k->kind, "reorder") == 0;
}

static int by_time(const void *a, const void *b) {
  const kind_time *x = a, *y = b;
  if (is_last(x) != is_last(y)) return is_last(x) - is_last(y);
  if (x->ms < y->ms || x->ms > y->ms) return x->ms < y->ms ? 1 : -1;
  if (x->count != y->count) return y->count - x->count;
  return strcmp(x->kind, y->kind);
}

static double *unknown(size_t count) {
  double *values = reallocarray(NULL, count + 1, sizeof *values);
  for (size_t i = 0; values && i < count; i++) values[i] = NAN;
  return values;
}

bool breakdown_counts(const minfer_plan *plan, breakdown *out) {
  size_t primitives = (size_t)plan->primitive_count;
  *out = (breakdown){.run_ms = NAN, .spans_ms = NAN, .gap_ms = NAN, .closure = NAN, .kind_count = 0};
  out->primitive_ms = unknown(primitives);
  out->layer_ms = unknown((size_t)plan->layer_count);
  out->kinds = calloc(primitives + 1, sizeof *out->kinds);
  if (!out->primitive_ms || !out->layer_ms || !out->kinds) return false;
  out->kinds[out->kind_count++] = (kind_time){.kind = "reorder", .ms = NAN};
  for (size_t i = 0; i < primitives; i++) find_kind(out, plan->primitives[i].kind)->count++;
  qsort(out->kinds, (size_t)out->kind_count, sizeof *out->kinds, by_time);
  return true;
}

// Everything that needs primitive spans.
static void fill_from_primitives(const minfer_plan *plan, run_table *t, breakdown *out) {
  out->runs = t->count;
  for (size_t i = 0; i < t->items; i++) out->primitive_ms[i] = median_of_range(t, i, 1);
  for (int i = 0; i < plan->layer_count; i++) {
    const minfer_layer *layer = &plan->layers[i];
    out->layer_ms[i] = median_of_range(t, (size_t)layer->first_primitive, (size_t)layer->primitive_count);
  }
  for (int k = 0; k < out->kind_count; k++)
    out->kinds[k].ms = median_of(t, takes_kind, &(kind_key){plan, out->kinds[k].kind});
  qsort(out->kinds, (size_t)out->kind_count, sizeof *out->kinds, by_time);
  for (size_t r = 0; r < t->count; r++) t->scratch[r] = sum_ms(t, r);
  out->spans_ms = stats_median(t->scratch, t->count);
  for (size_t r = 0; r < t->count; r++) t->scratch[r] = sum_ms(t, r) / run_ms(t, r);
  out->closure = stats_median(t->scratch, t->count);
  for (size_t r = 0; r < t->count; r++) t->scratch[r] = run_ms(t, r) - sum_ms(t, r);
  out->gap_ms = stats_median(t->scratch, t->count);
  out->by_run = t->ms;
  t->ms = NULL;
}

static void fill_from_layers(run_table *t, breakdown *out) {
  out->runs = t->count;
  for (size_t i = 0; i < t->items; i++) out->layer_ms[i] = median_of_range(t, i, 1);
  out->layers_by_run = t->ms;
  t->ms = NULL;
}

static void fill_runs(run_table *t, breakdown *out) {
  for (size_t r = 0; r < t->count; r++) t->scratch[r] = out->run_times[r] = run_ms(t, r);
  out->run_ms = stats_median(t->scratch, t->count);
}

bool breakdown_make(const minfer_plan *plan, const minfer_span *spans, size_t count, breakdown *out) {
  if (!breakdown_counts(plan, out)) return false;
  bool primitives = count_kind(spans, count, MINFER_SPAN_PRIMITIVE) > 0;
  run_table t;
  bool done = read_runs(&t, spans, count, primitives ? MINFER_SPAN_PRIMITIVE : MINFER_SPAN_LAYER,
                        (size_t)(primitives ? plan->primitive_count : plan->layer_count));
  if (done) out->run_times = calloc(t.count + 1, sizeof *out->run_times);
  done = done && out->run_times;
  if (done) fill_runs(&t, out);
  if (done && primitives)
    fill_from_primitives(plan, &t, out);
  else if (done)
    fill_from_layers(&t, out);
  table_release(&t);
  return done;
}

void breakdown_free(breakdown *b) {
  free(b->primitive_ms);
  free(b->layer_ms);
  free(b->kinds);
  free(b->run_times);
  free(b->by_run);
  free(b->layers_by_run);
  *b = (breakdown){0};
}
