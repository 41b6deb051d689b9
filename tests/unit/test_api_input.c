// Inputs through minfer.h: pictures, folders, arrays, generated ones; and everything that is refused.
#include "api_fixture.h"
#include <stdio.h>
#include <sys/stat.h>

// A 24-bit picture of one colour; 4 x 4 pixels.
static void put_bmp(const char *path, unsigned char grey) {
  unsigned char bytes[54 + 48] = {'B', 'M', 102, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40,
                                  0,   0,   0,   4, 0, 0, 0, 4, 0, 0, 0,  1, 0, 24};
  memset(bytes + 54, grey, 48);
  support_write_file(path, bytes, sizeof bytes);
}

static void put_text(const char *path, const char *text) {
  support_write_file(path, text, strlen(text));
}

static minfer_input *create(const minfer_model *model) {
  minfer_input *input = NULL;
  api_ok(minfer_input_create(model, &input, &api_error));
  assert_int_equal(minfer_input_count(input), 0);
  return input;
}

static void test_pictures_are_named_after_their_files(void **state) {
  minfer_model *model = api_small_model();
  minfer_input *input = create(model);
  put_bmp(support_path(state, "a.bmp"), 10);
  put_bmp(support_path(state, "b"), 20); // known by its bytes
  api_ok(minfer_input_add_image(input, support_path(state, "a.bmp"), &api_error));
  api_ok(minfer_input_add_image(input, support_path(state, "b"), &api_error));
  assert_int_equal(minfer_input_count(input), 2);
  assert_string_equal(minfer_input_name(input, 0), "a.bmp");
  assert_string_equal(minfer_input_name(input, 1), "b");
  assert_string_equal(minfer_input_name(input, 2), "");
  assert_string_equal(minfer_input_name(input, -1), "");
  minfer_input_free(input);
  minfer_input_free(NULL);
  minfer_model_close(model);
}

static void test_what_is_no_picture_is_refused(void **state) {
  minfer_model *model = api_small_model();
  minfer_input *input = create(model);
  const char *path = support_path(state, "x.png");
  api_fails(minfer_input_add_image(input, path, &api_error), MINFER_FILE, path);
  api_fails(minfer_input_add_image(input, *state, &api_error), MINFER_FILE, *state);
  static const char *const texts[] = {"", "hello", "\x89PNG\r\n\x1a\n", "BM"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    put_text(path, texts[i]);
    api_fails(minfer_input_add_image(input, path, &api_error), MINFER_FILE, path);
    assert_int_equal(minfer_input_add_image(input, path, NULL), MINFER_FILE);
  }
  assert_int_equal(minfer_input_count(input), 0);
  minfer_input_free(input);
  minfer_model_close(model);
}

static int logged;
static char last_line[1024];
static void sink(int level, const char *line, void *context) {
  assert_ptr_equal(context, &logged);
  logged += level == 1;
  snprintf(last_line, sizeof last_line, "%s", line);
}

