#include "base/alloc.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static mf_alloc_hook alloc_hook;
static void *alloc_context;

void mf_alloc_set_hook(mf_alloc_hook hook, void *context) {
  alloc_hook = hook;
  alloc_context = context;
}

void *mf_alloc(size_t bytes) {
  if (alloc_hook && !alloc_hook(bytes, alloc_context)) return NULL;
  if (bytes > PTRDIFF_MAX) return NULL; // sanitizers abort on such a request
  bool huge = bytes >= MF_HUGE;
  void *block = NULL;
  // Not aligned_alloc: it wants a multiple of the alignment, and the exact size lets sanitizers see the first byte too
  // many.
  if (posix_memalign(&block, huge ? MF_HUGE : MF_ALIGNMENT, bytes ? bytes : 1) != 0) return NULL;
  if (huge) madvise(block, bytes, MADV_HUGEPAGE); // only advice: a kernel without huge pages refuses it
  return block;
}

void *mf_alloc_zero(size_t bytes) {
  void *block = mf_alloc(bytes);
  if (block) memset(block, 0, bytes);
  return block;
}

void *mf_grow(void *block, size_t old_bytes, size_t new_bytes) {
  void *grown = mf_alloc(new_bytes);
  if (!grown) return NULL;
  size_t kept = old_bytes < new_bytes ? old_bytes : new_bytes;
  if (block && kept) memcpy(grown, block, kept);
  mf_free(block);
  return grown;
}

void mf_free(void *block) {
  free(block);
}

bool mf_mul(size_t a, size_t b, size_t *out) {
  size_t result;
  if (__builtin_mul_overflow(a, b, &result)) return false;
  *out = result;
  return true;
}

bool mf_add(size_t a, size_t b, size_t *out) {
  size_t result;
  if (__builtin_add_overflow(a, b, &result)) return false;
  *out = result;
  return true;
}

// A block's bytes follow its header, which takes one alignment unit.
struct mf_arena_block {
  struct mf_arena_block *next;
  size_t size, used; // without the header
};
#define ARENA_BLOCK ((size_t)64 << 10)

static struct mf_arena_block *arena_block(size_t size) {
  size_t bytes;
  if (!mf_add(size, MF_ALIGNMENT, &bytes)) return NULL;
  struct mf_arena_block *block = mf_alloc_zero(bytes);
  if (block) block->size = size;
  return block;
}

void *mf_arena_alloc(mf_arena *arena, size_t bytes) {
  size_t size;
  if (!mf_add(bytes ? bytes : 1, MF_ALIGNMENT - 1, &size)) return NULL;
  size -= size % MF_ALIGNMENT;
  struct mf_arena_block *block = arena->blocks;
  if (!block || size > block->size - block->used) {
    bool large = size > ARENA_BLOCK / 4;
    block = arena_block(large ? size : ARENA_BLOCK - MF_ALIGNMENT);
    if (!block) return NULL;
    // A large request gets a block of its own behind the one being filled, whose rest stays in use.
    struct mf_arena_block **place = large && arena->blocks ? &arena->blocks->next : &arena->blocks;
    block->next = *place;
    *place = block;
  }
  void *result = (char *)block + MF_ALIGNMENT + block->used;
  block->used += size;
  return result;
}

char *mf_arena_copy(mf_arena *arena, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = mf_arena_alloc(arena, bytes);
  return copy ? memcpy(copy, text, bytes) : NULL;
}

char *mf_arena_format(mf_arena *arena, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  char *text = length < 0 ? NULL : mf_arena_alloc(arena, (size_t)length + 1);
  if (!text) return NULL;
  va_start(arguments, format);
  vsnprintf(text, (size_t)length + 1, format, arguments);
  va_end(arguments);
  return text;
}

void mf_arena_free(mf_arena *arena) {
  for (struct mf_arena_block *block = arena->blocks; block;) {
    struct mf_arena_block *next = block->next;
    mf_free(block);
    block = next;
  }
  arena->blocks = NULL;
}
