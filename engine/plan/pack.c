#include "plan/pack.h"
#include "plan/int8_weights.h"
#include <oneapi/dnnl/dnnl_threadpool.h>
#include <stdatomic.h>
#include <string.h>

// Below this size jobs run side by side; above it, one after another with every worker in each.
#define SIDE_BY_SIDE ((size_t)1 << 20)

typedef struct job {
  const mf_pack *pack;
  dnnl_primitive_t reorder; // NULL: the numbers are copied as they are, or a kernel writes them
} job;

typedef struct packing {
  mf_plan *plan;
  mf_pool *pool;
  job *jobs;
  int job_count;
  atomic_bool failed;
  mf_error error; // of the first failure
} packing;

static void quantise(const mf_pack *pack, size_t elements, int8_t *out) {
  const size_t row = elements / pack->channels;
  for (size_t c = 0; c < pack->channels; c++)
    mf_int8_weights(pack->data + c * row, row, pack->scales[c], pack->multiple, out + c * row);
}

// Workers share oneDNN's cache of primitives, so everything is created here, by the caller alone.
static mf_status create_reorder(const mf_plan *plan, job *j, mf_error *e) {
  if (j->pack->kernel) return MF_OK;
  const mf_constant *constant = &plan->constants[j->pack->constant];
  const size_t bytes = dnnl_memory_desc_get_size(j->pack->plain);
  const bool same =
      dnnl_memory_desc_get_size(constant->md) == bytes && (dnnl_memory_desc_equal(j->pack->plain, constant->md) ||
                                                           bytes == sizeof(float)); // single numbers may be integers
  if (same && !j->pack->scales) return MF_OK;
  dnnl_primitive_desc_t pd = NULL;
  dnnl_status_t status =
      dnnl_reorder_primitive_desc_create(&pd, j->pack->plain, plan->engine, constant->md, plan->engine, NULL);
  if (!status) status = dnnl_primitive_create(&j->reorder, pd);
  if (pd) dnnl_primitive_desc_destroy(pd);
  return mf_onednn_check(status, "packing weights", e);
}

static mf_status execute(const packing *p, const job *j, const void *data, mf_error *e) {
  dnnl_memory_t from = NULL;
  dnnl_stream_t stream = NULL;
  union {
    const void *in;
    void *out;
  } source = {data}; // oneDNN's memory takes no const
  dnnl_status_t status = dnnl_memory_create(&from, j->pack->plain, p->plan->engine, source.out);
  if (!status) status = dnnl_threadpool_interop_stream_create(&stream, p->plan->engine, mf_pool_onednn(p->pool));
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, p->plan->constants[j->pack->constant].memory}};
  if (!status) status = dnnl_primitive_execute(j->reorder, stream, 2, arguments);
  if (!status) status = dnnl_stream_wait(stream);
  if (stream) dnnl_stream_destroy(stream);
  if (from) dnnl_memory_destroy(from);
  return mf_onednn_check(status, "packing weights", e);
}

static mf_status write(const packing *p, const job *j, const void *data, mf_error *e) {
  const mf_kernel *kernel = j->pack->kernel;
  if (!kernel) return execute(p, j, data, e);
  const mf_kernel_weights weights = {data, j->pack->scales, j->pack->bias};
  return mf_kernel_pack(kernel, &weights, p->plan->constants[j->pack->constant].memory, p->pool, e);
}

static mf_status pack_one(const packing *p, const job *j, mf_error *e) {
  const mf_constant *constant = &p->plan->constants[j->pack->constant];
  size_t bytes = dnnl_memory_desc_get_size(j->pack->plain);
  if (!j->reorder && !j->pack->kernel) {
    memcpy((char *)p->plan->constant_slab + constant->offset, j->pack->data, bytes);
    return MF_OK;
  }
  if (!j->pack->scales) return write(p, j, j->pack->data, e);
  void *stored = mf_alloc(bytes);
  if (!stored) return mf_fail_memory(e, bytes);
  quantise(j->pack, bytes, stored);
  mf_status status = write(p, j, stored, e);
  mf_free(stored);
  return status;
}

static void body(int i, int n, void *context) {
  (void)n;
  packing *p = context;
  mf_error error;
  if (atomic_load(&p->failed)) return;
  if (pack_one(p, &p->jobs[i], &error) != MF_OK && !atomic_exchange(&p->failed, true)) p->error = error;
}

static mf_status lay_out(mf_plan *plan, mf_error *e) {
  size_t total = 0;
  for (int i = 0; i < plan->constant_count; i++) {
    plan->constants[i].offset = total;
    size_t rounded;
    if (!mf_add(plan->constants[i].bytes, MF_ALIGNMENT - 1, &rounded) ||
        !mf_add(total, rounded & ~(size_t)(MF_ALIGNMENT - 1), &total))
      return mf_fail_memory(e, SIZE_MAX);
  }
  plan->constant_slab = mf_alloc(total);
  if (!plan->constant_slab) return mf_fail_memory(e, total);
  plan->constant_bytes = total;
  for (int i = 0; i < plan->constant_count; i++) {
    mf_constant *c = &plan->constants[i];
    MF_TRY(mf_onednn_check(dnnl_memory_create(&c->memory, c->md, plan->engine, (char *)plan->constant_slab + c->offset),
                           "weights", e));
  }
  return MF_OK;
}

// Small ones to the front; returns how many.
static int take_jobs(packing *p, const mf_pack *packs, int count) {
  int small = 0;
  p->job_count = count;
  for (int i = 0, large = count; i < count; i++)
    p->jobs[dnnl_memory_desc_get_size(packs[i].plain) < SIDE_BY_SIDE ? small++ : --large].pack = &packs[i];
  return small;
}

static mf_status pack_all(packing *p, int small, mf_error *e) {
  for (int i = 0; i < p->job_count; i++) MF_TRY(create_reorder(p->plan, &p->jobs[i], e));
  for (int i = small; i < p->job_count; i++) MF_TRY(pack_one(p, &p->jobs[i], e));
  if (small) mf_pool_run(p->pool, small, body, p);
  if (!atomic_load(&p->failed)) return MF_OK;
  *e = p->error;
  return e->status;
}

mf_status mf_plan_pack(mf_plan *plan, const mf_pack *packs, int count, mf_pool *pool, mf_error *e) {
  MF_TRY(lay_out(plan, e));
  packing p = {.plan = plan, .pool = pool, .jobs = mf_alloc_zero((size_t)count * sizeof *p.jobs)};
  if (!p.jobs) return mf_fail_memory(e, (size_t)count * sizeof *p.jobs);
  const int small = take_jobs(&p, packs, count);
  mf_status status = pack_all(&p, small, e);
  for (int i = 0; i < count; i++)
    if (p.jobs[i].reorder) dnnl_primitive_destroy(p.jobs[i].reorder);
  mf_free(p.jobs);
  return status;
}
