// Labels: what is read, and a line that names the place for everything that is wrong.
#include "../../tools/fail.c"   // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/labels.c" // NOLINT(bugprone-suspicious-include)
#include "../../tools/text.c"   // NOLINT(bugprone-suspicious-include)
#include "reference/support.h"
#include <locale.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { CLASSES = 10 };

// From a block of exactly the size, for the sanitizers.
static minfer_status parse(labels *out, const char *bytes, size_t size, minfer_error *e) {
  char *exact = malloc(size ? size : 1);
  if (!exact) abort();
  memcpy(exact, bytes, size);
  *e = (minfer_error){0};
  minfer_status status = labels_parse(out, exact, size, "l.txt", CLASSES, e);
  free(exact);
  return status;
}

static void check_well(minfer_status status, const labels *l, const minfer_error *e) {
  if (status == MINFER_OK && l->items && l->by_name) return;
  fail_msg("%s", e->text);
  abort(); // never reached: cmocka does not declare that its failures do not return
}

static void parse_well(labels *out, const char *bytes, size_t size) {
  minfer_error e;
  check_well(parse(out, bytes, size, &e), out, &e);
}

static void check_item(const labels *l, size_t i, const char *file, int class_index, int line) {
  assert_true(i < l->count);
  assert_string_equal(l->items[i].file, file);
  assert_int_equal(l->items[i].class_index, class_index);
  assert_int_equal(l->items[i].line, line);
}

static void test_good(void **state) {
  (void)state;
  static const char text[] = "\xef\xbb\xbf"
                             "# pictures\r\n"
                             "b.jpg 3\r\n"
                             "\n"
                             "  my cat, 2.png \t 009  \n"
                             "   # more\n"
                             "a#1.jpg\t0\n"
                             "n01/\xc3\xa9..jpg 9";
  labels l;
  parse_well(&l, text, sizeof text - 1);
  assert_int_equal(l.count, 4);
  check_item(&l, 0, "b.jpg", 3, 2);
  check_item(&l, 1, "my cat, 2.png", 9, 4);
  check_item(&l, 2, "a#1.jpg", 0, 6);
  check_item(&l, 3, "n01/\xc3\xa9..jpg", 9, 7);
  static const size_t order[] = {2, 0, 1, 3};
  for (size_t i = 0; i < COUNT(order); i++) assert_ptr_equal(l.by_name[i], &l.items[order[i]]);
  labels_free(&l);
}

typedef struct bad {
  const char *bytes;
  size_t size;
  const char *message;
} bad;
#define BAD(text, message)                                                                                             \
  { text, sizeof(text) - 1, message }

static void test_bad(void **state) {
  (void)state;
  static const bad rows[] = {
      BAD("", "l.txt: no labels"),
      BAD("\n\r\n # none\n", "l.txt: no labels"),
      BAD("\xef\xbb\xbf", "l.txt: no labels"),
      BAD("a.jpg", "l.txt:1: no class"),
      BAD("\n#\na.jpg \n", "l.txt:3: no class"),
      BAD("5\n", "l.txt:1: no class"),
      BAD("a.jpg 10", "l.txt:1: \"10\" is no class (expected FILE CLASS with a number from 0 to 9)"),
      BAD("a.jpg -1", "l.txt:1: \"-1\" is no class"),
      BAD("a.jpg 1.0", "l.txt:1: \"1.0\" is no class"),
      BAD("a.jpg 99999999999999999999", "is no class"),
      BAD("a.jpg 0x1", "l.txt:1: \"0x1\" is no class"),
      BAD("a.jpg,1", "l.txt:1: no class"),
      BAD("b.jpg 1\na.jpg 1 # cat", "l.txt:2: \"cat\" is no class"),
      BAD("../a.jpg 1", "l.txt:1: \"../a.jpg\" is no name"),
      BAD("x/../a.jpg 1", "l.txt:1: \"x/../a.jpg\" is no name"),
      BAD("x/.. 1", "is no name"),
      BAD("./a.jpg 1", "is no name"),
      BAD(". 1", "is no name"),
      BAD("/etc/passwd 1", "l.txt:1: \"/etc/passwd\" is no name"),
      BAD("x//a.jpg 1", "is no name"),
      BAD("x/ 1", "is no name"),
      BAD("a 1\nb 1\na 2\nb 1\n", "l.txt:3: a has a label in line 1 already"),
      BAD("b 1\na 1\na 2\nb 1\nb 1\n", "l.txt:3: a has a label in line 2 already"),
      BAD("a 1\na\t1\n", "l.txt:2: a has a label in line 1 already"),
      BAD("a.jpg 1\nb\0.jpg 1\n", "l.txt:2: control characters"),
      BAD("a.jpg 1\0", "l.txt:1: control characters"),
      BAD("\0", "l.txt:1: control characters"),
      BAD("a.jpg 1\nb.jpg\r 1\n", "l.txt:2: control characters"),
      BAD("\x1b[31m.jpg 1", "l.txt:1: control characters"),
      BAD("caf\xe9.jpg 1", "l.txt:1: control characters, or not in UTF-8"),
      BAD("caf\xc3", "not in UTF-8"),
      BAD("\xed\xa0\x80 1", "not in UTF-8"),
      BAD("\xff\xfe"
          "a\0 \0"
          "1\0",
          "not in UTF-8"), // UTF-16
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    labels l;
    minfer_error e;
    minfer_status status = parse(&l, rows[i].bytes, rows[i].size, &e);
    labels_free(&l);
    if (status != MINFER_FILE || e.status != MINFER_FILE || !strstr(e.text, rows[i].message))
      fail_msg("row %zu: status %d, \"%s\" instead of \"%s\"", i, (int)status, e.text, rows[i].message);
    assert_null(strchr(e.text, '\n'));
  }
}

