// The Chrome format: a hand-made trace is written and read again by the JSON reader; every number and text must come
// back. That spans nest is checked from the file alone, in the ways that viewers read its times.
#include "trace_sample.h"
#include <math.h>

static const cJSON *event_of(const cJSON *root, int id) {
  const cJSON *event;
  cJSON_ArrayForEach(event, at(root, "traceEvents")) {
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(at(event, "args"), "id");
    if (found && found->valuedouble == id) return event;
  }
  fail_msg("no event with id %d", id);
  return NULL;
}

static void test_every_span_comes_back(void **state) {
  (void)state;
  document d = written(mf_export_chrome, &full);
  int events = 0;
  const cJSON *event;
  cJSON_ArrayForEach(event, at(d.root, "traceEvents")) events += strcmp(text(event, "ph"), "X") == 0;
  assert_int_equal(events, full.span_count);
  assert_number(at(d.root, "clock"), "origin_monotonic_ns", (double)T);
  for (size_t i = 0; i < full.span_count; i++) {
    const mf_span *s = &spans[i];
    event = event_of(d.root, (int)s->id);
    const cJSON *args = at(event, "args");
    assert_int_equal(llround(number(event, "ts") * 1e3), s->start - T);
    assert_int_equal(llround(number(event, "dur") * 1e3), s->duration);
    assert_string_equal(text(args, "span"), mf_span_kind_name(s->kind));
    assert_number(args, "index", s->index);
    assert_number(event, "pid", 1);
    if (s->parent)
      assert_number(args, "parent", (double)s->parent);
    else
      assert_null(cJSON_GetObjectItemCaseSensitive(args, "parent"));
  }
  discard(&d);
}

static void test_attributes_come_back(void **state) {
  (void)state;
  document d = written(mf_export_chrome, &full);
  const cJSON *layer = at(event_of(d.root, 4), "args"), *primitive = at(event_of(d.root, 5), "args");
  assert_int_equal(cJSON_GetArraySize(at(layer, "sources")), 3);
  for (int i = 0; i < 3; i++) assert_string_equal(cJSON_GetArrayItem(at(layer, "sources"), i)->valuestring, sources[i]);
  assert_int_equal(cJSON_GetArraySize(at(layer, "none")), 0);
  assert_string_equal(text(primitive, "implementation"), "jit:avx512_core");
  assert_number(primitive, "bytes_read", 9007199254740991.0);
  assert_number(primitive, "negative", -7);
  assert_number(primitive, "flops_per_byte", 1.0 / 3);
  assert_number(primitive, "gflops", 1e9 / 800007); // operations a ns are 10^9 operations a s
  assert_number(primitive, "gbytes_per_s", 3e6 / 800007);
  assert_string_equal(text(event_of(d.root, 5), "cat"), "convolution");
  assert_string_equal(text(event_of(d.root, 4), "cat"), "layer");
  assert_string_equal(text(event_of(d.root, 2), "cat"), "run");
  assert_string_equal(text(event_of(d.root, 1), "cat"), "start-up");
  // A span without time has no rate, one without operations no number of them.
  assert_null(cJSON_GetObjectItemCaseSensitive(at(event_of(d.root, 3), "args"), "gflops"));
  assert_null(cJSON_GetObjectItemCaseSensitive(at(event_of(d.root, 3), "args"), "gbytes_per_s"));
  discard(&d);
}

