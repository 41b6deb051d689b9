// Affinity: what is understood, and which CPU each worker gets.
#include "reference/support.h"
#include "thread/affinity.h"
#include <stdio.h>
#include <string.h>

static void test_good_spellings(void **state) {
  (void)state;
  static const struct {
    const char *text;
    mf_affinity_kind kind;
    size_t count;
    int cpus[6];
  } table[] = {
      {"none", MF_AFFINITY_NONE, 0, {0}},        {"compact", MF_AFFINITY_COMPACT, 0, {0}},
      {"scatter", MF_AFFINITY_SCATTER, 0, {0}},  {"0", MF_AFFINITY_LIST, 1, {0}},
      {"0,2-3", MF_AFFINITY_LIST, 3, {0, 2, 3}}, {"7,0-3,5", MF_AFFINITY_LIST, 6, {7, 0, 1, 2, 3, 5}},
      {"4-4", MF_AFFINITY_LIST, 1, {4}},         {"1,1", MF_AFFINITY_LIST, 2, {1, 1}},
      {"99999", MF_AFFINITY_LIST, 1, {99999}},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    mf_affinity a;
    mf_error e = {0};
    if (mf_affinity_parse(&a, table[i].text, &e) != MF_OK) fail_msg("%s", e.text);
    assert_int_equal(a.kind, table[i].kind);
    assert_int_equal(a.permute + a.offset, 0);
    assert_int_equal(a.cpu_count, table[i].count);
    for (size_t k = 0; k < a.cpu_count; k++) assert_int_equal(a.cpus[k], table[i].cpus[k]);
  }
}

static void test_bad_spellings(void **state) {
  (void)state;
  static const char *const table[] = {"",         ",",       "-",   "0,",    ",0",     "0,,1",
                                      "1-",       "-1",      "3-2", "0-1-2", " 0",     "0 ",
                                      "0, 1",     "0x1",     "1.5", "a",     "None",   "compact,1",
                                      "NONE",     "none,",   "+1",  "1;2",   "100000", "99999999999999",
                                      "0-100000", "scatterr"};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    mf_affinity a;
    mf_error e = {0};
    if (mf_affinity_parse(&a, table[i], &e) != MF_ERR_USAGE) fail_msg("'%s' was understood", table[i]);
    if (!strstr(e.text, "expected none, compact, scatter or CPUs such as 0,2-3"))
      fail_msg("'%s': %s", table[i], e.text);
  }
}

static void test_longest_list(void **state) {
  (void)state;
  mf_affinity a;
  mf_error e = {0};
  assert_int_equal(mf_affinity_parse(&a, "0-1023", &e), MF_OK);
  assert_int_equal(a.cpu_count, 1024);
  assert_int_equal(a.cpus[1023], 1023);
  assert_int_equal(mf_affinity_parse(&a, "0-1024", &e), MF_ERR_USAGE);
  assert_non_null(strstr(e.text, "too many CPUs (expected at most 1024)"));
  assert_int_equal(mf_affinity_parse(&a, "0-1023,5", &e), MF_ERR_USAGE);
}

// Two packages of two cores of two CPUs; the second CPUs of the cores are 4 to 7. The orders in the tables are those
// that KMP_AFFINITY is documented to give on such a machine.
static const mf_cpu server_cpus[] = {{0, 0, 0, 0}, {1, 0, 1, 0}, {2, 1, 0, 0}, {3, 1, 1, 0},
                                     {4, 0, 0, 1}, {5, 0, 1, 1}, {6, 1, 0, 1}, {7, 1, 1, 1}};
static const mf_topology server = {.cpus = server_cpus, .cpu_count = 8, .core_count = 4};

// Of the same machine CPUs 2, 3, 5, 6 and 7.
static const mf_cpu part_cpus[] = {{2, 1, 0, 0}, {3, 1, 1, 0}, {5, 0, 0, 0}, {6, 1, 0, 1}, {7, 1, 1, 1}};
static const mf_topology part = {.cpus = part_cpus, .cpu_count = 5, .core_count = 3};

static const mf_cpu flat_cpus[] = {{0, 0, 0, 0}, {1, 0, 1, 0}};
static const mf_topology flat = {.cpus = flat_cpus, .cpu_count = 2, .core_count = 2};

