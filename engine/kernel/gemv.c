#include "kernel/gemv.h"
#include "base/alloc.h"
#include "graph/dtype.h"
#include "kernel/gemv_block.h"
#include <math.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#define TILE 16 // channels that are packed at once, so that what is read of 64 outputs stays in the second cache

typedef struct gemv {
  mf_kernel kernel;
  mf_gemv_problem problem;
  mf_gemv_compute compute;
  int bytes;           // of a number of source and weights
  int64_t blocks;      // of outputs, the last one filled up
  int64_t block_bytes; // of their weights
} gemv;

static bool is_integer(dnnl_data_type_t type) {
  return type == dnnl_u8 || type == dnnl_s8;
}

bool mf_gemv_available(dnnl_data_type_t source) {
  return mf_gemv_compute_for(dnnl_get_effective_cpu_isa(), source, 1) != NULL;
}

// ---- weights: each block's words (gemv_block.h), behind all of them each output's sum when the source is s8

static int32_t *sums_of(const gemv *d, char *packed) {
  return (int32_t *)(void *)(packed + d->blocks * d->block_bytes);
}

typedef struct packing {
  const gemv *d;
  const void *plain;
  char *packed;
} packing;

static void pack_number(const packing *w, int64_t from, char *to) {
  const float *reals = w->plain;
  if (w->d->bytes == 1)
    memcpy(to, (const int8_t *)w->plain + from, 1);
  else if (w->d->bytes == 2)
    memcpy(to, &(uint16_t){mf_f32_to_bf16(reals[from])}, 2);
  else
    memcpy(to, &reals[from], 4);
}

static void pack_block(int block, int blocks, void *context) {
  (void)blocks;
  const packing *w = context;
  const gemv *d = w->d;
  const mf_gemv_problem *p = &d->problem;
  const int64_t channels = p->inputs / p->pixels, first = (int64_t)block * MF_GEMV_BLOCK;
  const int64_t left = p->outputs - first, outputs = left < MF_GEMV_BLOCK ? left : MF_GEMV_BLOCK;
  const int64_t numbers = 4 / d->bytes; // of a word
  char *to = w->packed + block * d->block_bytes;
  if (outputs < MF_GEMV_BLOCK) memset(to, 0, (size_t)d->block_bytes);
  for (int64_t tile = 0; tile < channels; tile += TILE) {
    const int64_t end = tile + TILE < channels ? tile + TILE : channels;
    for (int64_t pixel = 0; pixel < p->pixels; pixel++)
      for (int64_t o = 0; o < outputs; o++)
        for (int64_t c = tile; c < end; c++) {
          const int64_t input = pixel * channels + c;
          pack_number(w, ((first + o) * channels + c) * p->pixels + pixel,
                      to + (input / numbers * MF_GEMV_BLOCK + o) * 4 + input % numbers * d->bytes);
        }
  }
  if (p->source != dnnl_s8) return;
  const int8_t *row = (const int8_t *)w->plain + first * p->inputs;
  for (int64_t o = 0; o < outputs; o++, row += p->inputs) {
    int32_t sum = 0;
    for (int64_t i = 0; i < p->inputs; i++) sum += row[i];
    sums_of(d, w->packed)[first + o] = sum;
  }
}

static mf_status pack(const mf_kernel *kernel, const mf_kernel_weights *plain, dnnl_memory_t packed, mf_pool *pool,
                      mf_error *e) {
  (void)e;
  const gemv *d = (const gemv *)kernel;
  void *to = NULL;
  dnnl_memory_get_data_handle(packed, &to);
  packing w = {d, plain->numbers, to};
  mf_pool_run(pool, (int)d->blocks, pack_block, &w);
  return MF_OK;
}

// ---- a run

typedef struct work {
  const gemv *d;
  const char *source;
  char *weights, *destination;
  const float *bias;                                      // NULL: none
  const float *source_scale, *scales, *destination_scale; // NULL: 1
} work;

// Of `count` outputs from `first` on, as real numbers.
static void scale(const work *w, const mf_gemv_sum *sums, int64_t first, int count, float *y) {
  const mf_gemv_problem *p = &w->d->problem;
  const int32_t *more = p->source == dnnl_s8 ? sums_of(w->d, w->weights) + first : NULL; // s8 counts 128 more
  if (is_integer(p->source))
    for (int i = 0; i < count; i++)
      y[i] = (float)(sums[i].integer - (more ? 128 * more[i] : 0)) * (*w->source_scale * w->scales[first + i]);
  else
    for (int i = 0; i < count; i++) y[i] = sums[i].real;
  if (w->bias)
    for (int i = 0; i < count; i++) y[i] += w->bias[first + i];
  for (int i = 0; i < count; i++) y[i] = y[i] < p->low ? p->low : y[i] > p->high ? p->high : y[i]; // NaN stays
}

