// Sessions through minfer.h: answers, batches, options that are refused, and what outlives what.
#include "api_fixture.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

enum { CLASSES = 1000 };

static void run(minfer_session *session, const minfer_input *input, int first, float *logits, size_t count) {
  uint64_t duration = 0;
  api_ok(minfer_session_load(session, input, first, &api_error));
  api_ok(minfer_session_run(session, &duration, &api_error));
  assert_true(duration > 0);
  api_ok(minfer_session_output(session, logits, count, &api_error));
  for (size_t i = 0; i < count; i++) assert_true(isfinite(logits[i]));
}

// Largest difference relative to the largest logit.
static double difference(const float *a, const float *b, size_t count) {
  double largest = 0, most = 0;
  for (size_t i = 0; i < count; i++) {
    most = fmax(most, fabs((double)a[i] - (double)b[i]));
    largest = fmax(largest, fabs((double)b[i]));
  }
  assert_true(largest > 0);
  return most / largest;
}

static void test_a_network_answers(void **state) {
  (void)state;
  static float logits[CLASSES], again[CLASSES];
  minfer_model *model = NULL;
  api_ok(minfer_model_open(
      &(minfer_model_options){.size = sizeof(minfer_model_options), .model = "squeezenet1_1", .weights = "synthetic"},
      &model, &api_error));
  minfer_input *input = api_generated(model, 1);
  minfer_session *session = NULL;
  api_ok(minfer_session_create(model, NULL, NULL, &session, &api_error)); // every option has a default
  assert_int_equal(minfer_session_plan(session)->batch, 1);
  assert_int_equal(minfer_session_plan(session)->threads, minfer_environment_get()->default_threads);
  run(session, input, 0, logits, CLASSES);
  api_ok(minfer_session_run(session, NULL, &api_error)); // the input is still there
  api_ok(minfer_session_output(session, again, CLASSES, &api_error));
  assert_memory_equal(logits, again, sizeof logits);
  int distinct = 0;
  for (int i = 1; i < CLASSES; i++) distinct += logits[i] != logits[0];
  assert_true(distinct > CLASSES / 2);
  minfer_session_free(session);
  minfer_session_free(NULL);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_outputs_have_their_size(void **state) {
  (void)state;
  static float logits[4 * CLASSES];
  minfer_model *model = api_small_model();
  minfer_session *session = api_session(model, NULL, (minfer_session_options){.batch = 3});
  static const size_t wrong[] = {0, 1, CLASSES, 3 * CLASSES - 1, 3 * CLASSES + 1, SIZE_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    api_fails(minfer_session_output(session, logits, wrong[i], &api_error), MINFER_USAGE, "3000");
  assert_int_equal(minfer_session_output(session, logits, 1, NULL), MINFER_USAGE);
  api_ok(minfer_session_output(session, logits, (size_t)3 * CLASSES, &api_error));
  minfer_session_free(session);
  minfer_model_close(model);
}

static void test_generated_input_is_always_the_same(void **state) {
  (void)state;
  static float first[CLASSES], second[CLASSES], other[CLASSES];
  minfer_model *model = api_small_model();
  minfer_session *session = api_session(model, NULL, (minfer_session_options){0});
  minfer_input *a = api_generated(model, 3), *b = api_generated(model, 3);
  for (int i = 0; i < 3; i++) {
    run(session, a, i, first, CLASSES);
    run(session, b, i, second, CLASSES);
    assert_memory_equal(first, second, sizeof first);
    run(session, a, (i + 1) % 3, other, CLASSES);
    assert_memory_not_equal(first, other, sizeof first); // but not all alike
  }
  minfer_input_free(b);
  api_ok(minfer_input_create(model, &b, &api_error));
  api_ok(minfer_input_add_generated(b, 1, 6, &api_error)); // another seed
  run(session, a, 0, first, CLASSES);
  run(session, b, 0, other, CLASSES);
  assert_memory_not_equal(first, other, sizeof first);
  minfer_input_free(b);
  minfer_input_free(a);
  minfer_session_free(session);
  minfer_model_close(model);
}

// 1e-5 relative to the largest logit: f32, and other blocks of the same sums at another batch size.
static void test_rows_of_a_batch_are_the_single_answers(void **state) {
  (void)state;
  static float single[3][CLASSES], rows[5 * CLASSES];
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 3);
  minfer_session *one = api_session(model, NULL, (minfer_session_options){0});
  minfer_session *five = api_session(model, NULL, (minfer_session_options){.batch = 5, .threads = 2});
  for (int i = 0; i < 3; i++) run(one, input, i, single[i], CLASSES);
  assert_true(difference(single[0], single[1], CLASSES) > 1e-3);
  // Larger than the input: it begins again at the end of it, from wherever it began.
  static const int firsts[] = {0, 1, 2, 3, 7, INT_MAX}; // INT_MAX is 1 modulo 3
  for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++) {
    run(five, input, firsts[f], rows, (size_t)5 * CLASSES);
    for (int row = 0; row < 5; row++)
      assert_true(difference(rows + row * CLASSES, single[(firsts[f] % 3 + row) % 3], CLASSES) < 1e-5);
  }
  minfer_session_free(five);
  minfer_session_free(one);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_arrays_are_read_as_they_are(void **state) {
  static float values[2 * 3 * 64 * 64], logits[2 * CLASSES], again[CLASSES];
  const char *path = support_path(state, "x.npy");
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    values[i] = (float)((i * 2654435761u >> 8) % 2001) / 500 - 2;
  // Two rows of numbers, given their dimensions by hand.
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  char header[128];
  snprintf(header, sizeof header, "%-117s\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 64, 64), }");
  fwrite("\x93NUMPY\x01\0\x76\0", 1, 10, file);
  fwrite(header, 1, 118, file);
  fwrite(values, 1, sizeof values, file);
  assert_int_equal(fclose(file), 0);
  minfer_model *model = api_small_model();
  minfer_input *input = NULL;
  api_ok(minfer_input_create(model, &input, &api_error));
  api_ok(minfer_input_add_npy(input, path, &api_error));
  minfer_session *floats = api_session(model, input, (minfer_session_options){.batch = 2});
  minfer_session *pictures = api_session(model, NULL, (minfer_session_options){0}); // made without knowing the input
  run(floats, input, 0, logits, (size_t)2 * CLASSES);
  for (int row = 0; row < 2; row++) {
    run(pictures, input, row, again, CLASSES);
    assert_true(difference(logits + row * CLASSES, again, CLASSES) < 1e-5);
  }
  assert_true(difference(logits, again, CLASSES) > 1e-3);
  // Arrays come as N,C,H,W, which the plan has to convert; that reorder belongs to no layer.
  const minfer_plan *plan = minfer_session_plan(floats);
  bool converted = false;
  for (int i = 0; i < plan->primitive_count; i++) {
    const minfer_primitive *p = &plan->primitives[i];
    if (strcmp(p->kind, "reorder") != 0 || strcmp(p->from, "input") != 0) continue;
    converted = true;
    assert_int_equal(p->layer, -1);
    assert_string_equal(p->reason, "input format");
    assert_string_equal(p->source.format, "nchw");
  }
  assert_true(converted);
  minfer_session_free(pictures);
  minfer_session_free(floats);
  minfer_input_free(input);
  minfer_model_close(model);
}

// ---- what is refused

static void create_fails(minfer_model *model, const minfer_input *input, minfer_session_options options,
                         minfer_status status, const char *part) {
  minfer_session *session = NULL;
  options.size = sizeof options;
  api_fails(minfer_session_create(model, input, &options, &session, &api_error), status, part);
  assert_null(session);
  assert_int_equal(minfer_session_create(model, input, &options, &session, NULL), status);
}
#define OPTIONS(...) ((minfer_session_options){__VA_ARGS__})

static void test_wrong_options_are_refused(void **state) {
  (void)state;
  minfer_model *model = api_small_model();
  create_fails(model, NULL, OPTIONS(.batch = -1), MINFER_USAGE, "batch of -1");
  create_fails(model, NULL, OPTIONS(.batch = 65537), MINFER_USAGE, "batch of 65537");
  create_fails(model, NULL, OPTIONS(.batch = INT_MAX), MINFER_USAGE, "batch");
  create_fails(model, NULL, OPTIONS(.threads = -1), MINFER_USAGE, "-1 threads");
  create_fails(model, NULL, OPTIONS(.threads = 1025), MINFER_USAGE, "1025 threads");
  create_fails(model, NULL, OPTIONS(.threads = INT_MAX), MINFER_USAGE, "threads");
  create_fails(model, NULL, OPTIONS(.affinity = "sideways"), MINFER_USAGE, "sideways");
  create_fails(model, NULL, OPTIONS(.affinity = ""), MINFER_USAGE, "affinity");
  create_fails(model, NULL, OPTIONS(.affinity = "0-"), MINFER_USAGE, "0-");
  create_fails(model, NULL, OPTIONS(.affinity = "9999"), MINFER_USAGE, "9999"); // outside of our mask
  create_fails(model, NULL, OPTIONS(.dtype = MINFER_INT8, .algorithm = MINFER_ALGORITHM_WINOGRAD), MINFER_UNSUPPORTED,
               "Winograd");
  create_fails(model, NULL, OPTIONS(.algorithm = (minfer_algorithm)4), MINFER_USAGE, "algorithm");
  create_fails(model, NULL, OPTIONS(.layout = (minfer_layout)4), MINFER_USAGE, "layout");
  create_fails(model, NULL, OPTIONS(.layout = (minfer_layout)-1), MINFER_USAGE, "layout");
  create_fails(model, NULL, OPTIONS(.dtype = (minfer_dtype)4), MINFER_USAGE, "dtype");
  create_fails(model, NULL, OPTIONS(.dtype = MINFER_INT8, .layout = MINFER_LAYOUT_NCHW), MINFER_UNSUPPORTED, "int8");
  create_fails(model, NULL, OPTIONS(.dtype = MINFER_INT8, .layout = MINFER_LAYOUT_BLOCKED), MINFER_UNSUPPORTED, "int8");
  minfer_session *session = NULL;
  minfer_session_options none = {0};
  api_fails(minfer_session_create(model, NULL, &none, &session, &api_error), MINFER_USAGE, "size");
  minfer_model_close(model);
}

// The first layer alone writes 65536 x 64 x 111 x 111 numbers: 207 GB.
static void test_more_memory_than_there_is(void **state) {
  (void)state;
  minfer_model *model = NULL;
  if (minfer_environment_get()->memory_bytes > (size_t)200 << 30) support_skip("this machine could hold it");
  api_ok(minfer_model_open(
      &(minfer_model_options){.size = sizeof(minfer_model_options), .model = "squeezenet1_1", .weights = "synthetic"},
      &model, &api_error));
  create_fails(model, NULL, OPTIONS(.batch = 65536), MINFER_UNSUPPORTED, "memory");
  minfer_model_close(model);
}

// What this machine lacks is refused with what it would take; what it has works.
static void test_dtypes_of_this_machine(void **state) {
  (void)state;
  const minfer_environment *machine = minfer_environment_get();
  minfer_model *model = api_small_model();
  if (machine->native_f16)
    minfer_session_free(api_session(model, NULL, OPTIONS(.dtype = MINFER_F16)));
  else
    create_fails(model, NULL, OPTIONS(.dtype = MINFER_F16), MINFER_UNSUPPORTED, "avx512_core_fp16");
  if (machine->native_bf16)
    minfer_session_free(api_session(model, NULL, OPTIONS(.dtype = MINFER_BF16)));
  else
    create_fails(model, NULL, OPTIONS(.dtype = MINFER_BF16), MINFER_UNSUPPORTED, "avx512_core_bf16");
  minfer_model_close(model);
}

static void test_calibration_is_checked(void **state) {
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 2), *empty = NULL;
  api_ok(minfer_input_create(model, &empty, &api_error));
  create_fails(model, NULL, OPTIONS(.dtype = MINFER_INT8), MINFER_USAGE, "calibrate");
  create_fails(model, empty, OPTIONS(.dtype = MINFER_INT8), MINFER_USAGE, "calibrate");
  create_fails(model, input, OPTIONS(.dtype = MINFER_INT8, .calibrator = "maxmin"), MINFER_USAGE,
               "maxmin (expected minmax");
  create_fails(model, input, OPTIONS(.dtype = MINFER_INT8, .calibration = *state), MINFER_FILE, "no pictures");
  create_fails(model, input, OPTIONS(.dtype = MINFER_INT8, .calibration = "/no/such"), MINFER_FILE, "/no/such");
  support_write_file(support_path(state, "a.png"), "\x89PNG\r\n\x1a\n", 8);
  create_fails(model, input, OPTIONS(.dtype = MINFER_INT8, .calibration = *state), MINFER_FILE, "none of 1");
  minfer_session *session = api_session(model, input, OPTIONS(.dtype = MINFER_INT8));
  const minfer_plan *plan = minfer_session_plan(session);
  assert_string_equal(plan->calibration_source, "own input");
  assert_string_equal(plan->calibrator, "mse");
  assert_int_equal(plan->calibration_images, 2);
  minfer_session_free(session);
  minfer_input_free(empty);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_int8_is_near_f32(void **state) {
  (void)state;
  static float exact[CLASSES], quantised[CLASSES];
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 4);
  minfer_session *f32 = api_session(model, NULL, OPTIONS(0));
  minfer_session *int8 = api_session(model, input, OPTIONS(.dtype = MINFER_INT8, .threads = 2));
  run(f32, input, 0, exact, CLASSES);
  run(int8, input, 0, quantised, CLASSES);
  double noise = 0, signal = 0;
  for (int i = 0; i < CLASSES; i++) {
    noise += pow((double)quantised[i] - (double)exact[i], 2);
    signal += pow((double)exact[i], 2);
  }
  // 27 layers of 8 bits leave 10 dB and more; wrong scales leave none.
  assert_true(10 * log10(signal / noise) > 10);
  assert_memory_not_equal(exact, quantised, sizeof exact);
  minfer_session_free(int8);
  minfer_session_free(f32);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_inputs_belong_to_their_model(void **state) {
  (void)state;
  minfer_model *model = api_small_model(), *other = api_small_model();
  minfer_input *theirs = api_generated(other, 1), *ours = api_generated(model, 1), *empty = NULL;
  api_ok(minfer_input_create(model, &empty, &api_error));
  create_fails(model, theirs, OPTIONS(0), MINFER_USAGE, "another model");
  create_fails(model, theirs, OPTIONS(.dtype = MINFER_INT8), MINFER_USAGE, "another model");
  minfer_session *session = api_session(model, ours, OPTIONS(0));
  api_fails(minfer_session_load(session, theirs, 0, &api_error), MINFER_USAGE, "another model");
  api_fails(minfer_session_load(session, empty, 0, &api_error), MINFER_USAGE, "empty");
  api_fails(minfer_session_load(session, ours, -1, &api_error), MINFER_USAGE, "-1");
  assert_int_equal(minfer_session_load(session, ours, INT_MIN, NULL), MINFER_USAGE);
  api_ok(minfer_session_load(session, ours, 0, &api_error));
  minfer_session_free(session);
  minfer_input_free(empty);
  minfer_input_free(ours);
  minfer_input_free(theirs);
  minfer_model_close(other);
  minfer_model_close(model);
}

// ---- what outlives what

static void test_sessions_outlive_their_model_and_input(void **state) {
  (void)state;
  static float before[CLASSES], after[CLASSES];
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 1);
  minfer_session *session = api_session(model, input, OPTIONS(0));
  run(session, input, 0, before, CLASSES);
  minfer_model_close(model);
  minfer_input_free(input);
  api_ok(minfer_session_run(session, NULL, &api_error));
  api_ok(minfer_session_output(session, after, CLASSES, &api_error));
  assert_memory_equal(before, after, sizeof before);
  api_ok(minfer_session_run_traced(session, MINFER_TRACE_PRIMITIVE, NULL, &api_error));
  size_t count = 0;
  assert_non_null(minfer_session_spans(session, &count, NULL));
  assert_true(count > 30);
  minfer_session_free(session);
}

