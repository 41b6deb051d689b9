// Small kernel files (/proc, /sys) below a root folder, so that tests can put a tree of their own in their place.
#ifndef MF_THREAD_SYSFILE_H
#define MF_THREAD_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>

// The first size - 1 bytes of the file `root` + `path`, NUL-terminated, trailing newlines cut. `root` is "" for the
// machine's own files. False, and buffer empty, when the file is absent, unreadable or empty.
bool mf_sysfile_read(const char *root, const char *path, char *buffer, size_t size);

#endif
