#include "base/text.h"
#include "reference/support.h"
#include <locale.h>
#include <stdio.h>
#include <string.h>

static void test_text_grows(void **state) {
  (void)state;
  mf_text text = {0};
  assert_null(text.data);
  mf_text_add(&text, NULL, 0);
  assert_string_equal(text.data, "");
  char expected[20000] = "";
  size_t length = 0;
  for (int i = 0; i < 1000; i++) {
    mf_text_format(&text, "%d:%s,", i, "abc");
    length += (size_t)sprintf(expected + length, "%d:%s,", i, "abc");
    mf_text_add(&text, "xyz", 2);
    length += (size_t)sprintf(expected + length, "xy");
  }
  assert_false(text.failed);
  assert_int_equal(text.length, length);
  assert_true(text.capacity > text.length);
  assert_string_equal(text.data, expected);
  mf_text_add(&text, "\0z", 2);
  assert_memory_equal(text.data + length, "\0z", 3);
  mf_text_free(&text);
  assert_null(text.data);
  assert_int_equal(text.length, 0);
}

static mf_status grow_text(void *context, mf_error *e) {
  (void)context;
  mf_text text = {0};
  for (int i = 0; i < 200; i++) {
    mf_text_add(&text, "12345678", 8);
    mf_text_format(&text, "%08d", i);
  }
  const bool failed = text.failed, whole = text.length == 3200;
  mf_text_add(&text, "more", 4);
  const bool kept = text.failed == failed; // it stays set
  mf_text_free(&text);
  if (!kept || text.failed || (!failed && !whole)) return mf_fail(e, MF_ERR_FILE, "a refusal was not kept");
  return failed ? mf_fail_memory(e, 3200) : MF_OK;
}

static void test_text_survives_every_refusal(void **state) {
  (void)state;
  assert_true(support_refuse_allocations(grow_text, NULL) > 3);
}

static void test_text_refuses_absurd_sizes(void **state) {
  (void)state;
  mf_text text = {0};
  mf_text_add(&text, "a", 1);
  mf_text_add(&text, "b", SIZE_MAX);
  assert_true(text.failed);
  assert_string_equal(text.data, "a");
  mf_text_free(&text);
}

static void test_int_reads_the_whole_string(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t value;
  } good[] = {{"0", 0},
              {"-0", 0},
              {"007", 7},
              {"-12", -12},
              {"9223372036854775807", INT64_MAX},
              {"-9223372036854775808", INT64_MIN}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    int64_t value = 99;
    assert_true(mf_text_to_int(good[i].text, INT64_MIN, INT64_MAX, &value));
    assert_true(value == good[i].value);
  }
  static const char *const bad[] = {"",
                                    "-",
                                    "+1",
                                    " 1",
                                    "1 ",
                                    "1.0",
                                    "0x10",
                                    "1e3",
                                    "--1",
                                    "1-",
                                    "\t1",
                                    "a",
                                    "\xd9\xa1",
                                    "9223372036854775808",
                                    "-9223372036854775809",
                                    "99999999999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int64_t value = 99;
    assert_false(mf_text_to_int(bad[i], INT64_MIN, INT64_MAX, &value));
    assert_true(value == 99);
  }
  int64_t value = 99;
  assert_true(mf_text_to_int("1", 1, 4, &value) && mf_text_to_int("4", 1, 4, &value));
  assert_false(mf_text_to_int("0", 1, 4, &value) || mf_text_to_int("5", 1, 4, &value));
  assert_true(value == 4);
}

static void check_doubles(void) {
  static const struct {
    const char *text;
    double value;
  } good[] = {{"0", 0.0},
              {"1.5", 1.5},
              {"-2.25e2", -225.0},
              {".5", 0.5},
              {"5.", 5.0},
              {"1E-3", 1e-3},
              {"1e+3", 1e3},
              {"0.1", 0.1},
              {"007", 7.0},
              {"1e-999", 0.0},
              {"1.7976931348623157e308", 0x1.fffffffffffffp+1023}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    double value = 99;
    assert_true(mf_text_to_double(good[i].text, &value));
    assert_memory_equal(&value, &good[i].value, sizeof value);
  }
  static const char *const bad[] = {"",    "-",        ".",     "-.",     "e5",    "1e",    "1e+", "+1",
                                    " 1",  "1 ",       "1,5",   "0x1",    "0x1p3", "inf",   "nan", "-inf",
                                    "NAN", "infinity", "1e999", "-1e999", "1.2.3", "1e5.0", "1f"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    double value = 99;
    assert_false(mf_text_to_double(bad[i], &value));
    assert_memory_equal(&value, &(double){99}, sizeof value);
  }
}

static void test_double_reads_the_whole_string(void **state) {
  (void)state;
  check_doubles();
}

static void test_double_ignores_the_locale(void **state) {
  (void)state;
  if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) {
    print_message("skipped: no locale with a decimal comma is installed (de_DE.UTF-8 or fr_FR.UTF-8)\n");
    skip();
  }
  check_doubles();
  setlocale(LC_NUMERIC, "C");
}

static void test_clean_text(void **state) {
  (void)state;
  static const char *const clean[] = {"", "a b~", "\xc2\xa0", "\xe4\xb8\xad", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbd"};
  for (size_t i = 0; i < sizeof clean / sizeof *clean; i++) assert_true(mf_text_is_clean(clean[i], strlen(clean[i])));
  static const char *const bad[] = {"\n",       "a\tb",     "\x7f",         "\xc2\x85",
                                    "\xff",     "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                    "\xe4\xb8", "\x80",     "a\xc3"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(mf_text_is_clean(bad[i], strlen(bad[i])));
  assert_false(mf_text_is_clean("a\0b", 3));
  assert_true(mf_text_is_clean("a\n", 1)); // only the bytes counted
  assert_false(mf_text_is_clean("\xe4\xb8\xad", 2));
}

// The first four are published with the algorithm (64-bit FNV-1a test vectors).
static void test_hash_is_fnv1a(void **state) {
  (void)state;
  assert_true(mf_text_hash("", 0, 0) == 0xcbf29ce484222325u);
  assert_true(mf_text_hash("a", 1, 0) == 0xaf63dc4c8601ec8cu);
  assert_true(mf_text_hash("b", 1, 0) == 0xaf63df4c8601f1a5u);
  assert_true(mf_text_hash("foobar", 6, 0) == 0x85944171f73967e8u);
  assert_true(mf_text_hash("foobar", 6, 1) != mf_text_hash("foobar", 6, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_text_grows),
      cmocka_unit_test(test_text_survives_every_refusal),
      cmocka_unit_test(test_text_refuses_absurd_sizes),
      cmocka_unit_test(test_int_reads_the_whole_string),
      cmocka_unit_test(test_double_reads_the_whole_string),
      cmocka_unit_test(test_double_ignores_the_locale),
      cmocka_unit_test(test_clean_text),
      cmocka_unit_test(test_hash_is_fnv1a),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
