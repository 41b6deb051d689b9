// Different handles in different threads at once, as minfer.h allows. The thread sanitizer watches; without it the
// answers still have to be those of one thread.
#include "api_fixture.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { CLASSES = 1000, WORKERS = 2, ROUNDS = 3 };

typedef struct worker {
  const char *network, *path;
  float logits[CLASSES];
  minfer_status status;
  minfer_error error;
  // for workers that share a model
  minfer_session *session;
  minfer_input *input;
} worker;

static minfer_status open_model(const char *network, minfer_model **model, minfer_error *error) {
  const minfer_model_options options = {
      .size = sizeof options, .model = network, .weights = "synthetic:5", .height = 64, .width = 64};
  return minfer_model_open(&options, model, error);
}

static minfer_status create(minfer_model *model, const minfer_input *input, minfer_dtype dtype,
                            minfer_session **session, minfer_error *error) {
  const minfer_session_options options = {
      .size = sizeof options, .dtype = dtype, .threads = 2, .spin_us = -1, .affinity = "none"};
  return minfer_session_create(model, input, &options, session, error);
}

// The whole life of a model, all but the comparison.
static minfer_status live(worker *w, minfer_dtype dtype) {
  minfer_model *model = NULL;
  minfer_input *input = NULL;
  minfer_session *session = NULL;
  minfer_error *e = &w->error;
  minfer_status status = open_model(w->network, &model, e);
  if (status == MINFER_OK) status = minfer_input_create(model, &input, e);
  if (status == MINFER_OK) status = minfer_input_add_generated(input, 2, 5, e);
  if (status == MINFER_OK) status = create(model, input, dtype, &session, e);
  if (status == MINFER_OK) status = minfer_session_load(session, input, 1, e);
  if (status == MINFER_OK) status = minfer_session_run(session, NULL, e);
  if (status == MINFER_OK) status = minfer_session_run_traced(session, MINFER_TRACE_THREAD, NULL, e);
  if (status == MINFER_OK) status = minfer_session_output(session, w->logits, CLASSES, e);
  if (status == MINFER_OK) status = minfer_trace_write(session, NULL, w->path, e);
  if (status == MINFER_OK && strcmp(minfer_model_class(model, 285), "Egyptian cat") != 0) status = MINFER_GATE;
  if (status == MINFER_OK && strcmp(minfer_environment_get()->onednn_runtime, "threadpool") != 0) status = MINFER_GATE;
  for (int i = 0; i < minfer_network_count(); i++)
    if (status == MINFER_OK && !*minfer_network_at(i)->weights_hint) status = MINFER_GATE;
  minfer_session_free(session);
  minfer_input_free(input);
  minfer_model_close(model);
  return status;
}

static void *live_f32_and_int8(void *context) {
  worker *w = context;
  for (int round = 0; round < ROUNDS && w->status == MINFER_OK; round++) w->status = live(w, MINFER_INT8);
  if (w->status == MINFER_OK) w->status = live(w, MINFER_F32);
  return NULL;
}

static void start(pthread_t *threads, void *(*body)(void *), worker *workers) {
  for (int i = 0; i < WORKERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, body, &workers[i]), 0);
}

