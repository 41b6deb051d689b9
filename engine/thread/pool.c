#include "thread/pool.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "thread/futex.h"
#include "thread/onednn_pool.h"
#include <oneapi/dnnl/dnnl_threadpool.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define STEP 2u          // `go` and `done` count in steps, which leaves
#define CALLER_ASLEEP 1u // the lowest bit of `done` for the caller that sleeps on it
#define POLLS 32         // looks at a word between two readings of the clock

typedef struct job {
  mf_pool_body body; // NULL: the worker ends
  void *context;
  int begin, end, n;
  bool measure;
} job;

// The mailbox is written by the caller, the report by the worker; each has a cache line of its own, and a line of
// distance, since processors fetch lines in pairs.
typedef struct worker {
  _Alignas(64) _Atomic uint32_t go; // changes when there is a job
  job job;
  unsigned char distance[64];

  _Alignas(64) _Atomic uint32_t done; // go's value when that job is done
  _Atomic uint64_t slept_ns;          // since when the worker sleeps, 0: it does not
  uint64_t slept_before_ns;           // the same of the idle time that the last job ended
  uint64_t begin_ns, end_ns;          // of the bodies, when measuring
  mf_pool *pool;
  unsigned char more_distance[64];

  _Alignas(64) mf_pool_times times; // the caller's
  pthread_t thread;
} worker;

struct mf_pool {
  _Alignas(64) _Atomic uint32_t sleepers; // workers asleep or about to be; orders their sleep against new jobs
  unsigned char distance[64];

  _Alignas(64) int threads;
  int first_cpu; // of worker 0, -1: not pinned
  uint64_t spin_ns;
  _Alignas(16) unsigned char onednn_storage[MF_ONEDNN_POOL_BYTES];
  void *onednn;

  _Alignas(64) bool measure; // the caller's, as the next
  uint64_t settled_ns;       // the times stand as of then
  worker workers[];
};

// The bodies that a thread is in, innermost first.
typedef struct frame {
  const mf_pool *pool;
  const struct frame *outer;
} frame;
static _Thread_local const frame *innermost;

