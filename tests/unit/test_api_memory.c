// Every allocation of a whole use of the library is refused in turn: each refusal has to come back as one line that
// speaks of memory, and under a leak checker nothing may stay behind.
#include "api_fixture.h"
#include "base/alloc.h"
#include <stdio.h>

typedef struct scenario {
  minfer_dtype dtype;
  const char *path;
} scenario;

static minfer_status drop(const char *bytes, size_t count, void *context, minfer_error *error) {
  (void)bytes;
  (void)count;
  (void)context;
  (void)error;
  return MINFER_OK;
}

static minfer_status use(minfer_session *session, const minfer_input *input, const scenario *s, minfer_error *error) {
  static float logits[1000];
  minfer_status status = minfer_session_load(session, input, 0, error);
  if (status == MINFER_OK) status = minfer_session_run(session, NULL, error);
  if (status == MINFER_OK) status = minfer_session_run_traced(session, MINFER_TRACE_THREAD, NULL, error);
  if (status == MINFER_OK) status = minfer_session_output(session, logits, 1000, error);
  for (int i = 0; minfer_trace_format(i) && status == MINFER_OK; i++)
    status = minfer_trace_write(session, minfer_trace_format(i), s->path, error);
  if (status == MINFER_OK) status = minfer_trace_send(session, drop, NULL, error);
  return status;
}

// SqueezeNet from the model's name to the trace file. A small picture: what is allocated does not depend on it.
static mf_status attempt(void *context, mf_error *e) {
  const scenario *s = context;
  minfer_error error = {0};
  minfer_model *model = NULL;
  minfer_input *input = NULL;
  minfer_session *session = NULL, *like = NULL;
  const minfer_model_options of_model = {
      .size = sizeof of_model, .model = "squeezenet1_1", .weights = "synthetic", .height = 32, .width = 32};
  const minfer_session_options of_session = {.size = sizeof of_session, .dtype = s->dtype, .threads = 1};
  minfer_status status = minfer_model_open(&of_model, &model, &error);
  if (status == MINFER_OK) status = minfer_input_create(model, &input, &error);
  if (status == MINFER_OK) status = minfer_input_add_generated(input, 1, 1, &error);
  if (status == MINFER_OK) status = minfer_session_create(model, input, &of_session, &session, &error);
  if (status == MINFER_OK) status = use(session, input, s, &error);
  const minfer_session_options of_like = {
      .size = sizeof of_like, .dtype = s->dtype, .threads = 1, .calibrated_like = session};
  if (status == MINFER_OK && s->dtype == MINFER_INT8)
    status = minfer_session_create(model, NULL, &of_like, &like, &error);
  minfer_session_free(like);
  minfer_session_free(session);
  minfer_input_free(input);
  minfer_model_close(model);
  e->status = (mf_status)status;
  memcpy(e->text, error.text, sizeof e->text);
  return (mf_status)status;
}

static void test_every_refusal_is_reported(void **state) {
  const scenario f32 = {MINFER_F32, support_path(state, "a.trace.json")};
  const scenario int8 = {MINFER_INT8, support_path(state, "a.trace.json")};
  assert_true(support_refuse_allocations(attempt, (void *)&f32) > 60);
  assert_true(support_refuse_allocations(attempt, (void *)&int8) > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_every_refusal_is_reported, support_folder_setup, support_folder_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
