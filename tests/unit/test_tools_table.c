// The program's tables and the text in them.
#include "../../tools/table.c" // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/text.c"  // NOLINT(bugprone-suspicious-include)
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "near.h"

static void fill(table *t) {
  table_column(t, "layer", TABLE_ELASTIC);
  table_column(t, "ms", TABLE_RIGHT);
  table_column(t, "reason", TABLE_LEFT);
  table_cell(t, "layer1.0.conv1+bn1+relu");
  table_number(t, 1.25, 3);
  table_cell(t, "a,b");
  table_cell(t, "caf\xc3\xa9 \xe4\xb8\xad"); // 1 column, then 2
  table_number(t, NAN, 3);
  table_cell(t, "%s", "");
}

typedef void printer(table *t, FILE *out);

static void check(printer *print, void (*make)(table *), const char *expected) {
  table t = {0};
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  make(&t);
  print(&t, out);
  fclose(out);
  assert_false(t.failed);
  assert_string_equal(text, expected);
  free(text);
  table_free(&t);
}

static void print_plain(table *t, FILE *out) {
  table_print(t, out, 0, "", "");
}
static void print_narrow(table *t, FILE *out) {
  table_print(t, out, 34, "<", ">");
}
static void print_too_narrow(table *t, FILE *out) {
  table_print(t, out, 5, "", "");
}

static void test_plain(void **state) {
  (void)state;
  check(print_plain, fill,
        "  layer                       ms  reason\n"
        "  layer1.0.conv1+bn1+relu  1.250  a,b\n"
        "  caf\xc3\xa9 \xe4\xb8\xad                      -\n");
}

static void test_narrow_cuts_elastic_cells(void **state) {
  (void)state;
  check(print_narrow, fill,
        "<  layer                 ms  reason>\n"
        "  layer1.0.conv1+..  1.250  a,b\n"
        "  caf\xc3\xa9 \xe4\xb8\xad                -\n");
}

static void test_never_shorter_than_twelve(void **state) {
  (void)state;
  check(print_too_narrow, fill,
        "  layer            ms  reason\n"
        "  layer1.0.c..  1.250  a,b\n"
        "  caf\xc3\xa9 \xe4\xb8\xad           -\n");
}

static void fill_hostile(table *t) {
  table_column(t, "a", TABLE_LEFT);
  table_column(t, "b", TABLE_LEFT);
  table_cell(t, "\033[31mred\n");
  table_cell(t, "bad \xff utf");
  table_cell(t, "pipe | \\ <b>");
  table_cell(t, "say \"x\", y");
}

static void test_hostile_text_is_escaped(void **state) {
  (void)state;
  check(print_plain, fill_hostile,
        "  a                b\n"
        "  \\x1b[31mred\\x0a  bad \\xff utf\n"
        "  pipe | \\ <b>     say \"x\", y\n");
}

static void test_markdown(void **state) {
  (void)state;
  check(table_print_markdown, fill,
        "| layer | ms | reason |\n| --- | ---: | --- |\n"
        "| layer1.0.conv1+bn1+relu | 1.250 | a,b |\n"
        "| caf\xc3\xa9 \xe4\xb8\xad | - |  |\n");
  check(table_print_markdown, fill_hostile,
        "| a | b |\n| --- | --- |\n"
        "| \\\\x1b[31mred\\\\x0a | bad \\\\xff utf |\n"
        "| pipe \\| \\\\ \\<b> | say \"x\", y |\n");
}

static void test_csv(void **state) {
  (void)state;
  check(table_print_csv, fill, "layer,ms,reason\nlayer1.0.conv1+bn1+relu,1.250,\"a,b\"\ncaf\xc3\xa9 \xe4\xb8\xad,,\n");
  check(table_print_csv, fill_hostile, "a,b\n\\x1b[31mred\\x0a,bad \\xff utf\npipe | \\ <b>,\"say \"\"x\"\", y\"\n");
}

static void test_many_rows(void **state) {
  (void)state;
  table t = {0};
  table_column(&t, "n", TABLE_RIGHT);
  for (int i = 0; i < 5000; i++) table_cell(&t, "%d", i);
  assert_int_equal(table_rows(&t), 5000);
  assert_true(finish(&t));
  assert_string_equal(cell_at(&t, 4321, 0), "4321");
  table_free(&t);
}

static void test_too_many_columns(void **state) {
  (void)state;
  table t = {0};
  for (int i = 0; i <= TABLE_COLUMNS; i++) table_column(&t, "x", TABLE_LEFT);
  assert_true(t.failed);
  table_free(&t);
}

static void test_numbers(void **state) {
  (void)state;
  int i = -7;
  double d = -7;
  assert_true(text_to_int("12", 0, 20, &i) && i == 12);
  assert_true(text_to_int("-3", -5, 20, &i) && i == -3);
  static const char *const bad[] = {"",    "21",  "-1",  "1 ", " 1",  "+1",
                                    "0x1", "1.0", "1e1", "-",  "--1", "99999999999999999999"};
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) assert_false(text_to_int(bad[k], 0, 20, &i));
  assert_true(text_to_real("0.25", 0, 1, &d) && d == 0.25);
  assert_true(text_to_real("1e-1", 0, 1, &d) && d == 0.1);
  static const char *const bad_real[] = {"",     "nan",  "inf", "0x1p-1", "1.5", "-0.5",
                                         " 0.5", "0.5 ", "0,5", ".",      "1e",  "+0.5"};
  for (size_t k = 0; k < sizeof bad_real / sizeof *bad_real; k++) assert_false(text_to_real(bad_real[k], 0, 1, &d));
  assert_int_equal(i, -3); // untouched by failures
  assert_near(d, 0.1, 0);
}

static void test_bytes(void **state) {
  (void)state;
  static const struct {
    size_t bytes;
    const char *expected;
  } rows[] = {{0, "0 B"},        {999, "999 B"},         {1000, "1.0 KiB"},
              {1536, "1.5 KiB"}, {25690112, "24.5 MiB"}, {(size_t)3 << 40, "3.0 TiB"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[16];
    assert_string_equal(text_bytes(text, rows[i].bytes), rows[i].expected);
  }
}

int main(void) {
  if (!setlocale(LC_CTYPE, "C.UTF-8")) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain),
                                     cmocka_unit_test(test_narrow_cuts_elastic_cells),
                                     cmocka_unit_test(test_never_shorter_than_twelve),
                                     cmocka_unit_test(test_hostile_text_is_escaped),
                                     cmocka_unit_test(test_markdown),
                                     cmocka_unit_test(test_csv),
                                     cmocka_unit_test(test_many_rows),
                                     cmocka_unit_test(test_too_many_columns),
                                     cmocka_unit_test(test_numbers),
                                     cmocka_unit_test(test_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
