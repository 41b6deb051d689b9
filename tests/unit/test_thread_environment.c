// The environment variables of OpenMP programs.
#include "thread/environment.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Pairs of name and value, ended by NULL.
static const char *get(const char *name, void *context) {
  for (const char *const *pair = context; pair[0]; pair += 2)
    if (strcmp(pair[0], name) == 0) return pair[1];
  return NULL;
}

static mf_thread_environment read_one(const char *name, const char *value) {
  mf_thread_environment e;
  const char *pairs[] = {name, value, NULL};
  mf_thread_environment_read(&e, get, pairs);
  return e;
}

static void test_nothing_set(void **state) {
  (void)state;
  static const mf_thread_environment nothing;
  static const char *const names[] = {"OMP_NUM_THREADS", "KMP_BLOCKTIME", "KMP_AFFINITY",
                                      "KMP_SETTINGS",    "OMP_PROC_BIND", "OTHER"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const mf_thread_environment e = read_one(names[i], "");
    assert_memory_equal(&e, &nothing, sizeof e);
  }
}

static void test_threads(void **state) {
  (void)state;
  static const struct {
    const char *value;
    int threads;
  } table[] = {{"1", 1},
               {"4", 4},
               {"4,2", 4},
               {" 8 , 2", 8},
               {"1024", 1024},
               {"0", 0},
               {"-1", 0},
               {"1025", 0},
               {"four", 0},
               {",2", 0},
               {"4 2", 0},
               {"2.0", 0},
               {"99999999999999999999", 0}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const mf_thread_environment e = read_one("OMP_NUM_THREADS", table[i].value);
    if (e.threads != table[i].threads || e.note_count != (table[i].threads == 0))
      fail_msg("%s: %d", table[i].value, e.threads);
  }
}

static void test_blocktime(void **state) {
  (void)state;
  static const struct {
    const char *value;
    int64_t spin_us;
  } table[] = {{"0", 0},
               {"1", 1000},
               {"200", 200000},
               {" 200 ", 200000},
               {"30ms", 30000},
               {"30 MS", 30000},
               {"50us", 50},
               {"2s", 2000000},
               {"3m", 180000000},
               {"1h", 3600000000},
               {"1d", 86400000000},
               {"infinite", MF_SPIN_FOREVER},
               {"INFINITE", MF_SPIN_FOREVER},
               {"infinity", MF_SPIN_FOREVER},
               {"9223372036854775807", MF_SPIN_FOREVER},
               {"-1", -1},
               {"ms", -1},
               {"10 weeks", -1},
               {"1.5", -1},
               {"1infinite", -1},
               {"9223372036854775808", -1},
               {"forever", -1}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const mf_thread_environment e = read_one("KMP_BLOCKTIME", table[i].value);
    const bool good = table[i].spin_us >= 0;
    if (e.has_spin != good || e.note_count != !good || (good && e.spin_us != table[i].spin_us))
      fail_msg("%s: %d %lld", table[i].value, e.has_spin, (long long)e.spin_us);
  }
}

static void test_settings(void **state) {
  (void)state;
  static const struct {
    const char *value;
    bool print;
    size_t notes;
  } table[] = {{"1", true, 0},    {"true", true, 0}, {"TRUE", true, 0},   {"yes", true, 0},
               {"on", true, 0},   {"0", false, 0},   {"false", false, 0}, {"no", false, 0},
               {"off", false, 0}, {"2", false, 1},   {"maybe", false, 1}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const mf_thread_environment e = read_one("KMP_SETTINGS", table[i].value);
    if (e.print_settings != table[i].print || e.note_count != table[i].notes) fail_msg("%s", table[i].value);
  }
}

typedef struct affinity_case {
  const char *value;
  mf_affinity_kind kind; // DEFAULT: nothing is taken from it
  size_t permute, offset, notes, count;
  int cpus[4];
} affinity_case;

static void check_affinities(const char *name, const affinity_case *table, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const affinity_case *c = &table[i];
    const mf_thread_environment e = read_one(name, c->value);
    if (e.affinity.kind != c->kind || e.affinity.permute != c->permute || e.affinity.offset != c->offset ||
        e.note_count != c->notes || e.affinity.cpu_count != c->count)
      fail_msg("%s: kind %d, %zu, %zu, %zu notes, %zu CPUs", c->value, (int)e.affinity.kind, e.affinity.permute,
               e.affinity.offset, e.note_count, e.affinity.cpu_count);
    for (size_t k = 0; k < c->count; k++) assert_int_equal(e.affinity.cpus[k], c->cpus[k]);
  }
}

