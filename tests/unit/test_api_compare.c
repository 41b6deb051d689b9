// minfer_session_compare: against numbers taken from the sessions' own outputs and activations.
#include "api/handles.h"
#include "api_fixture.h"

#include "near.h"

enum { CLASSES = 1000, ITEMS = 3 };

static double sqnr(const float *a, const float *b, size_t count) {
  double signal = 0, noise = 0;
  for (size_t i = 0; i < count; i++) {
    signal += (double)a[i] * (double)a[i];
    noise += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
  }
  return 10 * log10(signal / noise);
}

typedef struct pair {
  minfer_model *model;
  minfer_input *input;
  minfer_session *a, *b;
  minfer_layer_error *errors;
  int layers; // of b
} pair;

static pair open_pair(minfer_session_options a, minfer_session_options b) {
  pair p = {.model = api_small_model()};
  p.input = api_generated(p.model, ITEMS);
  p.a = api_session(p.model, p.input, a);
  p.b = api_session(p.model, p.input, b);
  p.layers = minfer_session_plan(p.b)->layer_count;
  p.errors = test_calloc((size_t)p.layers, sizeof *p.errors);
  return p;
}

static void close_pair(pair *p) {
  test_free(p->errors);
  minfer_session_free(p->a);
  minfer_session_free(p->b);
  minfer_input_free(p->input);
  minfer_model_close(p->model);
}

// Logits of `items` items from the first on, a batch at a time.
static void read_logits(minfer_session *s, const minfer_input *input, int batch, int items, float *out) {
  for (int i = 0; i < items; i += batch) {
    api_ok(minfer_session_load(s, input, i, &api_error));
    api_ok(minfer_session_run(s, NULL, &api_error));
    api_ok(minfer_session_output(s, out + (size_t)i * CLASSES, (size_t)batch * CLASSES, &api_error));
  }
}

static void test_equal_sessions(void **state) {
  (void)state;
  pair p = open_pair((minfer_session_options){0}, (minfer_session_options){.threads = 1});
  api_ok(minfer_session_compare(p.a, p.b, p.input, 0, ITEMS, p.errors, &api_error));
  for (int i = 0; i < p.layers; i++) {
    assert_int_equal(p.errors[i].layer_a, i);
    assert_true(isinf(p.errors[i].sqnr_db) && p.errors[i].sqnr_db > 0);
  }
  close_pair(&p);
}

static void test_the_last_layer_is_the_logits(void **state) {
  (void)state;
  static float a[4 * CLASSES], b[4 * CLASSES];
  for (int batch = 1; batch <= 2; batch++) {
    pair p = open_pair((minfer_session_options){.batch = batch},
                       (minfer_session_options){.batch = batch, .dtype = MINFER_INT8});
    const int items = batch == 1 ? ITEMS : 4; // three items fill two batches of two
    read_logits(p.a, p.input, batch, items, a);
    read_logits(p.b, p.input, batch, items, b);
    const double expected = sqnr(a, b, (size_t)items * CLASSES);
    assert_true(expected > 10 && expected < 80);
    api_ok(minfer_session_compare(p.a, p.b, p.input, 0, ITEMS, p.errors, &api_error));
    assert_near(p.errors[p.layers - 1].sqnr_db, expected, 1e-6);
    // Part of the items, from one that is not the first.
    api_ok(minfer_session_compare(p.a, p.b, p.input, 1, 1, p.errors, &api_error));
    if (batch == 1) assert_near(p.errors[p.layers - 1].sqnr_db, sqnr(a + CLASSES, b + CLASSES, CLASSES), 1e-6);
    close_pair(&p);
  }
}

// What a session wrote into the tensor of a name.
typedef struct watch {
  const mf_graph *graph;
  const char *name;
  float *copy;
  size_t count;
} watch;

static mf_status remember(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  watch *w = context;
  (void)e;
  if (strcmp(w->graph->tensors[tensor].name, w->name) != 0) return MF_OK;
  test_free(w->copy);
  w->copy = test_malloc(count * sizeof *data);
  w->count = count;
  memcpy(w->copy, data, count * sizeof *data);
  return MF_OK;
}

static watch watch_session(minfer_session *s, const minfer_input *input, const char *name) {
  watch w = {.graph = s->plan->graph, .name = name};
  mf_error e = {0};
  api_ok(minfer_session_load(s, input, 0, &api_error));
  assert_int_equal(mf_session_observe(s->session, 0, remember, &w, &e), MF_OK);
  assert_non_null(w.copy);
  return w;
}

