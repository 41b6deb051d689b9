// Refuse the n-th allocation: for (size_t n = 1; ; n++) { refuse_start(&left, n); ...; if it succeeded, break; }
#ifndef TESTS_UNIT_REFUSE_H
#define TESTS_UNIT_REFUSE_H

#include "base/alloc.h"

static inline bool refuse_hook(size_t bytes, void *context) {
  size_t *left = context;
  (void)bytes;
  return *left == 0 || --*left != 0;
}

static inline void refuse_start(size_t *left, size_t n) {
  *left = n;
  mf_alloc_set_hook(refuse_hook, left);
}

static inline void refuse_stop(void) {
  mf_alloc_set_hook(NULL, NULL);
}

#endif
