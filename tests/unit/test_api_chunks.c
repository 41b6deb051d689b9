// Chunks as an embedder sees them: options, plan, output, spans, instances and comparisons.
#include "api_fixture.h"
#include <math.h>
#include <stdlib.h>

enum { CLASSES = 1000, BATCH = 4, NUMBERS = BATCH * CLASSES };

typedef struct fixture {
  minfer_model *model;
  minfer_input *input;
} fixture;

static fixture open_fixture(void) {
  minfer_model *model = api_small_model();
  return (fixture){model, api_generated(model, BATCH)};
}

static void close_fixture(fixture *f) {
  minfer_input_free(f->input);
  minfer_model_close(f->model);
}

static void answer(minfer_session *session, const minfer_input *input, float *logits) {
  api_ok(minfer_session_load(session, input, 0, &api_error));
  api_ok(minfer_session_run(session, NULL, &api_error));
  api_ok(minfer_session_output(session, logits, NUMBERS, &api_error));
}

static void expect_near(const float *a, const float *b) {
  double largest = 0, error = 0;
  for (int i = 0; i < NUMBERS; i++) {
    largest = fmax(largest, fabs((double)a[i]));
    error = fmax(error, fabs((double)a[i] - (double)b[i]));
  }
  if (!(largest > 0 && error <= 1e-5 * largest)) fail_msg("off by %g of %g", error, largest);
}

static void test_plans_and_answers(void **state) {
  (void)state;
  static float expected[NUMBERS], logits[NUMBERS];
  fixture f = open_fixture();
  static const minfer_dtype dtypes[] = {MINFER_F32, MINFER_INT8};
  for (int d = 0; d < 2; d++)
    for (int threads = 1; threads <= 2; threads++) {
      size_t before = SIZE_MAX;
      int primitives = 0;
      for (int chunk = BATCH; chunk > 0; chunk /= 2) {
        minfer_session *s = api_session(
            f.model, f.input,
            (minfer_session_options){.batch = BATCH, .chunk = chunk, .dtype = dtypes[d], .threads = threads});
        const minfer_plan *plan = minfer_session_plan(s);
        assert_int_equal(plan->batch, BATCH);
        assert_int_equal(plan->chunks, BATCH / chunk);
        assert_true(plan->activation_bytes < before);
        before = plan->activation_bytes;
        for (int i = 0; i < plan->buffer_count; i++)
          assert_true(plan->buffers[i].offset + plan->buffers[i].bytes <= plan->activation_bytes);
        if (chunk == BATCH) primitives = plan->primitive_count;
        assert_int_equal(plan->primitive_count, primitives);
        answer(s, f.input, chunk == BATCH ? expected : logits);
        if (chunk < BATCH) expect_near(expected, logits);
        minfer_session_free(s);
      }
    }
  close_fixture(&f);
}

static void test_wrong_chunks(void **state) {
  (void)state;
  fixture f = open_fixture();
  minfer_session *s = NULL;
  static const int wrong[] = {3, 8, -1, INT32_MIN, INT32_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const minfer_session_options o = {.size = sizeof o, .batch = BATCH, .chunk = wrong[i]};
    api_fails(minfer_session_create(f.model, f.input, &o, &s, &api_error), MINFER_USAGE,
              "does not divide a batch of 4");
  }
  close_fixture(&f);
}

// Each primitive once a chunk, and a file keeps which.
static void check_chunks(const minfer_span *spans, size_t count, const minfer_plan *plan) {
  int runs = 0, primitives = 0;
  for (size_t i = 0; i < count; i++) {
    if (spans[i].kind == MINFER_SPAN_RUN) {
      runs++;
      primitives = 0;
    }
    if (spans[i].kind != MINFER_SPAN_PRIMITIVE) continue;
    assert_int_equal(spans[i].index, primitives % plan->primitive_count);
    assert_int_equal(spans[i].chunk, primitives++ / plan->primitive_count);
  }
  assert_int_equal(runs, 2);
  assert_int_equal(primitives, plan->chunks * plan->primitive_count);
}

static const minfer_attribute *find(const minfer_attribute *list, int count, const char *key) {
  for (int i = 0; i < count; i++)
    if (strcmp(list[i].key, key) == 0) return &list[i];
  return NULL;
}

