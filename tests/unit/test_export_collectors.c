// OTLP and Zipkin: the hand-made trace as the formats' definitions want it. Span ids: SplitMix64 of 9e3779b97f4a7c15
// and the span's number, from a program in another language.
#include "export/otlp.h"
#include "trace_sample.h"
#include <math.h>

#define TRACE "0af7651916cd43dd8448eb211c80319c"
static const char *const ids[] = {"e220a8397b1dcdaf", "910a2dec89025cc1", "975835de1c9756ce", "1d0b14e4db018fed",
                                  "6e73e372e2338aca", "63033b0ca389c35a", "bd64a5d9adefe000"};

static const cJSON *spans_of(const cJSON *root) {
  const cJSON *resources = at(root, "resourceSpans");
  assert_int_equal(cJSON_GetArraySize(resources), 1);
  const cJSON *scopes = at(cJSON_GetArrayItem(resources, 0), "scopeSpans");
  assert_int_equal(cJSON_GetArraySize(scopes), 1);
  return at(cJSON_GetArrayItem(scopes, 0), "spans");
}

// The value of an attribute, an object with one member; NULL when there is none.
static const cJSON *attribute(const cJSON *of, const char *key) {
  const cJSON *a, *found = NULL;
  cJSON_ArrayForEach(a, at(of, "attributes")) {
    if (strcmp(text(a, "key"), key) != 0) continue;
    assert_null(found);
    found = at(a, "value");
    assert_int_equal(cJSON_GetArraySize(found), 1);
  }
  return found;
}

static void assert_text(const cJSON *of, const char *key, const char *member, const char *expected) {
  const cJSON *value = attribute(of, key);
  if (!value) fail_msg("no attribute %s", key);
  assert_string_equal(text(value, member), expected);
}

static void test_otlp_ids_and_times(void **state) {
  (void)state;
  document d = written(mf_export_otlp, &full);
  const cJSON *list = spans_of(d.root);
  assert_int_equal(cJSON_GetArraySize(list), full.span_count + 1);
  for (int i = 0; i <= (int)full.span_count; i++) {
    const cJSON *span = cJSON_GetArrayItem(list, i);
    assert_string_equal(text(span, "traceId"), TRACE);
    assert_string_equal(text(span, "spanId"), ids[i]);
    if (i)
      assert_string_equal(text(span, "parentSpanId"), ids[spans[i - 1].parent]);
    else
      assert_null(cJSON_GetObjectItemCaseSensitive(span, "parentSpanId"));
    assert_number(span, "kind", 1);      // SPAN_KIND_INTERNAL
    assert_number(span, "flags", 0x101); // sampled; whether the parent is remote is known: it is not
  }
  // T + 12345 of the monotonic clock was 1763721963123456789: T was 1763721963123444444.
  const cJSON *root = cJSON_GetArrayItem(list, 0), *last = cJSON_GetArrayItem(list, 6);
  assert_string_equal(text(root, "startTimeUnixNano"), "1763721963123444444");
  assert_string_equal(text(root, "endTimeUnixNano"), "1763721963124346466");
  assert_string_equal(text(last, "startTimeUnixNano"), "1763721963123446449");
  assert_string_equal(text(last, "endTimeUnixNano"), "1763721963124246456");
  discard(&d);
}

static void test_otlp_attributes(void **state) {
  (void)state;
  document d = written(mf_export_otlp, &full);
  const cJSON *list = spans_of(d.root);
  const cJSON *root = cJSON_GetArrayItem(list, 0), *layer = cJSON_GetArrayItem(list, 4);
  const cJSON *primitive = cJSON_GetArrayItem(list, 5), *worker = cJSON_GetArrayItem(list, 6);
  assert_string_equal(text(root, "name"), "minfer \"x\" int8");
  assert_text(root, "span", "stringValue", "process");
  assert_text(root, "dropped_records", "intValue", "77");
  assert_text(layer, "span", "stringValue", "layer");
  const cJSON *values = at(at(attribute(layer, "sources"), "arrayValue"), "values");
  assert_int_equal(cJSON_GetArraySize(values), 3);
  for (int i = 0; i < 3; i++) assert_string_equal(text(cJSON_GetArrayItem(values, i), "stringValue"), sources[i]);
  assert_int_equal(cJSON_GetArraySize(at(at(attribute(layer, "none"), "arrayValue"), "values")), 0);
  assert_text(primitive, "implementation", "stringValue", "jit:avx512_core");
  assert_text(primitive, "bytes_read", "intValue", "9007199254740991");
  assert_text(primitive, "negative", "intValue", "-7");
  assert_number(attribute(primitive, "flops_per_byte"), "doubleValue", 1.0 / 3);
  assert_number(attribute(primitive, "gflops"), "doubleValue", 1e9 / 800007);
  assert_text(worker, "thread.id", "intValue", "1");
  assert_text(worker, "effective_ns", "intValue", "700001");
  assert_text(worker, "chunks", "intValue", "3");
  assert_null(attribute(worker, "bytes_read"));
  assert_text(cJSON_GetArrayItem(list, 2), "index", "intValue", "41");
  discard(&d);
}