static void test_sessions_share_a_model(void **state) {
  (void)state;
  static float alone[CLASSES], first[CLASSES], second[2 * CLASSES];
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 2);
  minfer_session *a = api_session(model, NULL, OPTIONS(0));
  run(a, input, 0, alone, CLASSES);
  minfer_session *b = api_session(model, NULL, OPTIONS(.batch = 2, .threads = 2, .no_fusion = true));
  for (int i = 0; i < 3; i++) { // in turn
    run(b, input, 1, second, (size_t)2 * CLASSES);
    run(a, input, 0, first, CLASSES);
    assert_memory_equal(first, alone, sizeof alone);
    assert_true(difference(second + CLASSES, alone, CLASSES) < 1e-4); // BatchNorm apart: other roundings
  }
  minfer_session_free(a);
  run(b, input, 0, second, (size_t)2 * CLASSES);
  assert_true(difference(second, alone, CLASSES) < 1e-4);
  minfer_session_free(b);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_texts_of_the_options_are_copied(void **state) {
  (void)state;
  char affinity[] = "none", calibrator[] = "minmax";
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 1);
  minfer_session *session =
      api_session(model, input, OPTIONS(.dtype = MINFER_INT8, .affinity = affinity, .calibrator = calibrator));
  memset(affinity, 'x', sizeof affinity - 1);
  memset(calibrator, 'x', sizeof calibrator - 1);
  assert_string_equal(minfer_session_plan(session)->calibrator, "minmax");
  minfer_session_free(session);
  minfer_input_free(input);
  minfer_model_close(model);
}