// What only some traces have: gaps, parts of phases, shares of the roof, counters.
static void test_the_rest_of_a_trace(void **state) {
  (void)state;
  static const mf_item gap_items[] = {{.name = "gap before the first", .category = "gap"},
                                      {.name = "gap after a", .category = "gap"}},
                       items[] = {{.name = "a", .category = "convolution", .roof = 500}};
  static const mf_attribute cache = {.key = "cache", .type = MF_ATTRIBUTE_TEXT, .text = "hit"};
  static const mf_item two[] = {{.name = "primitives", .category = "start-up"},
                                {.name = "a", .category = "start-up", .attributes = &cache, .attribute_count = 1}};
  static const mf_span some[] = {
      {.kind = MF_SPAN_APPLICATION, .id = 1, .start = T, .duration = 100},
      {.kind = MF_SPAN_APPLICATION, .id = 2, .parent = 1, .start = T, .duration = 50, .index = 1},
      {.kind = MF_SPAN_RUN, .id = 3, .start = T + 200, .duration = 9000, .page_faults = 7, .instructions = 99},
      {.kind = MF_SPAN_PRIMITIVE, .id = 4, .parent = 3, .start = T + 200, .duration = 2000, .voluntary = 3},
      {.kind = MF_SPAN_GAP, .id = 5, .parent = 3, .start = T + 2200, .duration = 7000, .index = 1}};
  mf_trace trace = full;
  trace.phases = two;
  trace.phase_count = 2;
  trace.primitives = items;
  trace.primitive_count = 1;
  trace.gaps = gap_items;
  trace.spans = some;
  trace.span_count = 5;
  trace.counters = true;
  document d = written(mf_export_chrome, &trace);
  assert_number(at(event_of(d.root, 2), "args"), "parent", 1);
  assert_string_equal(text(at(event_of(d.root, 2), "args"), "cache"), "hit");
  const cJSON *run = at(event_of(d.root, 3), "args"), *primitive = at(event_of(d.root, 4), "args");
  assert_number(run, "page_faults", 7);
  assert_number(run, "involuntary_switches", 0);
  assert_null(cJSON_GetObjectItemCaseSensitive(run, "instructions")); // no hardware counters
  assert_number(primitive, "voluntary_switches", 3);
  assert_number(primitive, "roof_share", 0.25);
  const cJSON *gap = event_of(d.root, 5);
  assert_string_equal(text(gap, "name"), "gap after a");
  assert_string_equal(text(gap, "cat"), "gap");
  assert_number(gap, "tid", number(event_of(d.root, 3), "tid"));
  assert_null(cJSON_GetObjectItemCaseSensitive(at(gap, "args"), "page_faults"));
  discard(&d);
  trace.hardware_counters = true;
  d = written(mf_export_chrome, &trace);
  assert_number(at(event_of(d.root, 3), "args"), "instructions", 99);
  discard(&d);
}

static void test_workers_have_tracks_of_their_own(void **state) {
  (void)state;
  document d = written(mf_export_chrome, &full);
  const cJSON *worker = event_of(d.root, 6), *args = at(worker, "args"), *event;
  assert_number(args, "effective_ns", 700001);
  assert_number(args, "spin_ns", 50003);
  assert_number(args, "wait_ns", 40002);
  assert_number(args, "overhead_ns", 10001);
  assert_number(args, "chunks", 3);
  assert_null(cJSON_GetObjectItemCaseSensitive(args, "bytes_read")); // the primitive's
  for (int id = 1; id < 6; id++) {
    assert_number(event_of(d.root, id), "tid", number(event_of(d.root, 1), "tid"));
    assert_true(number(event_of(d.root, id), "tid") != number(worker, "tid"));
  }
  bool process = false, runs = false, named = false;
  cJSON_ArrayForEach(event, at(d.root, "traceEvents")) {
    if (strcmp(text(event, "ph"), "M") != 0) continue;
    const char *what = text(event, "name"), *name = text(at(event, "args"), "name");
    process |= strcmp(what, "process_name") == 0 && strcmp(name, "minfer \"x\" int8") == 0;
    const bool thread = strcmp(what, "thread_name") == 0;
    runs |= thread && number(event, "tid") == number(event_of(d.root, 1), "tid");
    named |= thread && number(event, "tid") == number(worker, "tid") && strcmp(name, "worker 1") == 0;
  }
  assert_true(process && runs && named);
  discard(&d);
}

static void test_what_stands_beside_the_events(void **state) {
  (void)state;
  document d = written(mf_export_chrome, &full);
  assert_string_equal(text(d.root, "schema"), "minfer.trace/1");
  assert_number(d.root, "dropped_records", 77);
  assert_number(at(d.root, "clock"), "monotonic_ns", (double)(T + 12345));
  assert_non_null(strstr(d.text, "\"epoch_ns\":1763721963123456789}")); // more digits than a double has
  assert_number(at(d.root, "environment"), "threads", 2);
  assert_int_equal(cJSON_GetArraySize(at(d.root, "memory")), 2);
  const cJSON *buffer = cJSON_GetArrayItem(at(d.root, "memory"), 0);
  assert_string_equal(text(buffer, "name"), "conv1.out");
  assert_number(buffer, "offset", 4096);
  assert_number(buffer, "bytes", 123456789012345);
  assert_number(buffer, "first_primitive", 0);
  assert_number(buffer, "last_primitive", 3);
  discard(&d);
}

