// Trace files read back: a hand-made trace is written and has to come back number for number and byte for byte; broken
// files are refused with one clear line.
#include "export/export.h"
#include "import/trace_file.h"
#include "reference/support.h"
#include "total.h"
#include "unit/edits.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

// ---- there and back

static const char *const sources[] = {"conv1", "a \"quoted\" name", "tab\there \xc3\xa4"};
static const mf_attribute layer_attributes[] = {
    {.key = "kind", .type = MF_ATTRIBUTE_TEXT, .text = "convolution"},
    {.key = "sources", .type = MF_ATTRIBUTE_TEXTS, .texts = sources, .integer = 3},
    {.key = "none", .type = MF_ATTRIBUTE_TEXTS, .texts = sources, .integer = 0},
};
static const mf_attribute primitive_attributes[] = {
    {.key = "implementation", .type = MF_ATTRIBUTE_TEXT, .text = "jit:avx512_core"},
    {.key = "bytes_read", .type = MF_ATTRIBUTE_INT, .integer = 3000000},
    {.key = "bytes_written", .type = MF_ATTRIBUTE_INT, .integer = 123},
    {.key = "flops", .type = MF_ATTRIBUTE_DOUBLE, .number = 1234567890.25},
    {.key = "of another version", .type = MF_ATTRIBUTE_INT, .integer = 9007199254740991}, // 2^53 - 1
    {.key = "negative", .type = MF_ATTRIBUTE_INT, .integer = -7},
    {.key = "third", .type = MF_ATTRIBUTE_DOUBLE, .number = 1.0 / 3},
    {.key = "large", .type = MF_ATTRIBUTE_DOUBLE, .number = 1.7976931348623157e308},
    {.key = "minus nothing", .type = MF_ATTRIBUTE_DOUBLE, .number = -0.0},
    {.key = "unknown", .type = MF_ATTRIBUTE_DOUBLE, .number = NAN},
};
static const mf_attribute environment[] = {
    {.key = "cpu", .type = MF_ATTRIBUTE_TEXT, .text = "a CPU\x01"},
    {.key = "threads", .type = MF_ATTRIBUTE_INT, .integer = 2},
};
static const mf_item phases[] = {{.name = "read", .category = "start-up"}, {.name = "build", .category = "start-up"}};
static const mf_item layers[] = {
    {.name = "", .category = ""}, // no span is of it
    {.name = "conv1+bn1\"\\\n\x7f", .category = "convolution", .attributes = layer_attributes, .attribute_count = 3}};
static const mf_item primitives[] = {{.name = "conv1 \xe2\x86\x92 pool",
                                      .category = "convolution",
                                      .attributes = primitive_attributes,
                                      .attribute_count = COUNT(primitive_attributes),
                                      .flops = 1234567890.25,
                                      .bytes = 3000123},
                                     {.name = "input -> conv1", .category = "reorder"}};