// ---- progress

typedef struct watcher {
  size_t calls, stop_at, total;
} watcher;

static bool watch(const char *phase, size_t done, size_t total, void *context) {
  watcher *w = context;
  w->calls++;
  w->total = total;
  assert_true(*phase && done <= total);
  return w->calls != w->stop_at;
}

static void test_progress_can_interrupt(void **state) {
  (void)state;
  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 3);
  watcher w = {0};
  const minfer_session_options options = {.dtype = MINFER_INT8, .progress = watch, .progress_context = &w};
  minfer_session_free(api_session(model, input, options));
  const size_t calls = w.calls;
  assert_true(calls >= 3);
  assert_int_equal(w.total, 3);
  for (size_t stop = 1; stop <= calls; stop++) { // under a leak checker: nothing stays behind
    minfer_session *session = NULL;
    minfer_session_options stopped = options;
    stopped.size = sizeof stopped;
    stopped.threads = 1;
    w = (watcher){.stop_at = stop};
    api_fails(minfer_session_create(model, input, &stopped, &session, &api_error), MINFER_INTERRUPTED, "interrupted");
    assert_null(session);
    assert_int_equal(w.calls, stop);
  }
  minfer_input_free(input);
  minfer_model_close(model);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, support_folder_setup, support_folder_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_network_answers),
      cmocka_unit_test(test_outputs_have_their_size),
      cmocka_unit_test(test_generated_input_is_always_the_same),
      cmocka_unit_test(test_rows_of_a_batch_are_the_single_answers),
      IN_A_FOLDER(test_arrays_are_read_as_they_are),
      cmocka_unit_test(test_wrong_options_are_refused),
      cmocka_unit_test(test_more_memory_than_there_is),
      cmocka_unit_test(test_dtypes_of_this_machine),
      IN_A_FOLDER(test_calibration_is_checked),
      cmocka_unit_test(test_int8_is_near_f32),
      cmocka_unit_test(test_inputs_belong_to_their_model),
      cmocka_unit_test(test_sessions_outlive_their_model_and_input),
      cmocka_unit_test(test_sessions_share_a_model),
      cmocka_unit_test(test_texts_of_the_options_are_copied),
      cmocka_unit_test(test_progress_can_interrupt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
