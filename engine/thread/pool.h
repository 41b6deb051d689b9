// The thread pool, also behind oneDNN's threadpool interface.
//
// A pool of T threads is the calling thread (worker 0) and T - 1 threads of its own. One thread at a time may run work
// on a pool; which one may change from run to run. oneDNN takes the number of threads from a thread-local value: call
// mf_pool_bind_caller in every thread before it creates primitive descriptors for, or executes primitives on, the pool.
#ifndef MF_THREAD_POOL_H
#define MF_THREAD_POOL_H

#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

#define MF_POOL_THREADS 1024 // most threads of a pool
#define MF_SPIN_DEFAULT_US 1000
#define MF_SPIN_FOREVER INT64_MAX // never sleep

typedef struct mf_pool mf_pool;

typedef struct mf_pool_options {
  int threads;     // T, 1 to MF_POOL_THREADS
  int64_t spin_us; // how long an idle worker polls before it sleeps; 0: it sleeps at once
  const int *cpus; // T CPU numbers, one a worker, as mf_affinity_place gives them; -1, or NULL for all: not pinned
} mf_pool_options;

// Workers that are not pinned take over the affinity mask of the creating thread. Errors: MF_ERR_USAGE (options out of
// range), MF_ERR_UNSUPPORTED (no memory; a thread could not be started or pinned): nothing is left running, *pool is
// NULL.
mf_status mf_pool_create(mf_pool **pool, const mf_pool_options *options, mf_error *e);
void mf_pool_destroy(mf_pool *pool); // not while it runs; NULL is allowed

int mf_pool_threads(const mf_pool *pool);

// Calls body(i, n, context) once for every i in [0, n) and returns when all are done. Worker w takes a contiguous
// chunk, in rising order: n / T calls, the first n % T workers one more. Worker 0 is the caller and always has work;
// for n < T the last workers are neither woken nor waited for. From inside a body of the same pool everything is called
// inline, in order. Allocates nothing.
typedef void (*mf_pool_body)(int i, int n, void *context);
void mf_pool_run(mf_pool *pool, int n, mf_pool_body body, void *context);

// True in a body of this pool, whichever worker runs it.
bool mf_pool_is_inside(const mf_pool *pool);

// Makes T the number of threads for which oneDNN plans in the calling thread. The pool's own threads are bound already.
void mf_pool_bind_caller(const mf_pool *pool);

// Pins the calling thread where worker 0 belongs (nothing happens when worker 0 is not pinned), until the same thread
// gives `pin` back. Threads that it starts meanwhile inherit the one CPU: create pools before.
typedef struct mf_pool_pin {
  bool pinned;
  unsigned long mask[8192 / (8 * sizeof(unsigned long))]; // the thread's mask before
} mf_pool_pin;
void mf_pool_pin_caller(const mf_pool *pool, mf_pool_pin *pin);
void mf_pool_unpin_caller(const mf_pool_pin *pin);

// The dnnl::threadpool_interop::threadpool_iface for dnnl_threadpool_interop_stream_create; owned by the pool,
// synchronous.
void *mf_pool_onednn(mf_pool *pool);

// What a worker did with the time while measuring was on. A run begins at the call of mf_pool_run and ends at its
// return.
typedef struct mf_pool_times {
  // Inside the bodies of its chunk.
  uint64_t effective_ns;
  // Idle and polling: outside of runs, in a run without a chunk for it, or done with its own while others still work.
  uint64_t spin_ns;
  // Idle likewise, but asleep.
  uint64_t wait_ns;
  // Hand-over, in runs where it has a chunk: from the call to its first body (waking up included), and from the end of
  // the run's last body to the return.
  uint64_t overhead_ns;
  // Worker 0 only: outside of runs, where it is the caller going about its own work. With the others 0.
  uint64_t serial_ns;
  // Chunks done, that is runs in which it had work.
  uint64_t chunks;
} mf_pool_times;

// The five times of a worker sum up to the time during which measuring was on, exactly, for they part the same readings
// of mf_now_ns. They begin at 0 with the pool and are never set back: take differences. They stand as of the last
// return of mf_pool_run, mf_pool_settle or mf_pool_measure. While measuring is off the clock is read only for the spin
// limit. All of these are called by the thread that runs work, between runs.
void mf_pool_measure(mf_pool *pool, bool on);
void mf_pool_counters(const mf_pool *pool, int i, mf_pool_times *out); // of worker i

// Counts up to `now`, a reading of mf_now_ns, so that differences cover exactly the time between two readings of the
// caller's. A reading from before the last return changes nothing.
void mf_pool_settle(mf_pool *pool, uint64_t now);

#endif