static const mf_buffer buffers[] = {{"conv1.out", 4096, 123456789012345, 0, 3}, {"</script>", 0, 64, 1, 1}};
#define T 9007199254740993ull // 2^53 + 1: no double
static const mf_span spans[] = {
    {.kind = MF_SPAN_APPLICATION, .id = 1, .start = T, .duration = 1001},
    {.kind = MF_SPAN_APPLICATION, .id = 2, .start = T + 1001, .duration = 0, .index = 1},
    {.kind = MF_SPAN_RUN, .id = 3, .start = T + 2003, .duration = 900019, .index = 41},
    {.kind = MF_SPAN_PRIMITIVE, .id = 4, .parent = 3, .start = T + 2003, .duration = 0, .index = 1},
    {.kind = MF_SPAN_LAYER, .id = 5, .parent = 3, .start = T + 2005, .duration = 800007, .index = 1},
    {.kind = MF_SPAN_PRIMITIVE, .id = 6, .parent = 5, .start = T + 2005, .duration = 800007, .index = 0},
    {.kind = MF_SPAN_THREAD, .id = 7, .parent = 6, .start = T + 2005, .duration = 800007, .effective = 800007},
    {.kind = MF_SPAN_THREAD,
     .id = 9,
     .parent = 6,
     .start = T + 2005,
     .duration = 800007,
     .thread = 1,
     .effective = 700001,
     .spin = 50003,
     .wait = 40002,
     .overhead = 10001,
     .chunks = 3},
    {.kind = MF_SPAN_RUN,
     .id = 10,
     .start = T + 4320000000000007,
     .duration = 86400000000001}, // after 50 days, of a day
};
static const mf_trace full = {.name = "minfer \"x\" int8",
                              .monotonic = T + 12345,
                              .epoch = 1763721963123456789ull,
                              .environment = environment,
                              .environment_count = 2,
                              .phases = phases,
                              .phase_count = 2,
                              .layers = layers,
                              .layer_count = 2,
                              .primitives = primitives,
                              .primitive_count = 2,
                              .spans = spans,
                              .span_count = COUNT(spans),
                              .dropped = 77,
                              .buffers = buffers,
                              .buffer_count = 2};

typedef struct file {
  char *data;
  size_t size;
} file;

static file written(const mf_trace *trace) {
  file t = {0};
  mf_error e = {0};
  FILE *stream = open_memstream(&t.data, &t.size);
  assert_non_null(stream);
  support_ok(mf_export_chrome(trace, stream, &e), &e);
  fclose(stream);
  return t;
}

static void assert_attributes(const mf_attribute *a, const mf_attribute *b, int count) {
  for (int i = 0; i < count; i++) {
    assert_string_equal(a[i].key, b[i].key);
    assert_int_equal(a[i].type, b[i].type);
    assert_true(a[i].integer == b[i].integer);
    if (b[i].type == MF_ATTRIBUTE_TEXT) assert_string_equal(a[i].text, b[i].text);
    for (int64_t k = 0; b[i].type == MF_ATTRIBUTE_TEXTS && k < b[i].integer; k++)
      assert_string_equal(a[i].texts[k], b[i].texts[k]);
    if (b[i].type == MF_ATTRIBUTE_INT) assert_true(a[i].number == (double)b[i].integer);
    if (b[i].type == MF_ATTRIBUTE_DOUBLE && isnan(b[i].number)) assert_true(isnan(a[i].number));
    if (b[i].type == MF_ATTRIBUTE_DOUBLE && !isnan(b[i].number))
      assert_true(a[i].number == b[i].number && !signbit(a[i].number) == !signbit(b[i].number));
  }
}

static void assert_items(const mf_item *a, int a_count, const mf_item *b, int b_count) {
  assert_int_equal(a_count, b_count);
  for (int i = 0; i < b_count; i++) {
    assert_string_equal(a[i].name, b[i].name);
    assert_string_equal(a[i].category, b[i].category);
    assert_true(a[i].flops == b[i].flops && a[i].bytes == b[i].bytes);
    assert_int_equal(a[i].attribute_count, b[i].attribute_count);
    assert_attributes(a[i].attributes, b[i].attributes, b[i].attribute_count);
  }
}

static void assert_spans(const mf_trace *a, const mf_trace *b) {
  assert_int_equal(a->span_count, b->span_count);
  for (size_t i = 0; i < b->span_count; i++) {
    const mf_span *x = &a->spans[i], *y = &b->spans[i];
    assert_int_equal(x->kind, y->kind);
    assert_true(x->id == y->id && x->parent == y->parent);
    assert_true(x->start == y->start && x->duration == y->duration);
    assert_true(x->index == y->index && x->thread == y->thread);
    assert_true(x->effective == y->effective && x->spin == y->spin && x->wait == y->wait);
    assert_true(x->overhead == y->overhead && x->chunks == y->chunks);
  }
}