static void test_places(void **state) {
  (void)state;
  static const struct {
    const mf_topology *topology;
    mf_affinity affinity;
    size_t workers;
    int cpus[10];
  } table[] = {
      {&server, {.kind = MF_AFFINITY_COMPACT}, 8, {0, 4, 1, 5, 2, 6, 3, 7}},
      {&server, {.kind = MF_AFFINITY_COMPACT}, 10, {0, 4, 1, 5, 2, 6, 3, 7, 0, 4}},
      {&server, {.kind = MF_AFFINITY_COMPACT, .permute = 1}, 8, {0, 1, 2, 3, 4, 5, 6, 7}},
      {&server, {.kind = MF_AFFINITY_COMPACT, .permute = 2}, 8, {0, 2, 1, 3, 4, 6, 5, 7}},
      {&server, {.kind = MF_AFFINITY_COMPACT, .permute = 9}, 8, {0, 2, 1, 3, 4, 6, 5, 7}},
      {&server, {.kind = MF_AFFINITY_COMPACT, .offset = 3}, 6, {5, 2, 6, 3, 7, 0}},
      {&server, {.kind = MF_AFFINITY_COMPACT, .offset = 8}, 2, {0, 4}},
      {&server, {.kind = MF_AFFINITY_COMPACT, .permute = 1, .offset = 1}, 4, {1, 2, 3, 4}},
      {&server, {.kind = MF_AFFINITY_SCATTER}, 8, {0, 2, 1, 3, 4, 6, 5, 7}},
      {&server, {.kind = MF_AFFINITY_SCATTER, .permute = 1}, 8, {0, 1, 2, 3, 4, 5, 6, 7}},
      {&server, {.kind = MF_AFFINITY_SCATTER, .permute = 2}, 8, {0, 4, 1, 5, 2, 6, 3, 7}},
      {&server, {.kind = MF_AFFINITY_SCATTER}, 3, {0, 2, 1}},
      {&server, {.kind = MF_AFFINITY_NONE}, 3, {-1, -1, -1}},
      {&server, {.kind = MF_AFFINITY_DEFAULT}, 4, {0, 1, 2, 3}},
      {&server, {.kind = MF_AFFINITY_DEFAULT}, 5, {-1, -1, -1, -1, -1}}, // more than cores
      {&server, {.kind = MF_AFFINITY_LIST, .cpu_count = 3, .cpus = {6, 0, 1}}, 5, {6, 0, 1, 6, 0}},
      {&part, {.kind = MF_AFFINITY_COMPACT}, 5, {5, 2, 6, 3, 7}},
      {&part, {.kind = MF_AFFINITY_SCATTER}, 5, {5, 2, 3, 6, 7}},
      {&part, {.kind = MF_AFFINITY_DEFAULT}, 3, {5, 2, 3}},
      {&flat, {.kind = MF_AFFINITY_COMPACT}, 2, {0, 1}},
      {&flat, {.kind = MF_AFFINITY_SCATTER}, 2, {0, 1}},
      {&flat, {.kind = MF_AFFINITY_DEFAULT}, 1, {0}},
      {&flat, {.kind = MF_AFFINITY_COMPACT}, 0, {0}},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    int cpus[11];
    mf_error e = {0};
    for (size_t k = 0; k < 11; k++) cpus[k] = -77;
    assert_int_equal(mf_affinity_place(&table[i].affinity, table[i].topology, table[i].workers, cpus, &e), MF_OK);
    for (size_t k = 0; k < table[i].workers; k++)
      if (cpus[k] != table[i].cpus[k])
        fail_msg("row %zu: worker %zu on %d, expected %d", i, k, cpus[k], table[i].cpus[k]);
    assert_int_equal(cpus[table[i].workers], -77);
  }
}

static void test_list_outside_of_the_mask(void **state) {
  (void)state;
  mf_affinity a;
  mf_error e = {0};
  int cpus[1];
  assert_int_equal(mf_affinity_parse(&a, "2,4", &e), MF_OK);
  assert_int_equal(mf_affinity_place(&a, &part, 1, cpus, &e), MF_ERR_USAGE); // even if no worker would come to CPU 4
  assert_string_equal(e.text, "affinity: CPU 4 is not available to this process (expected some of 2-3,5-7)");
}

static void test_nothing_to_choose_from(void **state) {
  (void)state;
  static const mf_affinity list = {.kind = MF_AFFINITY_LIST}, compact = {.kind = MF_AFFINITY_COMPACT};
  static const mf_topology empty;
  mf_error e = {0};
  int cpus[1];
  assert_int_equal(mf_affinity_place(&list, &server, 1, cpus, &e), MF_ERR_USAGE);
  assert_int_equal(mf_affinity_place(&compact, &empty, 1, cpus, &e), MF_ERR_UNSUPPORTED);
}

static mf_status place_two(void *context, mf_error *e) {
  (void)context;
  const mf_affinity a = {.kind = MF_AFFINITY_SCATTER};
  int cpus[2];
  return mf_affinity_place(&a, &server, 2, cpus, e);
}

static void test_refused_allocation(void **state) {
  (void)state;
  assert_true(support_refuse_allocations(place_two, NULL) > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good_spellings),
      cmocka_unit_test(test_bad_spellings),
      cmocka_unit_test(test_longest_list),
      cmocka_unit_test(test_places),
      cmocka_unit_test(test_list_outside_of_the_mask),
      cmocka_unit_test(test_nothing_to_choose_from),
      cmocka_unit_test(test_refused_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
