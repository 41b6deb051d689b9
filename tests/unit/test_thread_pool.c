// The pool: who calls which body, nesting, sleep and wake-up under all spin times, failing starts, pinning.
#include "reference/support.h"
#include "thread/affinity.h"
#include "thread/pool.h"
#include "thread/topology.h"
#include <dirent.h>
#include <oneapi/dnnl/dnnl_threadpool.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static mf_pool *create(int threads, int64_t spin_us) {
  mf_pool *pool;
  mf_error e = {0};
  const mf_pool_options options = {.threads = threads, .spin_us = spin_us};
  if (mf_pool_create(&pool, &options, &e) != MF_OK) fail_msg("%s", e.text);
  return pool;
}

// ---- partition ----

typedef struct call {
  int n, times, turn;
  pid_t thread;
} call;

static _Thread_local int turns; // bodies this thread has run

static void note_call(int i, int n, void *context) {
  call *c = (call *)context + i;
  c->n = n;
  c->times++;
  c->turn = turns++;
  c->thread = gettid();
}

// Sizes of the chunks of workers 0 to 3, written out by hand for n = 0 to 9.
static const int chunks[4][10][4] = {
    {{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}},
    {{0, 0}, {1, 0}, {1, 1}, {2, 1}, {2, 2}, {3, 2}, {3, 3}, {4, 3}, {4, 4}, {5, 4}},
    {{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {1, 1, 1}, {2, 1, 1}, {2, 2, 1}, {2, 2, 2}, {3, 2, 2}, {3, 3, 2}, {3, 3, 3}},
    {{0, 0, 0, 0},
     {1, 0, 0, 0},
     {1, 1, 0, 0},
     {1, 1, 1, 0},
     {1, 1, 1, 1},
     {2, 1, 1, 1},
     {2, 2, 1, 1},
     {2, 2, 2, 1},
     {2, 2, 2, 2},
     {3, 2, 2, 2}},
};

static void test_partition(void **state) {
  (void)state;
  for (int threads = 1; threads <= 4; threads++) {
    mf_pool *pool = create(threads, 0);
    assert_int_equal(mf_pool_threads(pool), threads);
    call who[4] = {0};
    mf_pool_run(pool, threads, note_call, who);
    assert_int_equal(who[0].thread, gettid());
    for (int i = 0; i < threads; i++)
      for (int k = 0; k < i; k++) assert_int_not_equal(who[i].thread, who[k].thread);

    for (int n = 0; n <= 9; n++) {
      call calls[10] = {0};
      mf_pool_run(pool, n, note_call, calls);
      int i = 0;
      for (int w = 0; w < threads; w++)
        for (int k = 0; k < chunks[threads - 1][n][w]; k++, i++) {
          assert_int_equal(calls[i].times, 1);
          assert_int_equal(calls[i].n, n);
          assert_int_equal(calls[i].thread, who[w].thread);
          if (k > 0) assert_int_equal(calls[i].turn, calls[i - 1].turn + 1);
        }
      assert_int_equal(i, n);
      for (; i < 10; i++) assert_int_equal(calls[i].times, 0);
    }
    mf_pool_run(pool, -1, note_call, NULL); // calls nothing
    mf_pool_destroy(pool);
  }
}

// ---- nesting ----

typedef struct nest {
  mf_pool *outer, *inner;
  call calls[2][3];
  bool inside[2], inside_inner[2], inside_both[2];
} nest;

static void run_nested(int i, int n, void *context) {
  nest *t = context;
  (void)n;
  t->inside[i] = mf_pool_is_inside(t->outer);
  t->inside_inner[i] = mf_pool_is_inside(t->inner);
  mf_pool_run(t->outer, 3, note_call, t->calls[i]);
}

static void test_nested_runs_inline(void **state) {
  (void)state;
  nest t = {.outer = create(2, 100), .inner = create(2, 100)};
  assert_false(mf_pool_is_inside(t.outer));
  mf_pool_run(t.outer, 2, run_nested, &t);
  assert_false(mf_pool_is_inside(t.outer));
  for (int i = 0; i < 2; i++) {
    assert_true(t.inside[i]);
    assert_false(t.inside_inner[i]);
    for (int k = 0; k < 3; k++) {
      assert_int_equal(t.calls[i][k].times, 1);
      assert_int_equal(t.calls[i][k].n, 3);
      assert_int_equal(t.calls[i][k].thread, t.calls[i][0].thread);
      assert_int_equal(t.calls[i][k].turn, t.calls[i][0].turn + k);
    }
  }
  assert_int_equal(t.calls[0][0].thread, gettid());
  assert_int_not_equal(t.calls[1][0].thread, gettid());
  mf_pool_destroy(t.outer);
  mf_pool_destroy(t.inner);
}

static void run_back(int i, int n, void *context) {
  nest *t = context;
  (void)n;
  t->inside_both[i] = mf_pool_is_inside(t->inner) && (i > 0 || mf_pool_is_inside(t->outer));
  if (i == 0)
    mf_pool_run(t->outer, 3, note_call, t->calls[0]); // of the thread's outermost pool: inline as well
  else
    note_call(0, 3, t->calls[1]);
}

static void run_inner(int i, int n, void *context) {
  (void)n;
  nest *t = context;
  if (i == 0) mf_pool_run(t->inner, 2, run_back, t);
}

// A worker of one pool may be the caller of another.
static void test_pool_within_pool(void **state) {
  (void)state;
  nest t = {.outer = create(2, 100), .inner = create(2, 100)};
  mf_pool_run(t.outer, 2, run_inner, &t);
  assert_true(t.inside_both[0] && t.inside_both[1]);
  for (int k = 0; k < 3; k++) assert_int_equal(t.calls[0][k].thread, gettid());
  assert_int_equal(t.calls[1][0].times, 1);
  assert_int_not_equal(t.calls[1][0].thread, gettid());
  mf_pool_destroy(t.outer);
  mf_pool_destroy(t.inner);
}

// ---- no lost wake-up, no missed or doubled work ----

static void burn(unsigned rounds) {
  volatile unsigned left = rounds;
  while (left > 0) left = left - 1;
}

typedef struct load {
  unsigned sums[8]; // plain: a missing edge between runs is a data race that tsan sees
  unsigned rounds[8];
} load;

static void add_up(int i, int n, void *context) {
  load *l = context;
  burn(l->rounds[i]);
  l->sums[i] += (unsigned)(n * 10 + i);
}

static unsigned next_random(unsigned *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 16;
}

static void check_many(int threads, int64_t spin_us, int runs) {
  mf_pool *pool = create(threads, spin_us);
  load l = {0};
  unsigned expected[8] = {0}, seed = (unsigned)threads;
  for (int r = 0; r < runs; r++) {
    const int n = (int)(next_random(&seed) % 9);
    for (int i = 0; i < n; i++) {
      expected[i] += (unsigned)(n * 10 + i);
      l.rounds[i] = next_random(&seed) % 4 ? 0 : next_random(&seed) % 20000;
    }
    mf_pool_run(pool, n, add_up, &l);
    for (int i = 0; i < 8; i++) assert_int_equal(l.sums[i], expected[i]);
    if (next_random(&seed) % 4 == 0) burn(next_random(&seed) % 20000); // long enough for short spins to end
  }
  mf_pool_destroy(pool);
}

static void test_many_sleeping(void **state) {
  (void)state;
  for (int threads = 1; threads <= 4; threads++) check_many(threads, 0, 4000);
}

static void test_many_at_the_edge_of_sleep(void **state) {
  (void)state;
  for (int64_t spin_us = 1; spin_us <= 32; spin_us *= 2) check_many(2, spin_us, 4000);
  check_many(3, 10, 2000);
}

static void test_many_spinning(void **state) {
  (void)state;
  check_many(2, 1000, 10000);
  check_many(2, MF_SPIN_FOREVER, 2000);
  check_many(3, MF_SPIN_DEFAULT_US, 200);
}

static void test_create_and_destroy(void **state) {
  (void)state;
  static const int64_t spins[] = {0, 5, MF_SPIN_FOREVER};
  for (int r = 0; r < 150; r++) {
    mf_pool *pool = create(1 + r % 4, spins[r % 3]);
    load l = {0};
    if (r % 2) mf_pool_run(pool, 4, add_up, &l);
    mf_pool_destroy(pool);
  }
  mf_pool_destroy(NULL);
}

static void *run_elsewhere(void *context) {
  nest *t = context;
  for (int k = 0; k < 100; k++) mf_pool_run(t->outer, 2, run_nested, t);
  return NULL;
}

static void test_callers_take_turns(void **state) {
  (void)state;
  nest t = {.outer = create(2, 50), .inner = NULL};
  for (int k = 0; k < 4; k++) {
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, run_elsewhere, &t), 0);
    assert_int_equal(pthread_join(other, NULL), 0);
    run_elsewhere(&t);
  }
  assert_int_equal(t.calls[0][0].times, 800);
  assert_int_equal(t.calls[1][2].times, 800);
  mf_pool_destroy(t.outer);
}

