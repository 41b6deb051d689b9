#include "base/error.h"
#include "base/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above
#include <cmocka.h>
#include <string.h>

static void test_failure_fills_everything(void **state) {
  (void)state;
  mf_error e;
  memset(&e, 0xa5, sizeof e);
  int line = __LINE__ + 1;
  assert_int_equal(mf_fail(&e, MF_ERR_FILE, "%s: %d bytes (expected %d)", "a.npy", 3, 8), MF_ERR_FILE);
  assert_int_equal(e.status, MF_ERR_FILE);
  assert_string_equal(e.text, "a.npy: 3 bytes (expected 8)");
  assert_string_equal(e.hint, "");
  assert_int_equal(e.line, line);
  assert_non_null(strstr(e.file, "test_base_error.c"));
  assert_int_equal(mf_hint(&e, "run %s", "fetch.sh"), MF_ERR_FILE);
  assert_string_equal(e.hint, "run fetch.sh");
  assert_string_equal(e.text, "a.npy: 3 bytes (expected 8)");
  assert_int_equal(mf_fail(&e, MF_ERR_OUTPUT, "again: %s", e.text), MF_ERR_OUTPUT);
  assert_string_equal(e.text, "again: a.npy: 3 bytes (expected 8)");
  assert_string_equal(e.hint, "");
}

static void test_memory_has_one_wording(void **state) {
  (void)state;
  mf_error e;
  assert_int_equal(mf_fail_memory(&e, 4096), MF_ERR_UNSUPPORTED);
  assert_non_null(strstr(e.text, "out of memory"));
  assert_non_null(strstr(e.text, "4096"));
}

static mf_status third(mf_error *e) {
  MF_TRY(MF_OK);
  MF_TRY(mf_fail(e, MF_ERR_USAGE, "first"));
  return mf_fail(e, MF_ERR_GATE, "second");
}

static void test_try_unwinds(void **state) {
  (void)state;
  mf_error e;
  assert_int_equal(third(&e), MF_ERR_USAGE);
  assert_string_equal(e.text, "first");
}

// Well-formed and ill-formed sequences: the bounds of table 3-7 of the Unicode standard.
static void test_bad_bytes_are_escaped(void **state) {
  (void)state;
  static const struct {
    const char *raw, *shown;
  } cases[] = {
      {"a\nb\x1b[31mc\x7f", "a\\x0ab\\x1b[31mc\\x7f"},
      {"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80", "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80"},
      {"\xc2\x80|\xc2\x9b|\xc2\xa0", "\\xc2\\x80|\\xc2\\x9b|\xc2\xa0"}, // C1 controls, then a plain character
      {"\xc0\xaf|\xc1\xbf|\xc2", "\\xc0\\xaf|\\xc1\\xbf|\\xc2"},        // overlong, cut
      {"\xe0\x9f\xbf|\xe0\xa0\x80", "\\xe0\\x9f\\xbf|\xe0\xa0\x80"},
      {"\xed\x9f\xbf|\xed\xa0\x80|\xed\xbf\xbf|\xee\x80\x80",
       "\xed\x9f\xbf|\\xed\\xa0\\x80|\\xed\\xbf\\xbf|\xee\x80\x80"}, // surrogates
      {"\xf0\x8f\xbf\xbf|\xf0\x90\x80\x80", "\\xf0\\x8f\\xbf\\xbf|\xf0\x90\x80\x80"},
      {"\xf4\x8f\xbf\xbf|\xf4\x90\x80\x80|\xf5\x80\x80\x80",
       "\xf4\x8f\xbf\xbf|\\xf4\\x90\\x80\\x80|\\xf5\\x80\\x80\\x80"},
      {"\xe4\xb8|\xff\x80", "\\xe4\\xb8|\\xff\\x80"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mf_error e;
    mf_fail(&e, MF_ERR_FILE, "%s", cases[i].raw);
    assert_string_equal(e.text, cases[i].shown);
    mf_hint(&e, "%s", cases[i].raw);
    assert_string_equal(e.hint, cases[i].shown);
  }
}

static void test_long_text_ends_in_dots(void **state) {
  (void)state;
  mf_error e;
  char raw[3000];
  memset(raw, 'a', sizeof raw);
  raw[767] = 0; // fits exactly
  mf_fail(&e, MF_ERR_FILE, "%s", raw);
  assert_string_equal(e.text, raw);
  raw[767] = 'a';
  raw[768] = 0; // one too long
  mf_fail(&e, MF_ERR_FILE, "%s", raw);
  assert_int_equal(strlen(e.text), 767);
  assert_string_equal(e.text + 763, "a...");
  raw[768] = 'a';
  raw[2999] = 0;
  mf_fail(&e, MF_ERR_FILE, "%s", raw);
  assert_string_equal(e.text + 763, "a...");
  mf_hint(&e, "%s", raw);
  assert_int_equal(strlen(e.hint), 255);
  assert_string_equal(e.hint + 251, "a...");
}

// Every shift of multi-byte characters, and of escapes, over the end.
static void test_long_text_is_cut_between_characters(void **state) {
  (void)state;
  for (size_t shift = 0; shift < 4; shift++)
    for (int escapes = 0; escapes < 2; escapes++) {
      mf_error e;
      char raw[2005];
      memset(raw, 'a', shift);
      for (size_t i = shift; i + 4 < sizeof raw; i += 4)
        memcpy(raw + i, escapes ? "\x01\x02\x03\x04" : "\xf0\x9f\x98\x80", 4);
      raw[2000] = 0;
      mf_fail(&e, MF_ERR_FILE, "%s", raw);
      size_t length = strlen(e.text), whole = (764 - shift) / 4 * 4 + shift;
      assert_int_equal(length, whole + 3);
      assert_string_equal(e.text + whole, "...");
      uint32_t code = 0;
      for (size_t i = shift; !escapes && i < whole; i += 4) {
        assert_int_equal(mf_utf8_decode(e.text + i, whole - i, &code), 4);
        assert_int_equal(code, 0x1f600);
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_failure_fills_everything),
      cmocka_unit_test(test_memory_has_one_wording),
      cmocka_unit_test(test_try_unwinds),
      cmocka_unit_test(test_bad_bytes_are_escaped),
      cmocka_unit_test(test_long_text_ends_in_dots),
      cmocka_unit_test(test_long_text_is_cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