static void join(const pthread_t *threads, const worker *workers) {
  for (int i = 0; i < WORKERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  for (int i = 0; i < WORKERS; i++)
    if (workers[i].status != MINFER_OK) fail_msg("status %d: %s", (int)workers[i].status, workers[i].error.text);
}

static void test_models_live_side_by_side(void **state) {
  static worker alone[WORKERS], together[WORKERS];
  static const char *const networks[WORKERS] = {"mobilenet_v1", "squeezenet1_1"};
  static const char *const names[WORKERS] = {"a.trace.json", "b.trace.json"};
  pthread_t threads[WORKERS];
  for (int i = 0; i < WORKERS; i++) {
    alone[i] = (worker){.network = networks[i], .path = support_path(state, names[i])};
    together[i] = alone[i];
    alone[i].status = live(&alone[i], MINFER_F32);
    if (alone[i].status != MINFER_OK) fail_msg("%s", alone[i].error.text);
  }
  start(threads, live_f32_and_int8, together);
  join(threads, together);
  for (int i = 0; i < WORKERS; i++) assert_memory_equal(alone[i].logits, together[i].logits, sizeof alone[i].logits);
  assert_memory_not_equal(alone[0].logits, alone[1].logits, sizeof alone[0].logits);
}

// Sessions and inputs of one model, each with its thread, which also frees them: the last one frees the model.
static void *run_and_free(void *context) {
  worker *w = context;
  for (int round = 0; round < ROUNDS && w->status == MINFER_OK; round++) {
    w->status = minfer_session_load(w->session, w->input, round, &w->error);
    if (w->status == MINFER_OK)
      w->status = minfer_session_run_traced(w->session, MINFER_TRACE_PRIMITIVE, NULL, &w->error);
    if (w->status == MINFER_OK) w->status = minfer_input_add_generated(w->input, 1, 9, &w->error);
  }
  if (w->status == MINFER_OK) w->status = minfer_session_output(w->session, w->logits, CLASSES, &w->error);
  if (w->status == MINFER_OK) w->status = minfer_trace_write(w->session, NULL, w->path, &w->error);
  minfer_input_free(w->input);
  minfer_session_free(w->session);
  return NULL;
}

static void test_sessions_of_a_model_run_side_by_side(void **state) {
  static worker workers[WORKERS];
  static const char *const names[WORKERS] = {"a.trace.json", "b.trace.json"};
  pthread_t threads[WORKERS];
  minfer_model *model = NULL;
  api_ok(open_model("squeezenet1_1", &model, &api_error));
  for (int i = 0; i < WORKERS; i++) {
    workers[i] = (worker){.path = support_path(state, names[i]), .input = api_generated(model, 2)};
    api_ok(create(model, NULL, MINFER_F32, &workers[i].session, &api_error));
  }
  minfer_model_close(model);
  start(threads, run_and_free, workers);
  join(threads, workers);
  assert_memory_equal(workers[0].logits, workers[1].logits, sizeof workers[0].logits);
}

static atomic_int lines;
static void count_lines(int level, const char *line, void *context) {
  (void)level, (void)context;
  atomic_fetch_add(&lines, *line != 0);
}

// A folder with a broken picture, which is passed over with a warning.
static void *read_folder(void *context) {
  worker *w = context;
  for (int round = 0; round < ROUNDS && w->status == MINFER_OK; round++) {
    minfer_model *model = NULL;
    minfer_input *input = NULL;
    w->status = open_model("mobilenet_v1", &model, &w->error);
    if (w->status == MINFER_OK) w->status = minfer_input_create(model, &input, &w->error);
    if (w->status == MINFER_OK && minfer_input_add_folder(input, w->path, 0, false, NULL, &w->error) != MINFER_FILE)
      w->status = MINFER_GATE;
    minfer_input_free(input);
    minfer_model_close(model);
  }
  return NULL;
}

static void test_files_are_read_side_by_side(void **state) {
  static worker workers[WORKERS];
  pthread_t threads[WORKERS];
  support_write_file(support_path(state, "a.png"), "\x89PNG\r\n\x1a\n", 8);
  for (int i = 0; i < WORKERS; i++) workers[i] = (worker){.path = *state};
  minfer_set_log(count_lines, NULL);
  start(threads, read_folder, workers);
  join(threads, workers);
  minfer_set_log(NULL, NULL);
  assert_int_equal(atomic_load(&lines), WORKERS * ROUNDS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_models_live_side_by_side, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_sessions_of_a_model_run_side_by_side, support_folder_setup,
                                      support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_files_are_read_side_by_side, support_folder_setup, support_folder_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
