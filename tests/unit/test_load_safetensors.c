// Files are written here byte by byte: a length, a header as text, data.
#include "base/text.h"
#include "load/safetensors.h"
#include "reference/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[SUPPORT_PATH], path[SUPPORT_PATH + 32];

static int make_folder(void **state) {
  (void)state;
  support_folder_create(folder);
  snprintf(path, sizeof path, "%s/w.safetensors", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  support_folder_remove(folder);
  return 0;
}

static void put_raw(const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void put(const char *header, const void *data, size_t size) {
  const uint64_t length = strlen(header);
  char *bytes = malloc(8 + length + size + 1);
  assert_non_null(bytes);
  memcpy(bytes, &length, 8);
  memcpy(bytes + 8, header, length);
  if (size) memcpy(bytes + 8 + length, data, size);
  put_raw(bytes, 8 + length + size);
  free(bytes);
}

static void assert_refused(const char *expected) {
  mf_error e = {0};
  mf_weights *w = NULL;
  mf_status status = mf_safetensors_open(&w, path, &e);
  assert_null(w);
  if (status != MF_ERR_FILE || strncmp(e.text, path, strlen(path)) != 0 || !strstr(e.text, expected) ||
      !mf_text_is_clean(e.text, strlen(e.text)))
    fail_msg("status %d, \"%s\" (3 and \"%s\" expected)", (int)status, e.text, expected);
}

static const float *get(mf_weights *w, const char *name, mf_shape shape, mf_param_state expected, mf_shape *found) {
  mf_error e = {0};
  const mf_param param = {.name = name, .shape = shape, .kind = MF_PARAM_WEIGHT, .spread = 1};
  const float *data = NULL;
  mf_param_state state;
  support_ok(w->get(w, &param, &data, &state, found, &e), &e);
  assert_int_equal(state, expected);
  assert_true((data != NULL) == (expected == MF_PARAM_OK));
  return data;
}

// Every readable dtype, at even and odd addresses and in another order than the header's, among tensors that cannot be
// read. The header is padded so that the data begins at a multiple of 8.
static const char good[] = "{\"half\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[17,29]},"
                           "\"odd\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[29,37]},"
                           "\"empty\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[17,17]},"
                           "\"b.weight\":{\"shape\":[1,2,1],\"data_offsets\":[0,8],\"dtype\":\"F32\"},"
                           "\"n.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]},"
                           "\"brain\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[37,43]},"
                           "\"nibbles\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[16,17]},"
                           "\"__metadata__\":{\"minfer.size\":\"224\",\"note\":\"two\\nlines, caf\xc3\xa9\"}}  ";

static size_t good_data(uint8_t bytes[64]) {
  const float plain[2] = {1.5f, -2.25f}, odd[2] = {3e-20f, 7.0f};
  // 1, -2, 2^-24, 65504, -0, 1 - 2^-11 and 1, -123.5, 2^-126 as other programs encode them
  const uint16_t half[6] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3bff}, brain[3] = {0x3f80, 0xc2f7, 0x0080};
  memset(bytes, 0, 64);
  memcpy(bytes, plain, 8);
  memcpy(bytes + 17, half, 12);
  memcpy(bytes + 29, odd, 8);
  memcpy(bytes + 37, brain, 6);
  return 43;
}

static void put_good(void) {
  uint8_t data[64];
  const size_t size = good_data(data);
  assert_int_equal((sizeof good - 1) % 2, 0);
  put(good, data, size);
}

static void test_reads_every_float_format(void **state) {
  (void)state;
  mf_error e = {0};
  mf_weights *w;
  mf_shape found;
  put_good();
  support_ok(mf_safetensors_open(&w, path, &e), &e);
  const float *plain = get(w, "b.weight", (mf_shape){3, {1, 2, 1}}, MF_PARAM_OK, &found);
  assert_true(plain[0] == 1.5f && plain[1] == -2.25f);
  const float *odd = get(w, "odd", (mf_shape){1, {2}}, MF_PARAM_OK, &found);
  assert_true(odd[0] == 3e-20f && odd[1] == 7.0f);
  const float *half = get(w, "half", (mf_shape){2, {2, 3}}, MF_PARAM_OK, &found);
  assert_true(half[0] == 1 && half[1] == -2 && half[2] == 0x1p-24f && half[3] == 65504 && half[5] == 1 - 0x1p-11f);
  assert_true(half[4] == 0 && 1 / half[4] < 0);
  const float *brain = get(w, "brain", (mf_shape){1, {3}}, MF_PARAM_OK, &found);
  assert_true(brain[0] == 1 && brain[1] == -123.5f && brain[2] == 0x1p-126f);
  assert_ptr_equal(get(w, "half", (mf_shape){2, {2, 3}}, MF_PARAM_OK, &found), half); // converted once
  for (const float *p[] = {plain, odd, half, brain}, **i = p; i < p + 4; i++)
    assert_int_equal((uintptr_t)*i % sizeof(float), 0);
  support_ok(mf_safetensors_check(w, &e), &e);
  w->close(w);
}

static void test_says_what_does_not_fit(void **state) {
  (void)state;
  mf_error e = {0};
  mf_weights *w;
  mf_shape found;
  put_good();
  support_ok(mf_safetensors_open(&w, path, &e), &e);
  get(w, "nothing", (mf_shape){1, {2}}, MF_PARAM_MISSING, &found);
  get(w, "half", (mf_shape){2, {3, 2}}, MF_PARAM_WRONG_SHAPE, &found);
  assert_true(mf_shape_equal(&found, &(mf_shape){2, {2, 3}}));
  get(w, "n.num_batches_tracked", (mf_shape){1, {1}}, MF_PARAM_WRONG_DTYPE, &found);
  get(w, "__metadata__", (mf_shape){1, {1}}, MF_PARAM_MISSING, &found);
  assert_true(w->shape(w, "empty", &found));
  assert_true(mf_shape_equal(&found, &(mf_shape){2, {3, 0}}));
  assert_false(w->shape(w, "nothing", &found));
  assert_string_equal(w->metadata(w, "minfer.size"), "224");
  assert_string_equal(w->metadata(w, "note"), "two\nlines, caf\xc3\xa9");
  assert_null(w->metadata(w, "half"));
  w->close(w);
}

static void test_lists_the_file(void **state) {
  (void)state;
  static const struct {
    const char *name, *dtype, *shape;
    size_t bytes;
    bool read;
  } expected[] = {{"b.weight", "F32", "1x2x1", 8, false},
                  {"brain", "BF16", "3", 6, false},
                  {"empty", "F32", "3x0", 0, false},
                  {"half", "F16", "2x3", 12, true},
                  {"n.num_batches_tracked", "I64", "scalar", 8, false},
                  {"nibbles", "F4", "2", 1, false},
                  {"odd", "F32", "2", 8, true}};
  mf_error e = {0};
  mf_weights *w;
  mf_shape found;
  put_good();
  support_ok(mf_safetensors_open(&w, path, &e), &e);
  get(w, "half", (mf_shape){2, {2, 3}}, MF_PARAM_OK, &found);
  get(w, "odd", (mf_shape){1, {5}}, MF_PARAM_WRONG_SHAPE, &found);
  assert_int_equal(mf_safetensors_count(w), 7);
  for (size_t i = 0; i < 7; i++) {
    const mf_stored_tensor *t = mf_safetensors_tensor(w, i);
    assert_string_equal(t->name, expected[i].name);
    assert_string_equal(t->dtype, expected[i].dtype);
    assert_string_equal(mf_shape_print(&t->shape).text, expected[i].shape);
    assert_int_equal(t->bytes, expected[i].bytes);
    assert_int_equal(t->read, expected[i].read);
  }
  w->close(w);
}

static void test_a_file_without_tensors_is_legal(void **state) {
  (void)state;
  mf_error e = {0};
  mf_weights *w;
  mf_shape found;
  put("{}", NULL, 0);
  support_ok(mf_safetensors_open(&w, path, &e), &e);
  assert_int_equal(mf_safetensors_count(w), 0);
  assert_null(w->metadata(w, "minfer.size"));
  get(w, "a", (mf_shape){1, {1}}, MF_PARAM_MISSING, &found);
  w->close(w);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define TENSOR(dtype, shape, range) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" range "}}"

