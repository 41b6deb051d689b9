// Runs in chunks: the same numbers as the whole batch at once, in the memory of one chunk, with spans that say which.
#include "graph/edit.h"
#include "reference/network.h"
#include "reference/support.h"
#include "trace/trace.h"
#include "unit/plan_fixture.h"

enum { BATCH = 4, SIZE = 32, MOST_TENSORS = 256, MOST_SPANS = 4096 };
static const int chunks_of[] = {4, 2, 1}; // chunks of 1, 2 and 4 images
static const char *const networks[] = {"mobilenet_v1", "resnet18", "squeezenet1_1"};

// Whether they are the same but for the order of sums.
static void expect_near(const float *a, const float *b, size_t count, const char *what) {
  double largest = 0, error = 0;
  for (size_t i = 0; i < count; i++) {
    largest = fmax(largest, fabs((double)a[i]));
    error = fmax(error, fabs((double)a[i] - (double)b[i]));
  }
  assert_true(largest > 0 && isfinite(largest));
  if (!(error <= 1e-5 * largest)) fail_msg("%s: off by %g of %g", what, error, largest);
}

static mf_graph *graph_of(network *n, const char *name, bool int8) {
  network_open(n, name, strcmp(name, "mobilenet_v1") == 0 ? 0.25 : 0);
  n->recipe.height = n->recipe.width = SIZE;
  mf_graph *g = network_graph(n, BATCH, true);
  if (int8) network_assume_ranges(g);
  return g;
}

static void open_chunks(harness_engine *engine, mf_graph *g, int chunks, int threads, bool float_input) {
  mf_error e;
  OK(mf_graph_rebatch(g, BATCH / chunks, &e));
  OK(harness_open(
      engine, g,
      &(mf_plan_options){.activations = MF_F32, .float_input = float_input, .chunks = chunks == 1 ? 0 : chunks},
      threads, &e));
  assert_int_equal(engine->plan->chunks, chunks);
}

static void fill_all(const harness_engine *engine, const float *input) {
  mf_error e;
  for (int i = BATCH; i-- > 0;) OK(mf_session_fill_floats(engine->session, i, input + i * 3 * SIZE * SIZE, &e));
}

// Twice: the second run reads the same input.
static void expect_output(const harness_engine *engine, const float *expected, size_t count, const char *what) {
  mf_error e;
  for (int run = 0; run < 2; run++) {
    size_t there;
    OK(mf_session_run(engine->session, NULL, MF_TRACE_OFF, 0, NULL, &e));
    const float *output = mf_session_output(engine->session, &there);
    assert_int_equal(there, count);
    expect_near(expected, output, count, what);
  }
}

static void check_network(const char *name, bool int8, int threads, bool float_input) {
  network n;
  mf_graph *g = graph_of(&n, name, int8);
  float *input = random_input(g, 7), *expected = NULL;
  size_t count = 0;
  for (size_t c = COUNT(chunks_of); c-- > 0;) {
    char what[128];
    mf_error e;
    harness_engine engine;
    snprintf(what, sizeof what, "%s, %s, %d threads, %d chunks", name, int8 ? "int8" : "f32", threads, chunks_of[c]);
    open_chunks(&engine, g, chunks_of[c], threads, float_input);
    fill_all(&engine, input);
    if (!expected) { // the whole batch at once
      OK(mf_session_run(engine.session, NULL, MF_TRACE_OFF, 0, NULL, &e));
      const float *output = mf_session_output(engine.session, &count);
      expected = mf_alloc(count * sizeof *expected);
      assert_non_null(expected);
      memcpy(expected, output, count * sizeof *expected);
      const size_t row = count / BATCH;
      for (int i = 1; i < BATCH; i++) // or every order of the images would do
        assert_memory_not_equal(expected, expected + (size_t)i * row, row * sizeof *expected);
    }
    expect_output(&engine, expected, count, what);
    harness_close(&engine);
  }
  mf_free(expected);
  mf_free(input);
  mf_graph_free(g);
  network_close(&n);
}

static void test_networks_answer_alike(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(networks); i++)
    for (int int8 = 0; int8 < 2; int8++)
      for (int threads = 1; threads <= 2; threads++) check_network(networks[i], int8, threads, int8 == threads - 1);
}

// ---- memory

static size_t aligned(size_t bytes) {
  return (bytes + MF_ALIGNMENT - 1) / MF_ALIGNMENT * MF_ALIGNMENT;
}

// What a chunk uses is what a batch of its size uses; input and output are whole, and nothing else lies there.
static void test_memory_is_a_chunk_s(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(networks); i++) {
    network n;
    mf_graph *g = graph_of(&n, networks[i], false);
    harness_engine whole, one, chunked;
    open_chunks(&whole, g, 1, 1, false);
    const size_t of_batch = whole.plan->activation_bytes;
    harness_close(&whole);
    open_chunks(&chunked, g, BATCH, 1, false);
    mf_error e;
    OK(harness_open(&one, g, &(mf_plan_options){.activations = MF_F32}, 1, &e));
    const mf_plan *plan = chunked.plan;
    const mf_value *in = &plan->values[plan->input], *out = &plan->values[plan->output];
    assert_int_equal(in->step, in->bytes);
    assert_int_equal(out->step, out->bytes);
    const size_t ends = aligned(in->bytes * BATCH) + aligned(out->bytes * BATCH);
    assert_true(plan->activation_bytes <= one.plan->activation_bytes + ends);
    assert_true(plan->activation_bytes >= ends);
    assert_true(plan->activation_bytes < of_batch);
    for (int v = 0; v < plan->value_count; v++)
      if (!plan->values[v].step) assert_true(plan->values[v].offset >= ends);
    harness_close(&one);
    harness_close(&chunked);
    mf_graph_free(g);
    network_close(&n);
  }
}

