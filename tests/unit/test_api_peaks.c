// Peaks through minfer.h: kept, noted when broken, and what plans and traces make of them.
#include "api_fixture.h"
#include "near.h"
#include <stdio.h>
#include <stdlib.h>

static char notes[1024];

static void take_note(int level, const char *line, void *context) {
  (void)level;
  (void)context;
  snprintf(notes, sizeof notes, "%s", line);
}

// An empty cache of its own for each test.
static int setup(void **state) {
  if (support_folder_setup(state)) return -1;
  setenv("XDG_CACHE_HOME", *state, 1);
  notes[0] = 0;
  minfer_set_log(take_note, NULL);
  return 0;
}

static int teardown(void **state) {
  minfer_set_log(NULL, NULL);
  return support_folder_teardown(state);
}

static bool go_on(const char *phase, size_t done, size_t total, void *context) {
  (void)context;
  assert_string_equal(phase, "measure peaks");
  assert_true(done < total);
  return true;
}

static bool stop(const char *phase, size_t done, size_t total, void *context) {
  (void)phase;
  (void)done;
  (void)total;
  (void)context;
  return false;
}

static void test_without_peaks(void **state) {
  (void)state;
  assert_null(minfer_peaks_get());
  api_fails(minfer_measure_peaks(stop, NULL, &api_error), MINFER_INTERRUPTED, "interrupted");
  assert_null(minfer_peaks_get());
  minfer_model *model = api_small_model();
  minfer_session *session = api_session(model, NULL, (minfer_session_options){0});
  const minfer_plan *plan = minfer_session_plan(session);
  assert_null(plan->peaks);
  for (int i = 0; i < plan->primitive_count; i++) {
    assert_true(plan->primitives[i].roof_ns == 0);
    assert_string_equal(plan->primitives[i].bound, "");
  }
  for (int i = 0; i < plan->layer_count; i++) assert_string_equal(plan->layers[i].bound, "");
  minfer_session_free(session);
  minfer_model_close(model);
}

// Rewrites the kept file with rates of our choice: the same for every row.
static void write_peaks(const char *path, double f32, double int8, double memory) {
  const minfer_environment *m = minfer_environment_get();
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fprintf(file,
          "{\"schema\":\"minfer.peaks/1\",\"cpu\":\"%s\",\"cpus\":%d,\"cores\":%d,\"isa\":\"%s\",\"onednn\":\"%s\","
          "\"cache_bytes\":[0,0,0],\"measured_s\":7,\"clock_ghz\":2,\"rows\":[{\"threads\":1,\"compute\":{\"f32\":"
          "{\"gflops\":%g,\"clock_ghz\":2},\"int8\":{\"gflops\":%g,\"clock_ghz\":2}},\"read\":{\"DRAM\":"
          "{\"gbytes_per_s\":%g,\"clock_ghz\":2}},\"copy\":{\"DRAM\":{\"gbytes_per_s\":%g,\"clock_ghz\":2}}}]}",
          m->cpu, m->logical_cpus, m->physical_cores, m->isa, m->onednn_version, f32, int8, memory, memory);
  assert_int_equal(fclose(file), 0);
}

static bool multiplies(const minfer_primitive *p) {
  return strcmp(p->kind, "convolution") == 0 || strcmp(p->kind, "inner_product") == 0;
}

static void check_trace(minfer_session *session, void **state, const char *bound) {
  const char *path = support_path(state, "a.trace.json");
  char text[64];
  api_ok(minfer_session_run_traced(session, MINFER_TRACE_PRIMITIVE, NULL, &api_error));
  api_ok(minfer_trace_write(session, NULL, path, &api_error));
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  char *trace = calloc(1, 1 << 20);
  assert_non_null(trace);
  assert_true(fread(trace, 1, (1 << 20) - 1, file) > 1000);
  fclose(file);
  assert_non_null(strstr(trace, "\"peak_gflops\":"));
  assert_non_null(strstr(trace, "\"peak_gbytes_per_s\":"));
  assert_non_null(strstr(trace, "\"roof_share\":"));
  snprintf(text, sizeof text, "\"bound\":\"%s\"", bound);
  assert_non_null(strstr(trace, text));
  free(trace);
}

