// Models through minfer.h: the table of networks, what opening refuses and why, class names, where weights are found.
#include "api_fixture.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define OPTIONS(...) (&(minfer_model_options){.size = sizeof(minfer_model_options), __VA_ARGS__})

static minfer_model *open_model(const minfer_model_options *options) {
  minfer_model *model = NULL;
  api_ok(minfer_model_open(options, &model, &api_error));
  return model;
}

static void open_fails(const minfer_model_options *options, minfer_status status, const char *part) {
  minfer_model *model = NULL;
  api_fails(minfer_model_open(options, &model, &api_error), status, part);
  assert_null(model);
  assert_int_equal(minfer_model_open(options, &model, NULL), status); // the error may be NULL
}

static void test_networks_are_listed(void **state) {
  (void)state;
  static const char *const expected[] = {
      "alexnet",           "vgg16",        "resnet18",      "resnet34",           "resnet50",
      "resnet50_v1",       "resnet101",    "resnet152",     "mobilenet_v1",       "mobilenet_v2",
      "googlenet",         "inception_v3", "squeezenet1_1", "efficientnet_lite0", "efficientnet_lite1",
      "efficientnet_lite2"};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    int found = 0;
    for (int n = 0; n < minfer_network_count(); n++) {
      const minfer_network *network = minfer_network_at(n);
      if (strcmp(network->name, expected[i]) != 0) continue;
      found++;
      assert_true(network->height >= 200 && network->width == network->height);
      assert_true(*network->summary && *network->weights_hint);
      assert_int_equal(network->has_multiplier, strcmp(network->name, "mobilenet_v1") == 0);
    }
    if (found != 1) fail_msg("%s stands %d times in the table", expected[i], found);
  }
  assert_null(minfer_network_at(-1));
  assert_null(minfer_network_at(minfer_network_count()));
  assert_true(strlen(minfer_version()) >= 5);
}

// Parameter counts as published with torchvision's weights.
static void test_a_model_says_what_it_is(void **state) {
  (void)state;
  minfer_model *model = open_model(OPTIONS(.model = "squeezenet1_1", .weights = "synthetic:17"));
  const minfer_model_info *info = minfer_model_describe(model);
  assert_string_equal(info->name, "squeezenet1_1");
  assert_string_equal(info->weights_source, "synthetic");
  assert_string_equal(info->weights_path, "");
  assert_int_equal(info->seed, 17);
  assert_int_equal(info->parameters, 1235496);
  assert_int_equal(info->extra_tensors, 0);
  assert_int_equal(info->height, 224);
  assert_int_equal(info->width, 224);
  assert_int_equal(info->resize, 256);
  assert_int_equal(info->classes, 1000);
  assert_string_equal(info->interpolation, "bilinear");
  assert_string_equal(info->padding, "torch");
  assert_true(info->mean[0] == 0.485f && info->mean[1] == 0.456f && info->mean[2] == 0.406f);
  assert_true(info->std[0] == 0.229f && info->std[1] == 0.224f && info->std[2] == 0.225f);
  minfer_model_close(model);
  model = open_model(OPTIONS(.model = "resnet18", .weights = "synthetic"));
  assert_int_equal(minfer_model_describe(model)->parameters, 11689512 + 2 * 4800); // and statistics of 4800 channels
  assert_int_equal(minfer_model_describe(model)->seed, 1);
  minfer_model_close(model);
  minfer_model_close(NULL);
}

static void test_input_size_and_width(void **state) {
  (void)state;
  minfer_model *model = open_model(
      OPTIONS(.model = "mobilenet_v1", .weights = "synthetic", .multiplier = 0.5, .height = 96, .width = 160));
  const minfer_model_info *info = minfer_model_describe(model);
  assert_true(info->multiplier == 0.5);
  assert_int_equal(info->height, 96);
  assert_int_equal(info->width, 160);
  assert_true(info->resize >= 160); // the crop fits into the resized picture
  minfer_model_close(model);
}

