// Lists of names and values. Expected: W3C Baggage's examples, and Python's urllib.parse.unquote for the decoding.
#include "../../tools/key_values.c" // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/text.c"       // NOLINT(bugprone-suspicious-include)
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_lists(void **state) {
  (void)state;
  static const struct {
    const char *text, *items; // [name][value]...
  } cases[] = {{"", ""},
               {" , ,", ""},
               {"a=1", "[a][1]"},
               {" a = 1 ,\tb=2\t", "[a][1][b][2]"},
               {"a=", "[a][]"},
               {"a==", "[a][=]"},
               {"Authorization=Basic%20YTpi%3D", "[Authorization][Basic YTpi=]"},
               {"userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false",
                "[userId][Am\xc3\xa9lie][serverNode][DF 28][isProduction][false]"},
               {"a=x y", "[a][x y]"},
               {"a=%2c%2C", "[a][,,]"},
               {"a=1,b=2,a=3", "[a][3][b][2]"},
               {"a%20b=1", "[a%20b][1]"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    key_values list;
    char found[256] = "";
    assert_true(key_values_parse(&list, cases[i].text));
    for (size_t k = 0; k < 2 * list.count; k++)
      snprintf(found + strlen(found), sizeof found - strlen(found), "[%s]", list.items[k]);
    assert_string_equal(found, cases[i].items);
    if (list.count) assert_null(list.items[2 * list.count]);
    key_values_free(&list);
  }
}

static void test_broken_lists(void **state) {
  (void)state;
  static const char *const cases[] = {"a",      "=",      "=1",    " =1",      "a=1,b",   "a=%",   "a=%2",
                                      "a=%g0",  "a=%0a",  "a=%00", "a=%7f",    "a=\x01",  "a\n=1", "a=%ff",
                                      "a=\xff", "\xff=1", "a=%c3", "a=%C2%85", "a=1,b=%", "a=%%%"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    key_values list;
    if (key_values_parse(&list, cases[i])) fail_msg("\"%s\" was taken", cases[i]);
    assert_int_equal(list.count, 0);
    assert_null(key_values_get(&list, "a"));
  }
}

static void test_get(void **state) {
  (void)state;
  key_values list;
  assert_true(key_values_parse(&list, "a=1,ab=2,b="));
  assert_string_equal(key_values_get(&list, "a"), "1");
  assert_string_equal(key_values_get(&list, "ab"), "2");
  assert_string_equal(key_values_get(&list, "b"), "");
  assert_null(key_values_get(&list, "A"));
  assert_null(key_values_get(&list, "1"));
  key_values_free(&list);
}

int main(void) {
  setlocale(LC_CTYPE, "C.UTF-8");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lists),
      cmocka_unit_test(test_broken_lists),
      cmocka_unit_test(test_get),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
