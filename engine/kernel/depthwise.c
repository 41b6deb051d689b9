#include "kernel/depthwise.h"
#include "base/alloc.h"
#include "kernel/depthwise_rows.h"
#include <stdio.h>
#include <string.h>

#define WIDE MF_INT8_BLOCK

typedef struct depthwise {
  mf_kernel kernel;
  mf_depthwise_problem problem;
  mf_depthwise_compute compute[2]; // narrow, wide
  int rows_out, rows_in, groups;   // of one call
  int64_t bands, blocks;           // of rows_out rows in an image; of channels
  int64_t channel_bytes;           // packed weights of a channel
} depthwise;

bool mf_depthwise_available(void) {
  return mf_depthwise_compute_for(dnnl_get_effective_cpu_isa(), 3, 1, true) != NULL;
}

// ---- weights: each block's vectors (depthwise_rows.h), behind them scales and biases (int8_channels.h)

static mf_int8_scales scales_in(const depthwise *d, void *packed) {
  return mf_int8_scales_in(packed, d->problem.channels, d->channel_bytes);
}

static void pack_channel(const depthwise *d, const int8_t *taps, bool wide, int place, int8_t *block) {
  const int kernel = d->problem.kernel, vector = wide ? WIDE : WIDE / 2, elements = vector / 4;
  const int quarter = place / elements, element = place % elements;
  for (int x = 0; x < kernel; x++)
    for (int g = 0; g < d->groups; g++)
      for (int r = 0; r < d->rows_out; r++)
        for (int i = 0; i < 4; i++) {
          const int y = g * 4 + i - r * d->problem.stride;
          const int at = ((quarter * kernel + x) * d->groups + g) * d->rows_out + r;
          if (y >= 0 && y < kernel) block[at * vector + element * 4 + i] = taps[y * kernel + x];
        }
}

static void set_bias(const mf_kernel *kernel, const float *bias, dnnl_memory_t packed) {
  const depthwise *d = (const depthwise *)kernel;
  mf_int8_pack_bias(packed, d->problem.channels, d->channel_bytes, bias, &d->problem.stored);
}

static mf_status pack(const mf_kernel *kernel, const mf_kernel_weights *plain, dnnl_memory_t packed, mf_pool *pool,
                      mf_error *e) {
  (void)pool, (void)e;
  const depthwise *d = (const depthwise *)kernel;
  const mf_depthwise_problem *p = &d->problem;
  const int taps = p->kernel * p->kernel;
  void *to = NULL;
  dnnl_memory_get_data_handle(packed, &to);
  memset(to, 0, dnnl_memory_desc_get_size(kernel->weights));
  const mf_int8_scales scales = scales_in(d, to);
  for (int64_t c = 0; c < p->channels; c++) {
    const int8_t *from = (const int8_t *)plain->numbers + c * taps;
    const int64_t place = mf_int8_place(p->channels, c);
    const bool wide = mf_int8_is_wide(p->channels, c / WIDE);
    pack_channel(d, from, wide, (int)(place % WIDE), (int8_t *)to + c / WIDE * WIDE * d->channel_bytes);
    int32_t sum = 0;
    for (int i = 0; i < taps; i++) sum += from[i];
    mf_int8_pack_scale(&scales, place, plain->scales[c], sum, &p->source, NULL, &p->stored);
  }
  set_bias(kernel, plain->bias, packed);
  return MF_OK;
}

// ---- a run

typedef struct work {
  const depthwise *d;
  const unsigned char *source;
  unsigned char *destination;
  const signed char *weights;
  const float *scale, *bias; // in the order of the vectors
} work;

