// Lists and ranges of sweeps. Expected: written by hand, and by Python's range() for the long one.
#include "../../tools/fail.c"  // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/lists.c" // NOLINT(bugprone-suspicious-include)
#include "../../tools/text.c"  // NOLINT(bugprone-suspicious-include)
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_numbers(void **state) {
  (void)state;
  static const struct {
    const char *text, *numbers;
  } cases[] = {{"1", "1"},
               {"1,32,64", "1 32 64"},
               {"64,1,32", "64 1 32"},
               {"1-4", "1 2 3 4"},
               {"3-3", "3"},
               {"1-9+2", "1 3 5 7 9"},
               {"1-10+2", "1 3 5 7 9"},
               {"0-20+10", "0 10 20"},
               {"1-128*2", "1 2 4 8 16 32 64 128"},
               {"1-127*2", "1 2 4 8 16 32 64"},
               {"3-100*3", "3 9 27 81"},
               {"1-4,2-8*2,16", "1 2 3 4 8 16"},
               {"5,5,5", "5"},
               {"2-3*100", "2"},
               {"900-1000*1000", "900"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    number_list l;
    minfer_error error;
    char text[256] = "";
    assert_int_equal(number_list_parse(&l, "--x", cases[i].text, 0, 1000, &error), MINFER_OK);
    for (size_t k = 0; k < l.count; k++) snprintf(text + strlen(text), 16, k ? " %d" : "%d", l.items[k]);
    assert_string_equal(text, cases[i].numbers);
    number_list_free(&l);
  }
}

static void check_refused(const char *given, const char *part) {
  number_list l;
  minfer_error error;
  assert_int_equal(number_list_parse(&l, "--batches", given, 0, 1000, &error), MINFER_USAGE);
  if (!strstr(error.text, part)) fail_msg("%s: \"%s\" does not say \"%s\"", given, error.text, part);
  assert_non_null(strstr(error.text, "--batches: "));
  number_list_free(&l);
}

static void test_what_is_no_list(void **state) {
  (void)state;
  static const char *const empty[] = {"", ",", "1,", ",1", "1,,2"};
  for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) check_refused(empty[i], "empty item");
  static const char *const wrong[] = {"x",
                                      "1001",
                                      "-1",
                                      "1-",
                                      "-",
                                      "1-2-3",
                                      "4-1",
                                      "1-1001",
                                      "1-8*",
                                      "1-8+",
                                      "1-8*1",
                                      "1-8*0",
                                      "1-8+0",
                                      "1-8+-1",
                                      "0-8*2",
                                      "1-8*2*2",
                                      "1-8+2+",
                                      "1 ",
                                      " 1",
                                      "1-8 ",
                                      "0x10",
                                      "1.5",
                                      "1e2",
                                      "+1",
                                      "99999999999999999999",
                                      "1-99999999999999999999",
                                      "1-8*99999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) check_refused(wrong[i], "each from 0 to 1000)");
  check_refused("1,2,x-3", "\"x-3\"");
}

// Neither endless nor overflowing at the upper end of int.
static void test_bounds(void **state) {
  (void)state;
  number_list l;
  minfer_error error;
  assert_int_equal(number_list_parse(&l, "--x", "1-2147483647*2", 0, 2147483647, &error), MINFER_OK);
  assert_int_equal(l.count, 31);
  assert_int_equal(l.items[30], 1 << 30);
  number_list_free(&l);
  assert_int_equal(number_list_parse(&l, "--x", "2147483640-2147483647", 0, 2147483647, &error), MINFER_OK);
  assert_int_equal(l.count, 8);
  number_list_free(&l);
  assert_int_equal(number_list_parse(&l, "--x", "1-1024", 0, 2147483647, &error), MINFER_OK);
  assert_int_equal(l.count, 1024);
  number_list_free(&l);
  assert_int_equal(number_list_parse(&l, "--x", "1-1025", 0, 2147483647, &error), MINFER_USAGE);
  assert_non_null(strstr(error.text, "more than 1024 numbers"));
  number_list_free(&l);
  assert_int_equal(number_list_parse(&l, "--x", "0-2147483647", 0, 2147483647, &error), MINFER_USAGE);
  number_list_free(&l);
}

static void test_names(void **state) {
  (void)state;
  name_list l;
  minfer_error error;
  assert_int_equal(name_list_parse(&l, "--models", "b,a,b,c d", &error), MINFER_OK);
  assert_int_equal(l.count, 3);
  if (!l.items) abort(); // never reached: cmocka does not declare that its failures do not return
  assert_string_equal(l.items[0], "b");
  assert_string_equal(l.items[1], "a");
  assert_string_equal(l.items[2], "c d");
  name_list_free(&l);
  assert_int_equal(name_list_parse(&l, "--models", "a,,b", &error), MINFER_USAGE);
  assert_string_equal(error.text, "--models: \"a,,b\" has an empty item");
  name_list_free(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_what_is_no_list),
                                     cmocka_unit_test(test_bounds), cmocka_unit_test(test_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
