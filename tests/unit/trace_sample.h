// A hand-made trace with everything in it, and reading back what an exporter makes of one.
#ifndef TESTS_TRACE_SAMPLE_H
#define TESTS_TRACE_SAMPLE_H

#include "base/json.h"
#include "export/export.h"
#include "reference/support.h"
#include <stdlib.h>
#include <string.h>

typedef struct document {
  char *text;
  size_t size;
  cJSON *root;
} document;

typedef mf_status writer(const mf_trace *trace, FILE *to, mf_error *e);

static inline document text_of(writer *write, const mf_trace *trace) {
  document d = {0};
  mf_error e = {0};
  FILE *file = open_memstream(&d.text, &d.size);
  assert_non_null(file);
  support_ok(write(trace, file, &e), &e);
  assert_false(ferror(file));
  fclose(file);
  return d;
}

static inline document written(writer *write, const mf_trace *trace) {
  document d = text_of(write, trace);
  const char *why = "";
  size_t offset = 0;
  if (mf_json_parse(&d.root, d.text, d.size, &why, &offset) != MF_OK) fail_msg("%s at byte %zu", why, offset);
  return d;
}

static inline void discard(document *d) {
  cJSON_Delete(d->root);
  free(d->text);
}

static inline const cJSON *at(const cJSON *object, const char *key) {
  const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
  if (!value) fail_msg("no key %s", key);
  return value;
}

static inline double number(const cJSON *object, const char *key) {
  const cJSON *value = at(object, key);
  if (!cJSON_IsNumber(value)) fail_msg("%s is no number", key);
  return value->valuedouble;
}

static inline const char *text(const cJSON *object, const char *key) {
  const cJSON *value = at(object, key);
  if (!cJSON_IsString(value)) fail_msg("%s is no text", key);
  return value->valuestring;
}

static inline void assert_number(const cJSON *object, const char *key, double expected) {
  if (number(object, key) != expected) fail_msg("%s is %.17g, not %.17g", key, number(object, key), expected);
}

// ---- one trace with everything in it

static const char *const sources[] = {"conv1", "a \"quoted\" name", "tab\there"};
static const mf_attribute layer_attributes[] = {
    {.key = "sources", .type = MF_ATTRIBUTE_TEXTS, .texts = sources, .integer = 3},
    {.key = "none", .type = MF_ATTRIBUTE_TEXTS, .texts = sources, .integer = 0},
};
static const mf_attribute primitive_attributes[] = {
    {.key = "implementation", .type = MF_ATTRIBUTE_TEXT, .text = "jit:avx512_core"},
    {.key = "bytes_read", .type = MF_ATTRIBUTE_INT, .integer = 9007199254740991}, // 2^53 - 1
    {.key = "negative", .type = MF_ATTRIBUTE_INT, .integer = -7},
    {.key = "flops_per_byte", .type = MF_ATTRIBUTE_DOUBLE, .number = 1.0 / 3},
};
static const mf_attribute environment[] = {
    {.key = "cpu", .type = MF_ATTRIBUTE_TEXT, .text = "a CPU\x01 with \xff bytes"},
    {.key = "threads", .type = MF_ATTRIBUTE_INT, .integer = 2},
};
static const mf_item phases[] = {{.name = "build", .category = "start-up"}};
static const mf_item layers[] = {{.name = "conv1+bn1\"\\\n\x7f\xc0\xaf",
                                  .category = "convolution",
                                  .attributes = layer_attributes,
                                  .attribute_count = 2}};
static const mf_item primitives[] = {{.name = "conv1 \xe2\x86\x92 pool",
                                      .category = "convolution",
                                      .attributes = primitive_attributes,
                                      .attribute_count = 4,
                                      .flops = 1e9,
                                      .bytes = 3e6},
                                     {.name = "input -> conv1", .category = "reorder"}};
static const mf_buffer buffers[] = {{"conv1.out", 4096, 123456789012345, 0, 3}, {"</script>", 0, 64, 1, 1}};
#define T 5000000000123ull
static const mf_span spans[] = {
    {.kind = MF_SPAN_APPLICATION, .id = 1, .start = T, .duration = 1001},
    {.kind = MF_SPAN_RUN, .id = 2, .start = T + 2003, .duration = 900019, .index = 41},
    {.kind = MF_SPAN_PRIMITIVE, .id = 3, .parent = 2, .start = T + 2003, .duration = 0, .index = 1},
    {.kind = MF_SPAN_LAYER, .id = 4, .parent = 2, .start = T + 2005, .duration = 800007, .index = 0},
    {.kind = MF_SPAN_PRIMITIVE, .id = 5, .parent = 4, .start = T + 2005, .duration = 800007, .index = 0},
    {.kind = MF_SPAN_THREAD,
     .id = 6,
     .parent = 5,
     .start = T + 2005,
     .duration = 800007,
     .thread = 1,
     .effective = 700001,
     .spin = 50003,
     .wait = 40002,
     .overhead = 10001,
     .chunks = 3},
};
static const mf_trace full = {.name = "minfer \"x\" int8",
                              .monotonic = T + 12345,
                              .epoch = 1763721963123456789ull,
                              .environment = environment,
                              .environment_count = 2,
                              .phases = phases,
                              .phase_count = 1,
                              .layers = layers,
                              .layer_count = 1,
                              .primitives = primitives,
                              .primitive_count = 2,
                              .spans = spans,
                              .span_count = sizeof spans / sizeof *spans,
                              .dropped = 77,
                              .buffers = buffers,
                              .buffer_count = 2,
                              .context = {.trace_id = {0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb,
                                                       0x21, 0x1c, 0x80, 0x31, 0x9c},
                                          .flags = 1,
                                          .base = 0x9e3779b97f4a7c15}};

#endif