static void assert_buffers(const mf_trace *a, const mf_trace *b) {
  assert_int_equal(a->buffer_count, b->buffer_count);
  for (int i = 0; i < b->buffer_count; i++) {
    const mf_buffer *x = &a->buffers[i], *y = &b->buffers[i];
    assert_string_equal(x->name, y->name);
    assert_true(x->offset == y->offset && x->bytes == y->bytes && x->first == y->first && x->last == y->last);
  }
}

static void test_there_and_back(void **state) {
  (void)state;
  mf_error e = {0};
  mf_arena arena = {0};
  mf_trace read;
  file first = written(&full);
  support_ok(mf_import_trace(&read, &arena, first.data, first.size, "a", &e), &e);
  assert_string_equal(read.name, full.name);
  assert_true(read.monotonic == full.monotonic && read.epoch == full.epoch && read.dropped == full.dropped);
  assert_int_equal(read.environment_count, full.environment_count);
  assert_attributes(read.environment, full.environment, full.environment_count);
  assert_items(read.phases, read.phase_count, full.phases, full.phase_count);
  assert_items(read.layers, read.layer_count, full.layers, full.layer_count);
  assert_items(read.primitives, read.primitive_count, full.primitives, full.primitive_count);
  assert_spans(&read, &full);
  assert_buffers(&read, &full);
  file second = written(&read);
  assert_int_equal(second.size, first.size);
  assert_memory_equal(second.data, first.data, first.size);
  free(first.data);
  free(second.data);
  mf_arena_free(&arena);
}

static void test_an_empty_trace(void **state) {
  (void)state;
  mf_error e = {0};
  mf_arena arena = {0};
  mf_trace read;
  file t = written(&(mf_trace){.name = ""});
  support_ok(mf_import_trace(&read, &arena, t.data, t.size, "a", &e), &e);
  assert_int_equal(read.span_count, 0);
  assert_int_equal(read.phase_count + read.layer_count + read.primitive_count + read.buffer_count, 0);
  assert_string_equal(read.name, "");
  free(t.data);
  mf_arena_free(&arena);
}

// ---- broken files: an edit each of one that is good

#define CLOCK "\"clock\":{\"origin_monotonic_ns\":1000,\"monotonic_ns\":5,\"epoch_ns\":6}"
#define RUN                                                                                                            \
  "{\"ph\":\"X\",\"name\":\"run\",\"cat\":\"run\",\"ts\":0,\"dur\":100,\"pid\":1,\"tid\":1,\"args\":{\"span\":"        \
  "\"run\",\"id\":1,\"index\":0}}"
#define LAYER                                                                                                          \
  "{\"ph\":\"X\",\"name\":\"conv1\",\"cat\":\"layer\",\"ts\":1,\"dur\":40,\"pid\":1,\"tid\":1,\"args\":{\"span\":"     \
  "\"layer\",\"id\":2,\"parent\":1,\"index\":0,\"sources\":[\"a\"]}}"
#define PRIMITIVE                                                                                                      \
  "{\"ph\":\"X\",\"name\":\"conv1\",\"cat\":\"convolution\",\"ts\":2,\"dur\":30,\"pid\":1,\"tid\":1,\"args\":{"        \
  "\"span\":\"primitive\",\"id\":3,\"parent\":2,\"index\":7,\"flops\":8.5}}"
#define WORKER                                                                                                         \
  "{\"ph\":\"X\",\"name\":\"conv1\",\"cat\":\"thread\",\"ts\":3,\"dur\":20,\"pid\":1,\"tid\":101,\"args\":{\"span\":"  \
  "\"thread\",\"id\":4,\"parent\":3,\"index\":7,\"effective_ns\":9,\"spin_ns\":10,\"wait_ns\":11,\"overhead_ns\":12,"  \
  "\"chunks\":13}}"
#define SECOND                                                                                                         \
  "{\"ph\":\"X\",\"name\":\"conv2\",\"cat\":\"layer\",\"ts\":41,\"dur\":59,\"pid\":1,\"tid\":1,\"args\":{\"span\":"    \
  "\"layer\",\"id\":5,\"parent\":1,\"index\":1}}"