// So slow a multiplier that nothing else counts, then so slow a memory.
static void test_plans_know_their_roofs(void **state) {
  api_ok(minfer_measure_peaks(go_on, NULL, &api_error));
  const minfer_peaks *kept = minfer_peaks_get();
  assert_non_null(kept);
  assert_true(kept->row_count >= 1 && kept->rows[0].threads == 1 && kept->measured_s > 1600000000);
  assert_true(kept->rows[0].compute[MINFER_F32].rate > 0 && kept->rows[0].read[MINFER_DRAM].rate > 0);
  char path[SUPPORT_PATH];
  snprintf(path, sizeof path, "%s", kept->path);

  minfer_model *model = api_small_model();
  minfer_input *input = api_generated(model, 1);
  write_peaks(path, 1e-3, 2e-3, 1e6);
  for (int dtype = 0; dtype < 2; dtype++) {
    const minfer_session_options options = {.dtype = dtype ? MINFER_INT8 : MINFER_F32};
    minfer_session *session = api_session(model, input, options);
    const minfer_plan *plan = minfer_session_plan(session);
    assert_non_null(plan->peaks);
    assert_true(plan->peaks->compute[MINFER_INT8].rate == 2e-3 && plan->peaks->threads == 1);
    for (int i = 0; i < plan->primitive_count; i++) {
      const minfer_primitive *p = &plan->primitives[i];
      if (!multiplies(p)) continue;
      const double rate = strcmp(p->weights.dtype, "s8") == 0 ? 2e-3 : 1e-3;
      assert_string_equal(p->bound, "compute");
      assert_near(p->roof_ns, p->flops / rate, 1e-9 * p->roof_ns);
    }
    check_trace(session, state, "compute");
    minfer_session_free(session);
  }
  write_peaks(path, 1e9, 1e9, 1e-3);
  minfer_session *session = api_session(model, input, (minfer_session_options){0});
  const minfer_plan *plan = minfer_session_plan(session);
  for (int i = 0; i < plan->primitive_count; i++) {
    const minfer_primitive *p = &plan->primitives[i];
    assert_string_equal(p->bound, "DRAM");
    assert_near(p->roof_ns, (double)(p->bytes_read + p->bytes_written) / 1e-3, 1e-9 * p->roof_ns);
  }
  for (int i = 0; i < plan->layer_count; i++) {
    const minfer_layer *layer = &plan->layers[i];
    double sum = 0;
    for (int k = 0; k < layer->primitive_count; k++) sum += plan->primitives[layer->first_primitive + k].roof_ns;
    assert_near(layer->roof_ns, sum, 1e-9 * sum);
    assert_string_equal(layer->bound, "DRAM");
  }
  check_trace(session, state, "DRAM");
  minfer_session_free(session);
  assert_string_equal(notes, "");

  support_write_file(path, "{\"schema\":", 10); // broken: noted, and as good as none
  assert_null(minfer_peaks_get());
  assert_non_null(strstr(notes, path));
  assert_non_null(strstr(notes, "minfer env --measure"));
  session = api_session(model, input, (minfer_session_options){0});
  assert_null(minfer_session_plan(session)->peaks);
  minfer_session_free(session);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_where_they_cannot_be_kept(void **state) {
  support_write_file(support_path(state, "minfer"), "x", 1);
  api_fails(minfer_measure_peaks(go_on, NULL, &api_error), MINFER_OUTPUT, "cannot be written");
  support_file_holds(support_path(state, "minfer"), "x");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_without_peaks, setup, teardown),
      cmocka_unit_test_setup_teardown(test_plans_know_their_roofs, setup, teardown),
      cmocka_unit_test_setup_teardown(test_where_they_cannot_be_kept, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
