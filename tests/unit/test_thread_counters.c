// What the pool's counters say about where time went. Nothing here depends on how fast the machine is: sums are
// compared with the same readings of the clock, and times only with lower bounds that hold by construction.
#include "base/clock.h"
#include "thread/pool.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 4

static mf_pool *create(int threads, int64_t spin_us) {
  mf_pool *pool;
  mf_error e = {0};
  const mf_pool_options options = {.threads = threads, .spin_us = spin_us};
  if (mf_pool_create(&pool, &options, &e) != MF_OK) fail_msg("%s", e.text);
  return pool;
}

static uint64_t sum(const mf_pool_times *t) {
  return t->effective_ns + t->spin_ns + t->wait_ns + t->overhead_ns + t->serial_ns;
}

// Counted up to now; returns that moment.
static uint64_t take(mf_pool *pool, mf_pool_times times[MOST]) {
  const uint64_t now = mf_now_ns();
  mf_pool_settle(pool, now);
  for (int w = 0; w < mf_pool_threads(pool); w++) mf_pool_counters(pool, w, &times[w]);
  return now;
}

static mf_pool_times minus(mf_pool_times a, mf_pool_times b) {
  return (mf_pool_times){a.effective_ns - b.effective_ns, a.spin_ns - b.spin_ns,     a.wait_ns - b.wait_ns,
                         a.overhead_ns - b.overhead_ns,   a.serial_ns - b.serial_ns, a.chunks - b.chunks};
}

typedef struct work_log {
  uint64_t inside_ns[16]; // of each i, by the body's own readings
  uint64_t first_ns[16], last_ns[16];
  unsigned rounds;
} work_log;

static void log_work(int i, int n, void *context) {
  work_log *log = context;
  const uint64_t begin = mf_now_ns();
  (void)n;
  volatile unsigned left = log->rounds * (unsigned)(i + 1);
  while (left > 0) left = left - 1;
  const uint64_t end = mf_now_ns();
  log->inside_ns[i] += end - begin;
  log->first_ns[i] = begin;
  log->last_ns[i] = end;
}

static void check_sums(int threads, int64_t spin_us, unsigned rounds) {
  mf_pool *pool = create(threads, spin_us);
  mf_pool_times before[MOST], after[MOST];
  mf_pool_measure(pool, true);
  for (int n = 0; n <= 9; n++) {
    work_log log = {.rounds = rounds};
    const uint64_t from = take(pool, before);
    uint64_t runs_ns = 0; // never more than the pool's own view of its runs, plus what surrounds them
    for (int k = 0; k < 3; k++) {
      const uint64_t call = mf_now_ns();
      mf_pool_run(pool, n, log_work, &log);
      runs_ns += mf_now_ns() - call;
    }
    const uint64_t to = take(pool, after);

    int i = 0;
    for (int w = 0; w < threads; w++) {
      const mf_pool_times t = minus(after[w], before[w]);
      assert_int_equal(sum(&t), to - from);
      const int share = n / threads + (w < n % threads);
      assert_int_equal(t.chunks, share > 0 ? 3 : 0);
      uint64_t inside = 0;
      for (int k = 0; k < share; k++) inside += log.inside_ns[i++];
      assert_true(t.effective_ns >= inside);
      if (share == 0) assert_int_equal(t.effective_ns + t.overhead_ns, 0);
      if (w > 0)
        assert_int_equal(t.serial_ns, 0);
      else
        assert_true(t.serial_ns >= (to - from) - runs_ns);
      if (spin_us == MF_SPIN_FOREVER) assert_int_equal(t.wait_ns, 0);
    }
    assert_int_equal(i, n);
  }
  mf_pool_destroy(pool);
}

static void test_times_sum_up(void **state) {
  (void)state;
  for (int threads = 1; threads <= MOST; threads++) {
    check_sums(threads, 0, 100);
    check_sums(threads, 20, 10000);
    check_sums(threads, MF_SPIN_DEFAULT_US, 1000);
  }
  check_sums(1, MF_SPIN_FOREVER, 1000);
  check_sums(2, MF_SPIN_FOREVER, 1000);
}

// Both have their chunk and what they idle after it up to the end of the later one, as the bodies' own readings say.
static void test_shares_of_one_run(void **state) {
  (void)state;
  mf_pool *pool = create(2, MF_SPIN_FOREVER);
  mf_pool_times before[MOST], after[MOST];
  work_log log = {.rounds = 100000};
  mf_pool_measure(pool, true);
  take(pool, before);
  mf_pool_run(pool, 2, log_work, &log);
  take(pool, after);
  const uint64_t last = log.last_ns[1] > log.last_ns[0] ? log.last_ns[1] : log.last_ns[0];
  for (int w = 0; w < 2; w++) {
    const mf_pool_times t = minus(after[w], before[w]);
    assert_true(t.effective_ns + t.spin_ns >= last - log.first_ns[w]);
  }
  mf_pool_destroy(pool);
}

