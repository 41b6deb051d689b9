#include "run/peaks.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "plan/onednn.h"
#include "run/stream.h"
#include "thread/affinity.h"
#include "thread/pool.h"
#include <oneapi/dnnl/dnnl_threadpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 512, SAMPLES_LEAST = 5 };
static const uint64_t sample_ns = 1000000, peak_ns = 250000000, all_ns = 20000000000;
static const double percentile = 0.9;

const char *mf_peak_type_name(mf_peak_type type) {
  static const char *const names[] = {"f32", "bf16", "f16", "int8"};
  return names[type];
}

const char *mf_memory_name(mf_memory level) {
  static const char *const names[] = {"L1", "L2", "L3", "DRAM"};
  return names[level];
}

mf_peaks mf_peaks_of_machine(const mf_topology *t) {
  const dnnl_version_t *v = dnnl_version();
  mf_peaks peaks = {
      .cpus = (int)t->cpu_count, .cores = (int)t->core_count, .cache_bytes = {t->l1d_bytes, t->l2_bytes, t->l3_bytes}};
  snprintf(peaks.cpu, sizeof peaks.cpu, "%s", t->model);
  snprintf(peaks.isa, sizeof peaks.isa, "%s", mf_onednn_isa());
  snprintf(peaks.onednn, sizeof peaks.onednn, "%d.%d.%d", v->major, v->minor, v->patch);
  return peaks;
}

// ---- one peak

// Something that can be done `times` times in a row; `work` is what one time does.
typedef struct load {
  mf_status (*run)(void *context, size_t times, mf_error *e);
  void *context;
  double work;
} load;

