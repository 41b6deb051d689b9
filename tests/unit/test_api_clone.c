// Sessions over one plan: the same answers, at once, with one copy of the weights, on cores of their own.
#include "api/handles.h"
#include "api_fixture.h"
#include "base/alloc.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

enum { CLASSES = 1000, INSTANCES = 3, ROUNDS = 20 };
#define OPTIONS(...) ((minfer_session_options){.size = sizeof(minfer_session_options), __VA_ARGS__})

// Large weights, small activations.
static minfer_model *squeezenet(void) {
  minfer_model *model = NULL;
  api_ok(minfer_model_open(&(minfer_model_options){.size = sizeof(minfer_model_options),
                                                   .model = "squeezenet1_1",
                                                   .weights = "synthetic",
                                                   .height = 32,
                                                   .width = 32},
                           &model, &api_error));
  return model;
}

static minfer_session *clone_of(minfer_session *session, minfer_session_options options) {
  minfer_session *clone = NULL;
  options.size = sizeof options;
  api_ok(minfer_session_clone(session, &options, &clone, &api_error));
  return clone;
}

static void answer(minfer_session *session, const minfer_input *input, int item, float *logits) {
  api_ok(minfer_session_load(session, input, item, &api_error));
  api_ok(minfer_session_run(session, NULL, &api_error));
  api_ok(minfer_session_output(session, logits, CLASSES, &api_error));
}

typedef struct runner {
  minfer_session *session;
  const minfer_input *input;
  int item;
  float expected[CLASSES];
  int different;
  minfer_status status;
} runner;

static void *run_often(void *context) {
  runner *r = context;
  float logits[CLASSES];
  for (int round = 0; round < ROUNDS && r->status == MINFER_OK; round++) {
    r->status = minfer_session_load(r->session, r->input, r->item, NULL);
    if (r->status == MINFER_OK) r->status = minfer_session_run(r->session, NULL, NULL);
    if (r->status == MINFER_OK) r->status = minfer_session_run_traced(r->session, MINFER_TRACE_PRIMITIVE, NULL, NULL);
    if (r->status == MINFER_OK) r->status = minfer_session_output(r->session, logits, CLASSES, NULL);
    r->different += memcmp(logits, r->expected, sizeof logits) != 0;
  }
  return NULL;
}

// Every instance has another input; what it answers among the others is what the first one answers alone, bit by bit.
static void check_answers(minfer_dtype dtype) {
  static runner runners[INSTANCES];
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, INSTANCES);
  minfer_session *origin =
      api_session(model, input, (minfer_session_options){.dtype = dtype, .threads = 1, .instances = INSTANCES});
  for (int i = 0; i < INSTANCES; i++) {
    runners[i] = (runner){.session = origin, .input = input, .item = i};
    answer(origin, input, i, runners[i].expected);
    if (i) runners[i].session = clone_of(origin, OPTIONS(.instances = INSTANCES, .instance = i));
  }
  assert_memory_not_equal(runners[0].expected, runners[1].expected, sizeof runners[0].expected);
  pthread_t threads[INSTANCES];
  for (int i = 0; i < INSTANCES; i++) assert_int_equal(pthread_create(&threads[i], NULL, run_often, &runners[i]), 0);
  for (int i = 0; i < INSTANCES; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  for (int i = 0; i < INSTANCES; i++) {
    assert_int_equal(runners[i].status, MINFER_OK);
    assert_int_equal(runners[i].different, 0);
    minfer_session_free(runners[i].session); // the origin first
  }
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_instances_answer_alike_in_f32(void **state) {
  (void)state;
  check_answers(MINFER_F32);
}

static void test_instances_answer_alike_in_int8(void **state) {
  (void)state;
  check_answers(MINFER_INT8);
}

static bool count_bytes(size_t bytes, void *context) {
  *(size_t *)context += bytes;
  return true;
}

static void test_weights_are_not_duplicated(void **state) {
  (void)state;
  minfer_model *model = squeezenet();
  size_t first = 0, second = 0;
  mf_alloc_set_hook(count_bytes, &first);
  minfer_session *origin = api_session(model, NULL, (minfer_session_options){.batch = 2});
  mf_alloc_set_hook(count_bytes, &second);
  minfer_session *clone = clone_of(origin, OPTIONS(.instances = 2, .instance = 1));
  mf_alloc_set_hook(NULL, NULL);
  const minfer_plan *plan = minfer_session_plan(clone);
  const size_t own = plan->activation_bytes + plan->scratchpad_bytes;
  assert_true(plan->weight_bytes > (size_t)4 << 20);
  assert_true(first > plan->weight_bytes);
  assert_true(second >= own);
  assert_true(second < own + ((size_t)1 << 20)); // a plan's bookkeeping; the weights are four times that
  assert_ptr_equal(plan->primitives, minfer_session_plan(origin)->primitives);
  minfer_session_free(clone);
  minfer_session_free(origin);
  minfer_model_close(model);
}

static void test_a_clone_outlives_everything(void **state) {
  (void)state;
  static float before[CLASSES], after[CLASSES];
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 1);
  minfer_session *origin = api_session(model, input, (minfer_session_options){.dtype = MINFER_INT8});
  answer(origin, input, 0, before);
  minfer_session *clone = clone_of(origin, OPTIONS(0)), *grandchild = NULL;
  api_ok(minfer_session_clone(clone, NULL, &grandchild, &api_error));
  minfer_session_free(origin);
  minfer_model_close(model);
  minfer_session_free(clone);
  answer(grandchild, input, 0, after);
  assert_memory_equal(before, after, sizeof before);
  assert_string_equal(minfer_session_plan(grandchild)->calibrator, "mse");
  char path[] = "/tmp/clone-calibration-XXXXXX";
  const int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  api_ok(minfer_session_save_calibration(grandchild, path, &api_error));
  remove(path);
  minfer_session_free(grandchild);
  minfer_input_free(input);
}