static const char good[] =
    "{\"schema\":\"minfer.trace/1\",\"displayTimeUnit\":\"ms\"," CLOCK ",\"environment\":{\"cpu\":\"c\",\"batch\":1},"
    "\"memory\":[{\"name\":\"m\",\"offset\":64,\"bytes\":128,\"first_primitive\":2,\"last_primitive\":3}],"
    "\"dropped_records\":0,\"traceEvents\":[{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":1,\"tid\":1,\"args\":"
    "{\"name\":\"net\"}}," RUN "," LAYER "," PRIMITIVE "," WORKER "," SECOND "]}\n";

#define MISSING(key) "\"" key "\" is missing or no "
static const edit edits[] = {
    {NULL, "", "byte 0: empty (expected a trace in JSON)"},
    {NULL, "not JSON", "byte 0: "},
    {NULL, "{", "expected a trace in JSON"},
    {NULL, "[]", MISSING("schema") "text"},
    {NULL, "null", MISSING("schema") "text"},
    {NULL, "{\"traceEvents\":[]}", MISSING("schema") "text"},
    {NULL, "{\"schema\":\"minfer.trace/1\"}", MISSING("traceEvents") "list"},
    {NULL, "{\"schema\":\"minfer.trace/1\",\"traceEvents\":[]}", "\"clock\" is missing"},
    {"trace/1", "trace/2", "schema minfer.trace/2, another kind or version of file (expected minfer.trace/1)"},
    {"minfer.trace/1", "minfer.run/1", "expected minfer.trace/1"},
    {"minfer.trace/1", "\\u001b[2J", "schema \\x1b[2J"},
    {"\"traceEvents\":[", "\"x\":[", MISSING("traceEvents") "list"},
    {"\"traceEvents\":[", "\"traceEvents\":{},\"x\":[", MISSING("traceEvents") "list"},
    {"\"traceEvents\":[", "\"traceEvents\":[7,", "event 1: " MISSING("ph") "text"},
    {"\"traceEvents\":[", "\"traceEvents\":[[],", "event 1: " MISSING("ph") "text"},
    {"\"traceEvents\":[", "\"traceEvents\":[{\"ph\":\"B\"},", "event 1: an event of type B (expected X or M)"},
    {"\"traceEvents\":[", "\"traceEvents\":[{\"ph\":\"X\"},", "event 1: " MISSING("span") "text"},
    {"\"traceEvents\":[", "\"traceEvents\":[{\"ph\":\"M\"},", "event 1: " MISSING("name") "text"},
    {"\"traceEvents\"", "\"trace\\u0045vents\"", "\"traceEvents\" is written with escapes"},
    {"\"traceEvents\":[", "\"traceEvents\":[,", "byte 275: empty"},
    {"\"index\":1}}]", "\"index\":1}},]", ": empty (expected a trace in JSON)"},
    {"\"index\":1}}]", "\"index\":1}}}]", "expected a trace in JSON"},
    {"\"index\":1}}]", "\"index\":1}]", "expected a trace in JSON"},
    {"\"index\":1}}]}", "\"index\":1}}]]}", "byte "},
    {"\"index\":1}}]}", "\"index\":1}}]}x", "bytes after the value (expected a trace in JSON)"},
    {"\"flops\":8.5", "\"flops\":8.5.5", "expected a trace in JSON"},
    {"\"flops\":8.5", "\"flops\":\"\\\"", "expected a trace in JSON"},
    {CLOCK, "\"clock\":[]", "\"clock\" is missing"},
    {"\"origin_monotonic_ns\":1000,", "", MISSING("origin_monotonic_ns") "time in range"},
    {"\"monotonic_ns\":5", "\"monotonic_ns\":\"5\"", MISSING("monotonic_ns") "time in range"},
    {"\"epoch_ns\":6", "\"epoch_ns\":-6", MISSING("epoch_ns") "time in range"},
    {"\"epoch_ns\":6", "\"epoch_ns\":9223372036854775808", MISSING("epoch_ns") "time in range"},
    {"\"epoch_ns\":6", "\"epoch_ns\":1e999", MISSING("epoch_ns") "time in range"},
    {"\"environment\":{", "\"environments\":{", "\"environment\" is missing"},
    {"\"cpu\":\"c\"", "\"cpu\":{}", "\"cpu\" is nothing that is known (expected text, a number or a list of texts)"},
    {"\"cpu\":\"c\"", "\"cpu\":true", "\"cpu\" is nothing that is known"},
    {"\"cpu\":\"c\"", "\"cpu\":[\"c\",7]", "\"cpu\" is no list of texts"},
    {"\"batch\":1", "\"batch\":-1e999", "\"batch\" is nothing that is known"},
    {"\"memory\":[", "\"memory\":7,\"x\":[", MISSING("memory") "list"},
    {"\"memory\":[", "\"memory\":[{},", MISSING("name") "text"},
    {"\"memory\":[", "\"memory\":[null,", MISSING("name") "text"},
    {"\"offset\":64", "\"offset\":-64", MISSING("offset") "integer in range"},
    {"\"offset\":64", "\"offset\":9007199254740992", MISSING("offset") "integer in range"},
    {"\"bytes\":128", "\"bytes\":0.5", MISSING("bytes") "integer in range"},
    {"\"first_primitive\":2", "\"first_primitive\":4", "a buffer's life ends before it begins"},
    {"\"last_primitive\":3", "\"last_primitive\":70000", MISSING("last_primitive") "integer in range"},
    {"\"dropped_records\":0", "\"dropped_records\":1e300", MISSING("dropped_records") "integer in range"},
    {"\"args\":{\"name\":\"net\"}", "\"args\":[]", "event 1: " MISSING("name") "text"},
    {"\"name\":\"run\",\"cat\":\"run\",\"ts\":0", "\"ts\":true", "event 2: " MISSING("ts") "time in range"},
    {"\"ts\":0", "\"ts\":-1", "event 2: " MISSING("ts") "time in range"},
    {"\"ts\":0", "\"ts\":1e16", "event 2: " MISSING("ts") "time in range"},
    {"\"ts\":0", "\"ts\":9e15", "event 3: begins before the one in front of it (expected events in order of time)"},
    {"_ns\":1000", "_ns\":9223372036854774784", "event 2: ends after the clock does"},
    {"\"dur\":100", "\"dur\":null", "event 2: " MISSING("dur") "time in range"},
    {"\"dur\":100", "\"dur\":10", "event 3: reaches out of its parent"},
    {"\"dur\":40", "\"dur\":40.001", "event 6: begins before span 2 ends"},
    {"\"dur\":30", "\"dur\":50", "event 4: reaches out of its parent"},
    {"\"dur\":20", "\"dur\":29.001", "event 5: reaches out of its parent"},
    {"\"ts\":2", "\"ts\":0.5", "event 4: begins before the one in front of it"},
    {"\"ts\":41", "\"ts\":2.5", "event 6: begins before the one in front of it"},
    {"\"span\":\"run\"", "\"span\":7", "event 2: " MISSING("span") "text"},
    {"\"span\":\"run\"", "\"span\":\"runs\"", "event 2: there is no kind of span runs (expected application, run,"},
    {"\"args\":{\"span\":\"run\"", "\"arg\":{\"span\":\"run\"", "event 2: " MISSING("span") "text"},
    {"\"span\":\"run\"", "\"span\":\"layer\"", "event 3: a span of kind layer within layer"},
    {"\"span\":\"layer\"", "\"span\":\"run\"", "event 3: a span of kind run within run"},
    {"\"span\":\"layer\"", "\"span\":\"application\"", "event 3: a span of kind application within run"},
    {"\"span\":\"layer\"", "\"span\":\"primitive\"", "event 4: a span of kind primitive within primitive"},
    {"\"span\":\"primitive\"", "\"span\":\"layer\"", "event 4: a span of kind layer within layer"},
    {"\"id\":4,\"parent\":3,", "\"id\":4,\"parent\":2,", "event 5: a span of kind thread within layer"},
    {"\"id\":4,\"parent\":3,", "\"id\":4,", "event 5: a span of kind thread outside of all"},
    {"\"parent\":3,\"index\":7", "\"parent\":3,\"index\":0", "event 5: a span of kind thread within primitive"},
    {"\"id\":1,", "", "event 2: " MISSING("id") "integer in range"},
    {"\"id\":1,", "\"id\":0,", "event 2: \"id\" is 0"},
    {"\"id\":1,", "\"id\":1.5,", "event 2: " MISSING("id") "integer in range"},
    {"\"id\":1,", "\"id\":\"1\",", "event 2: " MISSING("id") "integer in range"},
    {"\"id\":2,", "\"id\":1,", "event 3: id 1 comes after id 1 (expected ids that ascend)"},
    {"\"id\":5,", "\"id\":3,", "event 6: id 3 comes after id 4"},
    {"\"id\":2,\"parent\":1", "\"id\":2,\"parent\":7", "event 3: parent 7 is not around it"},
    {"\"id\":2,\"parent\":1", "\"id\":2,\"parent\":2", "event 3: parent 2 is not around it"},
    {"\"id\":2,\"parent\":1", "\"id\":2,\"parent\":-1", "event 3: " MISSING("parent") "integer in range"},
    {"\"id\":5,\"parent\":1", "\"id\":5,\"parent\":2", "event 6: a span of kind layer within layer"},
    {"\"id\":5,\"parent\":1", "\"id\":5,\"parent\":6", "event 6: parent 6 is not around it"},
    {"\"id\":5,\"parent\":1", "\"id\":5", "event 6: begins before span 1 ends"},
    {"\"parent\":1,\"index\":0", "\"parent\":1", "event 3: " MISSING("index") "integer in range"},
    {"\"parent\":1,\"index\":0", "\"parent\":1,\"index\":-1", "event 3: " MISSING("index") "integer in range"},
    {"\"parent\":1,\"index\":0", "\"parent\":1,\"index\":2147483648", "event 3: " MISSING("index") "integer in range"},
    {"\"parent\":2,\"index\":7", "\"parent\":2,\"index\":4102", "event 4: " MISSING("index") "integer in range"},
    {"\"id\":1,\"index\":0", "\"id\":1,\"index\":2147483647", "event 2: " MISSING("index") "integer in range"},
    {"\"parent\":1,\"index\":1", "\"parent\":1,\"index\":0",
     "event 6: layer of the same index is called conv1 and conv2"},
    {"\"name\":\"conv1\"", "\"name\":7", "event 3: " MISSING("name") "text"},
    {"\"cat\":\"layer\"", "\"cat\":null", "event 3: " MISSING("cat") "text"},
    {"\"sources\":[\"a\"]", "\"sources\":[[]]", "event 3: \"sources\" is no list of texts"},
    {"\"flops\":8.5", "\"flops\":false", "event 4: \"flops\" is nothing that is known"},
    {"\"tid\":101", "\"tid\":1", "event 5: \"tid\" 1 is no worker's (expected 100 or more)"},
    {"\"tid\":101", "\"tid\":65636", "event 5: " MISSING("tid") "integer in range"},
    {"\"effective_ns\":9", "\"effective_ns\":-9", "event 5: " MISSING("effective_ns") "integer in range"},
    {"\"spin_ns\":10", "\"spin_ns\":[]", "event 5: " MISSING("spin_ns") "integer in range"},
    {"\"wait_ns\":11,", "", "event 5: " MISSING("wait_ns") "integer in range"},
    {"\"overhead_ns\":12", "\"overhead_ns\":1e17", "event 5: " MISSING("overhead_ns") "integer in range"},
    {"\"chunks\":13", "\"chunks\":2147483648", "event 5: " MISSING("chunks") "integer in range"},
};

