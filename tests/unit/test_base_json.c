#include "base/json.h"
#include "reference/support.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static cJSON *parse(const char *text, const char **why, size_t *offset) {
  cJSON *value;
  const mf_status status = mf_json_parse(&value, text, strlen(text), why, offset);
  assert_int_equal(status, value ? MF_OK : MF_ERR_FILE);
  return value;
}

static void test_values_are_read(void **state) {
  (void)state;
  const char *why = NULL;
  size_t offset = 0;
  cJSON *root =
      parse(" {\"a\": [1, -2.5e3, true, null], \"\\u00e9\\n\": {\"x\": \"\xe4\xb8\xad\"}}\r\n\t ", &why, &offset);
  assert_non_null(root);
  cJSON *a = cJSON_GetObjectItemCaseSensitive(root, "a");
  assert_int_equal(cJSON_GetArraySize(a), 4);
  assert_true(cJSON_GetArrayItem(a, 1)->valuedouble == -2500.0);
  assert_true(cJSON_IsTrue(cJSON_GetArrayItem(a, 2)));
  cJSON *x = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(root, "\xc3\xa9\n"), "x");
  assert_string_equal(x->valuestring, "\xe4\xb8\xad");
  cJSON_Delete(root);
}

// A block of the exact size, so that a sanitizer sees a read behind it.
static cJSON *parse_exact(const char *bytes, size_t size, const char **why, size_t *offset) {
  char *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, size);
  cJSON *value;
  const mf_status status = mf_json_parse(&value, copy, size, why, offset);
  assert_int_equal(status, value ? MF_OK : MF_ERR_FILE);
  free(copy);
  return value;
}

#define BAD(text, why, offset)                                                                                         \
  { text, sizeof(text) - 1, why, offset }
static void test_broken_text_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t size;
    const char *why;
    long offset; // -1: anywhere within
  } cases[] = {
      BAD("", "empty", 0),
      BAD("  ", "not valid JSON", -1),
      BAD("{", "not valid JSON", -1),
      BAD("{\"a\":1,", "not valid JSON", -1), // cJSON alone reads past the end
      BAD("{\"a\"", "not valid JSON", -1),
      BAD("{\"a\":", "not valid JSON", -1),
      BAD("[1,", "not valid JSON", -1),
      BAD("[1", "not valid JSON", -1),
      BAD("[1 2]", "not valid JSON", 3),
      BAD("\"abc", "not valid JSON", -1),
      BAD("\"abc\\", "not valid JSON", -1),
      BAD("tru", "not valid JSON", -1),
      BAD("nan", "not valid JSON", -1),
      BAD("-", "not valid JSON", -1),
      BAD("{a:1}", "not valid JSON", -1),
      BAD("\"\\q\"", "not valid JSON", -1),
      BAD("\"\\ud800\"", "not valid JSON", -1),
      BAD("1 x", "bytes after the value", 2),
      BAD("{}{}", "bytes after the value", 2),
      BAD("{}\n]", "bytes after the value", 3),
      BAD("{}\0", "a control character", 2),
      BAD("[1,\0 2]", "a control character", 3),
      BAD("[1,\x0b 2]", "a control character", 3),
      BAD("\"a\0b\"", "a control character", 2),
      BAD("\"a\nb\"", "a control character", 2),
      BAD("\"\\u00g0\"", "a broken \\u escape", 1),
      BAD("\"\\u00", "a broken \\u escape", 1),
      BAD("{\"a\\u0000b\":1}", "\\u0000 in a string", 3),
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *why = NULL;
    size_t offset = SIZE_MAX;
    assert_null(parse_exact(cases[i].bytes, cases[i].size, &why, &offset));
    assert_string_equal(why, cases[i].why);
    if (cases[i].offset >= 0)
      assert_int_equal(offset, cases[i].offset);
    else
      assert_true(offset <= cases[i].size);
  }
}

