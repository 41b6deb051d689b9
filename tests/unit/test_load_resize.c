#include "base/alloc.h"
#include "hex.h"
#include "load/resize.h"
#include "reference/support.h"
#include "resize_expected.h"
#include "total.h"
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// Ramps that wrap around, and patches of pure black and white where a cubic filter overshoots and has to be clipped.
static uint8_t formula_pixel(int x, int y, int channel) {
  int value = (x * x * 7 + y * 37 + x * y * (channel + 3) + channel * 85) & 255;
  if ((x / 3 + y / 2 + channel) % 4 == 0) value = value > 127 ? 255 : 0;
  return (uint8_t)value;
}

static mf_image formula_image(int width, int height) {
  mf_image image = {width, height, mf_alloc((size_t)width * (size_t)height * 3)};
  assert_non_null(image.rgb);
  uint8_t *to = image.rgb;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int channel = 0; channel < 3; channel++) *to++ = formula_pixel(x, y, channel);
  return image;
}

// Within one grey level everywhere. In fact all are equal, which the count shows.
static void assert_pixels(const uint8_t *pixels, size_t count, const char *expected, const char *label) {
  uint8_t bytes[4096] = {0};
  assert_true(count <= sizeof bytes);
  assert_int_equal(hex_read(bytes, sizeof bytes, expected), count);
  size_t different = 0;
  for (size_t i = 0; i < count; i++) {
    int off = abs(pixels[i] - bytes[i]);
    if (off > 1) fail_msg("%s: byte %zu is %d, not %d", label, i, pixels[i], bytes[i]);
    different += off != 0;
  }
  if (different) print_message("%s: %zu of %zu bytes are one grey level off\n", label, different, count);
}

static void test_resizing_is_pillows(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(resize_cases); i++) {
    const resize_case *c = &resize_cases[i];
    char label[100];
    snprintf(label, sizeof label, "%dx%d to %dx%d, filter %d", c->in_width, c->in_height, c->width, c->height,
             (int)c->interpolation);
    mf_image in = formula_image(c->in_width, c->in_height), out;
    mf_error e;
    assert_int_equal(mf_image_resize(&out, &in, c->width, c->height, c->interpolation, &e), MF_OK);
    assert_int_equal(out.width, c->width);
    assert_int_equal(out.height, c->height);
    assert_pixels(out.rgb, (size_t)c->width * (size_t)c->height * 3, c->pixels, label);
    mf_image_free(&out);
    mf_image_free(&in);
  }
}

static void test_same_size_changes_nothing(void **state) {
  (void)state;
  mf_image in = formula_image(19, 14), out;
  mf_error e;
  for (int interpolation = MF_BILINEAR; interpolation <= MF_BICUBIC; interpolation++) {
    assert_int_equal(mf_image_resize(&out, &in, 19, 14, (mf_interpolation)interpolation, &e), MF_OK);
    assert_memory_equal(out.rgb, in.rgb, 19 * 14 * 3);
    mf_image_free(&out);
  }
  mf_image_free(&in);
}

static mf_recipe recipe_of(const prepare_case *c) {
  return (mf_recipe){.resize = c->resize, .height = c->height, .width = c->width, .interpolation = c->interpolation};
}

static void test_preparing_is_pillows(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(prepare_cases); i++) {
    const prepare_case *c = &prepare_cases[i];
    char label[100];
    snprintf(label, sizeof label, "%dx%d by short side %d, crop %dx%d", c->in_width, c->in_height, c->resize, c->width,
             c->height);
    mf_image in = formula_image(c->in_width, c->in_height);
    mf_recipe recipe = recipe_of(c);
    uint8_t rgb[1024];
    size_t count = (size_t)c->width * (size_t)c->height * 3;
    mf_error e;
    memset(rgb, 0xa5, sizeof rgb);
    assert_int_equal(mf_image_prepare(&in, &recipe, rgb, &e), MF_OK);
    assert_pixels(rgb, count, c->pixels, label);
    assert_int_equal(rgb[count], 0xa5); // nothing is written behind
    mf_image_free(&in);
  }
}

// A strip whose resized whole would take 800 MB: only the crop may be computed.
static void test_preparing_a_strip_takes_little_memory(void **state) {
  (void)state;
  mf_image strip = formula_image(16384, 1);
  mf_recipe recipe = {.resize = 128, .height = 128, .width = 8};
  uint8_t rgb[128 * 8 * 3];
  mf_error e;
  total_start();
  assert_int_equal(mf_image_prepare(&strip, &recipe, rgb, &e), MF_OK);
  assert_true(total_stop() < 100000);
  // The middle 8 columns of 128 x 16384 lie between the two middle pixels.
  for (int i = 0; i < 24; i++) {
    int left = formula_pixel(8191, 0, i % 3), right = formula_pixel(8192, 0, i % 3);
    assert_in_range(rgb[i], left < right ? left : right, left < right ? right : left);
  }
  mf_image_free(&strip);
}

static void test_sizes_out_of_range(void **state) {
  (void)state;
  mf_image in = formula_image(10, 20), out;
  mf_error e;
  static const int sizes[][2] = {{0, 5}, {5, 0}, {-1, 5}, {16385, 5}, {5, 2147483647}};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    assert_int_equal(mf_image_resize(&out, &in, sizes[i][0], sizes[i][1], MF_BILINEAR, &e), MF_ERR_USAGE);
    assert_non_null(strstr(e.text, "(1 to 16384 a side)"));
    assert_null(out.rgb);
  }
  static const mf_recipe recipes[] = {{.resize = 0, .height = 4, .width = 4},
                                      {.resize = 8, .height = 0, .width = 4},
                                      {.resize = 8, .height = 4, .width = -4},
                                      {.resize = 20000, .height = 4, .width = 4}};
  uint8_t rgb[8 * 8 * 3];
  for (size_t i = 0; i < COUNT(recipes); i++) {
    assert_int_equal(mf_image_prepare(&in, &recipes[i], rgb, &e), MF_ERR_USAGE);
    assert_non_null(strstr(e.text, "out of range"));
  }
  mf_recipe large = {.resize = 6, .height = 8, .width = 8};
  assert_int_equal(mf_image_prepare(&in, &large, rgb, &e), MF_ERR_USAGE);
  assert_string_equal(e.text, "a crop of 8 x 8 does not fit into an image resized to 6 x 12 (short side 6)");
  mf_image_free(&in);
}

static mf_status resize(void *in, mf_error *e) {
  mf_image out;
  const mf_status status = mf_image_resize(&out, in, 9, 9, MF_BILINEAR, e);
  if (status != MF_OK) return out.rgb ? mf_fail(e, MF_ERR_FILE, "pixels were left") : status;
  mf_image_free(&out);
  return MF_OK;
}

static mf_status prepare(void *in, mf_error *e) {
  const mf_recipe recipe = {.resize = 9, .height = 8, .width = 7, .interpolation = MF_BICUBIC};
  uint8_t rgb[8 * 7 * 3];
  return mf_image_prepare(in, &recipe, rgb, e);
}

static void test_refused_memory(void **state) {
  (void)state;
  mf_image in = formula_image(12, 15);
  assert_true(support_refuse_allocations(resize, &in) > 0);
  assert_true(support_refuse_allocations(prepare, &in) > 0);
  mf_image_free(&in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resizing_is_pillows),  cmocka_unit_test(test_same_size_changes_nothing),
      cmocka_unit_test(test_preparing_is_pillows), cmocka_unit_test(test_preparing_a_strip_takes_little_memory),
      cmocka_unit_test(test_sizes_out_of_range),   cmocka_unit_test(test_refused_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