static void test_otlp_resource(void **state) {
  (void)state;
  static const char *const more[] = {"os.type", "a system", "service.name", "no", "team", "x,y", NULL};
  mf_trace trace = full;
  trace.context.service = "shop";
  trace.context.resource = more;
  document d = written(mf_export_otlp, &trace);
  const cJSON *one = cJSON_GetArrayItem(at(d.root, "resourceSpans"), 0), *resource = at(one, "resource");
  assert_text(resource, "service.name", "stringValue", "shop");
  assert_text(resource, "telemetry.sdk.name", "stringValue", "minfer");
  assert_text(resource, "telemetry.sdk.language", "stringValue", "c");
  assert_text(resource, "telemetry.sdk.version", "stringValue", MINFER_VERSION);
  assert_text(resource, "os.type", "stringValue", "a system");
  assert_text(resource, "team", "stringValue", "x,y");
  assert_text(resource, "host.cpu.model.name", "stringValue", "a CPU\x01 with \xef\xbf\xbd bytes");
  assert_text(resource, "threads", "intValue", "2");
  const cJSON *scope = at(cJSON_GetArrayItem(at(one, "scopeSpans"), 0), "scope");
  assert_string_equal(text(scope, "name"), "minfer");
  assert_string_equal(text(scope, "version"), MINFER_VERSION);
  discard(&d);
  d = written(mf_export_otlp, &full);
  assert_text(at(cJSON_GetArrayItem(at(d.root, "resourceSpans"), 0), "resource"), "service.name", "stringValue",
              "minfer");
  discard(&d);
}

static void test_otlp_numbers_that_are_none(void **state) {
  (void)state;
  const mf_attribute odd[] = {{.key = "a", .type = MF_ATTRIBUTE_DOUBLE, .number = (double)NAN},
                              {.key = "b", .type = MF_ATTRIBUTE_DOUBLE, .number = (double)INFINITY},
                              {.key = "c", .type = MF_ATTRIBUTE_DOUBLE, .number = -(double)INFINITY}};
  const mf_trace trace = {.name = "", .environment = odd, .environment_count = 3};
  document d = written(mf_export_otlp, &trace);
  const cJSON *resource = at(cJSON_GetArrayItem(at(d.root, "resourceSpans"), 0), "resource");
  assert_text(resource, "a", "doubleValue", "NaN");
  assert_text(resource, "b", "doubleValue", "Infinity");
  assert_text(resource, "c", "doubleValue", "-Infinity");
  // A trace without a context gets ids all the same.
  assert_int_equal(strspn(text(cJSON_GetArrayItem(spans_of(d.root), 0), "traceId"), "0123456789abcdef"), 32);
  discard(&d);
}

