#include "kernel/dense.h"
#include "base/alloc.h"
#include "kernel/dense_rows.h"
#include "kernel/groups.h"
#include <stdio.h>
#include <string.h>

#define PIECE 48 // most outputs of a row whose taps stay in the first cache while all blocks of channels are computed
#define TAPS ((PIECE - 1) * MF_DENSE_STRIDE + MF_DENSE_KERNEL) // columns under them, at most

#define AHEAD_WORDS 64   // of an output, from which on the source is fetched ahead
#define AHEAD_OUTPUTS 24 // so many outputs
#define COLD (4 << 20)   // bytes, from which on a destination is thought to lie in memory

typedef struct dense {
  mf_kernel kernel;
  mf_dense_problem problem;
  mf_dense_compute compute[2]; // narrow, wide
  bool pointwise;
  int64_t lines, outputs; // outputs side by side in a line: in a row of an image; pointwise: in all of the batch
  int64_t source_bytes;
  int64_t ahead, destination_ahead; // mf_dense_rows
  int words;                        // of four taps in a row of the kernel
  mf_groups groups;                 // of a line's outputs that are computed together
  int64_t padded;                   // channels, the last block filled up
  int64_t channel_bytes;            // packed weights of a channel
} dense;

bool mf_dense_available(void) {
  return mf_dense_compute_for(dnnl_get_effective_cpu_isa(), true) != NULL;
}

// ---- weights: each block's vectors (dense_rows.h), behind them each channel's sum

static int32_t *sums_of(const dense *d, void *packed) {
  return mf_int8_sums(packed, d->problem.channels_out, d->channel_bytes);
}

static void pack_channel(const dense *d, const int8_t *oihw, int64_t channel, char *packed) {
  const mf_dense_problem *p = &d->problem;
  const int64_t place = mf_int8_place(p->channels_out, channel), block = place / MF_INT8_BLOCK;
  const int64_t bytes = mf_int8_is_wide(p->channels_out, block) ? MF_INT8_BLOCK : MF_INT8_BLOCK / 2; // of a vector
  int8_t *to = (int8_t *)packed + block * MF_INT8_BLOCK * d->channel_bytes;
  int32_t *sum = sums_of(d, packed) + place;
  // Each word is four vectors: places of a block are their elements of four bytes.
  for (int y = 0; y < p->kernel[0]; y++)
    for (int x = 0; x < p->kernel[1]; x++)
      for (int64_t c = 0; c < p->channels_in; c++) {
        const int8_t weight = oihw[((channel * p->channels_in + c) * p->kernel[0] + y) * p->kernel[1] + x];
        const int64_t tap = x * p->channels_in + c;
        to[((int64_t)y * d->words + tap / 4) * 4 * bytes + place % MF_INT8_BLOCK * 4 + tap % 4] = weight;
        *sum += weight;
      }
}

static mf_status pack(const mf_kernel *kernel, const void *plain, dnnl_memory_t packed, mf_pool *pool, mf_error *e) {
  (void)pool, (void)e;
  const dense *d = (const dense *)kernel;
  void *to = NULL;
  dnnl_memory_get_data_handle(packed, &to);
  memset(to, 0, dnnl_memory_desc_get_size(kernel->weights));
  for (int64_t c = 0; c < d->problem.channels_out; c++) pack_channel(d, plain, c, to);
  return MF_OK;
}

// ---- a run

typedef struct work {
  const dense *d;
  const unsigned char *source;
  unsigned char *destination;
  const signed char *weights;
  float *scale, *bias; // in the order of blocks
  float sum;           // mf_dense_rows
} work;

typedef unsigned char copied[MF_DENSE_KERNEL][TAPS * MF_DENSE_CHANNELS + 4]; // words may end behind the taps

// The source under outputs of a line, with its padding: from row `row` and column `first` on, either may be negative.
typedef struct window {
  int64_t image, row, first, columns;
} window;

// No padding, and words that end behind the taps, where weights are zero, end in the source.
static bool lies_inside(const work *w, const window *at) {
  const mf_dense_problem *p = &w->d->problem;
  const int64_t last = at->row + p->kernel[0] - 1, end = at->first + at->columns;
  if (at->row < 0 || last >= p->height || at->first < 0 || end > p->width) return false;
  const int64_t behind = (int64_t)w->d->words * 4 - p->kernel[1] * p->channels_in; // bytes
  return ((at->image * p->height + last) * p->width + end) * p->channels_in + behind <= w->d->source_bytes;
}

