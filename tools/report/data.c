#include "report/data.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// To a tenth of a nanosecond: medians of whole ones end in .0 or .5.
static void put_ms(minfer_json *j, const char *key, double ms) {
  minfer_json_double(j, key, round(ms * 1e7) / 10);
}

static void put_attributes(minfer_json *j, const char *key, const minfer_attribute *attributes, int count) {
  minfer_json_object(j, key);
  for (int i = 0; i < count; i++) {
    const minfer_attribute *a = &attributes[i];
    switch (a->type) {
    case MINFER_ATTRIBUTE_TEXT:
      minfer_json_string(j, a->key, a->text);
      break;
    case MINFER_ATTRIBUTE_TEXTS:
      minfer_json_array(j, a->key);
      for (int64_t k = 0; k < a->integer; k++) minfer_json_string(j, NULL, a->texts[k]);
      minfer_json_end(j);
      break;
    case MINFER_ATTRIBUTE_INT:
      minfer_json_int(j, a->key, a->integer);
      break;
    case MINFER_ATTRIBUTE_DOUBLE:
      minfer_json_double(j, a->key, a->number);
      break;
    }
  }
  minfer_json_end(j);
}

// ---- items: what spans are executions of

static void put_names(minfer_json *j, const minfer_item *items, int count) {
  minfer_json_array(j, "name");
  for (int i = 0; i < count; i++) minfer_json_string(j, NULL, items[i].name);
  minfer_json_end(j);
}

static void put_times(minfer_json *j, const double *ms, const spread *spreads, int count) {
  minfer_json_array(j, "ns");
  for (int i = 0; i < count; i++) put_ms(j, NULL, ms[i]);
  minfer_json_end(j);
  minfer_json_array(j, "low");
  for (int i = 0; i < count; i++) put_ms(j, NULL, spreads[i].low);
  minfer_json_end(j);
  minfer_json_array(j, "high");
  for (int i = 0; i < count; i++) put_ms(j, NULL, spreads[i].high);
  minfer_json_end(j);
}

static void put_item_attributes(minfer_json *j, const minfer_item *items, int count) {
  minfer_json_array(j, "attributes");
  for (int i = 0; i < count; i++) put_attributes(j, NULL, items[i].attributes, items[i].attribute_count);
  minfer_json_end(j);
}

static void put_layers(minfer_json *j, const report_trace *t) {
  const int count = t->view->layer_count;
  minfer_json_object(j, "layers");
  put_names(j, t->view->layers, count);
  put_times(j, t->times.layer_ms, t->layers, count);
  put_item_attributes(j, t->view->layers, count);
  minfer_json_end(j);
}

static void put_primitives(minfer_json *j, const report_trace *t) {
  const minfer_item *items = t->view->primitives;
  const int count = t->view->primitive_count;
  minfer_json_object(j, "primitives");
  put_names(j, items, count);
  minfer_json_array(j, "kind");
  for (int i = 0; i < count; i++) minfer_json_string(j, NULL, report_kind(t, i));
  minfer_json_end(j);
  minfer_json_array(j, "layer");
  for (int i = 0; i < count; i++) minfer_json_int(j, NULL, t->plan.primitives[i].layer);
  minfer_json_end(j);
  minfer_json_array(j, "flops");
  for (int i = 0; i < count; i++) minfer_json_double(j, NULL, items[i].flops);
  minfer_json_end(j);
  minfer_json_array(j, "bytes");
  for (int i = 0; i < count; i++) minfer_json_double(j, NULL, items[i].bytes);
  minfer_json_end(j);
  put_times(j, t->times.primitive_ms, t->primitives, count);
  put_item_attributes(j, items, count);
  minfer_json_end(j);
}

