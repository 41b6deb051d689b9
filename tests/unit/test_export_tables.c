// CSV, JSON lines and speedscope: the hand-made trace, byte by byte where the format is fixed.
#include "trace_sample.h"

// ---- CSV (RFC 4180)

enum { COLUMNS = 52 };

// The cells of a record from `at` on, unquoted; moves *at behind it.
static int record(const char **at, char cells[COLUMNS][128]) {
  int count = 0;
  const char *c = *at;
  for (;;) {
    size_t length = 0;
    assert_true(count < COLUMNS);
    const bool quoted = *c == '"';
    for (c += quoted; quoted ? *c != '"' || c[1] == '"' : *c && *c != ',' && *c != '\r'; c++) {
      assert_true(*c && length < sizeof cells[0] - 1);
      if (!quoted) assert_true(*c != '"' && *c != '\n');
      c += quoted && *c == '"'; // two stand for one
      cells[count][length++] = *c;
    }
    c += quoted;
    cells[count++][length] = 0;
    if (*c != ',') break;
    c++;
  }
  assert_true(c[0] == '\r' && c[1] == '\n');
  *at = c + 2;
  return count;
}

static int column(char head[COLUMNS][128], const char *name) {
  for (int i = 0; i < COLUMNS; i++)
    if (strcmp(head[i], name) == 0) return i;
  fail_msg("no column %s", name);
  return 0;
}

static void test_csv(void **state) {
  (void)state;
  static char head[COLUMNS][128], rows[6][COLUMNS][128];
  document d = text_of(mf_export_csv, &full);
  const char *next = d.text;
  assert_int_equal(record(&next, head), COLUMNS);
  for (int i = 0; i < 6; i++) assert_int_equal(record(&next, rows[i]), COLUMNS);
  assert_int_equal(*next, 0);
  static const struct {
    int row;
    const char *column, *cell;
  } cells[] = {{0, "id", "1"},
               {0, "parent", ""},
               {0, "span", "application"},
               {0, "name", "build"},
               {0, "category", "start-up"},
               {0, "start_ns", "0"},
               {0, "duration_ns", "1001"},
               {0, "gflops", ""},
               {1, "index", "41"},
               {1, "start_ns", "2003"},
               {2, "parent", "2"},
               {2, "category", "reorder"},
               {3, "name", "conv1+bn1\"\\\n\x7f\xef\xbf\xbd\xef\xbf\xbd"},
               {3, "sources", "conv1+a \"quoted\" name+tab\there"},
               {4, "implementation", "jit:avx512_core"},
               {4, "bytes_read", "9007199254740991"},
               {4, "flops_per_byte", "0.3333333333333333"},
               {4, "effective_ns", ""},
               {5, "thread", "1"},
               {5, "effective_ns", "700001"},
               {5, "overhead_ns", "10001"},
               {5, "chunks", "3"},
               {5, "implementation", ""}};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
    assert_string_equal(rows[cells[i].row][column(head, cells[i].column)], cells[i].cell);
  discard(&d);
}

static void test_csv_numbers_that_are_none(void **state) {
  (void)state;
  static char head[COLUMNS][128], row[COLUMNS][128];
  const mf_attribute odd[] = {{.key = "flops", .type = MF_ATTRIBUTE_DOUBLE, .number = strtod("nan", NULL)},
                              {.key = "gflops", .type = MF_ATTRIBUTE_DOUBLE, .number = -strtod("inf", NULL)},
                              {.key = "reason", .type = MF_ATTRIBUTE_TEXT, .text = "a, \"b\"\r\nc"}};
  const mf_item item = {.name = "x", .category = "y", .attributes = odd, .attribute_count = 3};
  const mf_span span = {.kind = MF_SPAN_LAYER, .id = 1};
  const mf_trace trace = {.name = "", .layers = &item, .layer_count = 1, .spans = &span, .span_count = 1};
  document d = text_of(mf_export_csv, &trace);
  const char *next = d.text;
  record(&next, head);
  record(&next, row);
  assert_string_equal(row[column(head, "flops")], "");
  assert_string_equal(row[column(head, "gflops")], "");
  assert_string_equal(row[column(head, "reason")], "a, \"b\"\r\nc");
  discard(&d);
}