static void test_items_of_all_chunks(void **state) {
  (void)state;
  network n;
  mf_error e;
  mf_graph *g = graph_of(&n, networks[0], false);
  harness_engine engine;
  open_chunks(&engine, g, 2, 1, false);
  float *input = random_input(g, 1);
  OK(mf_session_fill_floats(engine.session, BATCH - 1, input, &e));
  check_fails(mf_session_fill_floats(engine.session, BATCH, input, &e), MF_ERR_USAGE, &e,
              "item 4 is outside a batch of 4");
  check_fails(mf_session_fill_floats(engine.session, -1, input, &e), MF_ERR_USAGE, &e,
              "item -1 is outside a batch of 4");
  mf_free(input);
  harness_close(&engine);
  mf_graph_free(g);
  network_close(&n);
}

// ---- observing

typedef struct album { // every activation of the whole batch
  float *pictures[MOST_TENSORS];
  size_t counts[MOST_TENSORS];
  int chunk, chunks, seen;
} album;

static mf_status keep(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  album *a = context;
  (void)e;
  assert_in_range(tensor, 0, MOST_TENSORS - 1);
  mf_free(a->pictures[tensor]);
  a->pictures[tensor] = mf_alloc(count * sizeof *data);
  assert_non_null(a->pictures[tensor]);
  memcpy(a->pictures[tensor], data, count * sizeof *data);
  a->counts[tensor] = count;
  return MF_OK;
}

static mf_status compare_part(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  album *a = context;
  (void)e;
  assert_non_null(a->pictures[tensor]);
  assert_int_equal(count * (size_t)a->chunks, a->counts[tensor]);
  expect_near(a->pictures[tensor] + count * (size_t)a->chunk, data, count, "an activation");
  a->seen++;
  return MF_OK;
}

static void test_observers_see_the_chunk(void **state) {
  (void)state;
  mf_error e;
  network n;
  mf_graph *g = graph_of(&n, "resnet18", true);
  album a = {.chunks = 2};
  float *input = random_input(g, 3);
  harness_engine engine;
  open_chunks(&engine, g, 1, 2, false);
  fill_all(&engine, input);
  OK(mf_session_observe(engine.session, 0, keep, &a, &e));
  harness_close(&engine);
  open_chunks(&engine, g, a.chunks, 2, false);
  fill_all(&engine, input);
  for (a.chunk = a.chunks; a.chunk-- > 0;) OK(mf_session_observe(engine.session, a.chunk, compare_part, &a, &e));
  assert_true(a.seen > 2 * 20);
  harness_close(&engine);
  for (int t = 0; t < MOST_TENSORS; t++) mf_free(a.pictures[t]);
  mf_free(input);
  mf_graph_free(g);
  network_close(&n);
}

// ---- spans

// Every step once a chunk, chunk behind chunk, all of them within the run.
static void check_spans(const mf_span *spans, size_t count, const mf_plan *plan, mf_trace_level level) {
  int steps = 0, layers = 0, workers = 0;
  const mf_span *run = &spans[0], *before = NULL;
  assert_int_equal(run->kind, MF_SPAN_RUN);
  for (size_t i = 1; i < count; i++) {
    const mf_span *s = &spans[i];
    assert_true(s->start >= run->start && s->start + s->duration <= run->start + run->duration);
    if (s->kind == MF_SPAN_LAYER) assert_int_equal(s->chunk, layers++ / plan->layer_count);
    if (s->kind == MF_SPAN_THREAD) {
      workers++;
      if (!before || s->chunk != before->chunk) fail_msg("span %zu is of another chunk than its primitive", i);
    }
    if (s->kind != MF_SPAN_PRIMITIVE) continue;
    assert_int_equal(s->index, steps % plan->step_count);
    assert_int_equal(s->chunk, steps++ / plan->step_count);
    if (before) assert_true(s->start >= before->start + before->duration);
    before = s;
  }
  assert_int_equal(layers, plan->layer_count * plan->chunks);
  assert_int_equal(steps, level >= MF_TRACE_PRIMITIVE ? plan->step_count * plan->chunks : 0);
  assert_int_equal(workers, level >= MF_TRACE_THREAD ? steps * plan->threads : 0);
}

static void test_spans_know_their_chunk(void **state) {
  (void)state;
  mf_error e;
  network n;
  mf_graph *g = graph_of(&n, "mobilenet_v1", false);
  harness_engine engine;
  open_chunks(&engine, g, BATCH, 2, true);
  const mf_plan *plan = engine.plan;
  int layer_of[MOST_TENSORS];
  assert_in_range(plan->step_count, 1, MOST_TENSORS);
  for (int i = 0; i < plan->step_count; i++) layer_of[i] = plan->steps[i].is_reorder ? -1 : plan->steps[i].layer;
  for (int level = MF_TRACE_LAYER; level <= MF_TRACE_THREAD; level++) {
    mf_recorder *recorder;
    mf_span *spans;
    size_t count;
    OK(mf_recorder_create(&recorder, MOST_SPANS, &e));
    OK(mf_session_run(engine.session, recorder, (mf_trace_level)level, 1, NULL, &e));
    OK(mf_trace_spans(&spans, &count, recorder, layer_of, NULL, 0, &e));
    check_spans(spans, count, plan, (mf_trace_level)level);
    mf_free(spans);
    mf_recorder_free(recorder);
  }
  harness_close(&engine);
  mf_graph_free(g);
  network_close(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_networks_answer_alike),  cmocka_unit_test(test_memory_is_a_chunk_s),
      cmocka_unit_test(test_items_of_all_chunks),    cmocka_unit_test(test_observers_see_the_chunk),
      cmocka_unit_test(test_spans_know_their_chunk),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