// Rows of stage, kind, count and time; null where they are taken together.
static void put_tallies(minfer_json *j, const char *key, const tally *list, int count) {
  minfer_json_array(j, key);
  for (int i = 0; i < count; i++) {
    minfer_json_array(j, NULL);
    minfer_json_string(j, NULL, list[i].stage);
    minfer_json_string(j, NULL, list[i].kind);
    minfer_json_int(j, NULL, list[i].count);
    put_ms(j, NULL, list[i].ms);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_runs(minfer_json *j, const report_trace *t) {
  minfer_json_object(j, "runs");
  minfer_json_int(j, "count", (int64_t)t->times.runs);
  put_ms(j, "ns", t->times.run_ms);
  put_ms(j, "low", t->run.low);
  put_ms(j, "high", t->run.high);
  put_ms(j, "primitives", t->times.spans_ms);
  put_ms(j, "gap", t->times.gap_ms);
  minfer_json_double(j, "closure", t->times.closure);
  minfer_json_end(j);
}

static void put_memory(minfer_json *j, const minfer_trace_view *view) {
  minfer_json_array(j, "memory");
  for (int i = 0; i < view->buffer_count; i++) {
    const minfer_buffer *b = &view->buffers[i];
    minfer_json_array(j, NULL);
    minfer_json_string(j, NULL, b->name);
    minfer_json_int(j, NULL, (int64_t)b->offset);
    minfer_json_int(j, NULL, (int64_t)b->bytes);
    minfer_json_int(j, NULL, b->first_primitive);
    minfer_json_int(j, NULL, b->last_primitive);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

// ---- spans: a set of columns for each kind

static int64_t span_index(const minfer_span *s) {
  return s->index;
}
static int64_t span_thread(const minfer_span *s) {
  return s->thread;
}
static int64_t span_duration(const minfer_span *s) {
  return (int64_t)s->duration_ns;
}
static int64_t span_effective(const minfer_span *s) {
  return (int64_t)s->effective_ns;
}
static int64_t span_spin(const minfer_span *s) {
  return (int64_t)s->spin_ns;
}
static int64_t span_wait(const minfer_span *s) {
  return (int64_t)s->wait_ns;
}
static int64_t span_overhead(const minfer_span *s) {
  return (int64_t)s->overhead_ns;
}
static int64_t span_chunks(const minfer_span *s) {
  return s->chunks;
}

typedef struct span_column {
  const char *key;
  int64_t (*value)(const minfer_span *span);
} span_column;
static const span_column columns[] = {{"duration", span_duration},   {"index", span_index},  {"thread", span_thread},
                                      {"effective", span_effective}, {"spin", span_spin},    {"wait", span_wait},
                                      {"overhead", span_overhead},   {"chunks", span_chunks}};
enum { COMMON_COLUMNS = 2, ALL_COLUMNS = sizeof columns / sizeof *columns };

static void put_span_set(minfer_json *j, const char *key, const minfer_trace_view *view, minfer_span_kind kind) {
  minfer_json_object(j, key);
  minfer_json_array(j, "start"); // each but the first as the difference from the one before it
  uint64_t before = view->span_count ? view->spans[0].start_ns : 0;
  for (size_t i = 0; i < view->span_count; i++) {
    if (view->spans[i].kind != kind) continue;
    minfer_json_int(j, NULL, (int64_t)(view->spans[i].start_ns - before));
    before = view->spans[i].start_ns;
  }
  minfer_json_end(j);
  for (int c = 0; c < (kind == MINFER_SPAN_THREAD ? ALL_COLUMNS : COMMON_COLUMNS); c++) {
    minfer_json_array(j, columns[c].key);
    for (size_t i = 0; i < view->span_count; i++)
      if (view->spans[i].kind == kind) minfer_json_int(j, NULL, columns[c].value(&view->spans[i]));
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

// For each phase the place of the one that it is a part of among them, -1 for none. Parts come right behind it.
static void put_phase_parents(minfer_json *j, const minfer_trace_view *view) {
  int64_t count = 0, whole = -1;
  uint64_t id = 0;
  minfer_json_array(j, "phase_parents");
  for (size_t i = 0; i < view->span_count; i++) {
    const minfer_span *s = &view->spans[i];
    if (s->kind != MINFER_SPAN_APPLICATION) continue;
    minfer_json_int(j, NULL, s->parent && s->parent == id ? whole : -1);
    if (!s->parent) {
      whole = count;
      id = s->id;
    }
    count++;
  }
  minfer_json_end(j);
}

static void put_spans(minfer_json *j, const minfer_trace_view *view) {
  minfer_json_object(j, "spans");
  put_span_set(j, "phases", view, MINFER_SPAN_APPLICATION);
  put_span_set(j, "runs", view, MINFER_SPAN_RUN);
  put_span_set(j, "layers", view, MINFER_SPAN_LAYER);
  put_span_set(j, "primitives", view, MINFER_SPAN_PRIMITIVE);
  put_span_set(j, "threads", view, MINFER_SPAN_THREAD);
  minfer_json_end(j);
}

// ---- traces

static void put_side(minfer_json *j, const layer_group *g, int side) {
  minfer_json_array(j, NULL);
  for (int i = 0; i < g->counts[side]; i++) minfer_json_int(j, NULL, g->layers[side][i]);
  minfer_json_end(j);
}

static void put_groups(minfer_json *j, const layer_groups *groups) {
  minfer_json_array(j, "groups");
  for (size_t i = 0; i < groups->count; i++) {
    minfer_json_array(j, NULL);
    put_side(j, &groups->items[i], 0);
    put_side(j, &groups->items[i], 1);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_trace(minfer_json *j, const report_trace *t) {
  const minfer_trace_view *view = t->view;
  const char *slash = strrchr(t->path, '/');
  minfer_json_object(j, NULL);
  minfer_json_string(j, "file", slash ? slash + 1 : t->path);
  minfer_json_string(j, "name", view->name);
  if (view->epoch_ns) minfer_json_double(j, "epoch_ms", floor((double)view->epoch_ns / 1e6));
  put_attributes(j, "environment", view->environment, view->environment_count);
  minfer_json_int(j, "dropped", (int64_t)view->dropped);
  put_runs(j, t);
  minfer_json_object(j, "phases");
  put_names(j, view->phases, view->phase_count);
  put_item_attributes(j, view->phases, view->phase_count);
  minfer_json_end(j);
  put_phase_parents(j, view);
  put_layers(j, t);
  put_primitives(j, t);
  put_tallies(j, "kinds", t->kinds, t->kind_count);
  put_tallies(j, "stages", t->stages, t->stage_count);
  put_memory(j, view);
  put_spans(j, view);
  put_groups(j, &t->groups);
  minfer_json_end(j);
}

// "<" begins the end of a script element and comments inside one; in JSON it can only stand in a text.
static void put_escaped(FILE *out, const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (bytes[i] == '<')
      fputs("\\u003c", out);
    else
      putc(bytes[i], out);
}

bool report_data_write(FILE *out, const report_traces *traces) {
  char *bytes = NULL;
  size_t count = 0;
  FILE *memory = open_memstream(&bytes, &count);
  if (!memory) return false;
  minfer_json *j = minfer_json_open(memory, false);
  if (j) {
    minfer_json_object(j, NULL);
    minfer_json_string(j, "minfer_version", minfer_version());
    minfer_json_array(j, "traces");
    for (size_t i = 0; i < traces->count; i++) put_trace(j, &traces->items[i]);
    minfer_json_close(j);
  }
  bool done = j && !ferror(memory);
  done &= fclose(memory) == 0;
  if (done) put_escaped(out, bytes, count);
  free(bytes);
  return done;
}