// A copy of exactly its size, so that the sanitizers see what is read behind it.
static mf_status parse(mf_trace *out, mf_arena *arena, const char *bytes, size_t size, mf_error *e) {
  char *exact = malloc(size ? size : 1);
  assert_non_null(exact);
  memcpy(exact, bytes, size);
  memset(e, 0, sizeof *e);
  const mf_status status = mf_import_trace(out, arena, exact, size, "a.trace.json", e);
  free(exact);
  return status;
}

static void refuse(const char *bytes, size_t size, const char *message) {
  mf_error e;
  mf_trace trace;
  mf_arena arena = {0};
  total_start();
  const mf_status status = parse(&trace, &arena, bytes, size, &e);
  const size_t total = total_stop();
  if (status != MF_ERR_FILE || strncmp(e.text, "a.trace.json: ", 14) != 0 || !strstr(e.text, message))
    fail_msg("status %d, \"%s\" instead of \"%s\"", (int)status, e.text, message);
  assert_null(strchr(e.text, '\n'));
  if (total > ((size_t)1 << 20) + 64 * size)
    fail_msg("%s: %zu bytes of memory for a file of %zu", message, total, size);
  mf_arena_free(&arena);
}

static void test_good(void **state) {
  (void)state;
  mf_error e;
  mf_trace t;
  mf_arena arena = {0};
  support_ok(parse(&t, &arena, good, sizeof good - 1, &e), &e);
  assert_string_equal(t.name, "net");
  assert_true(t.monotonic == 5 && t.epoch == 6);
  assert_int_equal(t.span_count, 5);
  assert_true(t.spans[0].start == 1000 && t.spans[0].duration == 100000);
  assert_true(t.spans[3].start == 4000 && t.spans[3].kind == MF_SPAN_THREAD && t.spans[3].thread == 1);
  assert_int_equal(t.layer_count, 2);
  assert_int_equal(t.primitive_count, 8);
  assert_string_equal(t.primitives[6].name, "");
  assert_string_equal(t.primitives[7].category, "convolution");
  assert_true(t.primitives[7].flops == 8.5 && t.primitives[7].bytes == 0);
  assert_string_equal(t.layers[1].category, "layer"); // it has no attribute "kind"
  mf_arena_free(&arena);
}