static void copy(const work *w, const window *at, copied to) {
  const mf_dense_problem *p = &w->d->problem;
  const int64_t last = at->first + at->columns, channels = p->channels_in;
  const int64_t begin = at->first < 0 ? 0 : at->first, end = last < p->width ? last : p->width;
  for (int r = 0; r < p->kernel[0]; r++) {
    const int64_t row = at->row + r;
    const bool inside = row >= 0 && row < p->height && begin < end;
    if (!inside || end - begin < at->columns) memset(to[r], 0, (size_t)(at->columns * channels));
    if (inside)
      memcpy(to[r] + (begin - at->first) * channels,
             w->source + ((at->image * p->height + row) * p->width + begin) * channels,
             (size_t)((end - begin) * channels));
    memset(to[r] + at->columns * channels, 0, 4);
  }
}

// Sources of outputs from `first` of a row on.
static void find_in_row(const work *w, int64_t line, int64_t first, mf_dense_rows *rows, int64_t *offsets,
                        copied taps) {
  const mf_dense_problem *p = &w->d->problem;
  const window at = {line / p->out_height, line % p->out_height * p->stride[0] - p->pad_top,
                     first * p->stride[1] - p->pad_left, (rows->count - 1) * p->stride[1] + p->kernel[1]};
  const bool inside = lies_inside(w, &at);
  if (!inside) copy(w, &at, taps);
  for (int r = 0; r < p->kernel[0]; r++)
    rows->source[r] =
        inside ? w->source + ((at.image * p->height + at.row + r) * p->width + at.first) * p->channels_in : taps[r];
  for (int64_t o = 0; o < rows->count; o++) offsets[o] = o * p->stride[1] * p->channels_in;
}

// Sources of outputs from `first` of the batch on: pixels.
static void find_pixels(const work *w, int64_t first, mf_dense_rows *rows, int64_t *offsets) {
  const mf_dense_problem *p = &w->d->problem;
  int64_t x = first % p->out_width, line = first / p->out_width;
  for (int64_t o = 0; o < rows->count; line++, x = 0) {
    const int64_t row = line / p->out_height * p->height + line % p->out_height * p->stride[0];
    for (; x < p->out_width && o < rows->count; x++)
      offsets[o++] = (row * p->width + x * p->stride[1]) * p->channels_in;
  }
  rows->source[0] = w->source;
}

static void compute_outputs(const work *w, int64_t line, int64_t x, int64_t count, int64_t block) {
  const dense *d = w->d;
  const mf_dense_problem *p = &d->problem;
  const int64_t first = block * MF_INT8_BLOCK;
  int64_t offsets[PIECE];
  copied taps;
  mf_dense_rows rows = {.offsets = offsets,
                        .ahead = d->ahead,
                        .flip = p->source_signed,
                        .rows = p->kernel[0],
                        .words = d->words,
                        .destination = w->destination + (line * d->outputs + x) * p->channels_out + first,
                        .destination_step = p->channels_out,
                        .destination_ahead = d->destination_ahead,
                        .count = count,
                        .weights = w->weights + first * d->channel_bytes,
                        .sum = w->sum,
                        .sum_flip = p->sum.is_signed,
                        .output = mf_int8_output_of(&p->stored, p->channels_out, block, w->scale, w->bias)};
  if (d->pointwise)
    find_pixels(w, x, &rows, offsets);
  else
    find_in_row(w, line, x, &rows, offsets, taps);
  d->compute[mf_int8_is_wide(p->channels_out, block)](&rows);
}

static void compute_groups(const work *w, int64_t line, const mf_groups_run *run) {
  const int64_t end = (run->first + run->count) * MF_DENSE_OUTPUTS;
  const int64_t last = end < w->d->outputs ? end : w->d->outputs;
  for (int64_t x = run->first * MF_DENSE_OUTPUTS; x < last; x += PIECE)
    compute_outputs(w, line, x, last - x < PIECE ? last - x : PIECE, run->block);
}

static void compute(int part, int parts, void *context) {
  const work *w = context;
  const int64_t line = mf_groups_items(&w->d->groups), items = w->d->lines * line;
  const int64_t end = items * (part + 1) / parts;
  for (int64_t i = items * part / parts; i < end;) {
    const int64_t here = i % line, left = end - i;
    const mf_groups_run run = mf_groups_from(&w->d->groups, here, left < line - here ? here + left : line);
    compute_groups(w, i / line, &run);
    i += run.count;
  }
}

