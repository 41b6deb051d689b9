#include "kernel/pointwise.h"
#include "base/alloc.h"
#include "kernel/groups.h"
#include "kernel/pointwise_tile.h"
#include <string.h>

#define PIECE 8  // most groups whose source stays in the first cache while all blocks of channels are computed
#define AHEAD 12 // pixels on, whose source is fetched meanwhile
#define COLD ((int64_t)8 << 20) // bytes, from which on a tensor is thought to lie in memory

typedef struct pointwise {
  mf_kernel kernel;
  mf_pointwise_problem problem;
  dnnl_cpu_isa_t isa;
  int64_t pixels;                   // of the batch
  int64_t padded;                   // channels, filled up to whole vectors
  mf_groups groups;                 // of pixels that are computed together
  int64_t ahead, destination_ahead; // mf_pointwise_tile
} pointwise;

bool mf_pointwise_available(void) {
  return mf_pointwise_compute_for(dnnl_get_effective_cpu_isa(), 1, 1) != NULL;
}

// First channel of a block: whole vectors, parted evenly, so that blocks take as long as each other.
static int64_t first_of(const pointwise *d, int64_t block) {
  return d->padded / 16 * block / d->groups.blocks * 16;
}

// ---- weights: each block's, for one input after another

typedef struct packing {
  const pointwise *d;
  const float *oihw;
  float *packed;
} packing;

static void pack_block(int block, int blocks, void *context) {
  (void)blocks;
  const packing *w = context;
  const mf_pointwise_problem *p = &w->d->problem;
  const int64_t first = first_of(w->d, block), width = first_of(w->d, block + 1) - first;
  float *to = w->packed + first * p->channels_in;
  for (int64_t i = 0; i < p->channels_in; i++)
    for (int64_t c = 0; c < width; c++)
      to[i * width + c] = first + c < p->channels_out ? w->oihw[(first + c) * p->channels_in + i] : 0;
}

static mf_status pack(const mf_kernel *kernel, const mf_kernel_weights *plain, dnnl_memory_t packed, mf_pool *pool,
                      mf_error *e) {
  (void)e;
  const pointwise *d = (const pointwise *)kernel;
  void *to = NULL;
  dnnl_memory_get_data_handle(packed, &to);
  packing w = {d, plain->numbers, to};
  mf_pool_run(pool, (int)d->groups.blocks, pack_block, &w);
  return MF_OK;
}

// ---- a run

typedef struct work {
  const pointwise *d;
  const float *source, *weights, *bias; // bias: of all blocks
  float *destination;
} work;

static void compute_groups(const work *w, const mf_groups_run *run) {
  const pointwise *d = w->d;
  const mf_pointwise_problem *p = &d->problem;
  const int64_t first = first_of(d, run->block), width = first_of(d, run->block + 1) - first,
                left = p->channels_out - first;
  const int64_t begin = run->first * MF_POINTWISE_PIXELS, end = begin + run->count * MF_POINTWISE_PIXELS;
  mf_pointwise_tile tile = {.inputs = p->channels_in,
                            .weights = w->weights + first * p->channels_in,
                            .bias = w->bias + first,
                            .outputs = p->channels_out,
                            .ahead = d->ahead,
                            .destination_ahead = d->destination_ahead,
                            .channels = (int)(left < width ? left : width),
                            .sum = p->sum,
                            .low = p->low,
                            .high = p->high};
  for (int64_t pixel = begin; pixel < end && pixel < d->pixels; pixel += MF_POINTWISE_PIXELS) {
    const int64_t rest = d->pixels - pixel;
    tile.source = w->source + pixel * p->channels_in;
    tile.destination = w->destination + pixel * p->channels_out + first;
    mf_pointwise_compute_for(d->isa, rest < MF_POINTWISE_PIXELS ? rest : MF_POINTWISE_PIXELS, width / 16)(&tile);
  }
}