static void test_wrong_use_is_refused(void **state) {
  (void)state;
  open_fails(OPTIONS(.model = NULL), MINFER_USAGE, "no network");
  open_fails(OPTIONS(.model = ""), MINFER_USAGE, "no network");
  open_fails(OPTIONS(.model = "resnet51", .weights = "synthetic"), MINFER_USAGE, "resnet51");
  assert_true(*api_error.hint);
  open_fails(OPTIONS(.model = "ResNet50", .weights = "synthetic"), MINFER_USAGE, "ResNet50");
  open_fails(OPTIONS(.model = "a\nb\x1b[31m"), MINFER_USAGE, "a\\x0ab\\x1b[31m");
  open_fails(OPTIONS(.model = "/x/net.onnx"), MINFER_UNSUPPORTED, "net.onnx");
  open_fails(OPTIONS(.model = "resnet18", .weights = "synthetic", .multiplier = 0.5), MINFER_USAGE, "width");
  open_fails(OPTIONS(.model = "mobilenet_v1", .weights = "synthetic", .multiplier = -1), MINFER_USAGE, "width");
  open_fails(OPTIONS(.model = "mobilenet_v1", .weights = "synthetic", .multiplier = 17), MINFER_USAGE, "width");
  open_fails(OPTIONS(.model = "mobilenet_v1", .weights = "synthetic", .multiplier = NAN), MINFER_USAGE, "width");
  static const char *const seeds[] = {"synthetic:",  "synthetic:-1", "synthetic:1.5",
                                      "synthetic:x", "synthetic: 1", "synthetic:9223372036854775808"};
  for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
    open_fails(OPTIONS(.model = "squeezenet1_1", .weights = seeds[i]), MINFER_USAGE, seeds[i]);
  static const int sizes[][2] = {{-1, 224}, {224, -1}, {8193, 224}, {224, 8193}, {224, 0}, {0, 224}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    open_fails(OPTIONS(.model = "squeezenet1_1", .weights = "synthetic", .height = sizes[i][0], .width = sizes[i][1]),
               MINFER_USAGE, "input of");
}

static void test_options_have_a_size(void **state) {
  (void)state;
  open_fails(NULL, MINFER_USAGE, "size");
  open_fails(&(minfer_model_options){.model = "squeezenet1_1", .weights = "synthetic"}, MINFER_USAGE, "size");
  // A caller from before `classes` was there: what it does not know is not read.
  union {
    minfer_model_options options;
    unsigned char bytes[sizeof(minfer_model_options) + 16];
  } other = {.options = {.size = offsetof(minfer_model_options, classes),
                         .model = "mobilenet_v1",
                         .weights = "synthetic",
                         .multiplier = 0.25,
                         .height = 32,
                         .width = 32}};
  memset(other.bytes + offsetof(minfer_model_options, classes), 0xa5, sizeof(char *));
  minfer_model_close(open_model(&other.options));
  // A caller from a later version: fine as long as it asks for nothing new.
  other.options.classes = NULL;
  other.options.size = sizeof other;
  minfer_model_close(open_model(&other.options));
  other.bytes[sizeof other - 1] = 1;
  open_fails(&other.options, MINFER_USAGE, "does not know");
}

static void test_input_too_small_for_the_network(void **state) {
  (void)state;
  open_fails(OPTIONS(.model = "alexnet", .weights = "synthetic", .height = 8, .width = 8), MINFER_USAGE, "images of");
}

static void test_broken_weights_are_refused(void **state) {
  const char *path = support_path(state, "w.safetensors");
  open_fails(OPTIONS(.model = "squeezenet1_1", .weights = path), MINFER_FILE, path); // absent
  open_fails(OPTIONS(.model = "squeezenet1_1", .weights = *state), MINFER_FILE, *state);
  support_write_file(path, "", 0);
  open_fails(OPTIONS(.model = "squeezenet1_1", .weights = path), MINFER_FILE, path);
  support_write_file(path, "not a safetensors file", 22);
  open_fails(OPTIONS(.model = "squeezenet1_1", .weights = path), MINFER_FILE, path);
  support_write_file(path, "\x02\0\0\0\0\0\0\0{}", 10); // none of the network's tensors
  open_fails(OPTIONS(.model = "squeezenet1_1", .weights = path), MINFER_FILE, path);
  assert_non_null(strstr(api_error.text, "more"));
}

// ---- class names

// `count` lines "name 0", "name 1", ... each with `end` behind it, but the last with `last`.
static void write_names(const char *path, int count, const char *end, const char *last) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  for (int i = 0; i < count; i++) fprintf(file, "name %d%s", i, i + 1 < count ? end : last);
  fclose(file);
}

static void test_classes_have_names(void **state) {
  (void)state;
  minfer_model *model = api_small_model();
  assert_string_equal(minfer_model_class(model, 0), "tench");
  assert_string_equal(minfer_model_class(model, 285), "Egyptian cat");
  assert_string_equal(minfer_model_class(model, 999), "toilet tissue");
  assert_string_equal(minfer_model_class(model, 1000), "class 1000");
  assert_string_equal(minfer_model_class(model, -1), "class -1");
  minfer_model_close(model);
}