// Idle workers poll for as long as they were told, then sleep: waiting shows only after the whole spin time.
static void check_sleep(int64_t spin_us) {
  mf_pool *pool = create(2, spin_us);
  mf_pool_times before[MOST], ran[MOST], now[MOST];
  work_log log = {0};
  mf_pool_measure(pool, true);
  take(pool, before);
  mf_pool_run(pool, 2, log_work, &log); // before which it may have been asleep, too
  take(pool, ran);
  do take(pool, now);
  while (now[1].wait_ns == ran[1].wait_ns); // ends only if the worker falls asleep
  // From the end of its chunk on it was polling, the hand-over at the end of the run included.
  const mf_pool_times t = minus(now[1], before[1]);
  assert_true(t.spin_ns + t.overhead_ns >= (uint64_t)spin_us * 1000);

  // Waking up is hand-over; until then it was asleep all the time.
  mf_pool_times woken[MOST];
  const uint64_t from = take(pool, now);
  const uint64_t call = mf_now_ns();
  mf_pool_run(pool, 2, log_work, &log);
  take(pool, woken);
  assert_true(woken[1].wait_ns - now[1].wait_ns >= call - from);
  assert_true(woken[1].overhead_ns > now[1].overhead_ns);
  mf_pool_destroy(pool);
}

static void test_sleep_after_the_spin_time(void **state) {
  (void)state;
  check_sleep(0);
  check_sleep(100);
  check_sleep(3000);
}

static void sleepy_caller(int i, int n, void *context) {
  (void)n;
  const uint64_t begin = mf_now_ns(), *need = context;
  while (i == 1 && mf_now_ns() - begin < *need) continue;
}

// The caller, done with its chunk, gives up polling as well. Its worker is busy for longer than that takes.
static void test_caller_sleeps(void **state) {
  (void)state;
  mf_pool *pool = create(2, 50);
  mf_pool_times before[MOST], after[MOST];
  mf_pool_measure(pool, true);
  uint64_t waited = 0;
  for (uint64_t need = 1000000; waited == 0;
       need *= 2) { // more than enough, but for a machine that is elsewhere meanwhile
    take(pool, before);
    mf_pool_run(pool, 2, sleepy_caller, &need);
    take(pool, after);
    waited = after[0].wait_ns - before[0].wait_ns;
  }
  assert_true(after[0].spin_ns - before[0].spin_ns >= 50000);
  mf_pool_destroy(pool);
}

static void test_off_means_off(void **state) {
  (void)state;
  mf_pool *pool = create(2, 10);
  work_log log = {.rounds = 100};
  mf_pool_times times[MOST], later[MOST];
  mf_pool_run(pool, 2, log_work, &log);
  take(pool, times);
  for (int w = 0; w < 2; w++) assert_int_equal(sum(&times[w]) + times[w].chunks, 0);

  uint64_t at_least = 0, at_most = 0;
  for (int k = 0; k < 3; k++) { // regions add up; what lies between them is not counted
    const uint64_t outer = mf_now_ns();
    mf_pool_measure(pool, true);
    const uint64_t inner = mf_now_ns();
    mf_pool_run(pool, 2, log_work, &log);
    at_least += mf_now_ns() - inner;
    mf_pool_measure(pool, false);
    at_most += mf_now_ns() - outer;
    mf_pool_run(pool, 2, log_work, &log);
  }
  take(pool, times);
  for (int w = 0; w < 2; w++) {
    assert_int_equal(times[w].chunks, 3);
    assert_in_range(sum(&times[w]), at_least, at_most);
    assert_int_equal(sum(&times[w]), sum(&times[0]));
  }
  mf_pool_settle(pool, mf_now_ns());
  take(pool, later);
  assert_memory_equal(times, later, 2 * sizeof *times);
  mf_pool_destroy(pool);
}

static void test_settling_into_the_past(void **state) {
  (void)state;
  mf_pool *pool = create(2, 10);
  mf_pool_times times[MOST], later[MOST];
  const uint64_t past = mf_now_ns();
  mf_pool_measure(pool, true);
  take(pool, times);
  mf_pool_settle(pool, past);
  for (int w = 0; w < 2; w++) mf_pool_counters(pool, w, &later[w]);
  assert_memory_equal(times, later, 2 * sizeof *times);
  mf_pool_destroy(pool);
}

static void run_inline(int i, int n, void *context) {
  (void)i;
  (void)n;
  mf_pool_run(context, 5, sleepy_caller, &(uint64_t){0});
}

static void test_nested_runs_are_part_of_the_body(void **state) {
  (void)state;
  mf_pool *pool = create(2, 10);
  mf_pool_times before[MOST], after[MOST];
  mf_pool_measure(pool, true);
  const uint64_t from = take(pool, before);
  mf_pool_run(pool, 2, run_inline, pool);
  const uint64_t to = take(pool, after);
  for (int w = 0; w < 2; w++) {
    const mf_pool_times t = minus(after[w], before[w]);
    assert_int_equal(t.chunks, 1);
    assert_int_equal(sum(&t), to - from);
  }
  mf_pool_destroy(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_times_sum_up),
      cmocka_unit_test(test_shares_of_one_run),
      cmocka_unit_test(test_sleep_after_the_spin_time),
      cmocka_unit_test(test_caller_sleeps),
      cmocka_unit_test(test_off_means_off),
      cmocka_unit_test(test_settling_into_the_past),
      cmocka_unit_test(test_nested_runs_are_part_of_the_body),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
