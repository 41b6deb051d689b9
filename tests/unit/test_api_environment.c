// The machine, the ISA limit and thread settings of OpenMP programs through minfer.h.
#include "api_fixture.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const variables[] = {"OMP_NUM_THREADS", "KMP_BLOCKTIME", "KMP_AFFINITY", "KMP_SETTINGS",
                                        "OMP_PROC_BIND"};

static int without_settings(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
  return 0;
}

// Must run before anything else: asking oneDNN for its ISA settles it.
static void test_the_isa_is_limited_once(void **state) {
  (void)state;
  api_fails(minfer_set_isa("avx3", &api_error), MINFER_USAGE, "avx3 (expected sse41, avx");
  assert_int_equal(minfer_set_isa("", NULL), MINFER_USAGE);
  const minfer_status status = minfer_set_isa("avx2", &api_error);
  if (status == MINFER_UNSUPPORTED) support_skip("%s", api_error.text);
  assert_int_equal(status, MINFER_OK);
  minfer_model *model = api_small_model();
  minfer_session *session = api_session(model, NULL, (minfer_session_options){0});
  const minfer_plan *plan = minfer_session_plan(session);
  assert_string_equal(plan->isa, "avx2");
  assert_string_equal(minfer_environment_get()->isa, "avx2");
  assert_false(minfer_environment_get()->native_int8 || minfer_environment_get()->native_bf16);
  for (int i = 0; i < plan->primitive_count; i++)
    if (strstr(plan->primitives[i].impl, "avx512")) fail_msg("%s", plan->primitives[i].impl);
  minfer_session_free(session);
  minfer_session *bf16 = NULL;
  const minfer_session_options options = {.size = sizeof options, .dtype = MINFER_BF16, .emulate = true};
  api_fails(minfer_session_create(model, NULL, &options, &bf16, &api_error), MINFER_UNSUPPORTED, "avx2");
  minfer_model_close(model);
  api_fails(minfer_set_isa("sse41", &api_error), MINFER_UNSUPPORTED, "in use");
}

static void test_the_machine_is_described(void **state) {
  (void)state;
  const minfer_environment *machine = minfer_environment_get();
  cpu_set_t mask;
  assert_int_equal(sched_getaffinity(0, sizeof mask, &mask), 0);
  assert_int_equal(machine->logical_cpus, CPU_COUNT(&mask));
  assert_true(machine->physical_cores >= 1 && machine->physical_cores <= machine->logical_cpus);
  assert_true(machine->default_threads >= 1 && machine->default_threads <= machine->physical_cores);
  assert_true(machine->memory_bytes > (size_t)64 << 20);
  assert_true(machine->cpu && *machine->isa);
  int major = 0, minor = 0, patch = 0;
  assert_int_equal(sscanf(machine->onednn_version, "%d.%d.%d", &major, &minor, &patch), 3);
  assert_true(major == 3 && minor >= 5);
  assert_string_equal(machine->onednn_runtime, "threadpool");
}

static void test_nothing_is_set(void **state) {
  (void)state;
  bool print = true;
  minfer_session_options options = {.size = sizeof options};
  minfer_session_options_from_environment(&options, &print);
  assert_int_equal(options.threads, 0);
  assert_int_equal(options.spin_us, 0);
  assert_null(options.affinity);
  assert_false(print);
  minfer_session_options_from_environment(&options, NULL);
}

static void test_settings_fill_what_is_zero(void **state) {
  (void)state;
  bool print = false;
  setenv("OMP_NUM_THREADS", "3", 1);
  setenv("KMP_BLOCKTIME", "2", 1);
  setenv("KMP_AFFINITY", "granularity=fine,scatter", 1);
  setenv("KMP_SETTINGS", "1", 1);
  minfer_session_options options = {.size = sizeof options};
  minfer_session_options_from_environment(&options, &print);
  assert_int_equal(options.threads, 3);
  assert_int_equal(options.spin_us, 2000);
  assert_string_equal(options.affinity, "scatter");
  assert_true(print);
  options = (minfer_session_options){.size = sizeof options, .threads = 1, .spin_us = 7, .affinity = "none"};
  minfer_session_options_from_environment(&options, NULL);
  assert_int_equal(options.threads, 1);
  assert_int_equal(options.spin_us, 7);
  assert_string_equal(options.affinity, "none");
}

