#include "base/alloc.h"
#include "load/image.h"
#include "reference/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image_files.h" // after cmocka.h

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PIXEL_BYTES (SAMPLE_WIDTH * SAMPLE_HEIGHT * 3)

// The test's own block of exactly the file's size, so that a sanitizer sees a byte read behind it.
static mf_status decode(mf_image *image, const bytes *file, mf_error *e) {
  uint8_t *exact = malloc(file->size);
  assert_non_null(exact);
  memcpy(exact, file->data, file->size);
  mf_status status = mf_image_decode(image, exact, file->size, "picture", e);
  free(exact);
  return status;
}

static void assert_decodes(const bytes *file, const uint8_t *expected, int tolerance, const char *label) {
  mf_image image;
  mf_error e;
  if (decode(&image, file, &e) != MF_OK) fail_msg("%s: %s", label, e.text);
  assert_int_equal(image.width, SAMPLE_WIDTH);
  assert_int_equal(image.height, SAMPLE_HEIGHT);
  for (int i = 0; i < PIXEL_BYTES; i++)
    if (abs(image.rgb[i] - expected[i]) > tolerance)
      fail_msg("%s: byte %d is %d, not %d", label, i, image.rgb[i], expected[i]);
  mf_image_free(&image);
  assert_null(image.rgb);
}

// What PNG's definition says the samples mean; of 16 bits the upper 8, and no alpha.
static void png_pixel(uint8_t rgb[3], int depth, int colour_type, int x, int y) {
  for (int c = 0; c < 3; c++) {
    int channel = colour_type & PNG_COLOR_MASK_COLOR ? c : 0;
    unsigned most = (1u << depth) - 1, sample = stored_sample(x, y, channel) & most;
    rgb[c] = (uint8_t)(depth == 16 ? sample >> 8 : sample * 255 / most);
  }
  if (colour_type == PNG_COLOR_TYPE_PALETTE) palette_colour(rgb, stored_sample(x, y, 0) & ((1u << depth) - 1));
}

static void test_png_of_every_kind(void **state) {
  (void)state;
  static const struct {
    int colour_type, depth[5];
  } kinds[] = {{PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}},
               {PNG_COLOR_TYPE_RGB, {8, 16}},
               {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}},
               {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}},
               {PNG_COLOR_TYPE_RGB_ALPHA, {8, 16}}};
  for (size_t k = 0; k < COUNT(kinds); k++)
    for (int i = 0; i < 5 && kinds[k].depth[i]; i++)
      for (int interlaced = 0; interlaced < 2; interlaced++) {
        int depth = kinds[k].depth[i], type = kinds[k].colour_type;
        char label[100];
        snprintf(label, sizeof label, "PNG, colour type %d, depth %d, interlaced %d", type, depth, interlaced);
        bytes file;
        png_make(&file, depth, type, interlaced);
        uint8_t expected[PIXEL_BYTES];
        for (int p = 0; p < SAMPLE_WIDTH * SAMPLE_HEIGHT; p++)
          png_pixel(expected + (ptrdiff_t)p * 3, depth, type, p % SAMPLE_WIDTH, p / SAMPLE_WIDTH);
        assert_decodes(&file, expected, 0, label);
      }
}

static void bmp_expected(uint8_t rgb[3], const bmp_kind *kind, int x, int y) {
  for (int c = 0; c < 3; c++) {
    int sample = (int)stored_sample(x, y, c) & 255;
    if (kind->bits == 16) sample = kind->masks ? (sample >> 4) * 17 : (sample >> 3) * 255 / 31;
    rgb[c] = (uint8_t)sample;
  }
  if (kind->bits < 16) palette_colour(rgb, stored_sample(x, y, 0) & (unsigned)(bmp_colours(kind->bits) - 1));
}

static void test_bmp_of_every_kind(void **state) {
  (void)state;
  static const bmp_kind kinds[] = {
      {40, 1, false, false},  {40, 4, false, false},  {40, 8, false, false},  {40, 8, false, true},
      {108, 8, false, false}, {40, 16, false, false}, {40, 16, true, false},  {124, 16, true, true},
      {12, 24, false, false}, {40, 24, false, false}, {40, 24, false, true},  {56, 24, false, false},
      {124, 24, false, true}, {40, 32, false, false}, {40, 32, true, false},  {108, 32, true, false},
      {124, 32, true, true},  {108, 4, false, true},  {56, 32, false, false},
  };
  for (size_t i = 0; i < COUNT(kinds); i++) {
    const bmp_kind *kind = &kinds[i];
    char label[100];
    snprintf(label, sizeof label, "BMP, header %d, %d bits, masks %d, top down %d", kind->header, kind->bits,
             kind->masks, kind->top_down);
    bytes file;
    bmp_make(&file, kind);
    uint8_t expected[PIXEL_BYTES];
    for (int p = 0; p < SAMPLE_WIDTH * SAMPLE_HEIGHT; p++)
      bmp_expected(expected + (ptrdiff_t)p * 3, kind, p % SAMPLE_WIDTH, p / SAMPLE_WIDTH);
    assert_decodes(&file, expected, kind->bits == 16 ? 1 : 0, label); // five bits to eight: two roundings are in use
    while (file.size && file.data[file.size - 1] == 0) file.size--;   // a last row without its padding
    if (kind->bits == 24) assert_decodes(&file, expected, 0, label);
  }
}

