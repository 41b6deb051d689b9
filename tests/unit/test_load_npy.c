// Headers as NumPy 2.4 writes them (numpy.save and numpy.lib.format.write_array), and broken ones.
#include "base/text.h"
#include "load/npy.h"
#include "reference/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[SUPPORT_PATH], path[SUPPORT_PATH + 32];

static int make_folder(void **state) {
  (void)state;
  support_folder_create(folder);
  snprintf(path, sizeof path, "%s/x.npy", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  support_folder_remove(folder);
  return 0;
}

#define BLANKS32 "                                "
static const char numpy_1[] =
    "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" BLANKS32
    "                          \n";
static const char numpy_2[] =
    "\x93NUMPY\x02\x00t\x00\x00\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" BLANKS32
    "                        \n";
static const float six[6] = {0, -1.5f, 3e38f, 1e-45f, 5, 6};

static void put(const char *header, size_t header_size, const void *data, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(header, 1, header_size, file), header_size);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

// Version 1.0 with the text as its header.
static void put_text(const char *text, size_t data) {
  static const char zeros[64];
  char header[1024];
  const size_t length = strlen(text);
  const int written = snprintf(header, sizeof header, "\x93NUMPY\x01%c%c%c%s", 0, (int)length, 0, text);
  assert_int_equal(written, 10 + (int)length);
  assert_true(length < 128);
  put(header, 10 + length, zeros, data);
}

static void assert_refused(const char *expected) {
  mf_error e = {0};
  mf_array a;
  mf_status status = mf_npy_read(&a, path, &e);
  assert_null(a.data);
  if (status != MF_ERR_FILE || strncmp(e.text, path, strlen(path)) != 0 || !strstr(e.text, expected) ||
      !mf_text_is_clean(e.text, strlen(e.text)))
    fail_msg("status %d, \"%s\" (3 and \"%s\" expected)", (int)status, e.text, expected);
}

static void assert_reads_six(void) {
  mf_error e = {0};
  mf_array a;
  support_ok(mf_npy_read(&a, path, &e), &e);
  assert_true(mf_shape_equal(&a.shape, &(mf_shape){2, {2, 3}}));
  assert_int_equal((uintptr_t)a.data % 64, 0);
  assert_memory_equal(a.data, six, sizeof six);
  mf_array_free(&a);
  assert_null(a.data);
}

static void test_reads_what_numpy_writes(void **state) {
  (void)state;
  char numpy_3[sizeof numpy_2];
  memcpy(numpy_3, numpy_2, sizeof numpy_2);
  numpy_3[6] = 3;
  put(numpy_1, sizeof numpy_1 - 1, six, sizeof six);
  assert_reads_six();
  put(numpy_2, sizeof numpy_2 - 1, six, sizeof six);
  assert_reads_six();
  put(numpy_3, sizeof numpy_3 - 1, six, sizeof six);
  assert_reads_six();
}

static void test_reads_any_spelling(void **state) {
  (void)state;
  static const struct {
    const char *header;
    mf_shape shape;
  } rows[] = {
      {"{\"shape\":(4,),\"descr\":\"<f4\",\"fortran_order\":False}", {1, {4}}},
      {"{'fortran_order' : False , 'shape' : ( 1 , 2 , 2 , ) , 'descr' : '<f4'}\n", {3, {1, 2, 2}}},
      {"{'descr':'<f4','fortran_order':False,'shape':(1,1,1,1,1,4)}", {6, {1, 1, 1, 1, 1, 4}}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mf_error e = {0};
    mf_array a;
    put_text(rows[i].header, 16);
    support_ok(mf_npy_read(&a, path, &e), &e);
    assert_true(mf_shape_equal(&a.shape, &rows[i].shape));
    mf_array_free(&a);
  }
}

#define HEADER(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

static void test_refuses_broken_headers(void **state) {
  (void)state;
  static const struct {
    const char *header;
    size_t data;
    const char *expected;
  } rows[] = {
      {"", 16, "the header is not a dict"},
      {"[]", 16, "the header is not a dict"},
      {"{}", 16, "the header lacks descr"},
      {"{'descr': '<f4', 'shape': (4,)}", 16, "the header lacks fortran_order"},
      {"{'descr': '<f4', 'fortran_order': False}", 16, "the header lacks shape"},
      {"{'descr': '<f4' 'fortran_order': False}", 16, "a comma expected"},
      {"{'descr': '<f4', 'descr': '<f4'}", 16, "the key 'descr' stands twice"},
      {"{'shape': (4,), 'shape': (4,)}", 16, "the key 'shape' stands twice"},
      {"{'colour': '<f4'}", 16, "unknown key 'colour'"},
      {"{'descr\\x41': '<f4'}", 16, "broken header"},
      {"{descr: '<f4'}", 16, "broken header"},
      {"{'descr' '<f4'}", 16, "broken header"},
      {"{'descr", 16, "broken header"},
      {"{'descr\": '<f4'}", 16, "broken header"},
      {"{'descr': ", 16, "dtype is not a plain one ('<f4' expected)"},
      {"{'descr': [('a', '<f4')]}", 16, "dtype is not a plain one ('<f4' expected)"},
      {HEADER("'<f8'", "False", "(4,)"), 32, "dtype '<f8' ('<f4' expected)"},
      {HEADER("'>f4'", "False", "(4,)"), 16, "dtype '>f4' ('<f4' expected)"},
      {HEADER("'|u1'", "False", "(4,)"), 4, "dtype '|u1' ('<f4' expected)"},
      {HEADER("'|O'", "False", "(4,)"), 4, "dtype '|O' ('<f4' expected)"},
      {HEADER("'<f4'", "True", "(4,)"), 16, "Fortran order (C order expected)"},
      {HEADER("'<f4'", "0", "(4,)"), 16, "broken fortran_order"},
      {HEADER("'<f4'", "False", "4"), 16, "shape is not a tuple"},
      {HEADER("'<f4'", "False", "(4)"), 16, "shape is not a tuple"},
      {HEADER("'<f4'", "False", "[4]"), 16, "shape is not a tuple"},
      {HEADER("'<f4'", "False", "(,)"), 16, "shape is not a tuple of whole numbers"},
      {HEADER("'<f4'", "False", "(4,,)"), 16, "shape is not a tuple of whole numbers"},
      {HEADER("'<f4'", "False", "(2 2)"), 16, "shape is not a tuple of whole numbers"},
      {HEADER("'<f4'", "False", "(-4,)"), 16, "shape is not a tuple of whole numbers"},
      {HEADER("'<f4'", "False", "(4.0,)"), 16, "shape is not a tuple of whole numbers"},
      {HEADER("'<f4'", "False", "(2147483648,)"), 16, "shape is not a tuple of whole numbers below 2147483648"},
      {HEADER("'<f4'", "False", "(99999999999999999999,)"), 16, "shape is not a tuple of whole numbers"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4", 16, "shape is not a tuple"},
      {HEADER("'<f4'", "False", "()"), 4, "shape scalar cannot be used"},
      {HEADER("'<f4'", "False", "(4, 0)"), 0, "shape 4x0 cannot be used"},
      {HEADER("'<f4'", "False", "(1, 1, 1, 1, 1, 1, 4)"), 16, "more than 6 dimensions"},
      {"{'descr':'<f4','fortran_order':False,'shape':(2147483647,2147483647,2147483647,1)}", 16, "cannot be used"},
      {"{'descr':'<f4','fortran_order':False,'shape':(2147483647,2147483647,2,1)}", 16, "cannot be used"},
      {HEADER("'<f4'", "False", "(2147483647, 2147483647)"), 16, "16 bytes of data (18446744056529682436 expected"},
      {HEADER("'<f4'", "False", "(4,)"), 15, "15 bytes of data (16 expected for 4)"},
      {HEADER("'<f4'", "False", "(4,)"), 17, "17 bytes of data (16 expected for 4)"},
      {HEADER("'<f4'", "False", "(4,)") "x", 16, "bytes after the header's dict"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    put_text(rows[i].header, rows[i].data);
    assert_refused(rows[i].expected);
  }
}

static void test_refuses_broken_files(void **state) {
  (void)state;
  static const struct {
    const char bytes[16];
    size_t size;
    const char *expected;
  } rows[] = {{"", 0, "not a .npy file"},
              {"\x93NUMPY\x01\0\0", 9, "not a .npy file"},
              {"\x92NUMPY\x01\0\0\0", 10, "not a .npy file"},
              {"\x93NUMPY\x00\0\0\0", 10, "format version 0.0 (1.0 to 3.0 expected)"},
              {"\x93NUMPY\x04\0\0\0", 10, "format version 4.0"},
              {"\x93NUMPY\x01\1\0\0", 10, "format version 1.1"},
              {"\x93NUMPY\x01\0\1\0", 10, "the header is cut off"},
              {"\x93NUMPY\x02\0\0\0\0", 11, "the header is cut off"},
              {"\x93NUMPY\x02\0\1\0\0\0", 12, "the header is cut off"},
              {"\x93NUMPY\x02\0\1\0\0\xff{", 13, "the header is cut off"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    put(rows[i].bytes, rows[i].size, "", 0);
    assert_refused(rows[i].expected);
  }
  for (size_t size = 0; size < sizeof numpy_1 - 1; size++) {
    put(numpy_1, size, "", 0);
    assert_refused("");
  }
  unlink(path);
  assert_refused("cannot be read");
}

static void test_writes_what_numpy_writes(void **state) {
  (void)state;
  char bytes[sizeof numpy_1 + sizeof six];
  mf_error e = {0};
  support_ok(mf_npy_write(path, &(mf_shape){2, {2, 3}}, six, &e), &e);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof numpy_1 - 1 + sizeof six);
  fclose(file);
  assert_memory_equal(bytes, numpy_1, sizeof numpy_1 - 1);
  assert_memory_equal(bytes + sizeof numpy_1 - 1, six, sizeof six);
}

static void test_reads_what_it_writes(void **state) {
  (void)state;
  static const mf_shape shapes[] = {{1, {6}}, {2, {6, 1}}, {4, {1, 2, 3, 1}}, {6, {1, 1, 3, 1, 2, 1}}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    mf_error e = {0};
    mf_array a;
    struct stat info;
    support_ok(mf_npy_write(path, &shapes[i], six, &e), &e);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal((info.st_size - (off_t)sizeof six) % 64, 0);
    support_ok(mf_npy_read(&a, path, &e), &e);
    assert_true(mf_shape_equal(&a.shape, &shapes[i]));
    assert_memory_equal(a.data, six, sizeof six);
    mf_array_free(&a);
  }
}

static void test_writing_fails(void **state) {
  (void)state;
  char nowhere[SUPPORT_PATH + 32];
  mf_error e = {0};
  snprintf(nowhere, sizeof nowhere, "%s/none/x.npy", folder);
  assert_int_equal(mf_npy_write(nowhere, &(mf_shape){1, {6}}, six, &e), MF_ERR_OUTPUT);
  assert_int_equal(mf_npy_write(path, &(mf_shape){0}, six, &e), MF_ERR_USAGE);
  assert_int_equal(mf_npy_write(path, &(mf_shape){2, {6, 0}}, six, &e), MF_ERR_USAGE);
}

static mf_status read_six(void *context, mf_error *e) {
  mf_array a;
  (void)context;
  MF_TRY(mf_npy_read(&a, path, e));
  mf_array_free(&a);
  return MF_OK;
}

static void test_refused_allocations(void **state) {
  (void)state;
  put(numpy_1, sizeof numpy_1 - 1, six, sizeof six);
  assert_true(support_refuse_allocations(read_six, NULL) >= 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_what_numpy_writes),
      cmocka_unit_test(test_reads_any_spelling),
      cmocka_unit_test(test_refuses_broken_headers),
      cmocka_unit_test(test_refuses_broken_files),
      cmocka_unit_test(test_writes_what_numpy_writes),
      cmocka_unit_test(test_reads_what_it_writes),
      cmocka_unit_test(test_writing_fails),
      cmocka_unit_test(test_refused_allocations),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
