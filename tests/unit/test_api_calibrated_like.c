// A session that takes over the calibration of another: the same types, scales and corrections, without pictures.
#include "api_fixture.h"
#include <stdio.h>
#include <stdlib.h>

#define OPTIONS(...) ((minfer_session_options){.size = sizeof(minfer_session_options), __VA_ARGS__})

static char *calibration_of(minfer_session *session, const char *path) {
  api_ok(minfer_session_save_calibration(session, path, &api_error));
  char *text = NULL;
  size_t room = 0;
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_true(getdelim(&text, &room, 0, file) > 1000);
  fclose(file);
  return text;
}

static void test_it_is_the_same_calibration(void **state) {
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 20); // enough for corrections
  minfer_session *first = api_session(
      model, input, OPTIONS(.dtype = MINFER_INT8, .batch = 4, .calibrator = "minmax", .accuracy_target = 0.5));
  char *expected = calibration_of(first, support_path(state, "first.json"));
  const minfer_plan *from = minfer_session_plan(first);
  const int images = from->calibration_images, corrected = from->corrected_layers, judged = from->quality.images;
  assert_true(corrected > 0 && judged > 0);
  minfer_session *second =
      api_session(model, NULL, OPTIONS(.dtype = MINFER_INT8, .threads = 2, .calibrated_like = first));
  minfer_session_free(first);
  minfer_session *third = api_session(model, NULL, OPTIONS(.dtype = MINFER_INT8, .calibrated_like = second));
  minfer_session_free(second);
  char *found = calibration_of(third, support_path(state, "third.json"));
  assert_string_equal(found, expected);
  const minfer_plan *plan = minfer_session_plan(third);
  assert_string_equal(plan->calibration_source, "own input");
  assert_string_equal(plan->calibrator, "minmax");
  assert_int_equal(plan->calibration_images, images);
  assert_int_equal(plan->corrected_layers, corrected);
  assert_int_equal(plan->quality.images, judged);
  api_ok(minfer_session_load(third, input, 0, &api_error));
  api_ok(minfer_session_run(third, NULL, &api_error));
  free(found);
  free(expected);
  minfer_session_free(third);
  minfer_input_free(input);
  minfer_model_close(model);
}

// What a session of its own would answer, bit by bit.
static void test_it_answers_alike(void **state) {
  (void)state;
  static float own[1000], like[1000];
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 3);
  minfer_session *first = api_session(model, input, OPTIONS(.dtype = MINFER_INT8));
  minfer_session *second = api_session(model, NULL, OPTIONS(.dtype = MINFER_INT8, .calibrated_like = first));
  for (int i = 0; i < 2; i++) {
    minfer_session *session = i ? second : first;
    api_ok(minfer_session_load(session, input, 1, &api_error));
    api_ok(minfer_session_run(session, NULL, &api_error));
    api_ok(minfer_session_output(session, i ? like : own, 1000, &api_error));
  }
  assert_memory_equal(own, like, sizeof own);
  minfer_session_free(second);
  minfer_session_free(first);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void refused(minfer_model *model, minfer_session_options options, const char *part) {
  minfer_session *session = NULL;
  options.dtype = MINFER_INT8;
  options.threads = 1;
  api_fails(minfer_session_create(model, NULL, &options, &session, &api_error), MINFER_USAGE, part);
  assert_null(session);
}

static void test_what_does_not_fit_is_refused(void **state) {
  (void)state;
  minfer_model *model = api_small_model(), *other = NULL;
  minfer_input *input = api_generated(model, 20); // enough for corrections, which name layers with a bias
  minfer_session *plain = api_session(model, NULL, OPTIONS(0));
  minfer_session *first = api_session(model, input, OPTIONS(.dtype = MINFER_INT8));
  api_ok(minfer_model_open(&(minfer_model_options){.size = sizeof(minfer_model_options),
                                                   .model = "mobilenet_v1",
                                                   .weights = "synthetic:4",
                                                   .multiplier = 0.25,
                                                   .height = 64,
                                                   .width = 64},
                           &other, &api_error));
  refused(model, OPTIONS(.calibrated_like = plain), "is not int8");
  refused(other, OPTIONS(.calibrated_like = first), "other weights");
  refused(model, OPTIONS(.calibrated_like = first, .no_fusion = true), "other layers");
  refused(model, OPTIONS(.calibrated_like = first, .calibration = "/tmp"), "of its own");
  refused(model, OPTIONS(.calibrated_like = first, .calibrator = "mse"), "of its own");
  refused(model, OPTIONS(.calibrated_like = first, .survey = true), "of its own");
  refused(model, OPTIONS(.calibrated_like = first, .no_bias_correction = true), "of its own");
  refused(model, OPTIONS(.calibrated_like = first, .accuracy_target = 1), "of its own");
  minfer_session_free(api_session(model, NULL, OPTIONS(.calibrated_like = first))); // f32 has no use for it
  minfer_session_free(first);
  minfer_session_free(plain);
  minfer_input_free(input);
  minfer_model_close(other);
  minfer_model_close(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_it_is_the_same_calibration, support_folder_setup, support_folder_teardown),
      cmocka_unit_test(test_it_answers_alike),
      cmocka_unit_test(test_what_does_not_fit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
