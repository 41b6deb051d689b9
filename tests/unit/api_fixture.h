// What the tests of minfer.h share. They see the engine as an embedder does.
#ifndef TESTS_UNIT_API_FIXTURE_H
#define TESTS_UNIT_API_FIXTURE_H

#include "minfer.h"
#include "reference/support.h"
#include <string.h>

#define api_ok(call)                                                                                                   \
  do {                                                                                                                 \
    api_error = (minfer_error){0};                                                                                     \
    const minfer_status api_status = (call);                                                                           \
    if (api_status != MINFER_OK) fail_msg("status %d: %s", (int)api_status, api_error.text);                           \
    assert_int_equal(api_error.status, MINFER_OK);                                                                     \
  } while (0)

// The call fails with that status and a line that holds `part`.
#define api_fails(call, expected, part)                                                                                \
  do {                                                                                                                 \
    memset(&api_error, 'x', sizeof api_error);                                                                         \
    const minfer_status api_status = (call);                                                                           \
    const char *const api_part = (part);                                                                               \
    if (api_status != (expected))                                                                                      \
      fail_msg("status %d, not %d: %s", (int)api_status, (int)(expected), api_status ? api_error.text : "");           \
    assert_int_equal(api_error.status, (expected));                                                                    \
    assert_non_null(memchr(api_error.text, 0, sizeof api_error.text));                                                 \
    assert_non_null(memchr(api_error.hint, 0, sizeof api_error.hint));                                                 \
    if (!strstr(api_error.text, api_part)) fail_msg("\"%s\" does not say \"%s\"", api_error.text, api_part);           \
    assert_null(strchr(api_error.text, '\n'));                                                                         \
  } while (0)

static minfer_error api_error;

// A network that is opened and run in milliseconds.
static inline minfer_model *api_small_model(void) {
  minfer_model *model = NULL;
  api_ok(minfer_model_open(&(minfer_model_options){.size = sizeof(minfer_model_options),
                                                   .model = "mobilenet_v1",
                                                   .weights = "synthetic:3",
                                                   .multiplier = 0.25,
                                                   .height = 64,
                                                   .width = 64},
                           &model, &api_error));
  return model;
}

static inline minfer_input *api_generated(const minfer_model *model, int count) {
  minfer_input *input = NULL;
  api_ok(minfer_input_create(model, &input, &api_error));
  api_ok(minfer_input_add_generated(input, count, 5, &api_error));
  return input;
}

static inline minfer_session *api_session(minfer_model *model, const minfer_input *input,
                                          minfer_session_options options) {
  minfer_session *session = NULL;
  options.size = sizeof options;
  if (!options.threads) options.threads = 1;
  api_ok(minfer_session_create(model, input, &options, &session, &api_error));
  return session;
}

#endif
