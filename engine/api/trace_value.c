// Traces as values: read from a file, shown through minfer.h, written in any format.
#include "api/handles.h"
#include "base/file.h"
#include "export/export.h"
#include "import/trace_file.h"
#include <stdio.h>
#include <string.h>

_Static_assert((int)MINFER_SPAN_APPLICATION == MF_SPAN_APPLICATION && (int)MINFER_SPAN_GAP == MF_SPAN_GAP,
               "one set of kinds");
_Static_assert((int)MINFER_ATTRIBUTE_TEXT == MF_ATTRIBUTE_TEXT && (int)MINFER_ATTRIBUTE_DOUBLE == MF_ATTRIBUTE_DOUBLE,
               "one set of types");

void mf_api_spans(minfer_span *to, const mf_span *from, size_t count) {
  for (size_t i = 0; i < count; i++)
    to[i] = (minfer_span){.kind = (minfer_span_kind)from[i].kind,
                          .id = from[i].id,
                          .parent = from[i].parent,
                          .start_ns = from[i].start,
                          .duration_ns = from[i].duration,
                          .index = from[i].index,
                          .thread = from[i].thread,
                          .effective_ns = from[i].effective,
                          .spin_ns = from[i].spin,
                          .wait_ns = from[i].wait,
                          .overhead_ns = from[i].overhead,
                          .chunks = (int)from[i].chunks,
                          .chunk = (int)from[i].chunk,
                          .cycles = from[i].cycles,
                          .instructions = from[i].instructions,
                          .cache_misses = from[i].cache_misses,
                          .page_faults = (int)from[i].page_faults,
                          .voluntary_switches = (int)from[i].voluntary,
                          .involuntary_switches = (int)from[i].involuntary};
}

// Room for `count` of something, as *out.
static mf_status room(mf_arena *arena, size_t count, size_t size, void *out, mf_error *e) {
  size_t bytes = SIZE_MAX;
  void *block = mf_mul(count ? count : 1, size, &bytes) ? mf_arena_alloc(arena, bytes) : NULL;
  if (!block) return mf_fail_memory(e, bytes);
  memcpy(out, &block, sizeof block);
  return MF_OK;
}

static mf_status view_attributes(mf_arena *arena, const mf_attribute *from, int count, const minfer_attribute **out,
                                 mf_error *e) {
  minfer_attribute *to;
  MF_TRY(room(arena, (size_t)count, sizeof *to, &to, e));
  *out = to;
  for (int i = 0; i < count; i++)
    to[i] = (minfer_attribute){.key = from[i].key,
                               .type = (minfer_attribute_type)from[i].type,
                               .text = from[i].text,
                               .texts = from[i].texts,
                               .integer = from[i].integer,
                               .number = from[i].type == MF_ATTRIBUTE_INT ? (double)from[i].integer : from[i].number};
  return MF_OK;
}

static mf_status view_items(mf_arena *arena, const mf_item *from, int count, const minfer_item **out, mf_error *e) {
  minfer_item *to;
  MF_TRY(room(arena, (size_t)count, sizeof *to, &to, e));
  *out = to;
  for (int i = 0; i < count; i++) {
    to[i] = (minfer_item){.name = from[i].name,
                          .category = from[i].category,
                          .attribute_count = from[i].attribute_count,
                          .flops = from[i].flops,
                          .bytes = from[i].bytes};
    MF_TRY(view_attributes(arena, from[i].attributes, from[i].attribute_count, &to[i].attributes, e));
  }
  return MF_OK;
}

static mf_status view_buffers(mf_arena *arena, const mf_buffer *from, int count, const minfer_buffer **out,
                              mf_error *e) {
  minfer_buffer *to;
  MF_TRY(room(arena, (size_t)count, sizeof *to, &to, e));
  *out = to;
  for (int i = 0; i < count; i++)
    to[i] = (minfer_buffer){from[i].name, from[i].offset, from[i].bytes, from[i].first, from[i].last};
  return MF_OK;
}

