// A temporary folder for a test, with short ways to make and read small files. The caller includes cmocka.h first.
#ifndef TESTS_UNIT_FOLDER_H
#define TESTS_UNIT_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// cmocka's setup and teardown; *state is the folder's path.
static inline int folder_make(void **state) {
  const char *root = getenv("TMPDIR");
  char path[256];
  snprintf(path, sizeof path, "%s/minfer-test-XXXXXX", root ? root : "/tmp");
  *state = mkdtemp(path) ? strdup(path) : NULL;
  return *state ? 0 : -1;
}

static inline int folder_remove(void **state) {
  char path[600];
  DIR *stream = opendir(*state);
  for (struct dirent *entry; stream && (entry = readdir(stream));) {
    snprintf(path, sizeof path, "%s/%s", (char *)*state, entry->d_name);
    if (unlink(path) != 0) rmdir(path);
  }
  if (stream) closedir(stream);
  int status = rmdir(*state);
  free(*state);
  return status;
}

// The path of `name` in the folder. Valid until the fourth next call.
static inline const char *folder_path(void **state, const char *name) {
  static char paths[4][512];
  static int turn;
  char *path = paths[turn++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", (char *)*state, name);
  return path;
}

static inline void put_file(const char *path, const void *bytes, size_t count) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, count, file), count);
  assert_int_equal(fclose(file), 0);
}

static inline void assert_file_holds(const char *path, const char *text) {
  char bytes[4096];
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t count = fread(bytes, 1, sizeof bytes - 1, file);
  fclose(file);
  bytes[count] = 0;
  assert_string_equal(bytes, text);
}

#endif