static int rising(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double quantile(double *values, size_t count, double q) {
  qsort(values, count, sizeof *values, rising);
  return values[(size_t)(q * (double)(count - 1) + 0.5)];
}

static mf_status timed(const load *l, size_t times, uint64_t *ns, mf_error *e) {
  const uint64_t start = mf_now_ns();
  MF_TRY(l->run(l->context, times, e));
  *ns = mf_now_ns() - start;
  return MF_OK;
}

static mf_status measure(const load *l, uint64_t budget, mf_peak *out, mf_error *e) {
  double rates[SAMPLES], clocks[SAMPLES];
  size_t times = 1, count = 0;
  uint64_t ns = 0;
  MF_TRY(timed(l, 1, &ns, e)); // touches memory, wakes workers
  MF_TRY(timed(l, times, &ns, e));
  while (ns < sample_ns) MF_TRY(timed(l, times *= 2, &ns, e));
  for (const uint64_t start = mf_now_ns();
       count < SAMPLES && (count < SAMPLES_LEAST || mf_now_ns() - start < budget);) {
    MF_TRY(timed(l, times, &ns, e));
    // The clock that the load has left behind: processors take longer than this to change it.
    clocks[count] = mf_stream_clock();
    rates[count++] = l->work * (double)times / (double)(ns ? ns : 1);
  }
  *out = (mf_peak){quantile(rates, count, percentile), quantile(clocks, count, 0.5)};
  return MF_OK;
}

// ---- multiply-adds: matmuls that stay in the caches

typedef struct product {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_memory_desc_t mds[3];
  dnnl_primitive_desc_t pd;
  dnnl_primitive_t primitive;
  void *blocks[3];
  dnnl_memory_t memories[3];
} product;

static mf_status run_product(void *context, size_t times, mf_error *e) {
  const product *p = context;
  dnnl_exec_arg_t arguments[] = {
      {DNNL_ARG_SRC, p->memories[0]}, {DNNL_ARG_WEIGHTS, p->memories[1]}, {DNNL_ARG_DST, p->memories[2]}};
  for (size_t i = 0; i < times; i++)
    MF_TRY(mf_onednn_check(dnnl_primitive_execute(p->primitive, p->stream, 3, arguments), "matmul", e));
  return MF_OK;
}

static const dnnl_data_type_t product_types[MF_PEAK_TYPES][3] = {[MF_PEAK_F32] = {dnnl_f32, dnnl_f32, dnnl_f32},
                                                                 [MF_PEAK_BF16] = {dnnl_bf16, dnnl_bf16, dnnl_bf16},
                                                                 [MF_PEAK_F16] = {dnnl_f16, dnnl_f16, dnnl_f16},
                                                                 [MF_PEAK_INT8] = {dnnl_u8, dnnl_s8, dnnl_s32}};

static mf_status build_product(product *p, mf_pool *pool, mf_peak_type type, const dnnl_dim_t size[3], mf_error *e) {
  const dnnl_dim_t m = size[0], n = size[1], k = size[2];
  const dnnl_dims_t dims[3] = {{m, k}, {k, n}, {m, n}};
  static const dnnl_format_tag_t tags[3] = {dnnl_ab, dnnl_format_tag_any, dnnl_ab};
  mf_pool_bind_caller(pool);
  MF_TRY(mf_onednn_check(dnnl_engine_create(&p->engine, dnnl_cpu, 0), "engine", e));
  MF_TRY(
      mf_onednn_check(dnnl_threadpool_interop_stream_create(&p->stream, p->engine, mf_pool_onednn(pool)), "stream", e));
  for (int i = 0; i < 3; i++)
    MF_TRY(mf_onednn_check(dnnl_memory_desc_create_with_tag(&p->mds[i], 2, dims[i], product_types[type][i], tags[i]),
                           "matmul", e));
  MF_TRY(mf_onednn_check(
      dnnl_matmul_primitive_desc_create(&p->pd, p->engine, p->mds[0], p->mds[1], NULL, p->mds[2], NULL), "matmul", e));
  MF_TRY(mf_onednn_check(dnnl_primitive_create(&p->primitive, p->pd), "matmul", e));
  static const dnnl_query_t queries[3] = {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md};
  for (int i = 0; i < 3; i++) {
    const_dnnl_memory_desc_t md = dnnl_primitive_desc_query_md(p->pd, queries[i], 0);
    const size_t bytes = dnnl_memory_desc_get_size(md);
    p->blocks[i] = mf_alloc(bytes);
    if (!p->blocks[i]) return mf_fail_memory(e, bytes);
    memset(p->blocks[i], 0x3f, bytes); // a number near 1 in every float type, 63 as an integer
    MF_TRY(mf_onednn_check(dnnl_memory_create(&p->memories[i], md, p->engine, p->blocks[i]), "matmul", e));
  }
  return MF_OK;
}

static void free_product(product *p) {
  for (int i = 0; i < 3; i++) {
    if (p->memories[i]) dnnl_memory_destroy(p->memories[i]);
    mf_free(p->blocks[i]);
    if (p->mds[i]) dnnl_memory_desc_destroy(p->mds[i]);
  }
  if (p->primitive) dnnl_primitive_destroy(p->primitive);
  if (p->pd) dnnl_primitive_desc_destroy(p->pd);
  if (p->stream) dnnl_stream_destroy(p->stream);
  if (p->engine) dnnl_engine_destroy(p->engine);
}

static mf_status measure_product(mf_pool *pool, mf_peak_type type, const dnnl_dim_t size[3], uint64_t budget,
                                 mf_peak *out, mf_error *e) {
  product p = {0};
  mf_status status = build_product(&p, pool, type, size, e);
  const double work = 2 * (double)size[0] * (double)size[1] * (double)size[2];
  if (status == MF_OK) status = measure(&(load){run_product, &p, work}, budget, out, e);
  free_product(&p);
  return status;
}

// The better of two shapes, rows for each thread.
static mf_status measure_type(mf_pool *pool, mf_peak_type type, uint64_t budget, mf_peak *out, mf_error *e) {
  static const dnnl_dim_t sizes[][3] = {{256, 512, 512}, {512, 1024, 1024}};
  *out = (mf_peak){0};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const dnnl_dim_t size[3] = {sizes[i][0] * mf_pool_threads(pool), sizes[i][1], sizes[i][2]};
    mf_peak peak;
    MF_TRY(measure_product(pool, type, size, budget / 2, &peak, e));
    if (peak.rate > out->rate) *out = peak;
  }
  return MF_OK;
}

// ---- bytes: every thread goes through a block of its own

typedef struct walk {
  mf_pool *pool;
  char *blocks;
  size_t bytes; // a thread's
  size_t times;
  bool copy;                   // the first half of the block to the second
  _Atomic uint64_t everything; // keeps the loops alive
} walk;