mf_status mf_api_trace_view(mf_arena *arena, const mf_trace *t, minfer_trace_view *out, mf_error *e) {
  minfer_span *spans;
  *out = (minfer_trace_view){.name = t->name,
                             .monotonic_ns = t->monotonic,
                             .epoch_ns = t->epoch,
                             .environment_count = t->environment_count,
                             .phase_count = t->phase_count,
                             .layer_count = t->layer_count,
                             .primitive_count = t->primitive_count,
                             .span_count = t->span_count,
                             .dropped = t->dropped,
                             .buffer_count = t->buffer_count};
  MF_TRY(view_attributes(arena, t->environment, t->environment_count, &out->environment, e));
  MF_TRY(view_items(arena, t->phases, t->phase_count, &out->phases, e));
  MF_TRY(view_items(arena, t->layers, t->layer_count, &out->layers, e));
  MF_TRY(view_items(arena, t->primitives, t->primitive_count, &out->primitives, e));
  MF_TRY(view_buffers(arena, t->buffers, t->buffer_count, &out->buffers, e));
  MF_TRY(room(arena, t->span_count, sizeof *spans, &spans, e));
  mf_api_spans(spans, t->spans, t->span_count);
  out->spans = spans;
  return MF_OK;
}

static mf_status read_file(minfer_trace *t, const char *path, mf_error *e) {
  MF_TRY(mf_import_trace_file(&t->trace, &t->arena, path, e));
  return mf_api_trace_view(&t->arena, &t->trace, &t->view, e);
}

minfer_status minfer_trace_read(const char *path, minfer_trace **out, minfer_error *error) {
  mf_error e = {0};
  mf_status status;
  minfer_trace *t = mf_alloc_zero(sizeof *t);
  *out = NULL;
  if (t)
    status = read_file(t, path, &e);
  else
    status = mf_fail_memory(&e, sizeof *t);
  if (status == MF_OK)
    *out = t;
  else
    minfer_trace_free(t);
  return mf_api_report(error, &e, status);
}

const minfer_trace_view *minfer_trace_describe(const minfer_trace *t) {
  return &t->view;
}

void minfer_trace_free(minfer_trace *t) {
  if (!t) return;
  mf_arena_free(&t->arena);
  mf_free(t);
}

// ---- as files

const char *minfer_trace_format(int index) {
  return index >= 0 && index < mf_exporter_count ? mf_exporters[index].name : NULL;
}

const char *minfer_trace_suffix(int index) {
  return index >= 0 && index < mf_exporter_count ? mf_exporters[index].suffix : NULL;
}

typedef struct writing {
  const mf_exporter *exporter;
  const mf_trace *trace;
} writing;

static mf_status fill(FILE *file, void *context, mf_error *e) {
  const writing *w = context;
  return w->exporter->write(w->trace, file, e);
}

static mf_status fail_format(const char *format, const char *path, mf_error *e) {
  char names[256] = "";
  for (int i = 0; i < mf_exporter_count; i++) {
    const size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
             format ? mf_exporters[i].name : mf_exporters[i].suffix);
  }
  if (format) return mf_fail(e, MF_ERR_USAGE, "there is no trace format %s (expected %s)", format, names);
  return mf_fail(e, MF_ERR_USAGE, "%s: no trace format ends like this (expected %s)", path, names);
}

mf_status mf_api_write_trace(const mf_trace *trace, const char *format, const char *path, mf_error *e) {
  const mf_exporter *exporter = format ? mf_exporter_find(format) : mf_exporter_for_path(path);
  if (!exporter) return fail_format(format, path, e);
  return mf_file_write(path, fill, &(writing){exporter, trace}, e);
}

minfer_status minfer_trace_convert(const minfer_trace *t, const char *format, const char *path, minfer_error *error) {
  mf_error e = {0};
  return mf_api_report(error, &e, mf_api_write_trace(&t->trace, format, path, &e));
}
