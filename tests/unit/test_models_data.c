// Every weights file of the test data builds its network: nothing missing, nothing left over.
#include "base/file.h"
#include "load/recipe.h"
#include "load/safetensors.h"
#include "models/zoo.h"
#include "reference/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *text, const char *end) {
  const size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

static void check_file(const char *path) {
  mf_error e = {0};
  mf_weights *w;
  mf_builder *b;
  mf_graph *g;
  support_ok(mf_safetensors_open(&w, path, &e), &e);
  const char *name = w->metadata(w, "minfer.model");
  assert_non_null(name);
  const mf_network *network = mf_network_find(name);
  if (!network) {
    print_message("%s: no network %s\n", path, name);
    assert_string_equal(name, "inception_v3"); // the only one that minfer does not have
    w->close(w);
    return;
  }
  mf_recipe recipe = network->recipe;
  support_ok(mf_recipe_from_metadata(&recipe, w, path, &e), &e);
  support_ok(mf_builder_create(&b, name, w, &e), &e);
  const mf_tensor_id image = mf_build_input(b, 1, 3, recipe.height, recipe.width);
  support_ok(mf_builder_finish(b, network->build(b, image, &recipe, network->variant), &g, &e), &e);
  int asked;
  size_t read = 0;
  mf_builder_params(b, &asked);
  for (size_t i = 0; i < mf_safetensors_count(w); i++) {
    const mf_stored_tensor *t = mf_safetensors_tensor(w, i);
    read += t->read;
    if (!t->read && !ends_with(t->name, ".num_batches_tracked")) fail_msg("%s: %s was not read", path, t->name);
  }
  assert_int_equal(read, asked);
  assert_true(asked > 10);
  support_ok(mf_safetensors_check(w, &e), &e);
  mf_graph_free(g);
  mf_builder_free(b);
  w->close(w);
}

static void check_folder(const char *name, size_t at_least) {
  char folder[SUPPORT_PATH], path[SUPPORT_PATH + 300];
  mf_error e = {0};
  char **files;
  size_t count, checked = 0;
  support_data(folder, name);
  support_ok(mf_file_list(folder, &files, &count, &e), &e);
  for (size_t i = 0; i < count; i++) {
    if (!ends_with(files[i], ".safetensors")) continue;
    snprintf(path, sizeof path, "%s/%.255s", folder, files[i]);
    check_file(path);
    checked++;
  }
  mf_file_list_free(files, count);
  assert_true(checked >= at_least);
}

static void test_real_weights(void **state) {
  (void)state;
  check_folder("weights", 5);
}

static void test_synthetic_weights(void **state) {
  (void)state;
  check_folder("weights/synthetic", 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_real_weights), cmocka_unit_test(test_synthetic_weights)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
