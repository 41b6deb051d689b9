// The ring: what is kept, in which order, and how much was lost.
#include "reference/support.h"
#include "trace/recorder.h"
#include <stdbool.h>
#include <string.h>

static mf_recorder *create(size_t capacity) {
  mf_error e = {0};
  mf_recorder *recorder = NULL;
  support_ok(mf_recorder_create(&recorder, capacity, &e), &e);
  return recorder;
}

// Every field differs from every other and from those of the record before.
static mf_record record(uint32_t i) {
  return (mf_record){.start = 1000000007ull * i + 1,
                     .duration = 17ull * i + 2,
                     .effective = 19ull * i + 3,
                     .spin = 23ull * i + 4,
                     .wait = 29ull * i + 5,
                     .overhead = 31ull * i + 6,
                     .index = 37 * i + 7,
                     .run = 41 * i + 8,
                     .kind = (uint16_t)(i % MF_SPAN_KIND_COUNT),
                     .thread = (uint16_t)(43 * i + 9),
                     .chunks = 47 * i + 10};
}

static void assert_holds(const mf_recorder *recorder, uint32_t first, size_t count, size_t lost) {
  size_t dropped = 12345;
  assert_int_equal(mf_recorder_count(recorder, &dropped), count);
  assert_int_equal(dropped, lost);
  assert_int_equal(mf_recorder_count(recorder, NULL), count);
  for (size_t i = 0; i < count; i++) {
    const mf_record expected = record(first + (uint32_t)i);
    assert_memory_equal(mf_recorder_at(recorder, i), &expected, sizeof expected);
  }
}

static void test_a_record_is_a_cache_line(void **state) {
  (void)state;
  assert_int_equal(sizeof(mf_record), 64); // and has no padding: records can be compared as bytes
}

static void test_the_oldest_are_overwritten(void **state) {
  (void)state;
  mf_recorder *recorder = create(8);
  assert_holds(recorder, 0, 0, 0);
  for (uint32_t i = 0; i < 100; i++) {
    const mf_record r = record(i);
    mf_recorder_push(recorder, &r);
    const uint32_t written = i + 1, kept = written < 8 ? written : 8;
    assert_holds(recorder, written - kept, kept, written - kept);
  }
  mf_recorder_free(recorder);
}

static void test_capacity_is_rounded_up(void **state) {
  (void)state;
  static const struct {
    size_t wanted, made;
  } cases[] = {{0, 1}, {1, 1}, {2, 2}, {3, 4}, {8, 8}, {9, 16}, {1000, 1024}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    mf_recorder *recorder = create(cases[c].wanted);
    for (uint32_t i = 0; i < 5000; i++) {
      const mf_record r = record(i);
      mf_recorder_push(recorder, &r);
    }
    assert_holds(recorder, 5000 - (uint32_t)cases[c].made, cases[c].made, 5000 - cases[c].made);
    mf_recorder_free(recorder);
  }
}

static void test_no_recorder_records_nothing(void **state) {
  (void)state;
  size_t dropped = 12345;
  const mf_record r = record(1);
  mf_recorder_push(NULL, &r);
  assert_int_equal(mf_recorder_count(NULL, &dropped), 0);
  assert_int_equal(dropped, 0);
  mf_recorder_free(NULL);
}

static void test_absurd_capacities_are_refused(void **state) {
  (void)state;
  static const size_t capacities[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / sizeof(mf_record), (size_t)1 << 58};
  for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
    mf_error e = {0};
    mf_recorder *recorder = NULL;
    assert_int_equal(mf_recorder_create(&recorder, capacities[c], &e), MF_ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "memory"));
    assert_null(recorder);
  }
}

static mf_status make_and_free(void *context, mf_error *e) {
  (void)context;
  mf_recorder *recorder;
  MF_TRY(mf_recorder_create(&recorder, 16, e));
  mf_recorder_free(recorder);
  return MF_OK;
}

static void test_every_refused_allocation_is_reported(void **state) {
  (void)state;
  assert_int_equal(support_refuse_allocations(make_and_free, NULL), 2);
}

static void test_kinds_have_names(void **state) {
  (void)state;
  static const char *const names[] = {"application", "run", "layer", "primitive", "thread", "gap"};
  assert_int_equal(MF_SPAN_KIND_COUNT, 6);
  for (int i = 0; i < MF_SPAN_KIND_COUNT; i++) assert_string_equal(mf_span_kind_name((mf_span_kind)i), names[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_record_is_a_cache_line),
      cmocka_unit_test(test_the_oldest_are_overwritten),
      cmocka_unit_test(test_capacity_is_rounded_up),
      cmocka_unit_test(test_no_recorder_records_nothing),
      cmocka_unit_test(test_absurd_capacities_are_refused),
      cmocka_unit_test(test_every_refused_allocation_is_reported),
      cmocka_unit_test(test_kinds_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