static void test_folders_are_read_in_name_order(void **state) {
  minfer_model *model = api_small_model();
  minfer_input *input = create(model);
  const char *folder = *state;
  int skipped = -1;
  put_bmp(support_path(state, "b.bmp"), 1);
  put_bmp(support_path(state, "c.bmp"), 2);
  put_bmp(support_path(state, "a.bmp"), 3);
  put_text(support_path(state, "notes.txt"), "no picture");
  assert_int_equal(mkdir(support_path(state, "d.bmp"), 0700), 0);
  api_ok(minfer_input_add_folder(input, folder, 0, true, &skipped, &api_error));
  assert_int_equal(skipped, 0);
  assert_int_equal(minfer_input_count(input), 3);
  static const char *const names[] = {"a.bmp", "b.bmp", "c.bmp"};
  for (int i = 0; i < 3; i++) assert_string_equal(minfer_input_name(input, i), names[i]);
  minfer_input_free(input);

  input = create(model); // a broken one among them
  put_text(support_path(state, "bb.bmp"), "\x89PNG\r\n\x1a\n");
  logged = 0;
  minfer_set_log(sink, &logged);
  api_ok(minfer_input_add_folder(input, folder, 0, false, &skipped, &api_error));
  minfer_set_log(NULL, NULL);
  assert_int_equal(skipped, 1);
  assert_int_equal(logged, 1);
  assert_non_null(strstr(last_line, "bb.bmp"));
  assert_int_equal(minfer_input_count(input), 3);
  api_fails(minfer_input_add_folder(input, folder, 0, true, NULL, &api_error), MINFER_FILE, "bb.bmp");
  assert_int_equal(logged, 1); // nobody listens any more
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_a_limit_takes_pictures_at_even_spacing(void **state) {
  minfer_model *model = api_small_model();
  char name[16];
  for (int i = 0; i < 10; i++) {
    snprintf(name, sizeof name, "%d.bmp", i);
    put_bmp(support_path(state, name), (unsigned char)i);
  }
  static const struct {
    int limit;
    const char *names;
  } cases[] = {{1, "0"}, {2, "05"}, {5, "02468"}, {10, "0123456789"}, {11, "0123456789"}, {0, "0123456789"}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    minfer_input *input = create(model);
    api_ok(minfer_input_add_folder(input, *state, cases[c].limit, false, NULL, &api_error));
    assert_int_equal(minfer_input_count(input), strlen(cases[c].names));
    for (int i = 0; cases[c].names[i]; i++) assert_int_equal(minfer_input_name(input, i)[0], cases[c].names[i]);
    minfer_input_free(input);
  }
  minfer_model_close(model);
}

static void test_folders_without_pictures_are_refused(void **state) {
  minfer_model *model = api_small_model();
  minfer_input *input = create(model);
  api_fails(minfer_input_add_folder(input, *state, 0, false, NULL, &api_error), MINFER_FILE, "no pictures");
  api_fails(minfer_input_add_folder(input, support_path(state, "absent"), 0, false, NULL, &api_error), MINFER_FILE,
            "absent");
  put_text(support_path(state, "a.txt"), "no picture");
  api_fails(minfer_input_add_folder(input, *state, 0, false, NULL, &api_error), MINFER_FILE, "no pictures");
  put_text(support_path(state, "a.bmp"), "\xff\xd8\xff\xe0");
  put_text(support_path(state, "b.png"), "\x89PNG\r\n\x1a\n");
  api_fails(minfer_input_add_folder(input, *state, 0, false, NULL, &api_error), MINFER_FILE, "none of 2");
  assert_int_equal(minfer_input_count(input), 0);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void put_array(const char *path, const char *shape, size_t elements) {
  char header[128];
  const int length =
      snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }\n", shape);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  fwrite("\x93NUMPY\x01\0", 1, 8, file);
  fputc(length, file);
  fputc(0, file);
  fputs(header, file);
  for (size_t i = 0; i < elements; i++) {
    const float value = (float)(i % 7) - 3;
    fwrite(&value, sizeof value, 1, file);
  }
  assert_int_equal(fclose(file), 0);
}

static void test_arrays_are_split_into_items(void **state) {
  minfer_model *model = api_small_model();
  minfer_input *input = create(model);
  const char *path = support_path(state, "x.npy");
  put_array(path, "3, 3, 64, 64", (size_t)3 * 3 * 64 * 64);
  api_ok(minfer_input_add_npy(input, path, &api_error));
  api_ok(minfer_input_add_npy(input, path, &api_error));
  assert_int_equal(minfer_input_count(input), 6);
  assert_string_equal(minfer_input_name(input, 0), "x.npy[0]");
  assert_string_equal(minfer_input_name(input, 2), "x.npy[2]");
  assert_string_equal(minfer_input_name(input, 3), "x.npy[0]");
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_arrays_of_another_shape_are_refused(void **state) {
  minfer_model *model = api_small_model();
  minfer_input *input = create(model);
  const char *path = support_path(state, "x.npy");
  static const struct {
    const char *shape, *part;
    size_t elements;
  } cases[] = {{"1, 3, 64, 65", "1x3x64x65", (size_t)3 * 64 * 65},
               {"1, 3, 65, 64", "Nx3x64x64", (size_t)3 * 64 * 65},
               {"1, 1, 64, 64", "1x1x64x64", (size_t)64 * 64},
               {"3, 64, 64", "3x64x64", (size_t)3 * 64 * 64},
               {"12288,", "12288", 12288},
               {"1, 3, 64, 64", "x.npy", 3},
               {"-1, 3, 64, 64", "x.npy", 3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    put_array(path, cases[i].shape, cases[i].elements);
    api_fails(minfer_input_add_npy(input, path, &api_error), MINFER_FILE, cases[i].part);
    assert_int_equal(minfer_input_add_npy(input, path, NULL), MINFER_FILE);
  }
  put_text(path, "no array");
  api_fails(minfer_input_add_npy(input, path, &api_error), MINFER_FILE, path);
  api_fails(minfer_input_add_npy(input, support_path(state, "absent.npy"), &api_error), MINFER_FILE, "absent.npy");
  assert_int_equal(minfer_input_count(input), 0);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_pictures_and_arrays_do_not_mix(void **state) {
  minfer_model *model = api_small_model();
  const char *array = support_path(state, "x.npy"), *picture = support_path(state, "a.bmp");
  put_array(array, "1, 3, 64, 64", (size_t)3 * 64 * 64);
  put_bmp(picture, 100);
  minfer_input *input = create(model);
  api_ok(minfer_input_add_image(input, picture, &api_error));
  api_fails(minfer_input_add_npy(input, array, &api_error), MINFER_USAGE, "mixed");
  api_ok(minfer_input_add_generated(input, 1, 1, &api_error)); // a picture too
  assert_int_equal(minfer_input_count(input), 2);
  minfer_input_free(input);
  input = create(model);
  api_ok(minfer_input_add_npy(input, array, &api_error));
  api_fails(minfer_input_add_image(input, picture, &api_error), MINFER_USAGE, "mixed");
  api_fails(minfer_input_add_generated(input, 1, 1, &api_error), MINFER_USAGE, "mixed");
  api_fails(minfer_input_add_folder(input, *state, 0, false, NULL, &api_error), MINFER_USAGE, "mixed");
  assert_int_equal(minfer_input_count(input), 1);
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_generated_pictures(void **state) {
  (void)state;
  minfer_model *model = api_small_model();
  minfer_input *input = create(model);
  api_ok(minfer_input_add_generated(input, 2, 9, &api_error));
  api_ok(minfer_input_add_generated(input, 0, 9, &api_error));
  api_ok(minfer_input_add_generated(input, 1, 9, &api_error));
  assert_int_equal(minfer_input_count(input), 3);
  assert_string_equal(minfer_input_name(input, 0), "generated 1");
  assert_string_equal(minfer_input_name(input, 2), "generated 3");
  minfer_input_free(input);
  minfer_model_close(model);
}

static void test_an_input_keeps_its_model(void **state) {
  (void)state;
  minfer_model *model = api_small_model();
  minfer_input *input = create(model);
  minfer_model_close(model);
  api_ok(minfer_input_add_generated(input, 1, 1, &api_error)); // reads the model's size
  minfer_input_free(input);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, support_folder_setup, support_folder_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(test_pictures_are_named_after_their_files),
      IN_A_FOLDER(test_what_is_no_picture_is_refused),
      IN_A_FOLDER(test_folders_are_read_in_name_order),
      IN_A_FOLDER(test_a_limit_takes_pictures_at_even_spacing),
      IN_A_FOLDER(test_folders_without_pictures_are_refused),
      IN_A_FOLDER(test_arrays_are_split_into_items),
      IN_A_FOLDER(test_arrays_of_another_shape_are_refused),
      IN_A_FOLDER(test_pictures_and_arrays_do_not_mix),
      cmocka_unit_test(test_generated_pictures),
      cmocka_unit_test(test_an_input_keeps_its_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
