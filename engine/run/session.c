#include "run/session.h"
#include "base/clock.h"
#include "plan/onednn.h"
#include "run/internal.h"
#include <oneapi/dnnl/dnnl_threadpool.h>
#include <string.h>

typedef struct execution { // a step with this session's memory bound to it
  dnnl_primitive_t primitive;
  mf_kernel_memory kernel; // of a step that has one
  dnnl_exec_arg_t *arguments;
  int argument_count;
} execution;

struct mf_session {
  mf_arena arena;
  const mf_plan *plan;
  mf_pool *pool;
  dnnl_stream_t stream;
  char *slab;
  int chunk; // that the memory of input and output is bound to
  void *scratchpad;
  dnnl_memory_t *values;      // one a value of the plan
  dnnl_memory_t *scratchpads; // one a step, all over the same buffer; NULL where none is needed
  execution *executions;
  mf_pool_times *before; // counters of each worker when the current primitive began
  uint64_t touch_start, touch_ns;
  const mf_counters *counters; // NULL: spans hold none
};

static mf_status bind_step(mf_session *s, int i, mf_error *e) {
  const mf_step *step = &s->plan->steps[i];
  execution *x = &s->executions[i];
  x->primitive = step->primitive;
  x->arguments = mf_arena_alloc(&s->arena, ((size_t)step->argument_count + 1) * sizeof *x->arguments);
  if (!x->arguments) return mf_fail_memory(e, sizeof *x->arguments);
  for (int a = 0; a < step->argument_count; a++) {
    const mf_step_argument *from = &step->arguments[a];
    dnnl_memory_t memory =
        from->source == MF_FROM_VALUE ? s->values[from->index] : s->plan->constants[from->index].memory;
    x->arguments[x->argument_count++] = (dnnl_exec_arg_t){from->dnnl, memory};
  }
  if (step->kernel) return mf_kernel_bind(step->kernel, s->scratchpad, &x->kernel, e);
  if (!step->info.scratchpad_bytes) return MF_OK;
  const_dnnl_primitive_desc_t pd = NULL;
  MF_TRY(mf_onednn_check(dnnl_primitive_get_primitive_desc(step->primitive, &pd), "scratchpad", e));
  const_dnnl_memory_desc_t md = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
  MF_TRY(mf_onednn_check(dnnl_memory_create(&s->scratchpads[i], md, s->plan->engine, s->scratchpad), "scratchpad", e));
  x->arguments[x->argument_count++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, s->scratchpads[i]};
  return MF_OK;
}

static mf_status build(mf_session *s, mf_error *e) {
  const mf_plan *plan = s->plan;
  MF_TRY(mf_onednn_check(dnnl_threadpool_interop_stream_create(&s->stream, plan->engine, mf_pool_onednn(s->pool)),
                         "stream", e));
  // Zeroed: blocked layouts read their padding, and the pages are touched before the first run.
  s->touch_start = mf_now_ns();
  s->slab = mf_alloc_zero(plan->activation_bytes);
  s->scratchpad = mf_alloc_zero(plan->scratchpad_bytes);
  s->touch_ns = mf_now_ns() - s->touch_start;
  s->values = mf_arena_alloc(&s->arena, ((size_t)plan->value_count + 1) * sizeof *s->values);
  s->scratchpads = mf_arena_alloc(&s->arena, ((size_t)plan->step_count + 1) * sizeof(dnnl_memory_t));
  s->executions = mf_arena_alloc(&s->arena, ((size_t)plan->step_count + 1) * sizeof *s->executions);
  s->before = mf_arena_alloc(&s->arena, (size_t)plan->threads * sizeof *s->before);
  if (!s->slab || !s->scratchpad || !s->values || !s->scratchpads || !s->executions || !s->before)
    return mf_fail_memory(e, plan->activation_bytes);
  for (int v = 0; v < plan->value_count; v++) {
    const mf_value *value = &plan->values[v];
    MF_TRY(mf_onednn_check(dnnl_memory_create(&s->values[v], value->md, plan->engine, s->slab + value->offset),
                           value->name, e));
  }
  for (int i = 0; i < plan->step_count; i++) MF_TRY(bind_step(s, i, e));
  return MF_OK;
}

mf_status mf_session_create(mf_session **out, const mf_plan *plan, mf_pool *pool, mf_error *e) {
  if (mf_pool_threads(pool) != plan->threads)
    return mf_fail(e, MF_ERR_USAGE, "the plan was made for %d threads, the pool has %d", plan->threads,
                   mf_pool_threads(pool));
  mf_session *s = mf_alloc_zero(sizeof *s);
  if (!s) return mf_fail_memory(e, sizeof *s);
  s->plan = plan;
  s->pool = pool;
  mf_status status = build(s, e);
  if (status != MF_OK) {
    mf_session_free(s);
    return status;
  }
  *out = s;
  return MF_OK;
}

