// Convolution 3x3 with stride 1 by Winograd's minimal filtering F(4x4, 3x3): a tile of 4x4 outputs takes 36 instead of
// 144 multiplications a pair of channels. Tiles of the source and the weights are transformed, 36 matrix products (by
// oneDNN) of tiles x channels follow, and their results are transformed back.
//
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, CVPR 2016 (the matrices in section 4).
#ifndef MF_KERNEL_WINOGRAD_H
#define MF_KERNEL_WINOGRAD_H

#include "kernel/winograd_tiles.h"
#include "thread/pool.h"
#include <oneapi/dnnl/dnnl.h>

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

typedef struct mf_winograd mf_winograd;             // read-only once made
const char *mf_winograd_impl(const mf_winograd *w); // for people, with oneDNN's name of what multiplies

// For the pool's number of threads, to which the caller is bound (mf_pool_bind_caller). Errors: MF_ERR_UNSUPPORTED (no
// memory; what oneDNN refuses).
mf_status mf_winograd_create(mf_winograd **out, const mf_winograd_problem *problem, dnnl_engine_t engine, mf_error *e);
void mf_winograd_free(mf_winograd *w); // NULL is allowed

// Transformed weights: 36 matrices of channels in x channels out, as they are computed and as they are read. Owned by
// `w`.
const_dnnl_memory_desc_t mf_winograd_plain_weights(const mf_winograd *w);
const_dnnl_memory_desc_t mf_winograd_weights(const mf_winograd *w);
// From OIHW, on the pool's threads. `out`: 36 * channels_in * channels_out floats.
void mf_winograd_transform_weights(const float *oihw, int64_t channels_in, int64_t channels_out, float *out,
                                   mf_pool *pool);

// Memory for one run at a time, `bytes` of mf_winograd_scratch_bytes, 64-byte aligned, the caller's. What lies in it
// need not be kept between runs.
typedef struct mf_winograd_memory {
  char *bytes;
  dnnl_memory_t tiles, products, scratchpad;
} mf_winograd_memory;
size_t mf_winograd_scratch_bytes(const mf_winograd *w);
mf_status mf_winograd_bind(const mf_winograd *w, void *bytes, mf_winograd_memory *out, mf_error *e);
void mf_winograd_unbind(mf_winograd_memory *memory);

// `weights` are in mf_winograd_weights' form; `bias`: one a channel.
dnnl_status_t mf_winograd_execute(const mf_winograd *w, const mf_winograd_memory *memory, mf_pool *pool,
                                  dnnl_stream_t stream, const float *source, dnnl_memory_t weights, const float *bias,
                                  float *destination);

#endif
