// Files: mapping for reading, and writing whole or not at all.
#ifndef MF_BASE_FILE_H
#define MF_BASE_FILE_H

#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

// A read-only mapping of a regular file. The mapping survives the file shrinking: pages that vanish read as zero and
// mark the map as broken (through a SIGBUS handler that is installed while any map is open and passes on faults that
// are not ours).
typedef struct mf_map {
  const uint8_t *data; // NULL for an empty file
  size_t size;
  char *path;
  struct mf_map_slot *slot;
} mf_map;

// Errors: MF_ERR_FILE (absent, not a regular file, unreadable), MF_ERR_UNSUPPORTED (no memory).
mf_status mf_map_open(mf_map *map, const char *path, mf_error *e);
mf_status mf_map_check(const mf_map *map, mf_error *e); // MF_ERR_FILE when the file shrank since it was opened
void mf_map_close(mf_map *map);                         // a zero-initialised map is allowed

// Write a file whole or not at all: a temporary name beside it, then rename. `fill` writes and returns; the rest
// (flush, close, full disk) is checked here. Errors: MF_ERR_OUTPUT, or what `fill` returns.
typedef mf_status (*mf_file_fill)(FILE *file, void *context, mf_error *e);
mf_status mf_file_write(const char *path, mf_file_fill fill, void *context, mf_error *e);

bool mf_file_exists(const char *path); // a readable regular file
bool mf_file_is_folder(const char *path);
// Makes the folders that `path`, a file, lies in. MF_ERR_OUTPUT when that cannot be.
mf_status mf_file_make_folders(const char *path, mf_error *e);

// Names in a folder in byte order, without "." and "..", names only. Free with mf_file_list_free.
mf_status mf_file_list(const char *folder, char ***names, size_t *count, mf_error *e);
void mf_file_list_free(char **names, size_t count);

#endif