static minfer_model_options with_classes(const char *path) {
  return (minfer_model_options){.size = sizeof(minfer_model_options),
                                .model = "mobilenet_v1",
                                .weights = "synthetic",
                                .multiplier = 0.25,
                                .height = 32,
                                .width = 32,
                                .classes = path};
}

static void test_class_files_are_read(void **state) {
  static const char *const endings[][2] = {{"\n", "\n"}, {"\n", ""}, {"\r\n", "\r\n"}, {"\r\n", ""}};
  const char *path = support_path(state, "names.txt");
  const minfer_model_options options = with_classes(path);
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    write_names(path, 1000, endings[i][0], endings[i][1]);
    minfer_model *model = open_model(&options);
    assert_string_equal(minfer_model_class(model, 0), "name 0");
    assert_string_equal(minfer_model_class(model, 999), "name 999");
    assert_string_equal(minfer_model_class(model, 1000), "class 1000");
    minfer_model_close(model);
  }
}

static void test_wrong_class_files_are_refused(void **state) {
  const char *path = support_path(state, "names.txt");
  const minfer_model_options options = with_classes(path);
  open_fails(&options, MINFER_FILE, path); // absent
  support_write_file(path, "", 0);
  open_fails(&options, MINFER_FILE, "0 class names (expected 1000");
  write_names(path, 999, "\n", "\n");
  open_fails(&options, MINFER_FILE, "999 class names");
  write_names(path, 1001, "\n", "");
  open_fails(&options, MINFER_FILE, "1001 class names");
  write_names(path, 1000, "\n", " \x1b[31m\n");
  open_fails(&options, MINFER_FILE, "line 1000");
  write_names(path, 1000, "\n", " \xff\n");
  open_fails(&options, MINFER_FILE, "line 1000");
  char text[2000];
  memset(text, 'x', sizeof text);
  memset(text, '\n', 999);
  support_write_file(path, text, sizeof text); // 999 empty lines and one of 1001 bytes is fine ...
  minfer_model_close(open_model(&options));
  char longer[2100];
  memset(longer, 'x', sizeof longer);
  memset(longer, '\n', 999);
  support_write_file(path, longer, sizeof longer); // ... one of 1101 is not
  open_fails(&options, MINFER_FILE, "line 1000");
  const minfer_model_options folder = with_classes(*state);
  open_fails(&folder, MINFER_FILE, *state);
}

// ---- where weights are found

static void put_weights(const char *folder, const char *below, const char *name) {
  char path[SUPPORT_PATH];
  snprintf(path, sizeof path, "%s/%s", folder, below);
  for (char *slash = path + strlen(folder); (slash = strchr(slash + 1, '/'));) {
    *slash = 0;
    mkdir(path, 0700);
    *slash = '/';
  }
  mkdir(path, 0700);
  snprintf(path + strlen(path), sizeof path - strlen(path), "/%s.safetensors", name);
  support_write_file(path, "x", 1);
}

static void assert_found(const char *network, double multiplier, const char *expected) {
  char path[SUPPORT_PATH] = "";
  const bool found = minfer_weights_find(network, multiplier, path, sizeof path);
  assert_int_equal(found, expected != NULL);
  if (expected) assert_string_equal(path, expected);
}

static void test_weights_are_looked_up(void **state) {
  const char *data = support_path(state, "data"), *user = support_path(state, "user");
  char expected[SUPPORT_PATH];
  mkdir(data, 0700);
  mkdir(user, 0700);
  setenv("MINFER_DATA", data, 1);
  setenv("XDG_DATA_HOME", user, 1);
  assert_found("mobilenet_v1", 0, NULL);
  put_weights(user, "minfer/weights", "mobilenet_v1");
  snprintf(expected, sizeof expected, "%s/minfer/weights/mobilenet_v1.safetensors", user);
  assert_found("mobilenet_v1", 0, expected);
  assert_found("mobilenet_v1", 1, expected);
  assert_found("mobilenet_v1", 0.25, NULL);
  assert_found("resnet18", 0, NULL);
  assert_found("no such network", 0, NULL);
  put_weights(data, "weights", "mobilenet_v1"); // goes before the user's
  snprintf(expected, sizeof expected, "%s/weights/mobilenet_v1.safetensors", data);
  assert_found("mobilenet_v1", 0, expected);
  put_weights(data, "weights", "mobilenet_v1_25");
  snprintf(expected, sizeof expected, "%s/weights/mobilenet_v1_25.safetensors", data);
  assert_found("mobilenet_v1", 0.25, expected);
  open_fails(OPTIONS(.model = "mobilenet_v1", .multiplier = 0.25), MINFER_FILE, expected); // found, and no weights
  setenv("MINFER_DATA", "", 1);
  setenv("HOME", *state, 1);
  unsetenv("XDG_DATA_HOME");
  assert_found("mobilenet_v1", 0, NULL);
  put_weights(*state, ".local/share/minfer/weights", "resnet18");
  snprintf(expected, sizeof expected, "%s/.local/share/minfer/weights/resnet18.safetensors", (char *)*state);
  assert_found("resnet18", 0, expected);
  minfer_model *model = open_model(OPTIONS(.model = "mobilenet_v1", .multiplier = 0.25, .height = 32, .width = 32));
  assert_string_equal(minfer_model_describe(model)->weights_source, "synthetic"); // nothing found
  minfer_model_close(model);
}