static void test_long_lines(void **state) {
  (void)state;
  char line[LABELS_LINE + 8];
  labels l;
  minfer_error e;
  memset(line, 'x', sizeof line);
  memcpy(line + LABELS_LINE - 2, " 7\na 1", 6);
  parse_well(&l, line, LABELS_LINE + 4);
  assert_int_equal(l.count, 2);
  assert_int_equal(strlen(l.items[0].file), LABELS_LINE - 2);
  labels_free(&l);
  memcpy(line + LABELS_LINE - 2, "x 7\na 1", 7);
  assert_int_equal(parse(&l, line, LABELS_LINE + 5, &e), MINFER_FILE);
  assert_string_equal(e.text, "l.txt:1: a line of 4097 bytes (expected at most 4096)");
  labels_free(&l);
}

static void put(void **state, const char *name, const char *text) {
  support_write_file(support_path(state, name), text, strlen(text));
}

static void match(void **state, const char *text, minfer_status status, const char *message, size_t unlabelled) {
  labels l;
  minfer_error e = {0};
  size_t found = 99;
  parse_well(&l, text, strlen(text));
  assert_int_equal(labels_match(&l, "l.txt", *state, &found, &e), status);
  if (!strstr(e.text, message)) fail_msg("\"%s\" instead of \"%s\"", e.text, message);
  if (status == MINFER_OK) assert_int_equal(found, unlabelled);
  labels_free(&l);
}

static void test_folder(void **state) {
  put(state, "a", "\xff\xd8\xff\xe0");
  put(state, "b", "\x89PNG\r\n");
  put(state, "c", "BM..");
  put(state, "notes", "BMW");
  put(state, "d.jpg", "no picture");
  assert_int_equal(mkdir(support_path(state, "sub"), 0777), 0);
  put(state, "sub/e", "BM..");
  assert_int_equal(mkfifo(support_path(state, "pipe"), 0600), 0); // opening it would wait for ever
  match(state, "a 1\nd.jpg 2", MINFER_OK, "", 2);
  match(state, "sub/e 1", MINFER_OK, "", 3);
  match(state, "a 1\nb 1\nc 1", MINFER_OK, "", 0);
  match(state, "a 1\n\nx.jpg 1\ny.jpg 1", MINFER_FILE, "l.txt:3: x.jpg is no file in /", 0);
  match(state, "sub 1", MINFER_FILE, "l.txt:1: sub is no file in /", 0);
  match(state, "pipe 1", MINFER_FILE, "l.txt:1: pipe is no file in /", 0);
  labels l;
  minfer_error e = {0};
  size_t found;
  parse_well(&l, "a 1", 3);
  assert_int_equal(labels_match(&l, "l.txt", "/nowhere", &found, &e), MINFER_FILE);
  assert_string_equal(e.text, "/nowhere: cannot be read: No such file or directory");
  labels_free(&l);
}

static void test_read(void **state) {
  labels l;
  minfer_error e = {0};
  put(state, "l", "a.jpg 1\nb.jpg 2\n");
  check_well(labels_read(&l, support_path(state, "l"), CLASSES, &e), &l, &e);
  assert_int_equal(l.count, 2);
  check_item(&l, 1, "b.jpg", 2, 2);
  labels_free(&l);
  assert_int_equal(labels_read(&l, "/nowhere", CLASSES, &e), MINFER_FILE);
  assert_string_equal(e.text, "/nowhere: cannot be read: No such file or directory");
  labels_free(&l);
  assert_int_equal(labels_read(&l, *state, CLASSES, &e), MINFER_FILE);
  assert_non_null(strstr(e.text, "cannot be read: Is a directory"));
  labels_free(&l);
  assert_int_equal(labels_read(&l, "/dev/zero", CLASSES, &e), MINFER_FILE);
  assert_string_equal(e.text, "/dev/zero: larger than 64 MiB (expected a line FILE CLASS for each picture)");
  labels_free(&l);
}

int main(void) {
  setlocale(LC_CTYPE, "C.UTF-8");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good),
      cmocka_unit_test(test_bad),
      cmocka_unit_test(test_long_lines),
      cmocka_unit_test_setup_teardown(test_folder, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_read, support_folder_setup, support_folder_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