static void test_hostile_names_are_escaped(void **state) {
  (void)state;
  document d = written(mf_export_chrome, &full);
  // What is no UTF-8 becomes U+FFFD, one a byte; all else comes back as it was.
  assert_string_equal(text(event_of(d.root, 4), "name"), "conv1+bn1\"\\\n\x7f\xef\xbf\xbd\xef\xbf\xbd");
  assert_string_equal(text(event_of(d.root, 5), "name"), "conv1 \xe2\x86\x92 pool");
  assert_string_equal(text(at(d.root, "environment"), "cpu"), "a CPU\x01 with \xef\xbf\xbd bytes");
  for (size_t i = 0; i + 1 < d.size; i++)
    if ((unsigned char)d.text[i] < 0x20 || d.text[i] == 0x7f) fail_msg("control byte %d at %zu", d.text[i], i);
  assert_int_equal(d.text[d.size - 1], '\n');
  discard(&d);
}

static void test_an_empty_trace(void **state) {
  (void)state;
  const mf_trace empty = {.name = ""};
  document d = written(mf_export_chrome, &empty);
  assert_int_equal(cJSON_GetArraySize(at(d.root, "memory")), 0);
  assert_number(at(d.root, "clock"), "origin_monotonic_ns", 0);
  discard(&d);
}

// ---- nesting

typedef struct slice {
  double track, start, end; // ns
} slice;

static int by_track_and_start(const void *a, const void *b) {
  const slice *x = a, *y = b;
  if (x->track != y->track) return x->track < y->track ? -1 : 1;
  if (x->start != y->start) return x->start < y->start ? -1 : 1;
  return (y->end > x->end) - (y->end < x->end); // the outer one first
}

// How a reader makes ns of the microseconds in the file.
static double exact(double us) {
  return (double)llround(us * 1e3);
}
static double cut(double us) {
  return (double)(int64_t)(us * 1000.0); // Perfetto
}

// Spans of a track are either apart or one holds the other.
static void assert_nested(const cJSON *root, double (*read)(double)) {
  const cJSON *events = at(root, "traceEvents"), *event;
  slice *slices = calloc((size_t)cJSON_GetArraySize(events) + 1, sizeof *slices);
  slice stack[8];
  size_t count = 0, depth = 0;
  cJSON_ArrayForEach(event, events) {
    if (strcmp(text(event, "ph"), "X") != 0) continue;
    const double start = read(number(event, "ts"));
    slices[count++] = (slice){number(event, "tid"), start, start + read(number(event, "dur"))};
  }
  qsort(slices, count, sizeof *slices, by_track_and_start);
  for (size_t i = 0; i < count; i++) {
    const slice *s = &slices[i];
    while (depth && (stack[depth - 1].track != s->track || stack[depth - 1].end <= s->start)) depth--;
    if (depth && s->end > stack[depth - 1].end)
      fail_msg("track %g: %.0f..%.0f reaches out of %.0f..%.0f", s->track, s->start, s->end, stack[depth - 1].start,
               stack[depth - 1].end);
    assert_true(depth < 8);
    if (s->end > s->start) stack[depth++] = *s;
  }
  free(slices);
}

static uint64_t state_of_random = 88172645463325252ull;
static uint64_t below(uint64_t n) { // xorshift64
  state_of_random ^= state_of_random << 13;
  state_of_random ^= state_of_random >> 7;
  state_of_random ^= state_of_random << 17;
  return state_of_random % n;
}