void mf_session_free(mf_session *s) {
  if (!s) return;
  for (int i = 0; s->scratchpads && i < s->plan->step_count; i++)
    if (s->scratchpads[i]) dnnl_memory_destroy(s->scratchpads[i]);
  for (int i = 0; s->executions && i < s->plan->step_count; i++) mf_kernel_unbind(&s->executions[i].kernel);
  for (int v = 0; s->values && v < s->plan->value_count; v++)
    if (s->values[v]) dnnl_memory_destroy(s->values[v]);
  if (s->stream) dnnl_stream_destroy(s->stream);
  mf_free(s->slab);
  mf_free(s->scratchpad);
  mf_arena_free(&s->arena);
  mf_free(s);
}

void mf_session_count(mf_session *s, const mf_counters *counters) {
  s->counters = counters;
}

void mf_session_touched(const mf_session *s, uint64_t *start, uint64_t *duration) {
  *start = s->touch_start;
  *duration = s->touch_ns;
}

static char *place_of(const mf_session *s, int value, int chunk) {
  const mf_value *v = &s->plan->values[value];
  return s->slab + v->offset + v->step * (size_t)chunk;
}

mf_status mf_session_select(mf_session *s, int chunk, mf_error *e) {
  if (chunk == s->chunk) return MF_OK;
  s->chunk = chunk;
  for (int v = 0; v < s->plan->value_count; v++)
    if (s->plan->values[v].step)
      MF_TRY(mf_onednn_check(dnnl_memory_set_data_handle(s->values[v], place_of(s, v, chunk)), s->plan->values[v].name,
                             e));
  return MF_OK;
}

const void *mf_session_value(const mf_session *s, int value) {
  return place_of(s, value, s->chunk);
}

void *mf_session_input(mf_session *s, int chunk) {
  return place_of(s, s->plan->input, chunk);
}

const mf_plan *mf_session_plan(const mf_session *s) {
  return s->plan;
}

mf_pool *mf_session_pool(const mf_session *s) {
  return s->pool;
}

const float *mf_session_output(const mf_session *s, size_t *count) {
  *count = s->plan->values[s->plan->output].bytes / sizeof(float) * (size_t)s->plan->chunks;
  return (const float *)(const void *)place_of(s, s->plan->output, 0);
}

static dnnl_status_t execute_kernel(mf_session *s, const mf_kernel *kernel, const execution *x) {
  const mf_kernel_run run = {&x->kernel, s->pool, s->stream, x->arguments, x->argument_count};
  return mf_kernel_execute(kernel, &run);
}

static inline mf_status execute(mf_session *s, int i, mf_error *e) {
  const execution *x = &s->executions[i];
  const dnnl_status_t status = x->primitive
                                   ? dnnl_primitive_execute(x->primitive, s->stream, x->argument_count, x->arguments)
                                   : execute_kernel(s, s->plan->steps[i].kernel, x);
  return __builtin_expect(status == dnnl_success, 1) ? MF_OK : mf_onednn_check(status, s->plan->steps[i].info.name, e);
}

mf_status mf_session_step(mf_session *s, int step, mf_error *e) {
  return execute(s, step, e);
}

static void remember_workers(mf_session *s, uint64_t now) {
  mf_pool_settle(s->pool, now);
  for (int w = 0; w < s->plan->threads; w++) mf_pool_counters(s->pool, w, &s->before[w]);
}

// What each worker did between `start` and `end`.
static void record_workers(mf_session *s, mf_recorder *recorder, int step, uint32_t run, uint64_t start, uint64_t end) {
  mf_pool_settle(s->pool, end);
  for (int w = 0; w < s->plan->threads; w++) {
    mf_pool_times now;
    mf_pool_counters(s->pool, w, &now);
    const mf_pool_times *was = &s->before[w];
    const uint64_t serial = now.serial_ns - was->serial_ns, chunks = now.chunks - was->chunks;
    // Where oneDNN wants one thread only, the caller computes without the pool. Otherwise what it does outside of the
    // pool is hand-over too.
    const bool alone = w == 0 && chunks == 0;
    mf_record record = {.start = start,
                        .duration = end - start,
                        .effective = now.effective_ns - was->effective_ns + (alone ? serial : 0),
                        .spin = now.spin_ns - was->spin_ns,
                        .wait = now.wait_ns - was->wait_ns,
                        .overhead = now.overhead_ns - was->overhead_ns + (alone ? 0 : serial),
                        .index = (uint32_t)step,
                        .run = run,
                        .kind = MF_SPAN_THREAD,
                        .thread = (uint16_t)w,
                        .chunks = alone ? 1 : (uint32_t)chunks};
    mf_recorder_push(recorder, &record);
  }
}