bool mf_pool_is_inside(const mf_pool *pool) {
  for (const frame *f = innermost; f; f = f->outer)
    if (f->pool == pool) return true;
  return false;
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

// How long a thread has been polling, over all the words it waits for in turn. The limit is time, for a pause takes 10
// cycles on one processor and 140 on the next.
typedef struct patience {
  uint64_t limit_ns; // 0: do not poll
  uint64_t end_ns;   // 0: the clock has not been read yet
  uint64_t now_ns;   // the last reading
} patience;

// Polls until the word is not `value` (true) or patience ends (false).
static bool poll_word(_Atomic uint32_t *word, uint32_t value, patience *p) {
  while (p->limit_ns > 0) {
    for (int i = 0; i < POLLS; i++) {
      if (atomic_load_explicit(word, memory_order_acquire) != value) return true;
      relax();
    }
    p->now_ns = mf_now_ns();
    if (p->end_ns == 0)
      p->end_ns = p->limit_ns > UINT64_MAX - p->now_ns ? UINT64_MAX : p->now_ns + p->limit_ns;
    else if (p->now_ns >= p->end_ns)
      return false;
  }
  return atomic_load_explicit(word, memory_order_acquire) != value;
}

// When a sleep begins. Nobody looks at it exactly unless measuring.
static uint64_t sleep_time(const patience *p, bool measure) {
  return p->now_ns ? p->now_ns : measure ? mf_now_ns() : 1;
}

static void run_chunk(worker *w, const job *j) {
  const frame here = {w->pool, innermost};
  innermost = &here;
  if (j->measure) w->begin_ns = mf_now_ns();
  for (int i = j->begin; i < j->end; i++) j->body(i, j->n, j->context);
  if (j->measure) w->end_ns = mf_now_ns();
  innermost = here.outer;
}

// Returns when there is another job, with the time since when the worker slept, or 0. No wake-up is lost: the worker
// announces its sleep, and the caller the job, before each adds to `sleepers`. Whichever adds second sees what the
// other wrote: the caller wakes the worker, or the worker finds `go` changed (the futex looks again before it sleeps).
static uint64_t await_job(worker *w, uint32_t seen, bool measure) {
  patience p = {.limit_ns = w->pool->spin_ns};
  if (poll_word(&w->go, seen, &p)) return 0;
  const uint64_t slept = sleep_time(&p, measure);
  atomic_store_explicit(&w->slept_ns, slept, memory_order_relaxed);
  atomic_fetch_add_explicit(&w->pool->sleepers, 1, memory_order_acq_rel);
  while (atomic_load_explicit(&w->go, memory_order_acquire) == seen) mf_futex_wait(&w->go, seen);
  atomic_fetch_sub_explicit(&w->pool->sleepers, 1, memory_order_relaxed);
  atomic_store_explicit(&w->slept_ns, 0, memory_order_relaxed);
  return slept;
}

static void *work(void *argument) {
  worker *w = argument;
  bool measure = false;
  mf_pool_bind_caller(w->pool);
  for (uint32_t seen = 0;;) {
    const uint64_t slept = await_job(w, seen, measure);
    seen += STEP;
    if (!w->job.body) return NULL;
    measure = w->job.measure;
    w->slept_before_ns = slept;
    run_chunk(w, &w->job);
    // From here on the mailbox and the report are the caller's, until the next job.
    if (atomic_exchange_explicit(&w->done, seen, memory_order_acq_rel) & CALLER_ASLEEP) mf_futex_wake(&w->done);
  }
}

static void send_job(worker *w, const job *j) {
  w->job = *j;
  atomic_store_explicit(&w->go, atomic_load_explicit(&w->go, memory_order_relaxed) + STEP, memory_order_release);
}

// Wakes those of workers 1 to count - 1 that sleep, after their jobs were sent.
static void wake_sleepers(mf_pool *pool, int count) {
  if (atomic_fetch_add_explicit(&pool->sleepers, 0, memory_order_acq_rel) == 0) return;
  for (int i = 1; i < count; i++)
    if (atomic_load_explicit(&pool->workers[i].slept_ns, memory_order_relaxed)) mf_futex_wake(&pool->workers[i].go);
}

// Returns when the worker's job is done. *slept: since when the caller sleeps in this run.
static void await_worker(worker *w, patience *p, bool measure, uint64_t *slept) {
  uint32_t before = atomic_load_explicit(&w->go, memory_order_relaxed) - STEP;
  if (poll_word(&w->done, before, p)) return;
  const uint64_t now = sleep_time(p, measure);
  if (!atomic_compare_exchange_strong_explicit(&w->done, &before, before | CALLER_ASLEEP, memory_order_acq_rel,
                                               memory_order_acquire))
    return;
  if (!*slept) *slept = now;
  while (atomic_load_explicit(&w->done, memory_order_acquire) == (before | CALLER_ASLEEP))
    mf_futex_wait(&w->done, before | CALLER_ASLEEP);
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high) {
  return value < low ? low : value > high ? high : value;
}

// Idle from `from` to `to`, asleep from `slept` on (0: not at all).
static void count_idle(mf_pool_times *c, uint64_t from, uint64_t to, uint64_t slept) {
  const uint64_t edge = slept ? clamp(slept, from, to) : to;
  c->spin_ns += edge - from;
  c->wait_ns += to - edge;
}

// The run that began at `call` and ends now had work for `active` workers. Readings are clamped, so that the sums hold
// even where the clocks of two processors differ by a bit.
static void count_run(mf_pool *pool, uint64_t call, int active, uint64_t caller_slept) {
  call = clamp(call, pool->settled_ns, UINT64_MAX);
  const uint64_t back = clamp(mf_now_ns(), call, UINT64_MAX);
  uint64_t last = call;
  for (int i = 0; i < active; i++) {
    worker *w = &pool->workers[i];
    w->begin_ns = clamp(w->begin_ns, call, back);
    w->end_ns = clamp(w->end_ns, w->begin_ns, back);
    if (w->end_ns > last) last = w->end_ns;
  }
  for (int i = 0; i < pool->threads; i++) {
    worker *w = &pool->workers[i];
    mf_pool_times *c = &w->times;
    const uint64_t slept = i ? atomic_load_explicit(&w->slept_ns, memory_order_relaxed) : caller_slept;
    if (i >= active) {
      count_idle(c, pool->settled_ns, back, slept);
      continue;
    }
    if (i == 0)
      c->serial_ns += call - pool->settled_ns;
    else
      count_idle(c, pool->settled_ns, call, w->slept_before_ns);
    c->overhead_ns += w->begin_ns - call + (back - last);
    c->effective_ns += w->end_ns - w->begin_ns;
    count_idle(c, w->end_ns, last, slept);
    c->chunks++;
  }
  pool->settled_ns = back;
}

void mf_pool_run(mf_pool *pool, int n, mf_pool_body body, void *context) {
  if (mf_pool_is_inside(pool)) {
    for (int i = 0; i < n; i++) body(i, n, context);
    return;
  }
  if (n <= 0) return;

  const bool measure = pool->measure;
  const uint64_t call = measure ? mf_now_ns() : 0;
  const int share = n / pool->threads, more = n % pool->threads, active = n < pool->threads ? n : pool->threads;
  const job first = {body, context, 0, share + (more > 0), n, measure};
  job j = first;
  for (int i = 1; i < active; i++) {
    j.begin = j.end;
    j.end += share + (i < more);
    send_job(&pool->workers[i], &j);
  }
  if (active > 1) wake_sleepers(pool, active);
  run_chunk(&pool->workers[0], &first);

  patience p = {.limit_ns = pool->spin_ns};
  uint64_t slept = 0;
  for (int i = 1; i < active; i++) await_worker(&pool->workers[i], &p, measure, &slept);
  if (measure) count_run(pool, call, active, slept);
}

void mf_pool_settle(mf_pool *pool, uint64_t now) {
  if (!pool->measure || now <= pool->settled_ns) return;
  pool->workers[0].times.serial_ns += now - pool->settled_ns;
  for (int i = 1; i < pool->threads; i++) {
    worker *w = &pool->workers[i];
    count_idle(&w->times, pool->settled_ns, now, atomic_load_explicit(&w->slept_ns, memory_order_relaxed));
  }
  pool->settled_ns = now;
}

void mf_pool_measure(mf_pool *pool, bool on) {
  if (pool->measure == on) return;
  const uint64_t now = mf_now_ns();
  if (on)
    pool->settled_ns = now;
  else
    mf_pool_settle(pool, now);
  pool->measure = on;
}

void mf_pool_counters(const mf_pool *pool, int i, mf_pool_times *out) {
  *out = pool->workers[i].times;
}

int mf_pool_threads(const mf_pool *pool) {
  return pool->threads;
}

void *mf_pool_onednn(mf_pool *pool) {
  return pool->onednn;
}

void mf_pool_bind_caller(const mf_pool *pool) {
  dnnl_threadpool_interop_set_max_concurrency(pool->threads); // only stores the value
}

static int start_worker(worker *w, int index, int cpu) {
  char name[24];
  unsigned long mask[sizeof((mf_pool_pin *)0)->mask / sizeof(unsigned long)] = {0};
  pthread_attr_t attributes;
  int why = pthread_attr_init(&attributes);
  if (why) return why;
  if (cpu >= 0) {
    CPU_SET_S((size_t)cpu, sizeof mask, (cpu_set_t *)mask); // beyond the mask: nothing set, and refused below
    why = pthread_attr_setaffinity_np(&attributes, sizeof mask, (cpu_set_t *)mask);
  }
  if (!why) why = pthread_create(&w->thread, &attributes, work, w);
  pthread_attr_destroy(&attributes);
  if (why) return why;
  snprintf(name, sizeof name, "minfer-%d", index); // seen in top and perf
  pthread_setname_np(w->thread, name);
  return 0;
}

// Ends workers 1 to count - 1.
static void stop_workers(mf_pool *pool, int count) {
  const job end = {0};
  for (int i = 1; i < count; i++) send_job(&pool->workers[i], &end);
  if (count > 1) wake_sleepers(pool, count);
  for (int i = 1; i < count; i++) pthread_join(pool->workers[i].thread, NULL);
}

static mf_status start_workers(mf_pool *pool, const mf_pool_options *options, mf_error *e) {
  // The program's signals are for its own threads; what a worker's own instructions raise must reach its handler.
  static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF};
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&blocked, own[i]);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);

  mf_status status = MF_OK;
  for (int i = 1; i < pool->threads && status == MF_OK; i++) {
    const int why = start_worker(&pool->workers[i], i, options->cpus ? options->cpus[i] : -1);
    if (!why) continue;
    stop_workers(pool, i);
    status =
        mf_fail(e, MF_ERR_UNSUPPORTED, "thread %d of %d could not be started: %s", i + 1, pool->threads, strerror(why));
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status;
}

