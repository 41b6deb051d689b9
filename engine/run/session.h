// A session: one plan's activations, and the loop that runs its primitives. Sessions share a plan; a session is used by
// one thread at a time.
#ifndef MF_RUN_SESSION_H
#define MF_RUN_SESSION_H

#include "plan/plan.h"
#include "thread/counters.h"
#include "trace/recorder.h"

typedef enum mf_trace_level {
  MF_TRACE_OFF = -1,
  MF_TRACE_RUN,
  MF_TRACE_LAYER,
  MF_TRACE_PRIMITIVE,
  MF_TRACE_THREAD
} mf_trace_level;

typedef struct mf_session mf_session;

// `plan` and `pool` are borrowed and must outlive the session. MF_ERR_USAGE when the plan was made for another number
// of threads.
mf_status mf_session_create(mf_session **out, const mf_plan *plan, mf_pool *pool, mf_error *e);
void mf_session_free(mf_session *session); // NULL is allowed

// Spans hold what these count; NULL: nothing. Borrowed.
void mf_session_count(mf_session *session, const mf_counters *counters);
// When the session's memory was touched for the first time, in ns of the monotonic clock, and for how long.
void mf_session_touched(const mf_session *session, uint64_t *start, uint64_t *duration);

// Fill item `n` of the batch, which is that of all chunks of the plan: from height x width x 3 pixels, normalised as (p
// / 255 - mean) / std, or from a dense C,H,W float array. Either way the numbers are converted to what the first
// primitive reads.
mf_status mf_session_fill_pixels(mf_session *session, int64_t n, const uint8_t *rgb, const float mean[3],
                                 const float std[3], mf_error *e);
mf_status mf_session_fill_floats(mf_session *session, int64_t n, const float *chw, mf_error *e);

// One inference: the plan's steps, once a chunk. With a recorder, spans down to `level` are recorded under the number
// `run`. *duration (may be NULL) is the run's wall time in ns.
mf_status mf_session_run(mf_session *session, mf_recorder *recorder, mf_trace_level level, uint32_t run,
                         uint64_t *duration, mf_error *e);

// One chunk of an inference that shows every activation when it has just been written, dense N,C,H,W (or N,C) float
// with the chunk's items, valid during the call.
typedef mf_status (*mf_session_observer)(mf_tensor_id tensor, const float *data, size_t count, void *context,
                                         mf_error *e);
mf_status mf_session_observe(mf_session *session, int chunk, mf_session_observer observer, void *context, mf_error *e);

// The output: dense float of the output tensor's shape, chunk behind chunk, valid until the next run.
const float *mf_session_output(const mf_session *session, size_t *count);

#endif