// One block of channels along one band: its rows, piece by piece.
static void compute_band(const work *w, int64_t image, int64_t band, int64_t block) {
  static const unsigned char zeros[WIDE];
  unsigned char unwanted[WIDE];
  const depthwise *d = w->d;
  const mf_depthwise_problem *p = &d->problem;
  const int64_t y = band * d->rows_out, step = p->channels, first = block * WIDE;
  mf_depthwise_rows rows = {.width = p->width,
                            .ahead = step * p->width * p->stride * d->rows_out,
                            .source_signed = p->source.is_signed,
                            .weights = w->weights + first * d->channel_bytes,
                            .output = mf_int8_output_of(&p->stored, p->channels, block, w->scale, w->bias)};
  for (int i = 0; i < d->rows_in; i++) {
    const int64_t from = y * p->stride - p->pad_top + i;
    const bool inside = from >= 0 && from < p->height;
    rows.source[i] = inside ? w->source + (image * p->height + from) * p->width * step + first : zeros;
    rows.source_step[i] = inside ? step : 0;
  }
  const int64_t most = MF_DEPTHWISE_COUNT(p->kernel), pieces = (p->out_width + most - 1) / most;
  const int64_t piece = (p->out_width + 2 * pieces - 1) / (2 * pieces) * 2; // outputs are computed by twos
  for (int64_t x = 0; x < p->out_width; x += piece) {
    rows.first = x * p->stride - p->pad_left;
    rows.count = p->out_width - x < piece ? p->out_width - x : piece;
    for (int i = 0; i < d->rows_out; i++) {
      const bool inside = y + i < p->out_height;
      rows.destination[i] =
          inside ? w->destination + ((image * p->out_height + y + i) * p->out_width + x) * step + first : unwanted;
      rows.destination_step[i] = inside ? step : 0;
    }
    d->compute[mf_int8_is_wide(p->channels, block)](&rows);
  }
}

static void compute(int part, int parts, void *context) {
  const work *w = context;
  const depthwise *d = w->d;
  const int64_t items = d->problem.batch * d->bands * d->blocks;
  for (int64_t i = items * part / parts; i < items * (part + 1) / parts; i++)
    compute_band(w, i / d->blocks / d->bands, i / d->blocks % d->bands, i % d->blocks);
}

static dnnl_status_t execute(const mf_kernel *kernel, const mf_kernel_run *run) {
  const depthwise *d = (const depthwise *)kernel;
  void *weights = mf_kernel_argument(run, DNNL_ARG_WEIGHTS);
  const mf_int8_scales scales = scales_in(d, weights);
  work w = {.d = d,
            .source = mf_kernel_argument(run, DNNL_ARG_SRC),
            .destination = mf_kernel_argument(run, DNNL_ARG_DST),
            .weights = weights,
            .scale = scales.scale,
            .bias = scales.bias};
  mf_pool_run(run->pool, mf_pool_threads(run->pool), compute, &w);
  return dnnl_success;
}

// ---- made

static void free_depthwise(mf_kernel *kernel) {
  mf_free(kernel);
}

static const mf_kernel_type type = {.free = free_depthwise, .pack = pack, .set_bias = set_bias, .execute = execute};

static dnnl_status_t describe(depthwise *d) {
  const mf_depthwise_problem *p = &d->problem;
  const dnnl_dims_t source = {p->batch, p->channels, p->height, p->width};
  const dnnl_dims_t destination = {p->batch, p->channels, p->out_height, p->out_width};
  mf_kernel *k = &d->kernel;
  snprintf(k->impl, sizeof k->impl, "depthwise_%dx%d:avx512_core_vnni", p->kernel, p->kernel);
  k->flops = 2.0 * p->kernel * p->kernel * (double)(p->batch * p->channels * p->out_height * p->out_width);
  return mf_int8_describe(k, source, &p->source, destination, &p->stored, d->channel_bytes);
}

mf_status mf_depthwise_create(mf_kernel **out, const mf_depthwise_problem *problem, mf_error *e) {
  depthwise *d = mf_alloc_zero(sizeof *d);
  if (!d) return mf_fail_memory(e, sizeof *d);
  const int kernel = problem->kernel, stride = problem->stride;
  d->kernel.type = &type;
  d->problem = *problem;
  for (int wide = 0; wide < 2; wide++)
    d->compute[wide] = mf_depthwise_compute_for(dnnl_get_effective_cpu_isa(), kernel, stride, wide);
  d->rows_out = MF_DEPTHWISE_OUT(kernel, stride);
  d->rows_in = MF_DEPTHWISE_IN(kernel, stride);
  d->groups = MF_DEPTHWISE_GROUPS(kernel, stride);
  d->bands = (problem->out_height + d->rows_out - 1) / d->rows_out;
  d->blocks = mf_int8_blocks(problem->channels);
  d->channel_bytes = (int64_t)kernel * d->groups * d->rows_out * 4;
  if (describe(d) != dnnl_success) {
    mf_kernel_free(&d->kernel);
    return mf_fail(e, MF_ERR_UNSUPPORTED, "not enough memory for a depthwise convolution");
  }
  *out = &d->kernel;
  return MF_OK;
}