// ---- a weights file against the network

static void write_safetensors(const char *path, const char *header, size_t data) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  const size_t length = strlen(header);
  for (int i = 0; i < 8; i++) fputc(i < 2 ? (int)(length >> 8 * i & 255) : 0, file);
  fputs(header, file);
  for (size_t i = 0; i < data; i++) fputc(0, file);
  fclose(file);
}

static const minfer_tensor *tensor(const minfer_tensors *tensors, const char *name) {
  int count = 0;
  const minfer_tensor *list = minfer_tensors_list(tensors, &count);
  for (int i = 0; i < count; i++)
    if (strcmp(list[i].name, name) == 0) return &list[i];
  fail_msg("no tensor %s", name);
  return NULL;
}

static void test_tensors_are_compared(void **state) {
  const char *path = support_path(state, "w.safetensors");
  write_safetensors(path,
                    "{\"features.0.bias\":{\"dtype\":\"F32\",\"shape\":[64],\"data_offsets\":[0,256]},"
                    "\"features.0.weight\":{\"dtype\":\"F32\",\"shape\":[64,3],\"data_offsets\":[256,1024]},"
                    "\"classifier.1.bias\":{\"dtype\":\"I64\",\"shape\":[1000],\"data_offsets\":[1024,9024]},"
                    "\"other\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[9024,9025]}}",
                    9025);
  minfer_tensors *tensors = NULL;
  api_ok(minfer_tensors_compare(OPTIONS(.model = "squeezenet1_1", .weights = path), &tensors, &api_error));
  static const struct {
    const char *name, *state, *expected, *found, *dtype;
  } rows[] = {{"features.0.bias", "ok", "64", "64", "F32"},
              {"features.0.weight", "wrong shape", "64x3x3x3", "64x3", "F32"},
              {"classifier.1.bias", "wrong dtype", "1000", "1000", "I64"},
              {"classifier.1.weight", "missing", "1000x512x1x1", "", ""},
              {"other", "extra", "", NULL, "U8"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const minfer_tensor *t = tensor(tensors, rows[i].name);
    assert_string_equal(t->state, rows[i].state);
    assert_string_equal(t->expected, rows[i].expected);
    if (rows[i].found) assert_string_equal(t->found, rows[i].found);
    assert_string_equal(t->dtype, rows[i].dtype);
  }
  int count = 0;
  minfer_tensors_list(tensors, &count);
  assert_int_equal(count, 52 + 1); // SqueezeNet has 26 convolutions with bias
  minfer_tensors_free(tensors);
  tensors = NULL;
  api_fails(minfer_tensors_compare(OPTIONS(.model = "squeezenet1_1", .weights = "/no/such"), &tensors, &api_error),
            MINFER_FILE, "/no/such");
  api_fails(minfer_tensors_compare(NULL, &tensors, &api_error), MINFER_USAGE, "size");
  assert_null(tensors);
  minfer_tensors_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_networks_are_listed),
      cmocka_unit_test(test_a_model_says_what_it_is),
      cmocka_unit_test(test_input_size_and_width),
      cmocka_unit_test(test_wrong_use_is_refused),
      cmocka_unit_test(test_options_have_a_size),
      cmocka_unit_test(test_input_too_small_for_the_network),
      cmocka_unit_test_setup_teardown(test_broken_weights_are_refused, support_folder_setup, support_folder_teardown),
      cmocka_unit_test(test_classes_have_names),
      cmocka_unit_test_setup_teardown(test_class_files_are_read, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_wrong_class_files_are_refused, support_folder_setup,
                                      support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_weights_are_looked_up, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_tensors_are_compared, support_folder_setup, support_folder_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
