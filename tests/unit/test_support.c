// The helpers the other tests stand on.
#include "base/alloc.h"
#include "base/file.h"
#include "reference/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void temporary_folders(void **state) {
  (void)state;
  char one[SUPPORT_PATH], two[SUPPORT_PATH], path[SUPPORT_PATH + 32];
  support_folder_create(one);
  support_folder_create(two);
  assert_string_not_equal(one, two);
  assert_true(mf_file_is_folder(one) && mf_file_is_folder(two));
  snprintf(path, sizeof path, "%s/file", two);
  fclose(fopen(path, "w"));
  snprintf(path, sizeof path, "%s/inner", one);
  assert_int_equal(mkdir(path, 0700), 0);
  snprintf(path, sizeof path, "%s/inner/link", one);
  assert_int_equal(symlink(two, path), 0);
  support_folder_remove(one);
  assert_false(mf_file_is_folder(one));
  snprintf(path, sizeof path, "%s/file", two);
  assert_true(mf_file_exists(path)); // the link went, not what it led to
  support_folder_remove(two);
  assert_false(mf_file_is_folder(two));
}

static void data_folder(void **state) {
  (void)state;
  const char *variable = getenv("MINFER_DATA");
  char folder[SUPPORT_PATH], path[SUPPORT_PATH], file[SUPPORT_PATH + 32];
  char *before = variable ? strdup(variable) : NULL;
  support_folder_create(folder);
  snprintf(file, sizeof file, "%s/x.npy", folder);
  fclose(fopen(file, "w"));
  setenv("MINFER_DATA", folder, 1);
  support_data(path, "x.npy");
  assert_string_equal(path, file);
  unsetenv("MINFER_DATA");
  setenv("HOME", folder, 1);
  snprintf(file, sizeof file, "%s/.cache", folder);
  assert_int_equal(mkdir(file, 0700), 0);
  snprintf(file, sizeof file, "%s/.cache/minfer-data", folder);
  assert_int_equal(mkdir(file, 0700), 0);
  support_data(path, ".");
  snprintf(file, sizeof file, "%s/.cache/minfer-data/.", folder);
  assert_string_equal(path, file);
  support_folder_remove(folder);
  if (before) setenv("MINFER_DATA", before, 1);
  free(before);
}

typedef struct attempts {
  int blocks, calls;
} attempts;

static mf_status allocate(void *context, mf_error *e) {
  attempts *a = context;
  void *blocks[8] = {0};
  mf_status status = MF_OK;
  a->calls++;
  for (int i = 0; i < a->blocks && status == MF_OK; i++)
    if (!(blocks[i] = mf_alloc(10))) status = mf_fail_memory(e, 10);
  for (int i = 0; i < a->blocks; i++) mf_free(blocks[i]);
  return status;
}

static void refused_allocations(void **state) {
  (void)state;
  attempts five = {.blocks = 5}, none = {.blocks = 0};
  assert_int_equal(support_refuse_allocations(allocate, &five), 5);
  assert_int_equal(five.calls, 6);
  assert_int_equal(support_refuse_allocations(allocate, &none), 0);
  assert_int_equal(none.calls, 1);
  void *block = mf_alloc(1); // the hook is gone
  assert_non_null(block);
  mf_free(block);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(temporary_folders),
      cmocka_unit_test(data_folder),
      cmocka_unit_test(refused_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
