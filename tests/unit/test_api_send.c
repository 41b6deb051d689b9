// Traces for collectors through minfer.h: requests, ids that continue another trace, answers.
#include "api_fixture.h"
#include "base/json.h"
#include <stdlib.h>

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

typedef struct fixture {
  minfer_model *model;
  minfer_input *input;
  minfer_session *session;
} fixture;

static fixture start(int runs) {
  fixture f = {.model = api_small_model()};
  f.input = api_generated(f.model, 1);
  f.session = api_session(f.model, f.input, (minfer_session_options){.threads = 1});
  api_ok(minfer_session_load(f.session, f.input, 0, &api_error));
  for (int i = 0; i < runs; i++) api_ok(minfer_session_run_traced(f.session, MINFER_TRACE_PRIMITIVE, NULL, &api_error));
  return f;
}

static void end(fixture *f) {
  minfer_session_free(f->session);
  minfer_input_free(f->input);
  minfer_model_close(f->model);
}

typedef struct received {
  int requests, refuse_at; // the request that fails, from 1; 0: none
  size_t spans[16], total;
  char trace[33], parent[17], service[32], extra[32];
} received;

static const cJSON *member(const cJSON *object, const char *key) {
  const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
  if (!value) fail_msg("no %s", key);
  return value;
}

static minfer_status receive(const char *bytes, size_t count, void *context, minfer_error *error) {
  received *r = context;
  const char *why;
  size_t offset;
  cJSON *root;
  assert_int_equal(mf_json_parse(&root, bytes, count, &why, &offset), MF_OK);
  assert_true(count <= 4 << 20);
  const cJSON *one = cJSON_GetArrayItem(member(root, "resourceSpans"), 0), *a;
  const cJSON *spans = member(cJSON_GetArrayItem(member(one, "scopeSpans"), 0), "spans");
  const cJSON *first = cJSON_GetArrayItem(spans, 0), *parent = cJSON_GetObjectItemCaseSensitive(first, "parentSpanId");
  if (r->requests) assert_string_equal(member(first, "traceId")->valuestring, r->trace);
  if (!r->requests) snprintf(r->parent, sizeof r->parent, "%s", parent ? parent->valuestring : "");
  snprintf(r->trace, sizeof r->trace, "%s", member(first, "traceId")->valuestring);
  cJSON_ArrayForEach(a, member(member(one, "resource"), "attributes")) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(member(a, "value"), "stringValue");
    if (strcmp(member(a, "key")->valuestring, "service.name") == 0)
      snprintf(r->service, sizeof r->service, "%s", value->valuestring);
    if (strcmp(member(a, "key")->valuestring, "extra") == 0)
      snprintf(r->extra, sizeof r->extra, "%s", value->valuestring);
  }
  assert_true(r->requests < 16);
  r->spans[r->requests++] = (size_t)cJSON_GetArraySize(spans);
  r->total += (size_t)cJSON_GetArraySize(spans);
  cJSON_Delete(root);
  if (r->requests != r->refuse_at) return MINFER_OK;
  *error = (minfer_error){.status = MINFER_OUTPUT, .text = "not today"};
  return MINFER_OUTPUT;
}

static void test_requests_hold_every_span_and_the_root(void **state) {
  (void)state;
  fixture f = start(80);
  size_t n = 0;
  assert_non_null(minfer_session_spans(f.session, &n, NULL));
  assert_true(n > 4000);
  received r = {0};
  api_ok(minfer_trace_send(f.session, receive, &r, &api_error));
  assert_int_equal(r.total, n + 1);
  assert_int_equal(r.requests, (n + 2000) / 2000);
  for (int i = 0; i + 1 < r.requests; i++) assert_int_equal(r.spans[i], 2000);
  assert_string_equal(r.service, "minfer");
  assert_string_equal(r.parent, "");
  // The same session keeps its trace id, another has another.
  received again = {0}, other = {0};
  api_ok(minfer_trace_send(f.session, receive, &again, &api_error));
  assert_string_equal(again.trace, r.trace);
  fixture second = start(1);
  api_ok(minfer_trace_send(second.session, receive, &other, NULL));
  assert_string_not_equal(other.trace, r.trace);
  end(&second);
  end(&f);
}

static void test_what_the_sender_returns_ends_it(void **state) {
  (void)state;
  fixture f = start(80);
  received r = {.refuse_at = 2};
  assert_int_equal(minfer_trace_send(f.session, receive, &r, &api_error), MINFER_OUTPUT);
  assert_string_equal(api_error.text, "not today");
  assert_int_equal(r.requests, 2);
  r = (received){.refuse_at = 1};
  assert_int_equal(minfer_trace_send(f.session, receive, &r, NULL), MINFER_OUTPUT);
  end(&f);
}

