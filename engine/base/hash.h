// A fast 64-bit hash (XXH3) of large amounts of bytes: whether two files hold the same numbers.
#ifndef MF_BASE_HASH_H
#define MF_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t mf_hash(const void *bytes, size_t count, uint64_t seed); // `seed`: of what came before

#endif