static void test_kmp_affinity(void **state) {
  (void)state;
  static const affinity_case table[] = {
      {"compact", MF_AFFINITY_COMPACT, 0, 0, 0, 0, {0}},
      {"granularity=fine,compact,1,0", MF_AFFINITY_COMPACT, 1, 0, 0, 0, {0}},
      {"granularity=fine,verbose,compact,1,3", MF_AFFINITY_COMPACT, 1, 3, 0, 0, {0}},
      {"Granularity=Core, Scatter", MF_AFFINITY_SCATTER, 0, 0, 0, 0, {0}},
      {"norespect,nowarnings,noverbose,noreset,scatter,1", MF_AFFINITY_SCATTER, 1, 0, 0, 0, {0}},
      {"none", MF_AFFINITY_NONE, 0, 0, 0, 0, {0}},
      {"disabled", MF_AFFINITY_NONE, 0, 0, 0, 0, {0}},
      {"verbose", MF_AFFINITY_DEFAULT, 0, 0, 0, 0, {0}},
      {"explicit,proclist=[0,2-3]", MF_AFFINITY_LIST, 0, 0, 0, 3, {0, 2, 3}},
      {"granularity=fine,proclist=[3,1],explicit", MF_AFFINITY_LIST, 0, 0, 0, 2, {3, 1}},
      {"proclist=5,explicit", MF_AFFINITY_LIST, 0, 0, 0, 1, {5}},
      {"explicit", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"proclist=[0]", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"compact,proclist=[0]", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"explicit,proclist=[0", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"explicit,proclist=[]", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"explicit,proclist=[none]", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"explicit,proclist=[0]x", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"explicit,proclist=[{0,1},2]", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"1,compact", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"compact,1,0,2", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"compact,-1", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"compact,scatter", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"compact,", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"balanced", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
      {"compact;1", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
  };
  check_affinities("KMP_AFFINITY", table, sizeof table / sizeof *table);
}

static void test_proc_bind(void **state) {
  (void)state;
  static const affinity_case table[] = {
      {"true", MF_AFFINITY_COMPACT, 1, 0, 0, 0, {0}},         {"TRUE", MF_AFFINITY_COMPACT, 1, 0, 0, 0, {0}},
      {"close", MF_AFFINITY_COMPACT, 1, 0, 0, 0, {0}},        {"spread", MF_AFFINITY_SCATTER, 0, 0, 0, 0, {0}},
      {"spread,close", MF_AFFINITY_SCATTER, 0, 0, 0, 0, {0}}, {"false", MF_AFFINITY_NONE, 0, 0, 0, 0, {0}},
      {"master", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},       {"1", MF_AFFINITY_DEFAULT, 0, 0, 1, 0, {0}},
  };
  check_affinities("OMP_PROC_BIND", table, sizeof table / sizeof *table);
}

static void test_together(void **state) {
  (void)state;
  mf_thread_environment e;
  const char *pairs[] = {"OMP_NUM_THREADS",
                         "36",
                         "KMP_BLOCKTIME",
                         "0",
                         "KMP_AFFINITY",
                         "granularity=fine,compact,1,0",
                         "KMP_SETTINGS",
                         "1",
                         "OMP_PROC_BIND",
                         "spread",
                         NULL};
  mf_thread_environment_read(&e, get, pairs);
  assert_int_equal(e.threads, 36);
  assert_true(e.has_spin && e.spin_us == 0 && e.print_settings);
  assert_int_equal(e.affinity.kind, MF_AFFINITY_COMPACT); // KMP_AFFINITY goes first
  assert_int_equal(e.note_count, 0);

  const char *fallback[] = {"KMP_AFFINITY", "sideways", "OMP_PROC_BIND", "spread", NULL};
  mf_thread_environment_read(&e, get, fallback);
  assert_int_equal(e.affinity.kind, MF_AFFINITY_SCATTER);
  assert_int_equal(e.note_count, 1);
}

static void test_notes(void **state) {
  (void)state;
  mf_thread_environment e = read_one("OMP_NUM_THREADS", "many");
  assert_string_equal(e.notes[0], "OMP_NUM_THREADS=many: ignored (expected a number of threads)");
  e = read_one("KMP_BLOCKTIME", "a\nb\x1b[2J");
  assert_int_equal(e.note_count, 1);
  assert_null(strpbrk(e.notes[0], "\n\x1b"));

  char *endless = malloc(100001);
  assert_non_null(endless);
  memset(endless, 'x', 100000);
  endless[100000] = 0;
  const char *pairs[] = {
      "OMP_NUM_THREADS", endless,         "KMP_BLOCKTIME", endless, "KMP_AFFINITY", endless, "KMP_SETTINGS",
      endless,           "OMP_PROC_BIND", endless,         NULL};
  mf_thread_environment_read(&e, get, pairs);
  free(endless);
  assert_int_equal(e.note_count, MF_THREAD_VARIABLES);
  for (size_t i = 0; i < e.note_count; i++) assert_non_null(strstr(e.notes[i], ": ignored (expected "));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing_set), cmocka_unit_test(test_threads),      cmocka_unit_test(test_blocktime),
      cmocka_unit_test(test_settings),    cmocka_unit_test(test_kmp_affinity), cmocka_unit_test(test_proc_bind),
      cmocka_unit_test(test_together),    cmocka_unit_test(test_notes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
