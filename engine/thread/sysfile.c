#include "thread/sysfile.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

bool mf_sysfile_read(const char *root, const char *path, char *buffer, size_t size) {
  char full[PATH_MAX];
  buffer[0] = 0;
  int length = snprintf(full, sizeof full, "%s%s", root, path);
  if (length < 0 || (size_t)length >= sizeof full) return false;
  int file = open(full, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;

  size_t used = 0;
  while (used < size - 1) { // these files come in pieces of at most a page
    ssize_t count = read(file, buffer + used, size - 1 - used);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    used += (size_t)count;
  }
  close(file);
  while (used > 0 && buffer[used - 1] == '\n') used--;
  buffer[used] = 0;
  return used > 0;
}