static void walk_block(int i, int n, void *context) {
  walk *w = context;
  char *block = w->blocks + (size_t)i * w->bytes;
  const size_t half = w->bytes / 2;
  (void)n;
  uint64_t seen = 0;
  for (size_t t = 0; t < w->times; t++)
    if (w->copy)
      mf_stream_copy(block + half, block, half);
    else
      seen |= mf_stream_read(block, w->bytes);
  w->everything |= seen;
}

static mf_status run_walk(void *context, size_t times, mf_error *e) {
  walk *w = context;
  (void)e;
  w->times = times;
  mf_pool_run(w->pool, mf_pool_threads(w->pool), walk_block, w);
  return MF_OK;
}

// What each of `threads` goes through so that all of it lies in a level; 0: no such level, or no room between it and
// the one before.
static size_t block_bytes(const mf_topology *t, mf_memory level, size_t threads) {
  const size_t l3 = t->l3_bytes / 2 / threads, memory = t->memory_limit_bytes ? t->memory_limit_bytes : t->memory_bytes;
  size_t bytes = 0;
  switch (level) {
  case MF_MEMORY_L1:
    bytes = t->l1d_bytes / 2;
    break;
  case MF_MEMORY_L2:
    bytes = t->l2_bytes / 2;
    break;
  case MF_MEMORY_L3: // four times L2, whose share of it then does not show
    bytes = l3 < 4 * t->l2_bytes ? l3 : 4 * t->l2_bytes;
    if (bytes < t->l2_bytes + t->l2_bytes / 2) bytes = 0;
    break;
  default: // four times the last cache, of all threads together
    bytes = 4 * (t->l3_bytes ? t->l3_bytes : t->l2_bytes * threads);
    if (bytes < (size_t)64 << 20) bytes = (size_t)64 << 20;
    if (bytes > (size_t)1 << 30) bytes = (size_t)1 << 30;
    if (memory && bytes > memory / 8) bytes = memory / 8;
    bytes /= threads;
  }
  return bytes / (2 * MF_STREAM_STEP) * (2 * MF_STREAM_STEP);
}

static void touch(int i, int n, void *context) {
  walk *w = context;
  (void)n;
  memset(w->blocks + (size_t)i * w->bytes, 0x3f, w->bytes);
}

static mf_status measure_level(mf_pool *pool, size_t bytes, uint64_t budget, mf_peak *read, mf_peak *copy,
                               mf_error *e) {
  const size_t threads = (size_t)mf_pool_threads(pool);
  *read = *copy = (mf_peak){0};
  if (!bytes) return MF_OK;
  walk w = {.pool = pool, .blocks = mf_alloc(threads * bytes), .bytes = bytes};
  if (!w.blocks) return mf_fail_memory(e, threads * bytes);
  mf_pool_run(pool, (int)threads, touch, &w); // by the thread that will read it: it lands in its memory
  const load l = {run_walk, &w, (double)threads * (double)bytes};
  mf_status status = measure(&l, budget, read, e);
  w.copy = true;
  if (status == MF_OK) status = measure(&l, budget, copy, e);
  mf_free(w.blocks);
  return status;
}

// ---- all of them

typedef struct campaign {
  const mf_topology *topology;
  mf_peaks_progress progress;
  void *context;
  size_t done, total; // peaks, reading and copying counted as one
  uint64_t budget;    // of each
} campaign;

static mf_status next(campaign *c, mf_error *e) {
  if (c->progress && !c->progress(c->done, c->total, c->context))
    return mf_fail(e, MF_ERR_INTERRUPTED, "measuring was interrupted");
  c->done++;
  return MF_OK;
}

static bool is_native(mf_peak_type type) {
  const dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
  switch (type) {
  case MF_PEAK_BF16:
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16 || isa == dnnl_cpu_isa_avx2_vnni_2;
  case MF_PEAK_F16:
    return (isa & dnnl_cpu_isa_avx512_core_fp16) == dnnl_cpu_isa_avx512_core_fp16 || isa == dnnl_cpu_isa_avx2_vnni_2;
  default:
    return true;
  }
}