static void test_broken(void **state) {
  (void)state;
  refuse_edits(good, edits, COUNT(edits), refuse);
}

// Blanks, brackets in strings, keys of the same name further in, events in front of what they stand for.
static void test_other_ways_to_write_it(void **state) {
  (void)state;
  static const char text[] = " {\"x\":{\"traceEvents\":[1,2]},\"\\\"\":\"traceEvents\\\\\",\n\"traceEvents\"\t:\r[ " RUN
                             "\n,\n" LAYER " ] , \"]\":[\"[\"],\"schema\":\"minfer.trace/1\"," CLOCK
                             ",\"environment\":{\"cpu\":\"]}\\\"[{\"},\"memory\":[],\"dropped_records\":0} \n";
  mf_error e;
  mf_trace t;
  mf_arena arena = {0};
  support_ok(parse(&t, &arena, text, sizeof text - 1, &e), &e);
  assert_int_equal(t.span_count, 2);
  assert_string_equal(t.layers[0].name, "conv1");
  assert_string_equal(t.environment[0].text, "]}\"[{");
  assert_true(t.monotonic == 5);
  mf_arena_free(&arena);
}

static void test_truncated(void **state) {
  (void)state;
  for (size_t size = 0; size + 2 < sizeof good; size++) refuse(good, size, "expected a trace in JSON");
}