// ---- starting ----

static int count_threads(void) {
  DIR *folder = opendir("/proc/self/task");
  assert_non_null(folder);
  int count = 0;
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
}

static void test_bad_options(void **state) {
  (void)state;
  static const struct {
    mf_pool_options options;
    const char *text;
  } table[] = {
      {{.threads = 0}, "0 threads (expected 1 to 1024)"},
      {{.threads = -3}, "-3 threads"},
      {{.threads = MF_POOL_THREADS + 1}, "1025 threads"},
      {{.threads = 2, .spin_us = -1}, "a spin time of -1 us (expected 0 or more)"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    mf_pool *pool = (mf_pool *)&pool;
    mf_error e = {0};
    assert_int_equal(mf_pool_create(&pool, &table[i].options, &e), MF_ERR_USAGE);
    assert_null(pool);
    if (!strstr(e.text, table[i].text)) fail_msg("'%s' lacks '%s'", e.text, table[i].text);
  }
}

// The kernel refuses to pin the third thread: the second one, running by then, is ended.
static void test_thread_that_does_not_start(void **state) {
  (void)state;
  static const int cpus[][3] = {{-1, -1, 8191}, {-1, -1, 1 << 20}};
  const int before = count_threads();
  for (size_t i = 0; i < sizeof cpus / sizeof *cpus; i++) {
    mf_pool *pool = (mf_pool *)&pool;
    mf_error e = {0};
    const mf_pool_options options = {.threads = 3, .spin_us = MF_SPIN_FOREVER, .cpus = cpus[i]};
    assert_int_equal(mf_pool_create(&pool, &options, &e), MF_ERR_UNSUPPORTED);
    assert_null(pool);
    assert_non_null(strstr(e.text, "thread 3 of 3 could not be started"));
  }
  while (count_threads() > before) sched_yield(); // a joined thread leaves the list a moment later
}

static mf_status create_and_destroy(void *context, mf_error *e) {
  (void)context;
  mf_pool *pool = (mf_pool *)&pool;
  const mf_pool_options options = {.threads = 3, .spin_us = 10};
  const mf_status status = mf_pool_create(&pool, &options, e);
  if (status != MF_OK) return pool ? mf_fail(e, MF_ERR_FILE, "a pool was left") : status;
  mf_pool_destroy(pool);
  return MF_OK;
}

static void test_refused_allocations(void **state) {
  (void)state;
  assert_in_range(support_refuse_allocations(create_and_destroy, NULL), 1, 9);
}

// ---- what the workers are ----

typedef struct worker_state {
  int concurrency;
  unsigned long mask[128];
  sigset_t blocked;
} worker_state;

static void read_state(int i, int n, void *context) {
  worker_state *s = (worker_state *)context + i;
  (void)n;
  dnnl_threadpool_interop_get_max_concurrency(&s->concurrency);
  sched_getaffinity(0, sizeof s->mask, (cpu_set_t *)s->mask);
  pthread_sigmask(SIG_SETMASK, NULL, &s->blocked);
}

static void test_onednn_knows_the_threads(void **state) {
  (void)state;
  mf_pool *two = create(2, 10), *three = create(3, 10);
  worker_state s[3] = {0};
  mf_pool_bind_caller(three);
  mf_pool_run(three, 3, read_state, s);
  for (int i = 0; i < 3; i++) assert_int_equal(s[i].concurrency, 3);
  mf_pool_bind_caller(two);
  mf_pool_run(two, 2, read_state, s);
  for (int i = 0; i < 2; i++) assert_int_equal(s[i].concurrency, 2);
  mf_pool_destroy(two);
  mf_pool_destroy(three);
}

// Signals to the program do not land on workers; those of a worker's own instructions do, for the handler of broken
// mappings.
static void test_signals(void **state) {
  (void)state;
  mf_pool *pool = create(2, 10);
  worker_state s[2] = {0};
  mf_pool_run(pool, 2, read_state, s);
  assert_int_equal(sigismember(&s[0].blocked, SIGINT), 0);
  assert_int_equal(sigismember(&s[1].blocked, SIGINT), 1);
  assert_int_equal(sigismember(&s[1].blocked, SIGTERM), 1);
  assert_int_equal(sigismember(&s[1].blocked, SIGBUS), 0);
  assert_int_equal(sigismember(&s[1].blocked, SIGSEGV), 0);
  mf_pool_destroy(pool);
}

static void check_only(const unsigned long *mask, int cpu) {
  assert_int_equal(CPU_COUNT_S(sizeof((worker_state *)0)->mask, (const cpu_set_t *)mask), 1);
  assert_true(CPU_ISSET_S((size_t)cpu, sizeof((worker_state *)0)->mask, (const cpu_set_t *)mask));
}

static void test_pinning(void **state) {
  (void)state;
  mf_topology topology;
  mf_error e = {0};
  assert_int_equal(mf_topology_read(&topology, &e), MF_OK);
  const int threads = topology.cpu_count > 1 ? 2 : 1;
  const mf_affinity affinity = {.kind = MF_AFFINITY_COMPACT};
  int cpus[2];
  assert_int_equal(mf_affinity_place(&affinity, &topology, (size_t)threads, cpus, &e), MF_OK);
  mf_topology_free(&topology);

  worker_state before = {0}, s[2] = {0}, after = {0};
  read_state(0, 1, &before);
  mf_pool *pool;
  const mf_pool_options options = {.threads = threads, .spin_us = 10, .cpus = cpus};
  assert_int_equal(mf_pool_create(&pool, &options, &e), MF_OK);
  mf_pool_run(pool, threads, read_state, s);
  assert_memory_equal(s[0].mask, before.mask, sizeof before.mask);
  if (threads > 1) check_only(s[1].mask, cpus[1]);

  mf_pool_pin pin;
  mf_pool_pin_caller(pool, &pin);
  assert_true(pin.pinned);
  mf_pool_run(pool, threads, read_state, s);
  check_only(s[0].mask, cpus[0]);
  mf_pool_unpin_caller(&pin);
  read_state(0, 1, &after);
  assert_memory_equal(after.mask, before.mask, sizeof before.mask);
  mf_pool_destroy(pool);
  if (threads == 1) print_message("one CPU: the pinning of other workers was not seen\n");
}

static void test_pinning_nothing(void **state) {
  (void)state;
  mf_pool *pool = create(1, 0);
  worker_state before = {0}, during = {0};
  read_state(0, 1, &before);
  mf_pool_pin pin;
  mf_pool_pin_caller(pool, &pin);
  assert_false(pin.pinned);
  read_state(0, 1, &during);
  assert_memory_equal(during.mask, before.mask, sizeof before.mask);
  mf_pool_unpin_caller(&pin);
  mf_pool_destroy(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_partition),
      cmocka_unit_test(test_nested_runs_inline),
      cmocka_unit_test(test_pool_within_pool),
      cmocka_unit_test(test_many_sleeping),
      cmocka_unit_test(test_many_at_the_edge_of_sleep),
      cmocka_unit_test(test_many_spinning),
      cmocka_unit_test(test_create_and_destroy),
      cmocka_unit_test(test_callers_take_turns),
      cmocka_unit_test(test_bad_options),
      cmocka_unit_test(test_thread_that_does_not_start),
      cmocka_unit_test(test_refused_allocations),
      cmocka_unit_test(test_onednn_knows_the_threads),
      cmocka_unit_test(test_signals),
      cmocka_unit_test(test_pinning),
      cmocka_unit_test(test_pinning_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
