// Counters of the process against events that are brought about here.
#include "reference/support.h"
#include "thread/counters.h"
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static mf_counters *open_counters(void) {
  mf_error e = {0};
  mf_counters *c = NULL;
  support_ok(mf_counters_open(&c, &e), &e);
  return c;
}

static void test_page_faults(void **state) {
  (void)state;
  enum { PAGES = 200 };
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  mf_counters *c = open_counters();
  mf_counts before, after;
  char *block = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(block != MAP_FAILED);
  madvise(block, PAGES * page, MADV_NOHUGEPAGE);
  mf_counters_read(c, &before);
  for (size_t i = 0; i < PAGES; i++) block[i * page] = 1;
  mf_counters_read(c, &after);
  assert_true(after.page_faults >= before.page_faults + PAGES);
  munmap(block, PAGES * page);
  mf_counters_close(c);
}

typedef struct table_tennis {
  int there[2], back[2];
} table_tennis;

static void *return_balls(void *context) {
  const table_tennis *t = context;
  char ball;
  while (read(t->there[0], &ball, 1) == 1 && write(t->back[1], &ball, 1) == 1) {
  }
  return NULL;
}

// Whoever waits for the other sleeps.
static void test_voluntary_switches(void **state) {
  (void)state;
  mf_counters *c = open_counters();
  mf_counts before, after;
  table_tennis t;
  pthread_t other;
  char ball = 0;
  assert_true(pipe(t.there) == 0 && pipe(t.back) == 0);
  mf_counters_read(c, &before);
  assert_int_equal(pthread_create(&other, NULL, return_balls, &t), 0);
  for (int i = 0; i < 200; i++) assert_true(write(t.there[1], &ball, 1) == 1 && read(t.back[0], &ball, 1) == 1);
  close(t.there[1]);
  pthread_join(other, NULL);
  mf_counters_read(c, &after);
  assert_true(after.voluntary >= before.voluntary + 50);
  close(t.there[0]);
  close(t.back[0]);
  close(t.back[1]);
  mf_counters_close(c);
}

static volatile uint64_t sum;

static void *add_up(void *context) {
  (void)context;
  for (uint64_t i = 0; i < 1000000; i++) sum += i;
  return NULL;
}

// A million turns of a loop are more than a million instructions, in a thread that was started later too.
static void test_hardware(void **state) {
  (void)state;
  mf_counters *c = open_counters();
  if (!mf_counters_hardware(c)) {
    static char why[256];
    strncpy(why, mf_counters_describe(c), sizeof why - 1);
    assert_non_null(strstr(why, "no hardware counters: "));
    mf_counts now;
    mf_counters_read(c, &now);
    assert_true(now.cycles == 0 && now.instructions == 0 && now.cache_misses == 0);
    mf_counters_close(c);
    support_skip("%s", why);
  }
  mf_counts before, own, after;
  pthread_t other;
  mf_counters_read(c, &before);
  add_up(NULL);
  mf_counters_read(c, &own);
  assert_true(own.instructions > before.instructions + 1000000 && own.cycles > before.cycles);
  assert_int_equal(pthread_create(&other, NULL, add_up, NULL), 0);
  pthread_join(other, NULL);
  mf_counters_read(c, &after);
  assert_true(after.instructions > own.instructions + 1000000);
  mf_counters_close(c);
}

static mf_status attempt(void *context, mf_error *e) {
  mf_counters *c = NULL;
  (void)context;
  const mf_status status = mf_counters_open(&c, e);
  mf_counters_close(c);
  return status;
}

static void test_refused_memory(void **state) {
  (void)state;
  assert_int_equal(support_refuse_allocations(attempt, NULL), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_page_faults), cmocka_unit_test(test_voluntary_switches),
                                     cmocka_unit_test(test_hardware), cmocka_unit_test(test_refused_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
