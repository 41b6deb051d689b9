// Bytes that differ from those of every other process: for ids, not for secrets.
#ifndef MF_BASE_RANDOM_H
#define MF_BASE_RANDOM_H

#include <stddef.h>

void mf_random(void *bytes, size_t count); // at most 256

#endif