static void read_counters(const mf_session *s, mf_counts *now) {
  if (s->counters) mf_counters_read(s->counters, now);
}

static void push_counted(mf_recorder *recorder, mf_record record, const mf_counts *from, const mf_counts *to) {
  record.cycles = to->cycles - from->cycles;
  record.instructions = to->instructions - from->instructions;
  record.cache_misses = to->cache_misses - from->cache_misses;
  record.page_faults = (uint32_t)(to->page_faults - from->page_faults);
  record.voluntary = (uint32_t)(to->voluntary - from->voluntary);
  record.involuntary = (uint32_t)(to->involuntary - from->involuntary);
  mf_recorder_push(recorder, &record);
}

static mf_status run_steps(mf_session *s, mf_error *e) {
  for (int i = 0; i < s->plan->step_count; i++) MF_TRY(execute(s, i, e));
  return MF_OK;
}

// Begins at the first step of a layer and ends behind its last; reorders stand alone between layers.
static mf_status trace_steps(mf_session *s, mf_recorder *recorder, mf_trace_level level, uint32_t run, mf_error *e) {
  const mf_plan *plan = s->plan;
  uint64_t layer_start = 0, end = mf_now_ns();
  mf_counts now = {0}, was = {0}, opened = {0}; // what lies between two primitives counts for the second
  read_counters(s, &now);
  if (level >= MF_TRACE_THREAD) remember_workers(s, end);
  for (int i = 0; i < plan->step_count; i++) {
    const mf_step *step = &plan->steps[i];
    const mf_layer *layer = step->is_reorder ? NULL : &plan->layers[step->layer];
    bool opens = layer && layer->first_step == i, closes = layer && layer->first_step + layer->step_count - 1 == i;
    uint64_t start = 0;
    if (level >= MF_TRACE_PRIMITIVE || opens) start = mf_now_ns();
    if (opens) {
      layer_start = start;
      opened = now;
    }
    if (level >= MF_TRACE_THREAD) remember_workers(s, start);
    MF_TRY(execute(s, i, e));
    if (level >= MF_TRACE_PRIMITIVE || closes) {
      end = mf_now_ns();
      was = now;
      read_counters(s, &now);
    }
    if (level >= MF_TRACE_PRIMITIVE)
      push_counted(
          recorder,
          (mf_record){
              .start = start, .duration = end - start, .index = (uint32_t)i, .run = run, .kind = MF_SPAN_PRIMITIVE},
          &was, &now);
    if (level >= MF_TRACE_THREAD) record_workers(s, recorder, i, run, start, end);
    if (closes)
      push_counted(recorder,
                   (mf_record){.start = layer_start,
                               .duration = end - layer_start,
                               .index = (uint32_t)step->layer,
                               .run = run,
                               .kind = MF_SPAN_LAYER},
                   &opened, &now);
  }
  return MF_OK;
}

mf_status mf_session_run(mf_session *s, mf_recorder *recorder, mf_trace_level level, uint32_t run, uint64_t *duration,
                         mf_error *e) {
  mf_pool_pin pin;
  mf_pool_pin_caller(s->pool, &pin);
  mf_pool_bind_caller(s->pool);
  bool traced = recorder && level >= MF_TRACE_RUN;
  if (traced && level >= MF_TRACE_THREAD) mf_pool_measure(s->pool, true);
  mf_status status = MF_OK;
  mf_counts was = {0}, now = {0};
  if (traced) read_counters(s, &was);
  uint64_t start = mf_now_ns();
  for (int chunk = 0; chunk < s->plan->chunks && status == MF_OK; chunk++) {
    status = mf_session_select(s, chunk, e);
    if (status == MF_OK)
      status = traced && level >= MF_TRACE_LAYER ? trace_steps(s, recorder, level, run, e) : run_steps(s, e);
  }
  uint64_t spent = mf_now_ns() - start;
  if (traced && level >= MF_TRACE_THREAD) mf_pool_measure(s->pool, false);
  if (traced) read_counters(s, &now);
  if (traced && status == MF_OK)
    push_counted(recorder,
                 (mf_record){.start = start, .duration = spent, .index = run, .run = run, .kind = MF_SPAN_RUN}, &was,
                 &now);
  mf_pool_unpin_caller(&pin);
  if (duration) *duration = spent;
  return status;
}
