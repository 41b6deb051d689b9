// The sum of all bytes asked for: an upper bound of what was held at once. At most one count runs at a time.
#ifndef TESTS_UNIT_TOTAL_H
#define TESTS_UNIT_TOTAL_H

#include "base/alloc.h"

static size_t total_bytes;

static inline bool total_hook(size_t bytes, void *context) {
  (void)context;
  total_bytes += bytes;
  return true;
}

static inline void total_start(void) {
  total_bytes = 0;
  mf_alloc_set_hook(total_hook, NULL);
}

static inline size_t total_stop(void) {
  mf_alloc_set_hook(NULL, NULL);
  return total_bytes;
}

#endif