static void test_deep_nesting(void **state) {
  (void)state;
  enum { DEPTH = 100000 };
  char *text = test_malloc(DEPTH);
  memset(text, '[', DEPTH);
  refuse(text, DEPTH, "nested too deeply");
  test_free(text);
}

// Events that are none cost no more than others, and the shortest there can be find room.
static void test_many_short_events(void **state) {
  (void)state;
  enum { MANY = 100000 };
  static const char front[] =
      "{\"schema\":\"minfer.trace/1\"," CLOCK ",\"environment\":{},\"memory\":[],\"dropped_records\":0,"
      "\"traceEvents\":[";
  char *text = test_malloc(sizeof front + MANY + 2);
  memcpy(text, front, sizeof front - 1);
  memset(text + sizeof front - 1, ',', MANY);
  memcpy(text + sizeof front - 1 + MANY, "]}", 2);
  refuse(text, sizeof front + 1 + MANY, "empty");
  test_free(text);
  mf_error e;
  mf_trace t;
  mf_arena arena = {0};
  char shortest[1024];
  int length = snprintf(shortest, sizeof shortest, "%s", front);
  for (int i = 1; i <= 9; i++)
    length += snprintf(shortest + length, sizeof shortest - (size_t)length,
                       "%s{\"ph\":\"X\",\"ts\":0,\"dur\":0,\"args\":{\"span\":\"run\",\"id\":%d,\"index\":0}}",
                       i > 1 ? "," : "", i);
  length += snprintf(shortest + length, sizeof shortest - (size_t)length, "]}");
  support_ok(parse(&t, &arena, shortest, (size_t)length, &e), &e);
  assert_int_equal(t.span_count, 9);
  mf_arena_free(&arena);
}

