// A table for spreadsheets and data frames: a row a span, always the same columns (RFC 4180). Cells are empty where a
// span has no such attribute; lists are joined with "+".
#include "base/utf8.h"
#include "export/attributes.h"
#include "export/export.h"
#include <inttypes.h>
#include <string.h>

// Attributes with a column, behind those that every span has.
static const char *const columns[] = {"kind",
                                      "sources",
                                      "stage",
                                      "dtype",
                                      "implementation",
                                      "problem",
                                      "input_shape",
                                      "output_shape",
                                      "source_format",
                                      "source_dtype",
                                      "weights_format",
                                      "weights_dtype",
                                      "bias_format",
                                      "bias_dtype",
                                      "destination_format",
                                      "destination_dtype",
                                      "post_ops",
                                      "from",
                                      "to",
                                      "reason",
                                      "scratchpad_bytes",
                                      "bytes_read",
                                      "bytes_written",
                                      "flops",
                                      "flops_per_byte",
                                      "gflops",
                                      "gbytes_per_s",
                                      "effective_ns",
                                      "spin_ns",
                                      "wait_ns",
                                      "overhead_ns",
                                      "chunks",
                                      "chunk",
                                      "cache",
                                      "bound",
                                      "roof_ns",
                                      "roof_share",
                                      "page_faults",
                                      "voluntary_switches",
                                      "involuntary_switches",
                                      "cycles",
                                      "instructions",
                                      "cache_misses"};

// Inside quotes; what is no UTF-8 becomes U+FFFD.
static void put_text(FILE *to, const char *text) {
  const size_t count = strlen(text);
  for (size_t i = 0, length; i < count; i += length) {
    uint32_t code;
    length = mf_utf8_decode(text + i, count - i, &code);
    if (!length) {
      fputs("\xef\xbf\xbd", to);
      length = 1;
      continue;
    }
    if (code == '"') putc('"', to);
    fwrite(text + i, 1, length, to);
  }
}

static void put_texts(FILE *to, const char *const *texts, int64_t count) {
  bool quoted = false;
  for (int64_t i = 0; i < count; i++) quoted |= strpbrk(texts[i], ",\"\r\n") != NULL;
  if (quoted) putc('"', to);
  for (int64_t i = 0; i < count; i++) {
    if (i) putc('+', to);
    put_text(to, texts[i]);
  }
  if (quoted) putc('"', to);
}

static void put_attribute(FILE *to, const mf_attribute *a) {
  mf_json number = mf_json_start(to, false); // a number looks as in JSON
  switch (a->type) {
  case MF_ATTRIBUTE_TEXT:
    put_texts(to, &a->text, 1);
    break;
  case MF_ATTRIBUTE_TEXTS:
    put_texts(to, a->texts, a->integer);
    break;
  case MF_ATTRIBUTE_INT:
    mf_json_int(&number, NULL, a->integer);
    break;
  case MF_ATTRIBUTE_DOUBLE:
    if (a->number - a->number == 0) mf_json_double(&number, NULL, a->number); // finite
    break;
  }
}

static void put_span(FILE *to, const mf_trace *trace, const mf_span *span, uint64_t origin) {
  const mf_export_attributes attributes = mf_export_attributes_of(trace, span);
  const char *name = mf_trace_name(trace, span), *category = mf_export_category(trace, span);
  fprintf(to, "%" PRIu64 ",", span->id);
  if (span->parent) fprintf(to, "%" PRIu64, span->parent);
  fprintf(to, ",%s,", mf_span_kind_name(span->kind));
  put_texts(to, &name, 1);
  putc(',', to);
  put_texts(to, &category, 1);
  fprintf(to, ",%d,%d,%" PRIu64 ",%" PRIu64, span->index, span->thread, span->start - origin, span->duration);
  for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
    putc(',', to);
    for (int i = 0; i < attributes.item_count + attributes.own_count; i++) {
      const mf_attribute *a = mf_export_attribute(&attributes, i);
      if (strcmp(a->key, columns[c]) == 0) put_attribute(to, a);
    }
  }
  fputs("\r\n", to);
}

mf_status mf_export_csv(const mf_trace *trace, FILE *to, mf_error *e) {
  (void)e;
  uint64_t origin, end;
  mf_export_extent(trace, &origin, &end);
  fputs("id,parent,span,name,category,index,thread,start_ns,duration_ns", to);
  for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) fprintf(to, ",%s", columns[c]);
  fputs("\r\n", to);
  for (size_t i = 0; i < trace->span_count; i++) put_span(to, trace, &trace->spans[i], origin);
  return MF_OK;
}
