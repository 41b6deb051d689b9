// JSON, arrays and files written through minfer.h.
#include "api_fixture.h"
#include "load/npy.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void test_json_is_written(void **state) {
  (void)state;
  for (int indent = 0; indent < 2; indent++) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    minfer_json *j = minfer_json_open(file, indent);
    assert_non_null(j);
    minfer_json_object(j, NULL);
    minfer_json_string(j, "a \"b\"", "c\n\xff");
    minfer_json_string(j, "none", NULL);
    minfer_json_array(j, "numbers");
    minfer_json_int(j, NULL, INT64_MIN);
    minfer_json_double(j, NULL, 0.1);
    minfer_json_double(j, NULL, NAN);
    minfer_json_end(j);
    minfer_json_bool(j, "yes", true);
    minfer_json_bool(j, "no", false);
    minfer_json_object(j, "open"); // close ends this and what is around it
    minfer_json_array(j, "too");
    minfer_json_close(j);
    fclose(file);
    assert_string_equal(text, indent ? "{\n"
                                       "  \"a \\\"b\\\"\": \"c\\n\xef\xbf\xbd\",\n"
                                       "  \"none\": null,\n"
                                       "  \"numbers\": [\n"
                                       "    -9223372036854775808,\n"
                                       "    0.1,\n"
                                       "    null\n"
                                       "  ],\n"
                                       "  \"yes\": true,\n"
                                       "  \"no\": false,\n"
                                       "  \"open\": {\n"
                                       "    \"too\": []\n"
                                       "  }\n"
                                       "}\n"
                                     : "{\"a \\\"b\\\"\":\"c\\n\xef\xbf\xbd\",\"none\":null,"
                                       "\"numbers\":[-9223372036854775808,0.1,null],\"yes\":true,\"no\":false,"
                                       "\"open\":{\"too\":[]}}\n");
    free(text);
  }
  minfer_json_close(NULL);
}

static void test_write_errors_stay_in_the_stream(void **state) {
  (void)state;
  FILE *file = fopen("/dev/full", "w");
  assert_non_null(file);
  minfer_json *j = minfer_json_open(file, false);
  minfer_json_object(j, NULL);
  minfer_json_close(j);
  fflush(file);
  assert_true(ferror(file));
  fclose(file);
}

static void test_files_are_written_whole(void **state) {
  const char *path = support_path(state, "a.txt");
  api_ok(minfer_file_write(path, "one\n", 4, &api_error));
  support_file_holds(path, "one\n");
  api_ok(minfer_file_write(path, "two\0", 3, NULL));
  support_file_holds(path, "two");
  api_ok(minfer_file_write(path, "", 0, &api_error));
  support_file_holds(path, "");
  api_fails(minfer_file_write(*state, "x", 1, &api_error), MINFER_OUTPUT, *state);
  api_fails(minfer_file_write("/no/such/folder/x", "x", 1, &api_error), MINFER_OUTPUT, "/no/such/folder/x");
  api_fails(minfer_file_write("/dev/full", "x", 1, &api_error), MINFER_OUTPUT, "/dev/full");
  assert_int_equal(minfer_file_write("/dev/full", "x", 1, NULL), MINFER_OUTPUT);
}

static void test_arrays_are_written(void **state) {
  static const float rows[2][3] = {{1, -2.5f, 3}, {0, 1e-30f, 1e30f}};
  const char *path = support_path(state, "a.npy");
  mf_array array = {0};
  mf_error e = {0};
  api_ok(minfer_npy_write(path, rows[0], 2, 3, &api_error));
  support_ok(mf_npy_read(&array, path, &e), &e);
  assert_int_equal(array.shape.rank, 2);
  assert_int_equal(array.shape.dim[0], 2);
  assert_int_equal(array.shape.dim[1], 3);
  assert_memory_equal(array.data, rows, sizeof rows);
  mf_array_free(&array);
  api_fails(minfer_npy_write(*state, rows[0], 2, 3, &api_error), MINFER_OUTPUT, *state);
  static const size_t absurd[][2] = {{SIZE_MAX, 1}, {1, SIZE_MAX}, {(size_t)1 << 40, (size_t)1 << 40}};
  for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++)
    api_fails(minfer_npy_write(path, rows[0], absurd[i][0], absurd[i][1], &api_error), MINFER_USAGE, path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_json_is_written),
      cmocka_unit_test(test_write_errors_stay_in_the_stream),
      cmocka_unit_test_setup_teardown(test_files_are_written_whole, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_arrays_are_written, support_folder_setup, support_folder_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