// A time of 0 is "sleep at once", which the options spell as a negative number.
static void test_no_spinning(void **state) {
  (void)state;
  setenv("KMP_BLOCKTIME", "0", 1);
  minfer_session_options options = {.size = sizeof options};
  minfer_session_options_from_environment(&options, NULL);
  assert_true(options.spin_us < 0);
}

static void test_affinities_are_spelled_for_the_options(void **state) {
  (void)state;
  cpu_set_t mask;
  char all[4096] = "", turned[4096] = "";
  assert_int_equal(sched_getaffinity(0, sizeof mask, &mask), 0);
  size_t first = CPU_SETSIZE;
  for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    char number[32];
    snprintf(number, sizeof number, "%s%zu", *all ? "," : "", cpu);
    strcat(all, number);
    if (first == CPU_SETSIZE) {
      first = cpu;
      continue;
    }
    snprintf(number, sizeof number, "%s%zu", *turned ? "," : "", cpu);
    strcat(turned, number);
  }
  if (*turned) strcat(turned, ",");
  snprintf(turned + strlen(turned), sizeof turned - strlen(turned), "%zu", first);
  char explicit[64];
  snprintf(explicit, sizeof explicit, "explicit,proclist=[%zu]", first);
  char number[32];
  snprintf(number, sizeof number, "%zu", first);
  const bool flat = minfer_environment_get()->physical_cores == minfer_environment_get()->logical_cpus;
  const struct {
    const char *variable, *value, *affinity;
  } cases[] = {{"KMP_AFFINITY", "none", "none"},
               {"KMP_AFFINITY", "disabled", "none"},
               {"KMP_AFFINITY", "compact", "compact"},
               {"KMP_AFFINITY", "verbose,scatter", "scatter"},
               {"KMP_AFFINITY", explicit, number},
               // One worker a core: with one CPU a core those are all CPUs in their order.
               {"KMP_AFFINITY", "granularity=fine,compact,1,0", flat ? all : NULL},
               {"KMP_AFFINITY", "compact,1,1", flat ? turned : NULL},
               {"OMP_PROC_BIND", "false", "none"},
               {"OMP_PROC_BIND", "spread", "scatter"},
               {"OMP_PROC_BIND", "close", flat ? all : NULL},
               {"KMP_AFFINITY", "upside down", ""}};
  minfer_model *model = api_small_model();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    without_settings(NULL);
    setenv(cases[i].variable, cases[i].value, 1);
    minfer_session_options options = {.size = sizeof options};
    minfer_session_options_from_environment(&options, NULL);
    if (cases[i].affinity && *cases[i].affinity)
      assert_string_equal(options.affinity, cases[i].affinity);
    else if (cases[i].affinity)
      assert_null(options.affinity); // not understood
    else
      assert_non_null(options.affinity);
    minfer_session_free(api_session(model, NULL, options)); // whatever was filled in can be used
  }
  minfer_model_close(model);
}

static void *look(void *context) {
  minfer_session *session = context;
  size_t count = 0;
  return minfer_session_spans(session, &count, NULL) && count ? session : NULL;
}

// What a session keeps of the machine does not end with the thread that asked.
static void test_traces_outlive_the_thread_that_began_them(void **state) {
  minfer_model *model = api_small_model();
  minfer_session *session = api_session(model, NULL, (minfer_session_options){0});
  pthread_t thread;
  void *result = NULL;
  assert_int_equal(pthread_create(&thread, NULL, look, session), 0);
  assert_int_equal(pthread_join(thread, &result), 0);
  assert_non_null(result);
  char cpu[160], text[65536], path[SUPPORT_PATH];
  snprintf(path, sizeof path, "%s/a.trace.json", (char *)*state);
  api_ok(minfer_trace_write(session, NULL, path, &api_error));
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  snprintf(cpu, sizeof cpu, "\"onednn_version\":\"%s\"", minfer_environment_get()->onednn_version);
  assert_non_null(strstr(text, cpu));
  minfer_session_free(session);
  minfer_model_close(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_isa_is_limited_once),
      cmocka_unit_test(test_the_machine_is_described),
      cmocka_unit_test_setup(test_nothing_is_set, without_settings),
      cmocka_unit_test_setup(test_settings_fill_what_is_zero, without_settings),
      cmocka_unit_test_setup(test_no_spinning, without_settings),
      cmocka_unit_test(test_affinities_are_spelled_for_the_options),
      cmocka_unit_test_setup_teardown(test_traces_outlive_the_thread_that_began_them, support_folder_setup,
                                      support_folder_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