static void test_traces(void **state) {
  fixture f = open_fixture();
  for (int chunk = 2; chunk <= BATCH; chunk *= 2) {
    minfer_session *s =
        api_session(f.model, f.input, (minfer_session_options){.batch = BATCH, .chunk = chunk, .threads = 2});
    api_ok(minfer_session_load(s, f.input, 0, &api_error));
    for (int run = 0; run < 2; run++) api_ok(minfer_session_run_traced(s, MINFER_TRACE_THREAD, NULL, &api_error));
    size_t count, dropped;
    const minfer_span *spans = minfer_session_spans(s, &count, &dropped);
    assert_int_equal(dropped, 0);
    check_chunks(spans, count, minfer_session_plan(s));
    const char *path = support_path(state, "trace.json"), *again = support_path(state, "again.json");
    minfer_trace *trace = NULL;
    api_ok(minfer_trace_write(s, "chrome", path, &api_error));
    api_ok(minfer_trace_read(path, &trace, &api_error));
    const minfer_trace_view *view = minfer_trace_describe(trace);
    check_chunks(view->spans, view->span_count, minfer_session_plan(s));
    const minfer_attribute *told = find(view->environment, view->environment_count, "chunk");
    assert_int_equal(told ? told->integer : BATCH, chunk);
    for (int i = 0; i < view->primitive_count; i++) // it is the span's, not the primitive's
      assert_null(find(view->primitives[i].attributes, view->primitives[i].attribute_count, "chunk"));
    api_ok(minfer_trace_convert(trace, "chrome", again, &api_error));
    minfer_trace_free(trace);
    api_ok(minfer_trace_read(again, &trace, &api_error));
    view = minfer_trace_describe(trace);
    check_chunks(view->spans, view->span_count, minfer_session_plan(s));
    minfer_trace_free(trace);
    minfer_session_free(s);
  }
  close_fixture(&f);
}

static void test_instances(void **state) {
  (void)state;
  static float expected[NUMBERS], logits[NUMBERS];
  fixture f = open_fixture();
  minfer_session *s = api_session(f.model, f.input, (minfer_session_options){.batch = BATCH, .chunk = 1}), *clone;
  const minfer_session_options o = {.size = sizeof o};
  api_ok(minfer_session_clone(s, &o, &clone, &api_error));
  answer(s, f.input, expected);
  answer(clone, f.input, logits);
  assert_memory_equal(expected, logits, sizeof expected);
  minfer_session_free(s);
  minfer_session_free(clone);
  close_fixture(&f);
}

// Sessions with other chunks work on the same images; with another type the figures are those of whole batches.
static void test_comparisons(void **state) {
  (void)state;
  fixture f = open_fixture();
  const minfer_session_options whole = {.batch = BATCH}, halves = {.batch = BATCH, .chunk = 2};
  minfer_session_options int8 = {.batch = BATCH, .dtype = MINFER_INT8};
  minfer_session *a = api_session(f.model, f.input, whole), *b = api_session(f.model, f.input, halves),
                 *c = api_session(f.model, f.input, int8);
  int8.chunk = 1;
  minfer_session *d = api_session(f.model, f.input, int8);
  const int layers = minfer_session_plan(a)->layer_count;
  minfer_layer_error *same = calloc((size_t)layers, sizeof *same), *one = calloc((size_t)layers, sizeof *one),
                     *other = calloc((size_t)layers, sizeof *other);
  api_ok(minfer_session_compare(a, b, f.input, 0, BATCH, same, &api_error));
  api_ok(minfer_session_compare(a, c, f.input, 0, BATCH, one, &api_error));
  api_ok(minfer_session_compare(b, d, f.input, 0, BATCH, other, &api_error));
  for (int i = 0; i < layers; i++) {
    assert_true(same[i].sqnr_db > 100);
    assert_true(one[i].sqnr_db > 0 && one[i].sqnr_db < 100);
    assert_true(fabs(one[i].sqnr_db - other[i].sqnr_db) < 0.01);
  }
  free(same);
  free(one);
  free(other);
  minfer_session_free(a);
  minfer_session_free(b);
  minfer_session_free(c);
  minfer_session_free(d);
  close_fixture(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plans_and_answers),
      cmocka_unit_test(test_wrong_chunks),
      cmocka_unit_test_setup_teardown(test_traces, support_folder_setup, support_folder_teardown),
      cmocka_unit_test(test_instances),
      cmocka_unit_test(test_comparisons),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