mf_status mf_pool_create(mf_pool **pool, const mf_pool_options *options, mf_error *e) {
  *pool = NULL;
  if (options->threads < 1 || options->threads > MF_POOL_THREADS)
    return mf_fail(e, MF_ERR_USAGE, "%d threads (expected 1 to %d)", options->threads, MF_POOL_THREADS);
  if (options->spin_us < 0)
    return mf_fail(e, MF_ERR_USAGE, "a spin time of %lld us (expected 0 or more)", (long long)options->spin_us);

  const size_t bytes = sizeof(mf_pool) + (size_t)options->threads * sizeof(worker);
  mf_pool *p = mf_alloc_zero(bytes);
  if (!p) return mf_fail_memory(e, bytes);
  p->threads = options->threads;
  p->first_cpu = options->cpus ? options->cpus[0] : -1;
  if (__builtin_mul_overflow((uint64_t)options->spin_us, 1000u, &p->spin_ns)) p->spin_ns = UINT64_MAX;
  p->onednn = mf_onednn_pool_build(p->onednn_storage, p);
  for (int i = 0; i < p->threads; i++) p->workers[i].pool = p;
  const mf_status status = start_workers(p, options, e);
  if (status == MF_OK)
    *pool = p;
  else
    mf_free(p);
  return status;
}

void mf_pool_destroy(mf_pool *pool) {
  if (!pool) return;
  stop_workers(pool, pool->threads);
  mf_free(pool);
}

void mf_pool_pin_caller(const mf_pool *pool, mf_pool_pin *pin) {
  unsigned long mask[sizeof pin->mask / sizeof *pin->mask] = {0};
  *pin = (mf_pool_pin){0};
  if (pool->first_cpu < 0 || sched_getaffinity(0, sizeof pin->mask, (cpu_set_t *)pin->mask) != 0) return;
  CPU_SET_S((size_t)pool->first_cpu, sizeof mask, (cpu_set_t *)mask);
  pin->pinned = sched_setaffinity(0, sizeof mask, (cpu_set_t *)mask) == 0;
}

void mf_pool_unpin_caller(const mf_pool_pin *pin) {
  if (pin->pinned) sched_setaffinity(0, sizeof pin->mask, (const cpu_set_t *)pin->mask);
}