// Long names make long requests: those stay under 4 MiB.
static void test_large_requests_are_split(void **state) {
  (void)state;
  fixture f = start(80);
  char *large = malloc(1 << 20);
  assert_non_null(large);
  memset(large, 'x', (1 << 20) - 1);
  large[(1 << 20) - 1] = 0;
  const char *const resource[] = {"a", large, "b", large, "c", large, NULL}; // in each request
  api_ok(minfer_session_set_trace_context(
      f.session, &(minfer_trace_context){.size = sizeof(minfer_trace_context), .resource = resource}, &api_error));
  size_t n = 0;
  minfer_session_spans(f.session, &n, NULL);
  received r = {0};
  api_ok(minfer_trace_send(f.session, receive, &r, &api_error)); // looks at the size
  assert_int_equal(r.total, n + 1);
  assert_true(r.requests > (int)((n + 2000) / 2000));
  free(large);
  end(&f);
}

static void test_context(void **state) {
  (void)state;
  fixture f = start(1);
  char service[] = "shop", name[] = "extra", value[] = "more";
  const char *resource[] = {name, value, NULL};
  minfer_trace_context context = {
      .size = sizeof context, .traceparent = PARENT, .service = service, .resource = resource};
  api_ok(minfer_session_set_trace_context(f.session, &context, &api_error));
  service[0] = name[0] = value[0] = '!'; // they are copied
  received r = {0};
  api_ok(minfer_trace_send(f.session, receive, &r, &api_error));
  assert_string_equal(r.trace, "4bf92f3577b34da6a3ce929d0e0e4736");
  assert_string_equal(r.parent, "00f067aa0ba902b7");
  assert_string_equal(r.service, "shop");
  assert_string_equal(r.extra, "more");
  // What is refused changes nothing.
  context = (minfer_trace_context){.size = sizeof context, .traceparent = "00-x", .service = "other"};
  api_fails(minfer_session_set_trace_context(f.session, &context, &api_error), MINFER_USAGE, "no trace parent");
  const char *odd[] = {"name", NULL};
  context = (minfer_trace_context){.size = sizeof context, .resource = odd};
  api_fails(minfer_session_set_trace_context(f.session, &context, &api_error), MINFER_USAGE, "name has no value");
  context = (minfer_trace_context){.service = "other"};
  api_fails(minfer_session_set_trace_context(f.session, &context, &api_error), MINFER_USAGE, "no size");
  r = (received){0};
  api_ok(minfer_trace_send(f.session, receive, &r, &api_error));
  assert_string_equal(r.service, "shop");
  end(&f);
}

static void test_answers(void **state) {
  (void)state;
  static const struct {
    const char *answer;
    int64_t refused;
    const char *why;
  } cases[] = {{"", 0, ""},
               {"{}", 0, ""},
               {"[]", 0, ""},
               {"3", 0, ""},
               {"{\"partialSuccess\":{}}", 0, ""},
               {"{\"partialSuccess\":null}", 0, ""},
               {"{\"partialSuccess\":[1]}", 0, ""},
               {"{\"partialSuccess\":{\"rejectedSpans\":\"12\",\"errorMessage\":\"late\"}}", 12, "late"},
               {"{\"partialSuccess\":{\"rejectedSpans\":12}}", 12, ""},
               {"{\"partialSuccess\":{\"rejectedSpans\":\"9223372036854775807\"}}", INT64_MAX, ""},
               {"{\"partialSuccess\":{\"rejectedSpans\":\"9223372036854775808\"}}", 0, ""},
               {"{\"partialSuccess\":{\"rejectedSpans\":-1}}", 0, ""},
               {"{\"partialSuccess\":{\"rejectedSpans\":1e300}}", 0, ""},
               {"{\"partialSuccess\":{\"rejectedSpans\":\"x\",\"errorMessage\":7}}", 0, ""},
               {"{\"partialSuccess\":{\"errorMessage\":\"longer than the room for it\"}}", 0, "longer than the"},
               {"{\"partialSuccess\":{\"rejectedSpans\":\"12\"", 0, ""}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char why[16] = "before";
    assert_int_equal(minfer_trace_refused(cases[i].answer, strlen(cases[i].answer), why, sizeof why), cases[i].refused);
    assert_string_equal(why, cases[i].why);
  }
}

static void test_profilers(void **state) {
  (void)state;
  api_fails(minfer_set_jit_profile("gprof", &api_error), MINFER_USAGE, "perf, vtune");
  api_fails(minfer_set_jit_profile("", &api_error), MINFER_USAGE, "perf, vtune");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_requests_hold_every_span_and_the_root),
      cmocka_unit_test(test_what_the_sender_returns_ends_it),
      cmocka_unit_test(test_large_requests_are_split),
      cmocka_unit_test(test_context),
      cmocka_unit_test(test_answers),
      cmocka_unit_test(test_profilers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