static void test_bytes_need_no_end(void **state) {
  (void)state;
  const char *why = NULL;
  size_t offset = 0;
  static const char text[] = "[12]345\"";
  cJSON *value;
  assert_int_equal(mf_json_parse(&value, text, 4, &why, &offset), MF_OK);
  assert_int_equal(cJSON_GetArraySize(value), 1);
  cJSON_Delete(value);
  assert_int_equal(mf_json_parse(&value, text + 1, 1, &why, &offset), MF_OK); // the digit behind it is not read
  assert_int_equal(value->valueint, 1);
  cJSON_Delete(value);
}

static void test_nesting_is_bounded(void **state) {
  (void)state;
  static char text[200000];
  const char *why = NULL;
  size_t offset = 0;
  memset(text, '[', 1000);
  memset(text + 1000, ']', 1000);
  cJSON *value;
  assert_int_equal(mf_json_parse(&value, text, 2000, &why, &offset), MF_OK);
  cJSON_Delete(value);
  memset(text, '[', 1001);
  memset(text + 1001, ']', 1001);
  assert_int_equal(mf_json_parse(&value, text, 2002, &why, &offset), MF_ERR_FILE);
  assert_string_equal(why, "nested too deeply");
  assert_int_equal(offset, 1000);
  memset(text, '[', sizeof text);
  assert_int_equal(mf_json_parse(&value, text, sizeof text, &why, &offset), MF_ERR_FILE);
  assert_string_equal(why, "nested too deeply");
  memset(text, '"', 1); // brackets in a string do not count
  text[sizeof text - 1] = '"';
  assert_int_equal(mf_json_parse(&value, text, sizeof text, &why, &offset), MF_OK);
  assert_int_equal(strlen(value->valuestring), sizeof text - 2);
  cJSON_Delete(value);
}

static mf_status parse_some(void *context, mf_error *e) {
  (void)context;
  const char *why = NULL;
  size_t offset = 0;
  static const char text[] = "{\"a\":[1,\"two\",{\"b\":null}],\"c\":false}";
  cJSON *value;
  const mf_status status = mf_json_parse(&value, text, sizeof text - 1, &why, &offset);
  cJSON_Delete(value);
  return status == MF_ERR_UNSUPPORTED ? mf_fail_memory(e, sizeof text) : status;
}

static void test_parse_survives_every_refusal(void **state) {
  (void)state;
  size_t offset = 0;
  assert_true(support_refuse_allocations(parse_some, NULL) > 9); // a copy, seven values, four texts
  const char *why = NULL;
  assert_null(parse("[", &why, &offset)); // a past refusal is forgotten
  assert_string_equal(why, "not valid JSON");
}

typedef void (*write_value)(mf_json *j);
static char *written(write_value write, bool indent) {
  char *text = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&text, &size);
  assert_non_null(file);
  mf_json j = mf_json_start(file, indent);
  write(&j);
  assert_false(ferror(file));
  fclose(file);
  return text;
}

static void assert_written(write_value write, bool indent, const char *expected) {
  char *text = written(write, indent);
  assert_string_equal(text, expected);
  free(text);
}

static void write_document(mf_json *j) {
  mf_json_object(j, NULL);
  mf_json_string(j, "name", "resnet50");
  mf_json_array(j, "shape");
  mf_json_int(j, NULL, 1);
  mf_json_int(j, NULL, INT64_MIN);
  mf_json_end(j);
  mf_json_object(j, "empty");
  mf_json_end(j);
  mf_json_array(j, "list");
  mf_json_object(j, NULL);
  mf_json_bool(j, "a", true);
  mf_json_end(j);
  mf_json_array(j, NULL);
  mf_json_end(j);
  mf_json_bool(j, NULL, false);
  mf_json_string(j, NULL, NULL);
  mf_json_end(j);
  mf_json_double(j, "ms", 1.5);
  mf_json_end(j);
}

