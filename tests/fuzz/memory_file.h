// Bytes as a file that can be opened by path and mapped, without touching a disk.
#ifndef TESTS_FUZZ_MEMORY_FILE_H
#define TESTS_FUZZ_MEMORY_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct memory_file {
  int descriptor;
  char path[32];
} memory_file;

static inline memory_file memory_file_open(const uint8_t *bytes, size_t size) {
  memory_file file = {.descriptor = memfd_create("fuzz", MFD_CLOEXEC)};
  if (file.descriptor < 0 || write(file.descriptor, bytes, size) != (ssize_t)size) abort();
  snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.descriptor);
  return file;
}

static inline void memory_file_close(memory_file *file) {
  close(file->descriptor);
}

#endif
