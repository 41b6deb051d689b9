#include "kernel/int8_channels.h"
#include <math.h>

#define LARGEST 1e9f // of a bias, in the destination's numbers

int64_t mf_int8_place(int64_t channels, int64_t channel) {
  const int64_t block = channel / MF_INT8_BLOCK, inside = channel % MF_INT8_BLOCK;
  const int64_t elements = MF_INT8_BLOCK / (mf_int8_is_wide(channels, block) ? 4 : 8); // of a vector
  return block * MF_INT8_BLOCK + inside % 16 / 4 * elements + inside / 16 * 4 + inside % 4;
}

dnnl_status_t mf_int8_describe(mf_kernel *kernel, const dnnl_dims_t source, bool source_signed,
                               const dnnl_dims_t destination, const mf_int8_stored *stored, int64_t channel_bytes) {
  const int64_t padded = mf_int8_padded(destination[1]);
  const dnnl_dims_t weights = {padded * (channel_bytes + (int64_t)sizeof(int32_t))};
  const dnnl_data_type_t from = source_signed ? dnnl_s8 : dnnl_u8, to = stored->is_signed ? dnnl_s8 : dnnl_u8;
  kernel->weights_letters = "x";
  kernel->scratch_bytes = (size_t)padded * 2 * sizeof(float);
  dnnl_status_t status = dnnl_memory_desc_create_with_tag(&kernel->source, 4, source, from, dnnl_nhwc);
  if (!status) status = dnnl_memory_desc_create_with_tag(&kernel->destination, 4, destination, to, dnnl_nhwc);
  if (!status) status = dnnl_memory_desc_create_with_tag(&kernel->weights, 1, weights, dnnl_s8, dnnl_a);
  return status;
}

int32_t *mf_int8_sums(void *packed, int64_t channels, int64_t channel_bytes) {
  return (int32_t *)(void *)((char *)packed + mf_int8_padded(channels) * channel_bytes);
}

typedef struct scaling {
  const float *weights, *added; // a channel; added may be NULL
  const int32_t *sums;          // in the order of blocks, or NULL
  float *scale, *bias;          // likewise
  float source, inverse;        // of the source; 1 / that of the destination
} scaling;

// `count` channels from `channel` on, which stand beside each other at `at`.
static inline void scale_beside(const scaling *s, int64_t channel, int64_t at, int64_t count) {
  float one[4], shift[4] = {0}, bias[4] = {0};
  for (int64_t i = 0; i < count; i++) one[i] = s->source * s->weights[channel + i] * s->inverse;
  if (s->sums)
    for (int64_t i = 0; i < count; i++) shift[i] = 128 * (float)s->sums[at + i] * one[i];
  if (s->added)
    for (int64_t i = 0; i < count; i++) bias[i] = s->added[channel + i] * s->inverse;
  for (int64_t i = 0; i < count; i++) {
    const float shifted = bias[i] - shift[i], low = shifted > -LARGEST ? shifted : -LARGEST;
    s->scale[at + i] = one[i];
    s->bias[at + i] = low < LARGEST ? low : LARGEST;
  }
}

// This is serial, in every run of a step that may take a few microseconds: by fours, compilers make vectors of it.
void mf_int8_scales(const mf_kernel_run *run, int64_t channels, const int32_t *sums, float *scale, float *bias) {
  const float *source = mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC);
  const float *destination = mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST);
  const scaling s = {.weights = mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS),
                     .added = mf_kernel_argument(run, DNNL_ARG_BIAS),
                     .sums = sums,
                     .scale = scale,
                     .bias = bias,
                     .source = *source,
                     .inverse = 1 / *destination};
  int64_t c = 0;
  for (; c + 4 <= channels; c += 4) scale_beside(&s, c, mf_int8_place(channels, c), 4);
  if (c < channels) scale_beside(&s, c, mf_int8_place(channels, c), channels - c);
}
