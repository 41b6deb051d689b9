#include "kernel/dense.h"
#include "base/alloc.h"
#include "kernel/dense_work.h"
#include <stdio.h>
#include <string.h>

#define AHEAD_WORDS 64   // of an output, from which on the source is fetched ahead
#define AHEAD_OUTPUTS 24 // so many outputs
#define COLD (4 << 20)   // bytes, from which on a destination is thought to lie in memory

bool mf_dense_available(void) {
  return mf_dense_compute_for(dnnl_get_effective_cpu_isa(), true) != NULL;
}

// ---- weights: each block's vectors (dense_rows.h), behind them scales and biases (int8_channels.h)

static mf_int8_scales scales_in(const mf_dense *d, void *packed) {
  return mf_int8_scales_in(packed, d->problem.channels_out, d->channel_bytes);
}

// Returns the sum of its weights.
static int32_t pack_channel(const mf_dense *d, const int8_t *oihw, int64_t channel, char *packed) {
  const mf_dense_problem *p = &d->problem;
  const int64_t place = mf_int8_place(p->channels_out, channel), block = place / MF_INT8_BLOCK;
  const int64_t bytes = mf_int8_is_wide(p->channels_out, block) ? MF_INT8_BLOCK : MF_INT8_BLOCK / 2; // of a vector
  int8_t *to = (int8_t *)packed + block * MF_INT8_BLOCK * d->channel_bytes;
  int32_t sum = 0;
  // Each word is four vectors: places of a block are their elements of four bytes.
  for (int y = 0; y < p->kernel[0]; y++)
    for (int x = 0; x < p->kernel[1]; x++)
      for (int64_t c = 0; c < p->channels_in; c++) {
        const int8_t weight = oihw[((channel * p->channels_in + c) * p->kernel[0] + y) * p->kernel[1] + x];
        const int64_t tap = x * p->channels_in + c;
        to[((int64_t)y * d->words + tap / 4) * 4 * bytes + place % MF_INT8_BLOCK * 4 + tap % 4] = weight;
        sum += weight;
      }
  return sum;
}

static void set_bias(const mf_kernel *kernel, const float *bias, dnnl_memory_t packed) {
  const mf_dense *d = (const mf_dense *)kernel;
  mf_int8_pack_bias(packed, d->problem.channels_out, d->channel_bytes, bias, &d->problem.stored);
}

static mf_status pack(const mf_kernel *kernel, const mf_kernel_weights *plain, dnnl_memory_t packed, mf_pool *pool,
                      mf_error *e) {
  (void)pool, (void)e;
  const mf_dense *d = (const mf_dense *)kernel;
  const mf_dense_problem *p = &d->problem;
  void *to = NULL;
  dnnl_memory_get_data_handle(packed, &to);
  memset(to, 0, dnnl_memory_desc_get_size(kernel->weights));
  const mf_int8_scales scales = scales_in(d, to);
  for (int64_t c = 0; c < p->channels_out; c++) {
    const int32_t sum = pack_channel(d, plain->numbers, c, to);
    mf_int8_pack_scale(&scales, mf_int8_place(p->channels_out, c), plain->scales[c], sum, &p->source, &p->sum,
                       &p->stored);
  }
  set_bias(kernel, plain->bias, packed);
  return MF_OK;
}

// ---- a run

void mf_dense_compute_block(const mf_dense_work *w, int64_t block, int first_row, int first_word, mf_dense_rows *rows) {
  const mf_dense *d = w->dense;
  const mf_dense_problem *p = &d->problem;
  const bool wide = mf_int8_is_wide(p->channels_out, block);
  const int64_t first = block * MF_INT8_BLOCK, word = wide ? MF_INT8_BLOCK * 4 : MF_INT8_BLOCK * 2; // bytes
  rows->ahead = d->ahead;
  rows->flip = p->source.is_signed;
  rows->destination = w->destination + first;
  rows->destination_ahead = d->destination_ahead;
  rows->weights_step = d->words * word;
  rows->weights = w->weights + first * d->channel_bytes + first_row * rows->weights_step + first_word * word;
  rows->sum = w->sum;
  rows->sum_flip = p->sum.is_signed;
  rows->output = mf_int8_output_of(&p->stored, p->channels_out, block, w->scale, w->bias);
  d->compute[wide](rows);
}

