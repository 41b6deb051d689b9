// All memory of the engine comes from here, so that tests can refuse the n-th allocation.
#ifndef MF_BASE_ALLOC_H
#define MF_BASE_ALLOC_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

#define MF_ALIGNMENT 64           // a cache line and an AVX-512 vector
#define MF_HUGE ((size_t)2 << 20) // from here on blocks are aligned to, and advised as, huge pages

// Asked before every allocation; returns false to refuse it. NULL: nothing is refused. Not to be changed while others
// allocate.
typedef bool (*mf_alloc_hook)(size_t bytes, void *context);
void mf_alloc_set_hook(mf_alloc_hook hook, void *context);

void *mf_alloc(size_t bytes); // 64-byte aligned, uninitialised; 2 MiB aligned from MF_HUGE on; NULL when refused
void *mf_alloc_zero(size_t bytes);
void *mf_grow(void *block, size_t old_bytes, size_t new_bytes); // like realloc; on NULL the old block is untouched
void mf_free(void *block);                                      // NULL is allowed

// Sizes are computed with these: false (and *out untouched) when the result does not fit.
bool mf_mul(size_t a, size_t b, size_t *out);
bool mf_add(size_t a, size_t b, size_t *out);

// Many allocations with one owner and one end. Zero-initialise before use; not thread-safe.
typedef struct mf_arena {
  struct mf_arena_block *blocks;
} mf_arena;
void *mf_arena_alloc(mf_arena *arena, size_t bytes); // zeroed, 64-byte aligned; NULL when refused
char *mf_arena_copy(mf_arena *arena, const char *text);
char *mf_arena_format(mf_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mf_arena_free(mf_arena *arena); // frees everything; the arena may be used again

#endif