static void compute(int part, int parts, void *context) {
  const work *w = context;
  const mf_groups *g = &w->d->groups;
  const int64_t items = mf_groups_items(g), end = items * (part + 1) / parts;
  for (int64_t i = items * part / parts; i < end;) {
    const mf_groups_run run = mf_groups_from(g, i, end);
    compute_groups(w, &run);
    i += run.count;
  }
}

static dnnl_status_t execute(const mf_kernel *kernel, const mf_kernel_run *run) {
  const pointwise *d = (const pointwise *)kernel;
  const float *bias = mf_kernel_argument(run, DNNL_ARG_BIAS);
  float *padded = (float *)(void *)run->memory->scratch;
  for (int64_t c = 0; c < d->padded; c++) padded[c] = bias && c < d->problem.channels_out ? bias[c] : 0;
  work w = {d, mf_kernel_argument(run, DNNL_ARG_SRC), mf_kernel_argument(run, DNNL_ARG_WEIGHTS), padded,
            mf_kernel_argument(run, DNNL_ARG_DST)};
  mf_pool_run(run->pool, mf_pool_threads(run->pool), compute, &w);
  return dnnl_success;
}

// ---- made

static bool is_cold(int64_t numbers) {
  return numbers * (int64_t)sizeof(float) > COLD;
}

bool mf_pointwise_fetches(const mf_pointwise_problem *problem) {
  return is_cold(problem->batch * problem->height * problem->width * problem->channels_out);
}

static void free_pointwise(mf_kernel *kernel) {
  mf_free(kernel);
}

static const mf_kernel_type type = {.free = free_pointwise, .pack = pack, .execute = execute};

static dnnl_status_t describe(pointwise *d) {
  const mf_pointwise_problem *p = &d->problem;
  mf_kernel *k = &d->kernel;
  const dnnl_dims_t source = {p->batch, p->channels_in, p->height, p->width};
  const dnnl_dims_t destination = {p->batch, p->channels_out, p->height, p->width};
  const dnnl_dims_t weights = {d->padded * p->channels_in};
  strcpy(k->impl, "pointwise:avx512_core");
  k->flops = 2.0 * (double)d->pixels * (double)p->channels_in * (double)p->channels_out;
  k->weights_letters = "x";
  k->scratch_bytes = (size_t)d->padded * sizeof(float);
  dnnl_status_t status = dnnl_memory_desc_create_with_tag(&k->source, 4, source, dnnl_f32, dnnl_nhwc);
  if (!status) status = dnnl_memory_desc_create_with_tag(&k->destination, 4, destination, dnnl_f32, dnnl_nhwc);
  if (!status) status = dnnl_memory_desc_create_with_tag(&k->weights, 1, weights, dnnl_f32, dnnl_a);
  return status;
}

mf_status mf_pointwise_create(mf_kernel **out, const mf_pointwise_problem *problem, mf_error *e) {
  pointwise *d = mf_alloc_zero(sizeof *d);
  if (!d) return mf_fail_memory(e, sizeof *d);
  d->kernel.type = &type;
  d->problem = *problem;
  d->isa = dnnl_get_effective_cpu_isa();
  d->pixels = problem->batch * problem->height * problem->width;
  d->padded = (problem->channels_out + 15) / 16 * 16;
  d->groups =
      mf_groups_of(d->pixels, MF_POINTWISE_PIXELS, PIECE,
                   (problem->channels_out + MF_POINTWISE_BLOCK - 1) / MF_POINTWISE_BLOCK, d->padded > 4 * d->pixels);
  if (is_cold(d->pixels * problem->channels_in)) d->ahead = AHEAD;
  if (mf_pointwise_fetches(problem))
    d->destination_ahead = d->groups.piece * MF_POINTWISE_PIXELS * problem->channels_out;
  if (describe(d) != dnnl_success) {
    mf_kernel_free(&d->kernel);
    return mf_fail(e, MF_ERR_UNSUPPORTED, "not enough memory for a convolution");
  }
  *out = &d->kernel;
  return MF_OK;
}