static void test_refuses_broken_files(void **state) {
  (void)state;
  static const struct {
    const char *header;
    size_t data; // bytes of it
    const char *expected;
  } rows[] = {
      {"", 0, "not a safetensors file (a header that begins with { expected)"},
      {"[1,2]", 0, "not a safetensors file (a header that begins with { expected)"},
      {" {}", 0, "not a safetensors file (a header that begins with { expected)"},
      {"{\"a\":", 0, "broken header: not valid JSON (at byte 13)"},
      {"{} {}", 0, "broken header: bytes after the value"},
      {"{\"a\":\"\\u0000\"}", 0, "broken header: \\u0000"},
      {"{\"a\xff\":1}", 0, "not valid UTF-8 (at byte 11)"},
      {"{\"\xc0\x80\":1}", 0, "not valid UTF-8 (at byte 10)"},
      {"{\"\xed\xa0\x80\":1}", 0, "not valid UTF-8"},
      {"{\"a\\u0007\":1}", 0, "control characters in the name"},
      {"{\"a\":1}", 0, "tensor a: not a dtype, a shape and data_offsets, each once"},
      {"{\"a\":{}}", 0, "tensor a: not a dtype"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 0, "tensor a: not a dtype"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "tensor a: not a dtype"},
      {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2]}}", 8, "tensor a: not a dtype"},
      {TENSOR("7", "[2]", "[0,8]"), 8, "tensor a: not a dtype"},
      {TENSOR("\"F32\"", "2", "[0,8]"), 8, "tensor a: not a dtype"},
      {TENSOR("\"F32\"", "[2]", "8"), 8, "tensor a: not a dtype"},
      {TENSOR("\"F33\"", "[2]", "[0,8]"), 8, "tensor a: unknown dtype F33"},
      {TENSOR("\"f32\"", "[2]", "[0,8]"), 8, "tensor a: unknown dtype f32"},
      {TENSOR("\"F32\"", "[-2]", "[0,8]"), 8, "tensor a: dimension 0 is not a whole number"},
      {TENSOR("\"F32\"", "[1,2.5]", "[0,8]"), 8, "tensor a: dimension 1 is not a whole number"},
      {TENSOR("\"F32\"", "[\"2\"]", "[0,8]"), 8, "tensor a: dimension 0 is not a whole number"},
      {TENSOR("\"F32\"", "[2147483648]", "[0,8]"), 8, "tensor a: dimension 0 is not a whole number"},
      {TENSOR("\"F32\"", "[1e400]", "[0,8]"), 8, "tensor a: dimension 0 is not a whole number"},
      {TENSOR("\"F32\"", "[2,1,1,1,1,1,1]", "[0,8]"), 8, "tensor a: too many dimensions (at most 6)"},
      {TENSOR("\"F32\"", "[2147483647,2147483647,2147483647]", "[0,8]"), 8, "tensor a: absurd dimensions"},
      {TENSOR("\"F32\"", "[2147483647,2147483647,4]", "[0,0]"), 0, "tensor a: 0 bytes do not fit F32"}, // bits overflow
      {TENSOR("\"F32\"", "[2]", "[0,8,8]"), 8, "tensor a: data_offsets are not two whole numbers"},
      {TENSOR("\"F32\"", "[2]", "[]"), 8, "tensor a: data_offsets are not two whole numbers"},
      {TENSOR("\"F32\"", "[2]", "[-8,0]"), 8, "tensor a: data_offsets are not two whole numbers"},
      {TENSOR("\"F32\"", "[2]", "[0,1e18]"), 8, "tensor a: data_offsets are not two whole numbers"},
      {TENSOR("\"F32\"", "[2]", "[8,0]"), 8, "tensor a: data_offsets run backwards"},
      {TENSOR("\"F32\"", "[2]", "[0,8]"), 7, "tensor a: its data ends at byte 8, the file's at 7 (cut off?)"},
      {TENSOR("\"F32\"", "[3]", "[0,8]"), 8, "tensor a: 8 bytes do not fit F32 3"},
      {TENSOR("\"F32\"", "[]", "[0,8]"), 8, "tensor a: 8 bytes do not fit F32 scalar"},
      {TENSOR("\"F4\"", "[3]", "[0,1]"), 1, "tensor a: 1 bytes do not fit F4 3"},
      {TENSOR("\"F32\"", "[2]", "[4,12]"), 12, "tensor a: a gap of 4 bytes before it"},
      {TENSOR("\"F32\"", "[2]", "[0,8]"), 9, "1 bytes after the last tensor"},
      {"{}", 3, "3 bytes after the last tensor"},
      {"{" A "," A "}", 8, "the key a stands twice"},
      {"{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[6,10]}}", 10, "tensor b overlaps a"},
      {"{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[9,13]}}", 13, "tensor b: a gap of 1 bytes"},
      {"{\"__metadata__\":[]}", 0, "__metadata__ is not an object"},
      {"{\"__metadata__\":{\"k\":1}}", 0, "__metadata__: k is not a string"},
      {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "the key k stands twice"},
      {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "the key __metadata__ stands twice"},
  };
  const char zeros[16] = {0};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    put(rows[i].header, zeros, rows[i].data);
    assert_refused(rows[i].expected);
  }
}

