// Words of --vs. Expected: what bash 5.2 prints for printf '[%s]' with the same text.
#include "../../tools/fail.c"  // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/words.c" // NOLINT(bugprone-suspicious-include)
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static void test_words(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
  } cases[] = {{"", ""},
               {"  \t\n ", ""},
               {"--int8", "[--int8]"},
               {" --fusion  off\t--threads\n2 ", "[--fusion][off][--threads][2]"},
               {"--calibration 'my pictures'", "[--calibration][my pictures]"},
               {"--calibration=\"my pictures\"", "[--calibration=my pictures]"},
               {"my\\ pictures", "[my pictures]"},
               {"a'b c'\"d e\"f", "[ab cd ef]"},
               {"'' \"\"", "[][]"},
               {"'a\\' b", "[a\\][b]"},
               {"\"a\\\"b\\\\c\\d\"", "[a\"b\\c\\d]"},
               {"\\'a \\\\ \\\"", "['a][\\][\"]"},
               {"\"it's\" 'say \"no\"'", "[it's][say \"no\"]"},
               {"$HOME *", "[$HOME][*]"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    word_list w;
    minfer_error error;
    char text[128] = "";
    assert_int_equal(words_split(&w, cases[i].text, &error), MINFER_OK);
    for (size_t k = 0; k < w.count; k++) {
      strcat(text, "[");
      strcat(text, w.items[k]);
      strcat(text, "]");
    }
    assert_string_equal(text, cases[i].words);
    word_list_free(&w);
  }
}

static void test_what_is_not_closed(void **state) {
  (void)state;
  static const struct {
    const char *text, *part;
  } cases[] = {{"'a", "a ' is missing"}, {"a \"b\\\"", "a \" is missing"}, {"a \\", "backslash"}, {"\"", "a \" is"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    word_list w;
    minfer_error error;
    assert_int_equal(words_split(&w, cases[i].text, &error), MINFER_USAGE);
    assert_non_null(strstr(error.text, cases[i].part));
    word_list_free(&w);
  }
}

// As many words as fit into a text: one for every second character.
static void test_shortest_words(void **state) {
  (void)state;
  char text[2001];
  for (size_t i = 0; i < 2000; i++) text[i] = i % 2 ? ' ' : 'x';
  text[2000] = 0;
  for (size_t from = 1996; from <= 2000; from++) {
    word_list w;
    assert_int_equal(words_split(&w, text + 2000 - from, NULL), MINFER_OK);
    assert_int_equal(w.count, from / 2);
    for (size_t k = 0; k < w.count; k++) assert_string_equal(w.items[k], "x");
    word_list_free(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_what_is_not_closed),
                                     cmocka_unit_test(test_shortest_words)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