static void test_too_large(void **state) {
  (void)state;
  mf_error e = {0};
  mf_trace t;
  mf_arena arena = {0}; // the size is looked at before the bytes
  assert_int_equal(mf_import_trace(&t, &arena, good, MF_TRACE_FILE_BYTES + 1, "a", &e), MF_ERR_FILE);
  assert_string_equal(e.text, "a: 256 MiB (expected a trace of up to 256 MiB)");
  assert_null(arena.blocks);
}

static void test_files(void **state) {
  mf_error e = {0};
  mf_trace t;
  mf_arena arena = {0};
  const char *path = support_path(state, "a.trace.json");
  assert_int_equal(mf_import_trace_file(&t, &arena, path, &e), MF_ERR_FILE);
  assert_non_null(strstr(e.text, "a.trace.json: "));
  assert_int_equal(mf_import_trace_file(&t, &arena, *state, &e), MF_ERR_FILE);
  support_write_file(path, "", 0);
  assert_int_equal(mf_import_trace_file(&t, &arena, path, &e), MF_ERR_FILE);
  assert_non_null(strstr(e.text, "empty"));
  support_write_file(path, good, sizeof good - 1);
  support_ok(mf_import_trace_file(&t, &arena, path, &e), &e);
  assert_int_equal(t.span_count, 5);
  mf_arena_free(&arena);
}

static mf_status attempt(void *context, mf_error *e) {
  (void)context;
  mf_trace t;
  mf_arena arena = {0};
  const mf_status status = mf_import_trace(&t, &arena, good, sizeof good - 1, "a.trace.json", e);
  mf_arena_free(&arena);
  return status;
}

static void test_refused_memory(void **state) {
  (void)state;
  assert_true(support_refuse_allocations(attempt, NULL) > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_there_and_back),
      cmocka_unit_test(test_an_empty_trace),
      cmocka_unit_test(test_good),
      cmocka_unit_test(test_broken),
      cmocka_unit_test(test_other_ways_to_write_it),
      cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_deep_nesting),
      cmocka_unit_test(test_many_short_events),
      cmocka_unit_test(test_too_large),
      cmocka_unit_test_setup_teardown(test_files, support_folder_setup, support_folder_teardown),
      cmocka_unit_test(test_refused_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