static dnnl_status_t execute(const mf_kernel *kernel, const mf_kernel_run *run) {
  const mf_dense *d = (const mf_dense *)kernel;
  void *weights = mf_kernel_argument(run, DNNL_ARG_WEIGHTS);
  const mf_int8_scales scales = scales_in(d, weights);
  mf_dense_work w = {.dense = d,
                     .source = mf_kernel_argument(run, DNNL_ARG_SRC),
                     .destination = mf_kernel_argument(run, DNNL_ARG_DST),
                     .weights = weights,
                     .scale = scales.scale,
                     .bias = scales.bias,
                     .sum = d->problem.sum.scale / d->problem.stored.scale};
  mf_pool_run(run->pool, mf_pool_threads(run->pool), d->picture ? mf_dense_compute_lines : mf_dense_compute_regions,
              &w);
  return dnnl_success;
}

// ---- made

static void free_dense(mf_kernel *kernel) {
  mf_free(kernel);
}

static const mf_kernel_type type = {.free = free_dense, .pack = pack, .set_bias = set_bias, .execute = execute};

static dnnl_status_t describe(mf_dense *d, const mf_dense_problem *p) {
  const dnnl_dims_t source = {p->batch, p->channels_in, p->height, p->width};
  const dnnl_dims_t destination = {p->batch, p->channels_out, p->out_height, p->out_width};
  mf_kernel *k = &d->kernel;
  snprintf(k->impl, sizeof k->impl, "dense_%dx%d:avx512_core_vnni", p->kernel[0], p->kernel[1]);
  k->flops = 2.0 * p->kernel[0] * p->kernel[1] * (double)p->channels_in *
             (double)(p->batch * p->channels_out * p->out_height * p->out_width);
  return mf_int8_describe(k, source, &p->source, destination, &p->stored, d->channel_bytes);
}

mf_status mf_dense_create(mf_kernel **out, const mf_dense_problem *problem, mf_error *e) {
  mf_dense *d = mf_alloc_zero(sizeof *d);
  if (!d) return mf_fail_memory(e, sizeof *d);
  const mf_dense_problem *p = &d->problem;
  d->kernel.type = &type;
  d->problem = *problem;
  for (int wide = 0; wide < 2; wide++) d->compute[wide] = mf_dense_compute_for(dnnl_get_effective_cpu_isa(), wide);
  const bool pointwise = p->kernel[0] == 1 && p->kernel[1] == 1;
  d->picture = !pointwise && p->channels_in <= MF_DENSE_PICTURE;
  d->words = (int)((p->kernel[1] * p->channels_in + 3) / 4);
  d->channel_bytes = (int64_t)p->kernel[0] * d->words * 4;
  // Taps of one output after the other: from some length on processors do not fetch them by themselves. Kernels that
  // are higher, or have a stride, read the row that they come to next.
  const bool long_taps = !d->picture && (!pointwise || d->words >= AHEAD_WORDS);
  if (long_taps) d->ahead = (pointwise && p->stride[0] == 1 ? AHEAD_OUTPUTS : p->stride[0] * p->width) * p->channels_in;
  if (d->picture)
    mf_dense_prepare_lines(d);
  else
    mf_dense_prepare_regions(d);
  // A piece on, where the destination is read, is reached after few products or does not stay in caches.
  const int64_t bytes = p->batch * p->out_height * p->out_width * p->channels_out;
  if (d->picture || p->sum.scale > 0 || bytes > COLD) d->destination_ahead = d->piece * p->channels_out;
  if (describe(d, p) != dnnl_success) {
    mf_kernel_free(&d->kernel);
    return mf_fail(e, MF_ERR_UNSUPPORTED, "not enough memory for a convolution");
  }
  *out = &d->kernel;
  return MF_OK;
}