static int cpu_of(const minfer_session *session) {
  mf_pool_pin pin;
  cpu_set_t set;
  int found = -1;
  mf_pool_pin_caller(session->pool, &pin);
  assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
  for (int cpu = 0; cpu < 1024; cpu++)
    if (CPU_ISSET((size_t)cpu, &set)) found = found == -1 ? cpu : -2;
  mf_pool_unpin_caller(&pin);
  return found;
}

static void test_instances_have_cores_of_their_own(void **state) {
  (void)state;
  if (minfer_environment_get()->physical_cores < 2) support_skip("one core only");
  minfer_model *model = api_small_model();
  minfer_session *a = NULL, *b = NULL;
  api_ok(minfer_session_create(model, NULL, &OPTIONS(.instances = 2), &a, &api_error));
  assert_int_equal(minfer_session_plan(a)->threads, minfer_environment_get()->default_threads / 2);
  api_ok(minfer_session_clone(a, &OPTIONS(.instances = 2, .instance = 1), &b, &api_error));
  assert_true(cpu_of(a) >= 0);
  assert_true(cpu_of(b) >= 0);
  assert_int_not_equal(cpu_of(a), cpu_of(b));
  minfer_session_free(b);
  minfer_session_free(a);
  minfer_model_close(model);
}

static void clone_fails(minfer_session *session, minfer_session_options options, minfer_status status,
                        const char *part) {
  minfer_session *clone = NULL;
  api_fails(minfer_session_clone(session, &options, &clone, &api_error), status, part);
  assert_null(clone);
}

static void test_what_is_refused(void **state) {
  (void)state;
  minfer_model *model = api_small_model();
  minfer_session *session = api_session(model, NULL, OPTIONS(0));
  clone_fails(session, OPTIONS(.threads = 2), MINFER_USAGE, "made for 1 threads");
  clone_fails(session, OPTIONS(.instances = 2, .instance = 2), MINFER_USAGE, "no instance 2 (expected 0 to 1)");
  clone_fails(session, OPTIONS(.instance = -1), MINFER_USAGE, "no instance -1");
  clone_fails(session, OPTIONS(.instances = -1), MINFER_USAGE, "-1 instances");
  clone_fails(session, OPTIONS(.instances = 1025), MINFER_USAGE, "1025 instances");
  clone_fails(session, OPTIONS(.affinity = "sideways"), MINFER_USAGE, "sideways");
  clone_fails(session, (minfer_session_options){0}, MINFER_USAGE, "size");
  minfer_session *none = NULL;
  api_fails(minfer_session_create(model, NULL, &OPTIONS(.instances = 2, .instance = 3), &none, &api_error),
            MINFER_USAGE, "no instance 3");
  minfer_session_free(session);
  minfer_model_close(model);
}

static mf_status attempt(void *context, mf_error *e) {
  minfer_error error = {0};
  minfer_session *clone = NULL;
  const minfer_status status =
      minfer_session_clone(context, &OPTIONS(.affinity = "compact", .instances = 2), &clone, &error);
  minfer_session_free(clone);
  e->status = (mf_status)status;
  memcpy(e->text, error.text, sizeof e->text);
  return (mf_status)status;
}

static void test_every_refused_allocation_is_reported(void **state) {
  (void)state;
  minfer_model *model = api_small_model();
  minfer_session *session = api_session(model, NULL, OPTIONS(0));
  assert_true(support_refuse_allocations(attempt, session) > 5);
  minfer_session_free(session);
  minfer_model_close(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_instances_answer_alike_in_f32),       cmocka_unit_test(test_instances_answer_alike_in_int8),
      cmocka_unit_test(test_weights_are_not_duplicated),          cmocka_unit_test(test_a_clone_outlives_everything),
      cmocka_unit_test(test_instances_have_cores_of_their_own),   cmocka_unit_test(test_what_is_refused),
      cmocka_unit_test(test_every_refused_allocation_is_reported)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
