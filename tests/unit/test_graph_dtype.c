#include "unit/graph_fixture.h"

static void test_names_and_sizes(void **state) {
  (void)state;
  static const struct {
    mf_dtype dtype;
    const char *name;
    size_t size;
  } rows[] = {{MF_F32, "f32", 4}, {MF_BF16, "bf16", 2}, {MF_F16, "f16", 2},
              {MF_S8, "s8", 1},   {MF_U8, "u8", 1},     {MF_S32, "s32", 4}};
  assert_int_equal(COUNT(rows), MF_DTYPE_COUNT);
  for (int i = 0; i < COUNT(rows); i++) {
    assert_string_equal(mf_dtype_name(rows[i].dtype), rows[i].name);
    assert_int_equal(mf_dtype_size(rows[i].dtype), rows[i].size);
  }
}

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static float from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// Of all bf16 neighbours the nearest is taken, of two equally near the even one.
static void test_bf16_rounds_to_nearest_even(void **state) {
  (void)state;
  static const struct {
    uint32_t f32;
    uint16_t bf16;
  } rows[] = {
      {0x3f800000, 0x3f80},                                             // 1
      {0x3f808000, 0x3f80},                                             // halfway, even below
      {0x3f808001, 0x3f81}, {0x3f807fff, 0x3f80}, {0x3f818000, 0x3f82}, // halfway, even above
      {0x7f7fffff, 0x7f80},                                             // the largest float rounds to infinity
      {0x80000000, 0x8000}, {0xff800000, 0xff80}, {0x00000001, 0x0000}, {0x00008001, 0x0001},
  };
  for (int i = 0; i < COUNT(rows); i++) assert_int_equal(mf_f32_to_bf16(from_bits(rows[i].f32)), rows[i].bf16);
  uint64_t seed = 3;
  for (int i = 0; i < 100000; i++) {
    float x = (float)(next_random(&seed) * 1000);
    double error = fabs((double)mf_bf16_to_f32(mf_f32_to_bf16(x)) - (double)x);
    assert_true(error <= fabs((double)x) * 0x1p-8);
  }
  static const uint32_t nans[] = {0x7f800001, 0x7fc00000, 0xff800001, 0x7fffffff, 0x7f80ffff};
  for (int i = 0; i < COUNT(nans); i++) assert_true(isnan(mf_bf16_to_f32(mf_f32_to_bf16(from_bits(nans[i])))));
  for (uint32_t b = 0; b < 0x10000; b++) assert_int_equal(bits_of(mf_bf16_to_f32((uint16_t)b)), b << 16);
}

// Against the definition: (-1)^s 2^(e-15) (1 + f/1024), subnormals 2^-14 f/1024.
static void test_f16_every_value(void **state) {
  (void)state;
  for (uint32_t b = 0; b < 0x10000; b++) {
    int exponent = (int)(b >> 10 & 31), fraction = (int)(b & 1023);
    double sign = b & 0x8000 ? -1 : 1;
    double got = (double)mf_f16_to_f32((uint16_t)b);
    if (exponent == 31 && fraction != 0) {
      assert_true(isnan(got));
    } else if (exponent == 31) {
      assert_true(isinf(got) && (got > 0) == (sign > 0));
    } else {
      double expected = exponent == 0 ? ldexp(fraction / 1024.0, -14) : ldexp(1 + fraction / 1024.0, exponent - 15);
      assert_true(got == sign * expected && signbit(got) == (sign < 0));
    }
  }
}

// Every value back and forth, and between two neighbours: the nearer one, in the middle the even one.
static void test_f16_rounds_to_nearest_even(void **state) {
  (void)state;
  for (uint32_t b = 0; b < 0x10000; b++) {
    float x = mf_f16_to_f32((uint16_t)b);
    uint16_t back = mf_f32_to_f16(x);
    if (isnan(x)) {
      assert_true(isnan(mf_f16_to_f32(back)));
    } else {
      assert_int_equal(back, b);
    }
  }
  for (uint32_t b = 0; b < 0x7c00; b++) {
    // Behind the largest value the middle is where the next one would be: 65520.
    float low = mf_f16_to_f32((uint16_t)b), high = b + 1 < 0x7c00 ? mf_f16_to_f32((uint16_t)(b + 1)) : 65536.0f;
    float middle = low + (high - low) / 2;
    uint32_t even = b % 2 ? b + 1 : b;
    assert_int_equal(mf_f32_to_f16(middle), even);
    assert_int_equal(mf_f32_to_f16(-middle), even | 0x8000);
    assert_int_equal(mf_f32_to_f16(nextafterf(middle, 0)), b);
    assert_int_equal(mf_f32_to_f16(nextafterf(middle, INFINITY)), b + 1);
  }
  assert_int_equal(mf_f32_to_f16(1e30f), 0x7c00);
  assert_int_equal(mf_f32_to_f16(-INFINITY), 0xfc00);
  assert_int_equal(mf_f32_to_f16(from_bits(1)), 0);
}

static void test_shapes(void **state) {
  (void)state;
  mf_shape a = SHAPE(64, 3, 7, 7), b = SHAPE(64, 3, 7), scalar = {0};
  size_t count;
  assert_string_equal(mf_shape_print(&a).text, "64x3x7x7");
  assert_string_equal(mf_shape_print(&scalar).text, "scalar");
  assert_true(mf_shape_elements(&a, &count));
  assert_int_equal(count, 9408);
  assert_true(mf_shape_elements(&scalar, &count));
  assert_int_equal(count, 1);
  assert_true(mf_shape_equal(&a, &SHAPE(64, 3, 7, 7)));
  assert_false(mf_shape_equal(&a, &b));
  assert_false(mf_shape_equal(&a, &SHAPE(64, 3, 7, 8)));
  static const mf_shape bad[] = {{2, {1, 0}}, {2, {-1, 1}},      {1, {MF_MAX_DIM}},
                                 {-1, {0}},   {7, {1, 1, 1, 1}}, {3, {INT32_MAX, INT32_MAX, INT32_MAX}}};
  for (int i = 0; i < COUNT(bad); i++) {
    count = 5;
    assert_false(mf_shape_elements(&bad[i], &count));
    assert_int_equal(count, 5);
  }
  assert_true(mf_shape_elements(&SHAPE(INT32_MAX, INT32_MAX), &count));
  assert_true(count == (size_t)INT32_MAX * INT32_MAX);
  mf_shape wide = {6, {INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN}}; // as a hostile file has them
  assert_true(strlen(mf_shape_print(&wide).text) < sizeof(mf_shape_text));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names_and_sizes), cmocka_unit_test(test_bf16_rounds_to_nearest_even),
      cmocka_unit_test(test_f16_every_value), cmocka_unit_test(test_f16_rounds_to_nearest_even),
      cmocka_unit_test(test_shapes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