// ---- JSON lines

static void test_jsonl(void **state) {
  (void)state;
  static const char *const lines[] = {
      "{\"schema\":\"minfer.spans/1\",\"name\":\"minfer \\\"x\\\" "
      "int8\",\"clock\":{\"origin_monotonic_ns\":5000000000123,"
      "\"monotonic_ns\":5000000012468,\"epoch_ns\":1763721963123456789},\"environment\":{\"cpu\":\"a CPU\\u0001 with "
      "\xef\xbf\xbd bytes\",\"threads\":2},\"dropped_records\":77,\"spans\":6}",
      "{\"id\":1,\"parent\":0,\"span\":\"application\",\"name\":\"build\",\"category\":\"start-up\",\"index\":0,"
      "\"thread\":"
      "0,\"start_ns\":0,\"duration_ns\":1001}",
      "{\"id\":2,\"parent\":0,\"span\":\"run\",\"name\":\"run\",\"category\":\"run\",\"index\":41,\"thread\":0,\"start_"
      "ns\":"
      "2003,\"duration_ns\":900019}",
      "{\"id\":3,\"parent\":2,\"span\":\"primitive\",\"name\":\"input -> conv1\",\"category\":\"reorder\",\"index\":1,"
      "\"thread\":0,\"start_ns\":2003,\"duration_ns\":0}",
      "{\"id\":4,\"parent\":2,\"span\":\"layer\",\"name\":\"conv1+bn1\\\"\\\\\\n\\u007f\xef\xbf\xbd\xef\xbf\xbd\","
      "\"category\":\"layer\",\"index\":0,\"thread\":0,\"start_ns\":2005,\"duration_ns\":800007,\"sources\":[\"conv1\","
      "\"a "
      "\\\"quoted\\\" name\",\"tab\\there\"],\"none\":[]}",
      NULL, // the primitive: its rates are looked at below
      "{\"id\":6,\"parent\":5,\"span\":\"thread\",\"name\":\"conv1 \xe2\x86\x92 "
      "pool\",\"category\":\"thread\",\"index\":0,"
      "\"thread\":1,\"start_ns\":2005,\"duration_ns\":800007,\"effective_ns\":700001,\"spin_ns\":50003,\"wait_ns\":"
      "40002,"
      "\"overhead_ns\":10001,\"chunks\":3}"};
  document d = text_of(mf_export_jsonl, &full);
  char *line = d.text;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    char *end = strchr(line, '\n');
    assert_non_null(end);
    *end = 0;
    if (lines[i]) {
      assert_string_equal(line, lines[i]);
    } else {
      const char *why;
      size_t offset;
      cJSON *primitive;
      assert_int_equal(mf_json_parse(&primitive, line, (size_t)(end - line), &why, &offset), MF_OK);
      assert_string_equal(text(primitive, "implementation"), "jit:avx512_core");
      assert_number(primitive, "negative", -7);
      assert_number(primitive, "gflops", 1e9 / 800007);
      assert_number(primitive, "gbytes_per_s", 3e6 / 800007);
      cJSON_Delete(primitive);
    }
    line = end + 1;
  }
  assert_int_equal(*line, 0);
  discard(&d);
}

// ---- speedscope

// "O0@0 C0@5 ...": type, frame and time of a profile's events.
static const char *events(const cJSON *profile, char *out, size_t size) {
  const cJSON *event;
  out[0] = 0;
  cJSON_ArrayForEach(event, at(profile, "events"))
      snprintf(out + strlen(out), size - strlen(out), "%s%s%.0f@%.0f", *out ? " " : "", text(event, "type"),
               number(event, "frame"), number(event, "at"));
  return out;
}