static void test_refuses_broken_lengths(void **state) {
  (void)state;
  static const struct {
    const char bytes[12];
    size_t size;
    const char *expected;
  } rows[] = {{"", 0, "0 bytes are no safetensors file"},
              {"\2\0\0\0\0\0\0", 7, "7 bytes are no safetensors file"},
              {"\3\0\0\0\0\0\0\0{}", 10, "the header of 3 bytes is cut off (2 are there)"},
              {"\1\xe1\xf5\5\0\0\0\0{}", 10, "a header of 100000001 bytes (at most 100000000)"},
              {"\377\377\377\377\377\377\377\377{}", 10, "a header of 18446744073709551615 bytes (at most"},
              {"PK\3\4\0\0\0\0\10\10", 10, "not a safetensors file"},
              {"\2\0\0\0\0\0\0\200{}", 10, "a header of 9223372036854775810 bytes"},
              {"\2\0\0\0\0\0\0\0", 8, "not a safetensors file"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    put_raw(rows[i].bytes, rows[i].size);
    assert_refused(rows[i].expected);
  }
  unlink(path);
  assert_refused("cannot be read");
}

// {"0":T,"1":T,...} or {"0":[0,0,...]}
static void put_many(size_t count, const char *value, const char *before, const char *after, bool keys) {
  mf_text header = {0};
  mf_text_format(&header, "%s", before);
  for (size_t i = 0; i < count; i++) {
    if (i) mf_text_add(&header, ",", 1);
    if (keys) mf_text_format(&header, "\"%zu\":", i);
    mf_text_add(&header, value, strlen(value));
  }
  mf_text_format(&header, "%s", after);
  assert_false(header.failed);
  put(header.data, NULL, 0);
  mf_text_free(&header);
}

static void test_the_number_of_tensors_is_bounded(void **state) {
  (void)state;
  static const char empty[] = "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
  mf_error e = {0};
  mf_weights *w;
  put_many(100000, empty, "{", "}", true);
  support_ok(mf_safetensors_open(&w, path, &e), &e);
  assert_int_equal(mf_safetensors_count(w), 100000);
  assert_string_equal(mf_safetensors_tensor(w, 2)->name, "10"); // by name: 0, 1, 10, 100, ...
  w->close(w);
  put_many(100001, empty, "{", "}", true);
  assert_refused("100001 tensors (at most 100000)");
  put_many(1200000, "0", "{\"a\":[", "]}", false);
  assert_refused("the header holds more than 1200000 values");
  put_many(2000, "[", "{\"a\":", "", false);
  assert_refused("broken header");
}

// Rules about gaps and ends make every proper prefix of a file with tensors a broken file.
static void test_every_prefix_is_refused(void **state) {
  (void)state;
  uint8_t bytes[8 + sizeof good + 64];
  const uint64_t length = sizeof good - 1;
  memcpy(bytes, &length, 8);
  memcpy(bytes + 8, good, length);
  const size_t size = 8 + length + good_data(bytes + 8 + length);
  for (size_t i = 0; i < size; i++) {
    put_raw(bytes, i);
    assert_refused("");
  }
}

static void test_shrinking_is_noticed(void **state) {
  (void)state;
  enum { FLOATS = 1 << 14 };
  float *ones = malloc(FLOATS * sizeof *ones);
  mf_error e = {0};
  mf_weights *w;
  mf_shape found;
  char header[128];
  assert_non_null(ones);
  for (int i = 0; i < FLOATS; i++) ones[i] = 1;
  for (int odd = 0; odd < 2; odd++) { // in place, and copied
    snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}%s", FLOATS,
             FLOATS * 4, odd ? " " : "");
    put(header, ones, FLOATS * sizeof *ones);
    support_ok(mf_safetensors_open(&w, path, &e), &e);
    assert_int_equal(truncate(path, 100), 0);
    const float *data = get(w, "a", (mf_shape){1, {FLOATS}}, MF_PARAM_OK, &found);
    assert_true(data[FLOATS - 1] == 0);
    assert_int_equal(mf_safetensors_check(w, &e), MF_ERR_FILE);
    assert_non_null(strstr(e.text, "shrank"));
    w->close(w);
  }
  free(ones);
}

static mf_status open_and_read(void *context, mf_error *e) {
  mf_weights *w;
  (void)context;
  MF_TRY(mf_safetensors_open(&w, path, e));
  const mf_param param = {.name = "half", .shape = {2, {2, 3}}};
  const float *data;
  mf_param_state found_state;
  mf_shape found;
  mf_status status = w->get(w, &param, &data, &found_state, &found, e);
  w->close(w);
  return status;
}

static void test_refused_allocations(void **state) {
  (void)state;
  put_good();
  assert_true(support_refuse_allocations(open_and_read, NULL) > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_every_float_format),
      cmocka_unit_test(test_says_what_does_not_fit),
      cmocka_unit_test(test_lists_the_file),
      cmocka_unit_test(test_a_file_without_tensors_is_legal),
      cmocka_unit_test(test_refuses_broken_files),
      cmocka_unit_test(test_refuses_broken_lengths),
      cmocka_unit_test(test_the_number_of_tensors_is_bounded),
      cmocka_unit_test(test_every_prefix_is_refused),
      cmocka_unit_test(test_shrinking_is_noticed),
      cmocka_unit_test(test_refused_allocations),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