static void test_jpeg_samples(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(jpeg_samples); i++) {
    bytes file;
    uint8_t expected[PIXEL_BYTES];
    jpeg_make(&file, (int)i);
    assert_int_equal(jpeg_samples[i].width, SAMPLE_WIDTH);
    assert_int_equal(jpeg_samples[i].height, SAMPLE_HEIGHT);
    assert_int_equal(hex_read(expected, sizeof expected, jpeg_samples[i].pixels), PIXEL_BYTES);
    // Decoders may differ: in the inverse transform by a level, more where few chroma samples are spread over many
    // pixels.
    bool spread = i == SAMPLE_BASELINE_420 || i == SAMPLE_PROGRESSIVE_420;
    int tolerance = i == SAMPLE_BASELINE_422 ? 8 : spread ? 3 : 1;
    assert_decodes(&file, expected, tolerance, jpeg_samples[i].name);
    bytes_add(&file, "\xff\xc4 a maker's data behind the end", 33);
    assert_decodes(&file, expected, tolerance, jpeg_samples[i].name);
  }
}

static void test_files_are_known_by_content(void **state) {
  bytes file;
  mf_image image;
  mf_error e;
  jpeg_make(&file, SAMPLE_BASELINE_420);
  support_write_file(support_path(state, "jpeg.png"), file.data, file.size);
  png_make(&file, 8, PNG_COLOR_TYPE_RGB, false);
  support_write_file(support_path(state, "png"), file.data, file.size);
  bmp_make(&file, &(bmp_kind){40, 24, false, false});
  support_write_file(support_path(state, "bmp.jpg"), file.data, file.size);
  static const char *const images[] = {"jpeg.png", "png", "bmp.jpg"};
  for (size_t i = 0; i < COUNT(images); i++) {
    const char *path = support_path(state, images[i]);
    assert_true(mf_image_is_candidate(path));
    assert_int_equal(mf_image_read(&image, path, &e), MF_OK);
    assert_int_equal(image.width, SAMPLE_WIDTH);
    assert_int_equal(image.height, SAMPLE_HEIGHT);
    mf_image_free(&image);
  }

  support_write_file(support_path(state, "labels.txt"), "0000.jpg 7\n", 11);
  support_write_file(support_path(state, "bm.txt"), "BMWs are cars, and this is text.\n", 33);
  support_write_file(support_path(state, "empty"), "", 0);
  static const char *const others[] = {"labels.txt", "bm.txt", "empty"};
  for (size_t i = 0; i < COUNT(others); i++) {
    const char *path = support_path(state, others[i]);
    char message[600];
    snprintf(message, sizeof message, "%s: not a JPEG, PNG or BMP image", path);
    assert_false(mf_image_is_candidate(path));
    assert_int_equal(mf_image_read(&image, path, &e), MF_ERR_FILE);
    assert_string_equal(e.text, message);
    assert_null(image.rgb);
  }
  assert_false(mf_image_is_candidate(*state));
  assert_false(mf_image_is_candidate(support_path(state, "absent")));
  assert_int_equal(mf_image_read(&image, *state, &e), MF_ERR_FILE);
  assert_int_equal(mf_image_read(&image, support_path(state, "absent"), &e), MF_ERR_FILE);
  assert_null(image.rgb);
}

// Cuts the file short when memory for its copy is asked for, which is between opening and reading it.
static bool shrink_hook(size_t size, void *path) {
  return size < 10000 || truncate(path, 5000) == 0;
}

static void test_file_that_shrinks(void **state) {
  static uint8_t data[20000] = {0xff, 0xd8, 0xff, 0xe0};
  const char *path = support_path(state, "shrinks");
  support_write_file(path, data, sizeof data);
  mf_image image;
  mf_error e;
  mf_alloc_set_hook(shrink_hook, (void *)(uintptr_t)path);
  mf_status status = mf_image_read(&image, path, &e);
  mf_alloc_set_hook(NULL, NULL);
  assert_int_equal(status, MF_ERR_FILE);
  assert_non_null(strstr(e.text, "shrank while it was read"));
}

static mf_status read_picture(void *path, mf_error *e) {
  mf_image image;
  const mf_status status = mf_image_read(&image, path, e);
  if (status != MF_OK) return image.rgb ? mf_fail(e, MF_ERR_FILE, "pixels were left") : status;
  mf_image_free(&image);
  return MF_OK;
}

static void test_refused_memory(void **state) {
  bytes files[5];
  jpeg_make(&files[0], SAMPLE_BASELINE_420);
  jpeg_make(&files[1], SAMPLE_PROGRESSIVE_420);
  png_make(&files[2], 8, PNG_COLOR_TYPE_PALETTE, true);
  png_make(&files[3], 16, PNG_COLOR_TYPE_RGB, false);
  bmp_make(&files[4], &(bmp_kind){40, 8, false, false});
  char path[SUPPORT_PATH];
  snprintf(path, sizeof path, "%s", support_path(state, "picture"));
  for (size_t i = 0; i < COUNT(files); i++) {
    support_write_file(path, files[i].data, files[i].size);
    assert_true(support_refuse_allocations(read_picture, path) > 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_png_of_every_kind),
      cmocka_unit_test(test_bmp_of_every_kind),
      cmocka_unit_test(test_jpeg_samples),
      cmocka_unit_test_setup_teardown(test_files_are_known_by_content, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_file_that_shrinks, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_refused_memory, support_folder_setup, support_folder_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