static void test_parent_of_the_root(void **state) {
  (void)state;
  mf_trace trace = full;
  mf_error e = {0};
  support_ok(mf_trace_context_continue(&trace.context, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", &e),
             &e);
  document d = written(mf_export_otlp, &trace);
  const cJSON *span;
  int count = 0;
  cJSON_ArrayForEach(span, spans_of(d.root)) {
    assert_string_equal(text(span, "traceId"), "4bf92f3577b34da6a3ce929d0e0e4736");
    if (count == 0) assert_string_equal(text(span, "parentSpanId"), "00f067aa0ba902b7");
    assert_number(span, "flags", count == 0 ? 0x300 : 0x100); // not sampled; remote for the first
    count++;
  }
  discard(&d);
  d = written(mf_export_zipkin, &trace);
  span = cJSON_GetArrayItem(d.root, 0);
  assert_string_equal(text(span, "traceId"), "4bf92f3577b34da6a3ce929d0e0e4736");
  assert_string_equal(text(span, "parentId"), "00f067aa0ba902b7");
  assert_string_equal(text(cJSON_GetArrayItem(d.root, 1), "parentId"), ids[0]);
  discard(&d);
}

static mf_status write_part(const mf_trace *trace, FILE *to, mf_error *e) {
  (void)e;
  mf_export_otlp_part(trace, 3, 2, to);
  return MF_OK;
}

static void test_otlp_parts(void **state) {
  (void)state;
  document d = written(write_part, &full), whole = written(mf_export_otlp, &full);
  assert_int_equal(cJSON_GetArraySize(spans_of(d.root)), 2);
  for (int i = 0; i < 2; i++)
    assert_true(
        cJSON_Compare(cJSON_GetArrayItem(spans_of(d.root), i), cJSON_GetArrayItem(spans_of(whole.root), 3 + i), 1));
  assert_true(cJSON_Compare(at(cJSON_GetArrayItem(at(d.root, "resourceSpans"), 0), "resource"),
                            at(cJSON_GetArrayItem(at(whole.root, "resourceSpans"), 0), "resource"), 1));
  discard(&d);
  discard(&whole);
}

// ---- Zipkin

static void test_zipkin(void **state) {
  (void)state;
  document d = written(mf_export_zipkin, &full);
  assert_int_equal(cJSON_GetArraySize(d.root), full.span_count + 1);
  // Microseconds since 1970 of begin and end, both cut; 1 for what is shorter.
  static const double begins[] = {1763721963123444, 1763721963123444, 1763721963123446, 1763721963123446,
                                  1763721963123446, 1763721963123446, 1763721963123446};
  static const double durations[] = {902, 1, 900, 1, 800, 800, 800};
  for (int i = 0; i <= (int)full.span_count; i++) {
    const cJSON *span = cJSON_GetArrayItem(d.root, i), *tag;
    assert_string_equal(text(span, "traceId"), TRACE);
    assert_string_equal(text(span, "id"), ids[i]);
    if (i) assert_string_equal(text(span, "parentId"), ids[spans[i - 1].parent]);
    assert_number(span, "timestamp", begins[i]);
    assert_number(span, "duration", durations[i]);
    assert_string_equal(text(at(span, "localEndpoint"), "serviceName"), "minfer");
    cJSON_ArrayForEach(tag, at(span, "tags")) assert_true(cJSON_IsString(tag));
  }
  assert_null(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(d.root, 0), "parentId"));
  const cJSON *root = at(cJSON_GetArrayItem(d.root, 0), "tags"), *layer = at(cJSON_GetArrayItem(d.root, 4), "tags");
  const cJSON *primitive = at(cJSON_GetArrayItem(d.root, 5), "tags"),
              *worker = at(cJSON_GetArrayItem(d.root, 6), "tags");
  assert_string_equal(text(root, "threads"), "2");
  assert_string_equal(text(root, "dropped_records"), "77");
  assert_string_equal(text(layer, "sources"), "conv1+a \"quoted\" name+tab\there");
  assert_string_equal(text(layer, "none"), "");
  assert_string_equal(text(primitive, "bytes_read"), "9007199254740991");
  assert_string_equal(text(primitive, "negative"), "-7");
  assert_string_equal(text(primitive, "flops_per_byte"), "0.3333333333333333");
  assert_string_equal(text(worker, "span"), "thread");
  assert_string_equal(text(worker, "thread.id"), "1");
  assert_string_equal(text(worker, "wait_ns"), "40002");
  discard(&d);
}

static void test_empty_traces(void **state) {
  (void)state;
  const mf_trace empty = {.name = "nothing"};
  document d = written(mf_export_otlp, &empty);
  assert_int_equal(cJSON_GetArraySize(spans_of(d.root)), 1);
  discard(&d);
  d = written(mf_export_zipkin, &empty);
  assert_int_equal(cJSON_GetArraySize(d.root), 1);
  assert_number(cJSON_GetArrayItem(d.root, 0), "timestamp", 1); // 0 would be none
  discard(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_otlp_ids_and_times),
      cmocka_unit_test(test_otlp_attributes),
      cmocka_unit_test(test_otlp_resource),
      cmocka_unit_test(test_otlp_numbers_that_are_none),
      cmocka_unit_test(test_parent_of_the_root),
      cmocka_unit_test(test_otlp_parts),
      cmocka_unit_test(test_zipkin),
      cmocka_unit_test(test_empty_traces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
