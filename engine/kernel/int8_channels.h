// Channels of the int8 kernels: blocks of 64, computed as four vectors of 32-bit sums, and what it takes to make stored
// numbers of the sums. Narrowing vectors (pack) puts their elements in an order of its own, so weights, scales and
// biases lie in blocks in that order.
#ifndef MF_KERNEL_INT8_CHANNELS_H
#define MF_KERNEL_INT8_CHANNELS_H

#include "kernel/kernel.h"
#include <stdbool.h>

#define MF_INT8_BLOCK 64 // channels of a wide block; what is left of them, up to half as many, is a narrow one

static inline int64_t mf_int8_blocks(int64_t channels) {
  return (channels + MF_INT8_BLOCK - 1) / MF_INT8_BLOCK;
}

static inline bool mf_int8_is_wide(int64_t channels, int64_t block) {
  return channels - block * MF_INT8_BLOCK > MF_INT8_BLOCK / 2;
}

static inline int64_t mf_int8_padded(int64_t channels) { // the last block filled up
  const int64_t before = mf_int8_blocks(channels) - 1;
  return before * MF_INT8_BLOCK + (mf_int8_is_wide(channels, before) ? MF_INT8_BLOCK : MF_INT8_BLOCK / 2);
}

// Where a channel stands among all blocks' elements. Four at a time stay beside each other.
int64_t mf_int8_place(int64_t channels, int64_t channel);

// The destination's numbers: round((source scale * weight scale * sum + bias) / destination scale), ties to even, cut
// off at low and high.
typedef struct mf_int8_stored {
  bool is_signed;
  float scale;
  int low, high; // as stored
} mf_int8_stored;

typedef struct mf_int8_source {
  bool is_signed; // its numbers count 128 more in sums
  float scale;
} mf_int8_source;

// What the destination holds before, times `scale`, is added to the real numbers.
typedef struct mf_int8_sum {
  float scale; // 0: nothing is added
  bool is_signed;
} mf_int8_sum;

// Of a block: round(scale * sum + bias), cut off likewise.
typedef struct mf_int8_output {
  int channels;              // that there are of it
  const float *scale, *bias; // 64-byte aligned
  mf_int8_stored stored;
} mf_int8_output;
// `scale` and `bias`: of all blocks.
static inline mf_int8_output mf_int8_output_of(const mf_int8_stored *stored, int64_t channels, int64_t block,
                                               const float *scale, const float *bias) {
  const int64_t first = block * MF_INT8_BLOCK, left = channels - first;
  return (mf_int8_output){left < MF_INT8_BLOCK ? (int)left : MF_INT8_BLOCK, scale + first, bias + first, *stored};
}

// Source and destination in nhwc; packed weights of `channel_bytes` a channel, and behind them in the order of blocks
// each channel's scale and bias, and what a source or summand that counts 128 more takes off the bias.
dnnl_status_t mf_int8_describe(mf_kernel *kernel, const dnnl_dims_t source, const mf_int8_source *numbers,
                               const dnnl_dims_t destination, const mf_int8_stored *stored, int64_t channel_bytes);

typedef struct mf_int8_scales {
  float *scale, *bias, *shift; // in packed weights
} mf_int8_scales;
mf_int8_scales mf_int8_scales_in(void *packed, int64_t channels, int64_t channel_bytes);

// Packs scale and shift of a channel whose weights' sum is given; `weights_scale`: of the channel.
void mf_int8_pack_scale(const mf_int8_scales *to, int64_t place, float weights_scale, int32_t sum,
                        const mf_int8_source *source, const mf_int8_sum *summand, const mf_int8_stored *stored);

// Packs all biases, behind scales. `bias` in real numbers, or NULL. One that would take sums out of 32 bits is cut off.
void mf_int8_pack_bias(dnnl_memory_t packed, int64_t channels, int64_t channel_bytes, const float *bias,
                       const mf_int8_stored *stored);

#endif
