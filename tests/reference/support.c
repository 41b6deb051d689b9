#include "support.h"
#include "base/alloc.h"
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void support_check_ok(mf_status status, const mf_error *e, const char *file, int line) {
  if (status == MF_OK) return;
  print_error("status %d: %s (noticed in %s:%d)\n", (int)status, e->text, e->file, e->line);
  _fail(file, line);
}

void support_folder_create(char path[SUPPORT_PATH]) {
  const char *base = getenv("TMPDIR");
  const int length = snprintf(path, SUPPORT_PATH, "%s/minfer-test-XXXXXX", base && *base ? base : "/tmp");
  assert_in_range(length, 1, SUPPORT_PATH - 1);
  assert_non_null(mkdtemp(path));
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status, (void)kind, (void)place;
  return remove(path);
}

void support_folder_remove(const char *path) {
  assert_int_equal(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int support_folder_setup(void **state) {
  char path[SUPPORT_PATH];
  support_folder_create(path);
  *state = strdup(path);
  return *state ? 0 : -1;
}

int support_folder_teardown(void **state) {
  support_folder_remove(*state);
  free(*state);
  return 0;
}

const char *support_path(void **state, const char *name) {
  static char paths[4][SUPPORT_PATH];
  static int turn;
  char *path = paths[turn++ % 4];
  assert_in_range(snprintf(path, SUPPORT_PATH, "%s/%s", (char *)*state, name), 1, SUPPORT_PATH - 1);
  return path;
}

void support_write_file(const char *path, const void *bytes, size_t count) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, count, file), count);
  assert_int_equal(fclose(file), 0);
}

void support_file_holds(const char *path, const char *text) {
  char bytes[4096];
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  const size_t count = fread(bytes, 1, sizeof bytes - 1, file);
  fclose(file);
  bytes[count] = 0;
  assert_string_equal(bytes, text);
}

void support_skip_at(const char *file, int line, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("SKIP: ");
  vprintf(format, arguments);
  printf("\n");
  va_end(arguments);
  fflush(stdout);
  _skip(file, line); // jumps out of the test
  abort();
}

void support_data_at(const char *file, int line, char path[SUPPORT_PATH], const char *name) {
  const char *folder = getenv("MINFER_DATA"), *home = getenv("HOME");
  const int length = folder ? snprintf(path, SUPPORT_PATH, "%s/%s", folder, name)
                            : snprintf(path, SUPPORT_PATH, "%s/.cache/minfer-data/%s", home ? home : "", name);
  assert_in_range(length, 1, SUPPORT_PATH - 1);
  struct stat status;
  if (stat(path, &status) != 0)
    support_skip_at(file, line, "no %s (MINFER_DATA names the folder of the test data)", path);
}

typedef struct refusal {
  atomic_int granted; // allocations still to be granted
  atomic_bool happened;
} refusal;

static bool refuse_one(size_t bytes, void *context) {
  (void)bytes;
  refusal *r = context;
  if (atomic_fetch_sub(&r->granted, 1) != 0) return true;
  atomic_store(&r->happened, true);
  return false;
}

int support_refuse_allocations(mf_status (*attempt)(void *context, mf_error *e), void *context) {
  for (int n = 0;; n++) {
    refusal r = {n, false};
    mf_error e = {0};
    mf_alloc_set_hook(refuse_one, &r);
    const mf_status status = attempt(context, &e);
    mf_alloc_set_hook(NULL, NULL);
    if (!r.happened) {
      support_ok(status, &e);
      return n;
    }
    if (status != MF_ERR_UNSUPPORTED) fail_msg("allocation %d refused: status %d, \"%s\"", n, (int)status, e.text);
    if (!strstr(e.text, "memory")) fail_msg("allocation %d refused: \"%s\" names no memory", n, e.text);
  }
}