// Runs whose spans touch each other more often than not, at odd nanoseconds.
static size_t random_spans(mf_span *out, uint64_t now, int runs) {
  size_t n = 0;
  for (int r = 0; r < runs; r++) {
    const size_t run = n++;
    uint64_t t = now;
    for (uint64_t l = 1 + below(3); l > 0; l--) {
      t += below(2) * below(500);
      const size_t layer = n++;
      const uint64_t begin = t;
      for (uint64_t p = 1 + below(2); p > 0; p--) {
        const uint64_t spent = below(3) ? below(100000) : 0;
        out[n++] = (mf_span){.kind = MF_SPAN_PRIMITIVE, .start = t, .duration = spent};
        for (int w = 0; w < 2; w++)
          out[n++] = (mf_span){.kind = MF_SPAN_THREAD, .start = t, .duration = spent, .thread = w};
        t += spent;
      }
      out[layer] = (mf_span){.kind = MF_SPAN_LAYER, .start = begin, .duration = t - begin};
    }
    out[run] = (mf_span){.kind = MF_SPAN_RUN, .start = now, .duration = t - now};
    now = t + below(2) * below(1000);
  }
  for (size_t i = 0; i < n; i++) out[i].id = i + 1;
  return n;
}

static void test_spans_nest_however_times_are_read(void **state) {
  (void)state;
  static mf_span many[200 * 24];
  // After 50 days a double of microseconds still tells every nanosecond apart.
  static const uint64_t distances[] = {0, 1000000007, 86400000000007, 4320000000000007};
  for (size_t c = 0; c < sizeof distances / sizeof *distances; c++) {
    many[0] = (mf_span){.kind = MF_SPAN_RUN, .start = 123456789};
    const size_t count = 1 + random_spans(many + 1, 123456789 + distances[c], 199);
    const mf_trace trace = {.name = "", .layers = layers, .primitives = primitives, .spans = many, .span_count = count};
    document d = written(mf_export_chrome, &trace);
    assert_nested(d.root, exact);
    assert_nested(d.root, cut);
    size_t i = 0;
    const cJSON *event;
    cJSON_ArrayForEach(event, at(d.root, "traceEvents")) {
      if (strcmp(text(event, "ph"), "X") != 0) continue;
      const mf_span *s = &many[i++];
      assert_int_equal(exact(number(event, "ts")), s->start - 123456789);
      assert_int_equal(cut(number(event, "ts")), s->start - 123456789);
      assert_int_equal(cut(number(event, "dur")), s->duration);
    }
    assert_int_equal(i, count);
    discard(&d);
  }
}

// ---- the table of formats

static void test_formats_are_found(void **state) {
  (void)state;
  assert_true(mf_exporter_count >= 1);
  for (int i = 0; i < mf_exporter_count; i++) {
    assert_ptr_equal(mf_exporter_find(mf_exporters[i].name), &mf_exporters[i]);
    assert_int_equal(mf_exporters[i].suffix[0], '.');
  }
  const mf_exporter *chrome = mf_exporter_find("chrome");
  assert_non_null(chrome);
  assert_true(chrome->write == mf_export_chrome);
  static const char *const theirs[] = {"a.trace.json", "/x/y.z/a.b.trace.json", ".trace.json"};
  static const char *const nobodys[] = {
      "", "a.json", "trace.json", "a.trace.json.gz", "a.TRACE.JSON", "a.trace.json/b"};
  for (size_t i = 0; i < 3; i++) assert_ptr_equal(mf_exporter_for_path(theirs[i]), chrome);
  for (size_t i = 0; i < 6; i++) assert_null(mf_exporter_for_path(nobodys[i]));
  static const char *const unknown[] = {"", "Chrome", "chrome ", "perfetto"};
  for (size_t i = 0; i < 4; i++) assert_null(mf_exporter_find(unknown[i]));
}

static void test_write_errors_are_left_in_the_stream(void **state) {
  (void)state;
  mf_error e = {0};
  FILE *file = fopen("/dev/full", "w");
  assert_non_null(file);
  assert_int_equal(mf_export_chrome(&full, file, &e), MF_OK);
  fflush(file);
  assert_true(ferror(file));
  fclose(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_span_comes_back),
      cmocka_unit_test(test_attributes_come_back),
      cmocka_unit_test(test_the_rest_of_a_trace),
      cmocka_unit_test(test_workers_have_tracks_of_their_own),
      cmocka_unit_test(test_what_stands_beside_the_events),
      cmocka_unit_test(test_hostile_names_are_escaped),
      cmocka_unit_test(test_an_empty_trace),
      cmocka_unit_test(test_spans_nest_however_times_are_read),
      cmocka_unit_test(test_formats_are_found),
      cmocka_unit_test(test_write_errors_are_left_in_the_stream),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