static void test_layers_within(void **state) {
  (void)state;
  pair p = open_pair((minfer_session_options){0}, (minfer_session_options){.dtype = MINFER_INT8});
  api_ok(minfer_session_compare(p.a, p.b, p.input, 0, 1, p.errors, &api_error));
  for (int i = 0; i < p.layers; i += 9) {
    const minfer_layer *layer = &minfer_session_plan(p.b)->layers[i];
    const char *last = layer->sources[layer->source_count - 1]; // its output is named after what it ends with
    watch a = watch_session(p.a, p.input, last), b = watch_session(p.b, p.input, last);
    assert_int_equal(a.count, b.count);
    assert_near(p.errors[i].sqnr_db, sqnr(a.copy, b.copy, a.count), 1e-6);
    test_free(a.copy);
    test_free(b.copy);
  }
  close_pair(&p);
}

static void test_layers_that_are_fused_on_one_side(void **state) {
  (void)state;
  pair p = open_pair((minfer_session_options){0}, (minfer_session_options){.no_fusion = true});
  const minfer_plan *a = minfer_session_plan(p.a), *b = minfer_session_plan(p.b);
  assert_true(a->layer_count < b->layer_count);
  api_ok(minfer_session_compare(p.a, p.b, p.input, 0, 1, p.errors, &api_error));
  int matched = 0;
  for (int i = 0; i < p.layers; i++) {
    const minfer_layer_error *e = &p.errors[i];
    if (e->layer_a < 0) {
      assert_true(isnan(e->sqnr_db));
      continue;
    }
    const minfer_layer *fused = &a->layers[e->layer_a];
    assert_string_equal(fused->sources[fused->source_count - 1], b->layers[i].sources[b->layers[i].source_count - 1]);
    assert_true(e->sqnr_db > 100); // the same in f32 but for rounding
    matched++;
  }
  assert_int_equal(matched, a->layer_count);
  close_pair(&p);
}

typedef struct count_calls {
  int calls, limit;
} count_calls;

static bool stop_after(const char *phase, size_t done, size_t total, void *context) {
  count_calls *c = context;
  (void)done;
  (void)total;
  return strcmp(phase, "compare layers") != 0 || ++c->calls <= c->limit;
}

static void test_refusals(void **state) {
  (void)state;
  count_calls stop = {.limit = 1};
  pair p = open_pair((minfer_session_options){0},
                     (minfer_session_options){.progress = stop_after, .progress_context = &stop});
  minfer_session *two = api_session(p.model, p.input, (minfer_session_options){.batch = 2});
  minfer_input *empty = NULL;
  api_ok(minfer_input_create(p.model, &empty, &api_error));
  api_fails(minfer_session_compare(p.a, two, p.input, 0, 1, p.errors, &api_error), MINFER_USAGE,
            "a batch of 1 and one of 2");
  api_fails(minfer_session_compare(p.a, p.a, p.input, 0, 1, p.errors, &api_error), MINFER_USAGE, "itself");
  api_fails(minfer_session_compare(p.a, p.b, empty, 0, 1, p.errors, &api_error), MINFER_USAGE, "empty");
  api_fails(minfer_session_compare(p.a, p.b, p.input, 0, 0, p.errors, &api_error), MINFER_USAGE, "no 0 items");
  api_fails(minfer_session_compare(p.a, p.b, p.input, -1, 1, p.errors, &api_error), MINFER_USAGE, "from item -1");
  api_fails(minfer_session_compare(p.a, p.b, p.input, 0, ITEMS, p.errors, &api_error), MINFER_INTERRUPTED,
            "interrupted");
  assert_int_equal(stop.calls, 2);
  minfer_input_free(empty);
  minfer_session_free(two);
  close_pair(&p);
}

static void test_another_network_is_refused(void **state) {
  (void)state;
  pair p = open_pair((minfer_session_options){0}, (minfer_session_options){0});
  minfer_model *other = api_small_model();
  minfer_session *s = api_session(other, NULL, (minfer_session_options){0});
  api_fails(minfer_session_compare(p.a, s, p.input, 0, 1, p.errors, &api_error), MINFER_USAGE, "another model");
  minfer_session_free(s);
  minfer_model_close(other);
  close_pair(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_equal_sessions), cmocka_unit_test(test_the_last_layer_is_the_logits),
      cmocka_unit_test(test_layers_within),  cmocka_unit_test(test_layers_that_are_fused_on_one_side),
      cmocka_unit_test(test_refusals),       cmocka_unit_test(test_another_network_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
