// Any bytes: a trace that can be written and read again without a difference, or one line that names the file.
#include "export/export.h"
#include "import/trace_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_spans(const mf_trace *t) {
  for (size_t i = 0; i < t->span_count; i++) {
    const mf_span *s = &t->spans[i];
    if (s->index < 0 || s->start > INT64_MAX - s->duration || (i && s->start < s[-1].start)) abort();
    const mf_item *item = mf_trace_item(t, s);
    if (item && (!item->name || !item->category || item->attribute_count < 0)) abort();
  }
}

typedef struct text {
  char *bytes;
  size_t size;
} text;

static text written(const mf_trace *t) {
  text out = {0};
  mf_error e = {0};
  FILE *stream = open_memstream(&out.bytes, &out.size);
  if (!stream || mf_export_chrome(t, stream, &e) != MF_OK) abort();
  fclose(stream);
  return out;
}

// The first writing may drop what is unknown or repeated; the second is the same as the first.
static void check_again(const mf_trace *t) {
  mf_error e = {0};
  mf_arena arena = {0};
  mf_trace again;
  text first = written(t);
  if (mf_import_trace(&again, &arena, first.bytes, first.size, "a", &e) != MF_OK) abort();
  check_spans(&again);
  text second = written(&again);
  if (first.size != second.size || memcmp(first.bytes, second.bytes, first.size) != 0) abort();
  free(first.bytes);
  free(second.bytes);
  mf_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  mf_error e = {0};
  mf_arena arena = {0};
  mf_trace t;
  const mf_status status = mf_import_trace(&t, &arena, (const char *)bytes, size, "a.trace.json", &e);
  if (status == MF_OK) {
    check_spans(&t);
    check_again(&t);
  } else if (status != MF_ERR_FILE || strncmp(e.text, "a.trace.json: ", 14) != 0 || strchr(e.text, '\n'))
    abort();
  mf_arena_free(&arena);
  return 0;
}
