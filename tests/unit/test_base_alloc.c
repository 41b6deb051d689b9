#include "base/alloc.h"
#include "reference/support.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_aligned(const void *p, size_t alignment) {
  return (uintptr_t)p % alignment == 0;
}

static bool is_zero(const unsigned char *p, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (p[i]) return false;
  return true;
}

static void test_blocks_are_aligned_and_writable(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, MF_HUGE - 1};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    unsigned char *block = mf_alloc(sizes[i]);
    assert_non_null(block);
    assert_true(is_aligned(block, MF_ALIGNMENT));
    memset(block, 0xa5, sizes[i]);
    mf_free(block);
    block = mf_alloc_zero(sizes[i]); // likely the bytes just dirtied
    assert_true(is_zero(block, sizes[i]));
    mf_free(block);
  }
  mf_free(NULL);
}

// True when the mapping that holds `address` carries VmFlags hg (huge-page advice); *known tells whether smaps says.
static bool has_huge_advice(const void *address, bool *known) {
  FILE *smaps = fopen("/proc/self/smaps", "r");
  char line[512];
  bool inside = false, advised = false;
  *known = false;
  while (smaps && fgets(line, sizeof line, smaps)) {
    unsigned long low, high;
    if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
      inside = (uintptr_t)address >= low && (uintptr_t)address < high;
    else if (inside && strncmp(line, "VmFlags:", 8) == 0)
      *known = true, advised = strstr(line, " hg") != NULL;
  }
  if (smaps) fclose(smaps);
  return advised;
}

static void test_large_blocks_are_for_huge_pages(void **state) {
  (void)state;
  bool known = false;
  unsigned char *block = mf_alloc(MF_HUGE), *larger = mf_alloc(3 * MF_HUGE + 5);
  assert_true(is_aligned(block, MF_HUGE) && is_aligned(larger, MF_HUGE));
  larger[3 * MF_HUGE + 4] = 1;
  bool advised = has_huge_advice(larger, &known);
  mf_free(block);
  mf_free(larger);
  if (!known || access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) != 0) {
    print_message("skipped: this kernel has no transparent huge pages or does not show their advice\n");
    skip();
  }
  assert_true(advised);
}

static void test_absurd_sizes_are_refused(void **state) {
  (void)state;
  mf_arena arena = {0};
  assert_null(mf_alloc(SIZE_MAX));
  assert_null(mf_alloc_zero((size_t)PTRDIFF_MAX + 1));
  assert_null(mf_arena_alloc(&arena, SIZE_MAX));
  assert_null(mf_arena_alloc(&arena, SIZE_MAX - 100));
  assert_null(arena.blocks);
}

static bool refuse(size_t bytes, void *context) {
  (void)bytes, (void)context;
  return false;
}

static void test_grow_keeps_the_bytes(void **state) {
  (void)state;
  char *block = mf_grow(NULL, 0, 8);
  memcpy(block, "1234567", 8);
  mf_alloc_set_hook(refuse, NULL);
  assert_null(mf_grow(block, 8, 4096));
  mf_alloc_set_hook(NULL, NULL);
  assert_string_equal(block, "1234567");
  block = mf_grow(block, 8, 4096);
  assert_string_equal(block, "1234567");
  assert_true(is_aligned(block, MF_ALIGNMENT));
  block = mf_grow(block, 4096, 3);
  assert_memory_equal(block, "123", 3);
  mf_free(block);
}