static mf_status measure_row(campaign *c, mf_pool *pool, mf_peak_row *row, mf_error *e) {
  row->threads = mf_pool_threads(pool);
  for (mf_peak_type type = 0; type < MF_PEAK_TYPES; type++) {
    MF_TRY(next(c, e));
    if (is_native(type)) MF_TRY(measure_type(pool, type, c->budget, &row->compute[type], e));
  }
  for (mf_memory level = 0; level < MF_MEMORY_LEVELS; level++) {
    MF_TRY(next(c, e));
    MF_TRY(measure_level(pool, block_bytes(c->topology, level, (size_t)row->threads), c->budget, &row->read[level],
                         &row->copy[level], e));
  }
  return MF_OK;
}

static mf_status make_pool(mf_pool **pool, const mf_topology *t, int threads, mf_error *e) {
  int *cpus = mf_alloc((size_t)threads * sizeof *cpus);
  if (!cpus) return mf_fail_memory(e, (size_t)threads * sizeof *cpus);
  mf_status status = mf_affinity_place(&(mf_affinity){0}, t, (size_t)threads, cpus, e);
  if (status == MF_OK)
    status =
        mf_pool_create(pool, &(mf_pool_options){.threads = threads, .spin_us = MF_SPIN_DEFAULT_US, .cpus = cpus}, e);
  mf_free(cpus);
  return status;
}

static mf_status measure_threads(campaign *c, int threads, mf_peak_row *row, mf_error *e) {
  mf_pool *pool = NULL;
  mf_pool_pin pin;
  MF_TRY(make_pool(&pool, c->topology, threads, e));
  mf_pool_pin_caller(pool, &pin);
  mf_status status = measure_row(c, pool, row, e);
  mf_pool_unpin_caller(&pin);
  mf_pool_destroy(pool);
  return status;
}

static double idle_clock(void) {
  double clocks[SAMPLES];
  for (size_t i = 0; i < SAMPLES; i++) clocks[i] = mf_stream_clock();
  return quantile(clocks, SAMPLES, 0.5);
}

mf_status mf_peaks_measure(mf_peaks *out, const mf_topology *topology, mf_peaks_progress progress, void *context,
                           mf_error *e) {
  const int most = (int)mf_topology_default_threads(topology);
  int counts[MF_PEAK_ROWS], rows = 0;
  for (int t = 1; t < most && rows < MF_PEAK_ROWS - 1; t *= 2) counts[rows++] = t;
  counts[rows++] = most;
  *out = mf_peaks_of_machine(topology);
  const size_t total = (size_t)rows * (MF_PEAK_TYPES + MF_MEMORY_LEVELS);
  const uint64_t share = all_ns / ((uint64_t)rows * (MF_PEAK_TYPES + 2 * MF_MEMORY_LEVELS));
  campaign c = {topology, progress, context, 0, total, share < peak_ns ? share : peak_ns};
  for (int i = 0; i < rows; i++) MF_TRY(measure_threads(&c, counts[i], &out->rows[i], e));
  out->row_count = rows;
  out->clock_ghz = idle_clock();
  out->measured_s = (int64_t)(mf_epoch_ns() / 1000000000u);
  return MF_OK;
}

static mf_peak between(const mf_peak *low, const mf_peak *high, double share) {
  if (!(low->rate > 0) || !(high->rate > 0)) return (mf_peak){0};
  return (mf_peak){low->rate + share * (high->rate - low->rate),
                   low->clock_ghz + share * (high->clock_ghz - low->clock_ghz)};
}

mf_peak_row mf_peaks_at(const mf_peaks *peaks, int threads) {
  int high = 0;
  while (high < peaks->row_count - 1 && peaks->rows[high].threads < threads) high++;
  const mf_peak_row *b = &peaks->rows[high], *a = high ? b - 1 : b;
  mf_peak_row row = *b;
  row.threads = threads;
  if (threads >= b->threads) return row;
  const double share = (double)(threads - a->threads) / (double)(b->threads - a->threads);
  for (int i = 0; i < MF_PEAK_TYPES; i++) row.compute[i] = between(&a->compute[i], &b->compute[i], share);
  for (int i = 0; i < MF_MEMORY_LEVELS; i++) {
    row.read[i] = between(&a->read[i], &b->read[i], share);
    row.copy[i] = between(&a->copy[i], &b->copy[i], share);
  }
  return row;
}
