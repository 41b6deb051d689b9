// Trace parents: the rules of "Trace Context" (W3C Recommendation, 2021), section 3.2, and its examples. Span ids.
#include "reference/support.h"
#include "trace/context.h"
#include <string.h>

#define EXAMPLE "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
static const uint8_t example_trace[16] = {0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd,
                                          0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c};
static const uint8_t example_parent[8] = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};

static void test_good_parents(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int flags;
  } cases[] = {{"00-" EXAMPLE "-01", 1}, {"00-" EXAMPLE "-00", 0}, {"00-" EXAMPLE "-03", 3},
               {"00-" EXAMPLE "-ff", 3}, {"01-" EXAMPLE "-01", 1}, {"cc-" EXAMPLE "-01-what-the-future-holds", 1},
               {"fe-" EXAMPLE "-01-", 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mf_trace_context c = {.base = 7, .service = "kept"};
    mf_error e = {0};
    support_ok(mf_trace_context_continue(&c, cases[i].text, &e), &e);
    assert_memory_equal(c.trace_id, example_trace, 16);
    assert_memory_equal(c.parent, example_parent, 8);
    assert_int_equal(c.flags, cases[i].flags);
    assert_int_equal(c.base, 7);
    assert_string_equal(c.service, "kept");
  }
}

static void test_broken_parents(void **state) {
  (void)state;
  static const char *const cases[] = {
      "",
      "00",
      "00-" EXAMPLE,
      "00-" EXAMPLE "-",
      "00-" EXAMPLE "-1",
      "00-" EXAMPLE "-0g",
      "00-" EXAMPLE "-01-",
      "00-" EXAMPLE "-01-more",
      "00-" EXAMPLE "-01 ",
      " 00-" EXAMPLE "-01",
      "ff-" EXAMPLE "-01",
      "0x-" EXAMPLE "-01",
      "01-" EXAMPLE "-01more",
      "00_" EXAMPLE "-01",
      "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
      "00-0af7651916cd43dd8448eb211c80319cb7ad6b7169203331-01--",
      "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319z-b7ad6b7169203331-01",
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mf_trace_context c = {.base = 7}, before;
    mf_error e = {0};
    memcpy(&before, &c, sizeof c);
    if (mf_trace_context_continue(&c, cases[i], &e) != MF_ERR_USAGE) fail_msg("\"%s\" was taken", cases[i]);
    assert_non_null(strstr(e.text, "is no trace parent"));
    assert_memory_equal(&c, &before, sizeof c);
  }
}

static void test_new_ids(void **state) {
  (void)state;
  static const uint8_t none[16];
  mf_trace_context a = {.service = "kept"}, b = {0};
  mf_trace_context_create(&a);
  mf_trace_context_create(&b);
  assert_memory_not_equal(a.trace_id, b.trace_id, 16);
  assert_memory_not_equal(a.trace_id, none, 16);
  assert_memory_equal(a.parent, none, 8);
  assert_int_equal(a.flags, 1);
  assert_true(a.base != b.base);
  assert_string_equal(a.service, "kept");
}

// SplitMix64's published first outputs for seed 0, whose states are 1 and 2 times 9e3779b97f4a7c15.
static void test_span_ids(void **state) {
  (void)state;
  const mf_trace_context published = {.base = 0x9e3779b97f4a7c15};
  assert_true(mf_trace_context_span(&published, 0) == 0xe220a8397b1dcdafu);
  assert_true(mf_trace_context_span(&published, 0x9e3779b97f4a7c15) == 0x6e789e6aa1b965f4u);
  mf_trace_context own = {0};
  mf_trace_context_create(&own);
  assert_true(own.base > 0 && own.base < (uint64_t)1 << 63); // no sum with a number of spans is 0
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good_parents),
      cmocka_unit_test(test_broken_parents),
      cmocka_unit_test(test_new_ids),
      cmocka_unit_test(test_span_ids),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