static dnnl_status_t execute(const mf_kernel *kernel, const mf_kernel_run *run) {
  const dense *d = (const dense *)kernel;
  float *scale = (float *)(void *)run->memory->scratch;
  void *weights = mf_kernel_argument(run, DNNL_ARG_WEIGHTS);
  work w = {d,
            mf_kernel_argument(run, DNNL_ARG_SRC),
            mf_kernel_argument(run, DNNL_ARG_DST),
            weights,
            scale,
            scale + d->padded,
            0};
  mf_int8_scales(run, d->problem.channels_out, d->problem.source_signed ? sums_of(d, weights) : NULL, w.scale, w.bias);
  const mf_int8_sum *sum = &d->problem.sum;
  if (sum->scale > 0) w.sum = sum->scale / *(const float *)mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST);
  if (sum->is_signed) // it counts 128 more
    for (int64_t c = 0; c < d->padded; c++) w.bias[c] -= 128 * w.sum;
  mf_pool_run(run->pool, mf_pool_threads(run->pool), compute, &w);
  return dnnl_success;
}

// ---- made

static void free_dense(mf_kernel *kernel) {
  mf_free(kernel);
}

static const mf_kernel_type type = {free_dense, pack, NULL, execute};

static dnnl_status_t describe(dense *d, const mf_dense_problem *p) {
  const dnnl_dims_t source = {p->batch, p->channels_in, p->height, p->width};
  const dnnl_dims_t destination = {p->batch, p->channels_out, p->out_height, p->out_width};
  mf_kernel *k = &d->kernel;
  snprintf(k->impl, sizeof k->impl, "dense_%dx%d:avx512_core_vnni", p->kernel[0], p->kernel[1]);
  k->flops = 2.0 * p->kernel[0] * p->kernel[1] * (double)p->channels_in *
             (double)(p->batch * p->channels_out * p->out_height * p->out_width);
  return mf_int8_describe(k, source, p->source_signed, destination, &p->stored, d->channel_bytes);
}

mf_status mf_dense_create(mf_kernel **out, const mf_dense_problem *problem, mf_error *e) {
  dense *d = mf_alloc_zero(sizeof *d);
  if (!d) return mf_fail_memory(e, sizeof *d);
  d->kernel.type = &type;
  d->problem = *problem;
  d->source_bytes = problem->batch * problem->height * problem->width * problem->channels_in;
  d->pointwise = problem->kernel[0] == 1 && problem->kernel[1] == 1;
  const int64_t lines = problem->batch * problem->out_height;
  d->lines = d->pointwise ? 1 : lines;
  d->outputs = d->pointwise ? lines * problem->out_width : problem->out_width;
  for (int wide = 0; wide < 2; wide++) d->compute[wide] = mf_dense_compute_for(dnnl_get_effective_cpu_isa(), wide);
  d->words = (int)((problem->kernel[1] * problem->channels_in + 3) / 4);
  // Taps of one output after the other: from some length on processors do not fetch them by themselves. With a stride
  // the next row that is read is taken.
  if (d->words >= AHEAD_WORDS)
    d->ahead = (problem->stride[0] > 1 ? problem->stride[0] * problem->width : AHEAD_OUTPUTS) * problem->channels_in;
  d->padded = mf_int8_padded(problem->channels_out);
  d->channel_bytes = (int64_t)problem->kernel[0] * d->words * 4;
  d->groups = mf_groups_of(d->outputs, MF_DENSE_OUTPUTS, PIECE / MF_DENSE_OUTPUTS,
                           mf_int8_blocks(problem->channels_out), d->pointwise && d->padded > 4 * d->outputs);
  // A piece on, where the destination is read or does not stay in caches.
  if (d->pointwise && (problem->sum.scale > 0 || d->outputs * problem->channels_out > COLD))
    d->destination_ahead = d->groups.piece * MF_DENSE_OUTPUTS * problem->channels_out;
  if (describe(d, problem) != dnnl_success) {
    mf_kernel_free(&d->kernel);
    return mf_fail(e, MF_ERR_UNSUPPORTED, "not enough memory for a convolution");
  }
  *out = &d->kernel;
  return MF_OK;
}
