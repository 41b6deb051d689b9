// Convolution 3x3 with stride 1 by Winograd's minimal filtering F(4x4, 3x3): a tile of 4x4 outputs takes 36 instead of
// 144 multiplications a pair of channels. Tiles of the source and the weights are transformed, 36 matrix products (by
// oneDNN) of tiles x channels follow, and their results are transformed back.
//
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, CVPR 2016 (the matrices in section 4).
#ifndef MF_KERNEL_WINOGRAD_H
#define MF_KERNEL_WINOGRAD_H

#include "kernel/kernel.h"
#include "kernel/winograd_tiles.h"

// Source and destination are f32 in nhwc.
typedef struct mf_winograd_problem {
  int64_t batch, channels_in, channels_out; // channels: multiples of MF_WINOGRAD_CHANNELS
  int64_t height, width;                    // of the source
  int64_t out_height, out_width;            // of the destination
  int64_t pad_top, pad_left;                // zeros; on the other sides as many as the destination's size takes
  bool sum;                                 // the destination holds what is added
  float low, high;                          // results are cut off here, after that
} mf_winograd_problem;
int64_t mf_winograd_tiles(const mf_winograd_problem *problem);
double mf_winograd_flops(const mf_winograd_problem *problem); // multiplications of the products, times two

// For the pool's number of threads, to which the caller is bound (mf_pool_bind_caller). It takes source, weights, bias
// (or none) and destination. Errors: MF_ERR_UNSUPPORTED (no memory; what oneDNN refuses).
mf_status mf_winograd_create(mf_kernel **out, const mf_winograd_problem *problem, dnnl_engine_t engine, mf_error *e);

#endif