static void test_document_is_laid_out(void **state) {
  (void)state;
  assert_written(write_document, false,
                 "{\"name\":\"resnet50\",\"shape\":[1,-9223372036854775808],\"empty\":{},"
                 "\"list\":[{\"a\":true},[],false,null],\"ms\":1.5}");
  assert_written(
      write_document, true,
      "{\n  \"name\": \"resnet50\",\n  \"shape\": [\n    1,\n    -9223372036854775808\n  ],\n  \"empty\": {},\n"
      "  \"list\": [\n    {\n      \"a\": true\n    },\n    [],\n    false,\n    null\n  ],\n  \"ms\": 1.5\n}");
}

static void write_strings(mf_json *j) {
  mf_json_array(j, NULL);
  mf_json_string(j, NULL, "\"\\/\n\t\r\x01\x1f\x7f\xc2\x85");
  mf_json_string(j, NULL, "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80");
  mf_json_string(j, NULL, "a\xff\xc0\x80z\xe4\xb8");
  mf_json_string(j, NULL, "");
  mf_json_end(j);
}

static void test_strings_are_escaped(void **state) {
  (void)state;
  assert_written(write_strings, false,
                 "[\"\\\"\\\\/\\n\\t\\u000d\\u0001\\u001f\\u007f\\u0085\",\"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\","
                 "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\",\"\"]");
}

// The expected texts are Python's repr of the same numbers.
static void write_doubles(mf_json *j) {
  static const double values[] = {0.0,       -0.0,  0.1, 1.0 / 3, 100, 1e22, -1e-7, 0x1.fffffffffffffp+1023,
                                  0.1 + 0.2, 5e-324};
  mf_json_array(j, NULL);
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) mf_json_double(j, NULL, values[i]);
  mf_json_double(j, NULL, NAN);
  mf_json_double(j, NULL, -INFINITY);
  mf_json_end(j);
}

static const char doubles_text[] = "[0,-0,0.1,0.3333333333333333,100,1e+22,-1e-07,1.7976931348623157e+308,"
                                   "0.30000000000000004,4.94065645841247e-324,null,null]";

static void test_doubles_are_exact(void **state) {
  (void)state;
  assert_written(write_doubles, false, doubles_text);
  uint64_t bits = 1;
  for (int i = 0; i < 20000; i++) {
    char text[64] = "";
    double value, back;
    bits = bits * 6364136223846793005u + 1442695040888963407u;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    FILE *file = fmemopen(text, sizeof text, "w");
    mf_json j = mf_json_start(file, false);
    mf_json_double(&j, NULL, value);
    fclose(file);
    back = strtod(text, NULL);
    assert_memory_equal(&back, &value, sizeof value);
  }
}

static void test_the_locale_does_not_matter(void **state) {
  (void)state;
  if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) {
    print_message("skipped: no locale with a decimal comma is installed (de_DE.UTF-8 or fr_FR.UTF-8)\n");
    skip();
  }
  const char *why = NULL;
  size_t offset = 0;
  assert_written(write_doubles, false, doubles_text);
  cJSON *value = parse("[1.5,2]", &why, &offset);
  assert_true(cJSON_GetArrayItem(value, 0)->valuedouble == 1.5);
  cJSON_Delete(value);
  setlocale(LC_NUMERIC, "C");
}

// Deeper than the writer keeps track of: no memory is touched that is not its own.
static void write_deep(mf_json *j) {
  for (int i = 0; i < 100; i++) mf_json_array(j, NULL);
  for (int i = 0; i < 100; i++) mf_json_end(j);
}

static void test_depth_stays_in_bounds(void **state) {
  (void)state;
  char *text = written(write_deep, false);
  assert_int_equal(strlen(text), 200);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values_are_read),
      cmocka_unit_test(test_broken_text_is_refused),
      cmocka_unit_test(test_bytes_need_no_end),
      cmocka_unit_test(test_nesting_is_bounded),
      cmocka_unit_test(test_parse_survives_every_refusal),
      cmocka_unit_test(test_document_is_laid_out),
      cmocka_unit_test(test_strings_are_escaped),
      cmocka_unit_test(test_doubles_are_exact),
      cmocka_unit_test(test_the_locale_does_not_matter),
      cmocka_unit_test(test_depth_stays_in_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