static void store(const work *w, const float *y, int count, int64_t at) {
  const dnnl_data_type_t type = w->d->problem.destination;
  if (type == dnnl_f32)
    memcpy(w->destination + at * 4, y, (size_t)count * 4);
  else if (type == dnnl_bf16) {
    for (int i = 0; i < count; i++) memcpy(w->destination + (at + i) * 2, &(uint16_t){mf_f32_to_bf16(y[i])}, 2);
  } else {
    const float least = type == dnnl_s8 ? -128 : 0, inverse = 1 / *w->destination_scale;
    for (int i = 0; i < count; i++)
      w->destination[at + i] = (char)(int)rintf(fminf(fmaxf(y[i] * inverse, least), least + 255));
  }
}

static void compute(int part, int parts, void *context) {
  const work *w = context;
  const gemv *d = w->d;
  const mf_gemv_problem *p = &d->problem;
  alignas(64) mf_gemv_sum sums[MF_GEMV_IMAGES][MF_GEMV_BLOCK];
  for (int64_t b = d->blocks * part / parts; b < d->blocks * (part + 1) / parts; b++) {
    d->compute(&(mf_gemv_block){w->source, p->inputs * d->bytes, p->inputs * d->bytes / 4,
                                w->weights + b * d->block_bytes, sums});
    const int64_t first = b * MF_GEMV_BLOCK, left = p->outputs - first;
    const int count = left < MF_GEMV_BLOCK ? (int)left : MF_GEMV_BLOCK;
    for (int64_t n = 0; n < p->images; n++) {
      float y[MF_GEMV_BLOCK];
      scale(w, sums[n], first, count, y);
      store(w, y, count, n * p->outputs + first);
    }
  }
}

static dnnl_status_t execute(const mf_kernel *kernel, const mf_kernel_run *run) {
  work w = {.d = (const gemv *)kernel,
            .source = mf_kernel_argument(run, DNNL_ARG_SRC),
            .weights = mf_kernel_argument(run, DNNL_ARG_WEIGHTS),
            .destination = mf_kernel_argument(run, DNNL_ARG_DST),
            .bias = mf_kernel_argument(run, DNNL_ARG_BIAS),
            .source_scale = mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC),
            .scales = mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS),
            .destination_scale = mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST)};
  mf_pool_run(run->pool, mf_pool_threads(run->pool), compute, &w);
  return dnnl_success;
}

// ---- made

static void free_gemv(mf_kernel *kernel) {
  mf_free(kernel);
}

static const mf_kernel_type type = {.free = free_gemv, .pack = pack, .execute = execute};

static dnnl_status_t describe(gemv *d, const_dnnl_memory_desc_t source) {
  const mf_gemv_problem *p = &d->problem;
  mf_kernel *k = &d->kernel;
  const int64_t sums = p->source == dnnl_s8 ? p->outputs * (int64_t)sizeof(int32_t) : 0;
  const dnnl_dims_t weights = {(d->blocks * d->block_bytes + sums) / d->bytes};
  const dnnl_dims_t destination = {p->images, p->outputs};
  const char *isa = p->source == dnnl_f32 ? "" : p->source == dnnl_bf16 ? "_bf16" : "_vnni";
  snprintf(k->impl, sizeof k->impl, "gemv:avx512_core%s", isa);
  k->flops = 2.0 * (double)p->images * (double)p->inputs * (double)p->outputs;
  k->weights_letters = "x";
  dnnl_status_t status = dnnl_memory_desc_clone(&k->source, source);
  if (!status) status = dnnl_memory_desc_create_with_tag(&k->destination, 2, destination, p->destination, dnnl_ab);
  if (!status)
    status =
        dnnl_memory_desc_create_with_tag(&k->weights, 1, weights, is_integer(p->source) ? dnnl_s8 : p->source, dnnl_a);
  return status;
}

mf_status mf_gemv_create(mf_kernel **out, const mf_gemv_problem *problem, const_dnnl_memory_desc_t source,
                         mf_error *e) {
  gemv *d = mf_alloc_zero(sizeof *d);
  if (!d) return mf_fail_memory(e, sizeof *d);
  d->kernel.type = &type;
  d->problem = *problem;
  d->compute = mf_gemv_compute_for(dnnl_get_effective_cpu_isa(), problem->source, (int)problem->images);
  d->bytes = (int)dnnl_data_type_size(problem->source);
  d->blocks = (problem->outputs + MF_GEMV_BLOCK - 1) / MF_GEMV_BLOCK;
  d->block_bytes = MF_GEMV_BLOCK * problem->inputs * d->bytes;
  if (describe(d, source) != dnnl_success) {
    mf_kernel_free(&d->kernel);
    return mf_fail(e, MF_ERR_UNSUPPORTED, "not enough memory for an inner product");
  }
  *out = &d->kernel;
  return MF_OK;
}