static void test_speedscope(void **state) {
  (void)state;
  char found[512];
  document d = written(mf_export_speedscope, &full);
  assert_string_equal(text(d.root, "$schema"), "https://www.speedscope.app/file-format-schema.json");
  assert_string_equal(text(d.root, "name"), "minfer \"x\" int8");
  static const char *const frames[] = {"run", "build", "conv1+bn1\"\\\n\x7f\xef\xbf\xbd\xef\xbf\xbd",
                                       "conv1 \xe2\x86\x92 pool (convolution)", "input -> conv1 (reorder)"};
  const cJSON *list = at(at(d.root, "shared"), "frames"), *profiles = at(d.root, "profiles");
  assert_int_equal(cJSON_GetArraySize(list), 5);
  for (int i = 0; i < 5; i++) assert_string_equal(text(cJSON_GetArrayItem(list, i), "name"), frames[i]);
  assert_int_equal(cJSON_GetArraySize(profiles), 3);
  static const char *const names[] = {"runs", "worker 0", "worker 1"};
  static const char *const expected[] = {
      "O1@0 C1@1001 O0@2003 O4@2003 C4@2003 O2@2005 O3@2005 C3@802012 C2@802012 C0@902022", "", "O3@2005 C3@802012"};
  for (int i = 0; i < 3; i++) {
    const cJSON *profile = cJSON_GetArrayItem(profiles, i);
    assert_string_equal(text(profile, "type"), "evented");
    assert_string_equal(text(profile, "unit"), "nanoseconds");
    assert_string_equal(text(profile, "name"), names[i]);
    assert_number(profile, "startValue", 0);
    assert_number(profile, "endValue", 902022);
    assert_string_equal(events(profile, found, sizeof found), expected[i]);
  }
  discard(&d);
}

// Spans of other programs' logs may overlap without nesting, or name a parent that is over: time goes on all the same
// and frames close in order.
static void test_speedscope_without_nesting(void **state) {
  (void)state;
  char found[512];
  static const mf_span loose[] = {{.kind = MF_SPAN_PRIMITIVE, .id = 1, .start = 100, .duration = 50},
                                  {.kind = MF_SPAN_PRIMITIVE, .id = 2, .start = 120, .duration = 10, .index = 1},
                                  {.kind = MF_SPAN_RUN, .id = 3, .start = 200, .duration = 10},
                                  {.kind = MF_SPAN_PRIMITIVE, .id = 4, .parent = 3, .start = 205, .duration = 50},
                                  {.kind = MF_SPAN_PRIMITIVE, .id = 5, .parent = 1, .start = 300, .duration = 1}};
  const mf_trace trace = {.name = "",
                          .primitives = full.primitives,
                          .primitive_count = 2,
                          .spans = loose,
                          .span_count = sizeof loose / sizeof *loose};
  document d = written(mf_export_speedscope, &trace);
  // "run" is frame 0, the primitives follow.
  assert_string_equal(events(cJSON_GetArrayItem(at(d.root, "profiles"), 0), found, sizeof found),
                      "O1@0 C1@50 O2@50 C2@50 O0@100 O1@105 C1@155 C0@155 O1@200 C1@201");
  discard(&d);
}

static void test_empty_traces(void **state) {
  (void)state;
  const mf_trace empty = {.name = ""};
  document d = written(mf_export_speedscope, &empty);
  assert_int_equal(cJSON_GetArraySize(at(d.root, "profiles")), 1);
  discard(&d);
  d = text_of(mf_export_csv, &empty);
  assert_ptr_equal(strstr(d.text, "\r\n") + 2, d.text + d.size); // the head alone
  discard(&d);
  d = written(mf_export_jsonl, &empty);
  assert_number(d.root, "spans", 0);
  discard(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_csv),
      cmocka_unit_test(test_csv_numbers_that_are_none),
      cmocka_unit_test(test_jsonl),
      cmocka_unit_test(test_speedscope),
      cmocka_unit_test(test_speedscope_without_nesting),
      cmocka_unit_test(test_empty_traces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
