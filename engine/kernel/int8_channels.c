#include "kernel/int8_channels.h"
#include <math.h>

#define LARGEST 1e9f // of a bias, in the destination's numbers

int64_t mf_int8_place(int64_t channels, int64_t channel) {
  const int64_t block = channel / MF_INT8_BLOCK, inside = channel % MF_INT8_BLOCK;
  const int64_t elements = MF_INT8_BLOCK / (mf_int8_is_wide(channels, block) ? 4 : 8); // of a vector
  return block * MF_INT8_BLOCK + inside % 16 / 4 * elements + inside / 16 * 4 + inside % 4;
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