static void test_sizes_are_checked(void **state) {
  (void)state;
  size_t out = 7;
  assert_false(mf_mul(SIZE_MAX / 2, 3, &out));
  assert_false(mf_mul((size_t)1 << 32, (size_t)1 << 32, &out));
  assert_false(mf_add(SIZE_MAX, 1, &out));
  assert_int_equal(out, 7);
  assert_true(mf_mul(SIZE_MAX, 1, &out) && out == SIZE_MAX);
  assert_true(mf_mul(6, 7, &out) && out == 42);
  assert_true(mf_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
}

static void test_arena_allocations_are_apart(void **state) {
  (void)state;
  enum { COUNT = 300 };
  unsigned char *blocks[COUNT];
  mf_arena arena = {0};
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < COUNT; i++) {
      size_t bytes = i % 50 == 49 ? 100000 : i * 7;
      blocks[i] = mf_arena_alloc(&arena, bytes);
      assert_non_null(blocks[i]);
      assert_true(is_aligned(blocks[i], MF_ALIGNMENT));
      assert_true(is_zero(blocks[i], bytes));
      memset(blocks[i], (int)(i % 251) + 1, bytes);
    }
    for (size_t i = 0; i < COUNT; i++) {
      size_t bytes = i % 50 == 49 ? 100000 : i * 7;
      for (size_t k = 0; k < bytes; k++) assert_int_equal(blocks[i][k], i % 251 + 1);
    }
    mf_arena_free(&arena);
    assert_null(arena.blocks);
  }
}

static bool count_hook(size_t bytes, void *context) {
  (void)bytes;
  ++*(size_t *)context;
  return true;
}

static void test_arena_makes_few_allocations(void **state) {
  (void)state;
  size_t count = 0;
  mf_arena arena = {0};
  mf_alloc_set_hook(count_hook, &count);
  for (int i = 0; i < 5000; i++) mf_arena_alloc(&arena, 64); // 320000 bytes: five blocks of 64 KiB
  assert_int_equal(count, 5);
  mf_arena_alloc(&arena, 1 << 20);
  mf_arena_alloc(&arena, 64); // still from the fifth block
  assert_int_equal(count, 6);
  mf_alloc_set_hook(NULL, NULL);
  mf_arena_free(&arena);
}

static void test_arena_texts(void **state) {
  (void)state;
  mf_arena arena = {0};
  char name[] = "conv1";
  char *copy = mf_arena_copy(&arena, name);
  name[0] = 'x';
  assert_string_equal(copy, "conv1");
  assert_string_equal(mf_arena_copy(&arena, ""), "");
  assert_string_equal(mf_arena_format(&arena, "%s.%d.weight", copy, 12), "conv1.12.weight");
  char *wide = mf_arena_format(&arena, "%200000d", 7);
  assert_int_equal(strlen(wide), 200000);
  assert_int_equal(wide[199999], '7');
  mf_arena_free(&arena);
}

static bool fill_arena(mf_arena *arena) {
  for (int i = 0; i < 20; i++)
    if (!mf_arena_alloc(arena, 10000)) return false;
  return mf_arena_copy(arena, "text") && mf_arena_format(arena, "%30000d", 1) && mf_arena_alloc(arena, 1 << 20);
}

static mf_status use_arena(void *context, mf_error *e) {
  (void)context;
  mf_arena arena = {0};
  const bool done = fill_arena(&arena), usable = mf_arena_alloc(&arena, 10000) != NULL; // after a refusal too
  mf_arena_free(&arena);
  if (!usable) return mf_fail(e, MF_ERR_FILE, "unusable");
  return done ? MF_OK : mf_fail_memory(e, 10000);
}

static void test_arena_survives_every_refusal(void **state) {
  (void)state;
  assert_true(support_refuse_allocations(use_arena, NULL) > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_blocks_are_aligned_and_writable),
      cmocka_unit_test(test_large_blocks_are_for_huge_pages),
      cmocka_unit_test(test_absurd_sizes_are_refused),
      cmocka_unit_test(test_grow_keeps_the_bytes),
      cmocka_unit_test(test_sizes_are_checked),
      cmocka_unit_test(test_arena_allocations_are_apart),
      cmocka_unit_test(test_arena_makes_few_allocations),
      cmocka_unit_test(test_arena_texts),
      cmocka_unit_test(test_arena_survives_every_refusal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
