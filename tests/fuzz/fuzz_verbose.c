// Any bytes as a log: a trace whose spans and counts hold together, or one line that says what is wrong.
#include "memory_file.h"
#include <minfer.h>
#include <string.h>

static int64_t counted(const minfer_trace_view *v, const char *key) {
  for (int i = 0; i < v->environment_count; i++)
    if (strcmp(v->environment[i].key, key) == 0) return v->environment[i].integer;
  abort();
}

static void check_span(const minfer_trace_view *v, size_t i) {
  const minfer_span *s = &v->spans[i];
  const int limits[] = {[MINFER_SPAN_APPLICATION] = v->phase_count,
                        [MINFER_SPAN_RUN] = (int)counted(v, "runs"),
                        [MINFER_SPAN_LAYER] = v->layer_count,
                        [MINFER_SPAN_PRIMITIVE] = v->primitive_count,
                        [MINFER_SPAN_THREAD] = 0};
  if (s->id != i + 1 || s->parent >= s->id || s->index < 0 || s->index >= limits[s->kind]) abort();
  if (i && s->start_ns < v->spans[i - 1].start_ns) abort();
  if (!s->parent) return;
  const minfer_span *p = &v->spans[s->parent - 1];
  if (s->start_ns < p->start_ns || s->start_ns + s->duration_ns > p->start_ns + p->duration_ns) abort();
}

static void check(const minfer_trace *trace, size_t size) {
  const minfer_trace_view *v = minfer_trace_describe(trace);
  if (v->span_count > size || (int64_t)size < counted(v, "lines_verbose")) abort();
  for (size_t i = 0; i < v->span_count; i++) check_span(v, i);
  for (int i = 0; i < v->primitive_count; i++)
    if (!(v->primitives[i].flops >= 0) || !(v->primitives[i].bytes >= 0) || !v->primitives[i].name) abort();
  for (int i = 0; i < v->layer_count; i++)
    if (!v->layers[i].name[0]) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const char *const models[] = {NULL, "alexnet", "resnet18", "mobilenet_v1"};
  memory_file file = memory_file_open(bytes, size);
  minfer_error e = {0};
  minfer_trace *trace = NULL;
  minfer_verbose_options options = {.size = sizeof options, .model = models[size % 4]};
  const minfer_status status = minfer_trace_read_verbose(file.path, &options, &trace, &e);
  if (status == MINFER_OK)
    check(trace, size);
  else if (status != MINFER_FILE || strchr(e.text, '\n') || !strstr(e.text, file.path))
    abort();
  minfer_trace_free(trace);
  memory_file_close(&file);
  return 0;
}
