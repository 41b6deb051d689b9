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

void mf_int8_scales(const mf_kernel_run *run, int64_t channels, const int32_t *sums, float *scale, float *bias) {
  const float *from = mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC);
  const float *weights = mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS);
  const float *to = mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST);
  const float *added = mf_kernel_argument(run, DNNL_ARG_BIAS);
  const float inverse = 1 / *to;
  for (int64_t c = 0; c < channels; c += 4) {
    const int64_t at = mf_int8_place(channels, c), left = channels - c, count = left < 4 ? left : 4;
    for (int64_t i = 0; i < count; i++) {
      const float one = *from * weights[c + i] * inverse;
      const float shift = sums ? 128 * (float)sums[at + i] * one : 0;
      scale[at + i] = one;
      bias[at + i] = fminf(fmaxf((added ? added[c + i] * inverse : 0) - shift, -LARGEST), LARGEST);
    }
  }
}
