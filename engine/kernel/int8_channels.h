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
  int low, high; // as stored
} mf_int8_stored;

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

// Source and destination in nhwc; packed weights of `channel_bytes` a channel, behind them each channel's sum in the
// order of blocks; scratch memory for as many scales and biases.
dnnl_status_t mf_int8_describe(mf_kernel *kernel, const dnnl_dims_t source, bool source_signed,
                               const dnnl_dims_t destination, const mf_int8_stored *stored, int64_t channel_bytes);
int32_t *mf_int8_sums(void *packed, int64_t channels, int64_t channel_bytes);

// Scales and biases from a run's arguments (the scales of source, weights and destination, and the bias or none), in
// the order of blocks. `sums`: of each channel's weights, in that order, for a signed source, whose numbers count 128
// more; else NULL. A bias that would take sums out of 32 bits is cut off.
void mf_int8_scales(const mf_kernel_run *run, int64_t channels, const int32_t *sums, float *scale, float *bias);

#endif
