#include "kernel/int8_channels.h"
#include <math.h>

#define LARGEST 1e9f // of a bias, in the destination's numbers

int64_t mf_int8_place(int64_t channels, int64_t channel) {
  const int64_t block = channel / MF_INT8_BLOCK, inside = channel % MF_INT8_BLOCK;
  const int64_t elements = MF_INT8_BLOCK / (mf_int8_is_wide(channels, block) ? 4 : 8); // of a vector
  return block * MF_INT8_BLOCK + inside % 16 / 4 * elements + inside / 16 * 4 + inside % 4;
}

dnnl_status_t mf_int8_describe(mf_kernel *kernel, const dnnl_dims_t source, const mf_int8_source *numbers,
                               const dnnl_dims_t destination, const mf_int8_stored *stored, int64_t channel_bytes) {
  const dnnl_dims_t weights = {mf_int8_padded(destination[1]) * (channel_bytes + 3 * (int64_t)sizeof(float))};
  const dnnl_data_type_t from = numbers->is_signed ? dnnl_s8 : dnnl_u8, to = stored->is_signed ? dnnl_s8 : dnnl_u8;
  kernel->weights_letters = "x";
  dnnl_status_t status = dnnl_memory_desc_create_with_tag(&kernel->source, 4, source, from, dnnl_nhwc);
  if (!status) status = dnnl_memory_desc_create_with_tag(&kernel->destination, 4, destination, to, dnnl_nhwc);
  if (!status) status = dnnl_memory_desc_create_with_tag(&kernel->weights, 1, weights, dnnl_s8, dnnl_a);
  return status;
}

mf_int8_scales mf_int8_scales_in(void *packed, int64_t channels, int64_t channel_bytes) {
  const int64_t padded = mf_int8_padded(channels);
  float *scale = (float *)(void *)((char *)packed + padded * channel_bytes);
  return (mf_int8_scales){scale, scale + padded, scale + 2 * padded};
}

void mf_int8_pack_scale(const mf_int8_scales *to, int64_t place, float weights_scale, int32_t sum,
                        const mf_int8_source *source, const mf_int8_sum *summand, const mf_int8_stored *stored) {
  const float inverse = 1 / stored->scale, scale = source->scale * weights_scale * inverse;
  to->scale[place] = scale;
  to->shift[place] = source->is_signed ? 128 * (float)sum * scale : 0;
  if (summand && summand->is_signed) to->shift[place] += 128 * summand->scale * inverse;
}

void mf_int8_pack_bias(dnnl_memory_t packed, int64_t channels, int64_t channel_bytes, const float *bias,
                       const mf_int8_stored *stored) {
  void *weights = NULL;
  dnnl_memory_get_data_handle(packed, &weights);
  const mf_int8_scales to = mf_int8_scales_in(weights, channels, channel_bytes);
  const float inverse = 1 / stored->scale;
  for (int64_t c = 0; c < channels; c++) {
    const int64_t place = mf_int8_place(channels, c);
    const float shifted = (bias ? bias[c] * inverse : 0) - to.shift[place];
    to.bias[place] = fminf(fmaxf(shifted, -LARGEST), LARGEST);
  }
}
