// int8 convolution that adds up few products for each output, with AVX-512 VNNI: of pictures (up to four channels), or
// with kernels of 1x1. Its time is mostly that of making stored numbers of the sums, where oneDNN's kernels take
// longer; and of a picture's three channels oneDNN multiplies four.
#ifndef MF_KERNEL_SHALLOW_H
#define MF_KERNEL_SHALLOW_H

#include "kernel/int8_channels.h"

#define MF_SHALLOW_KERNEL 11  // most rows or columns
#define MF_SHALLOW_CHANNELS 4 // most of a source with kernels that are not 1x1
#define MF_SHALLOW_STRIDE 4   // most

// Source and destination are u8 or s8 in nhwc, without zero points.
typedef struct mf_shallow_problem {
  int64_t batch, channels_in, channels_out;
  int64_t height, width;         // of the source
  int64_t out_height, out_width; // of the destination
  int kernel[2], stride[2];      // rows, columns. 1x1: stride 1, channels_in a multiple of 4
  int64_t pad_top, pad_left;     // zeros; on the other sides as many as the destination's size takes. 1x1: none
  bool source_signed;
  mf_int8_stored stored; // the destination's numbers
} mf_shallow_problem;

bool mf_shallow_available(void); // on this processor, as far as oneDNN may use it

// Weights are s8. It takes source, weights, bias (or none), destination, and the scales of the source, the weights (one
// a channel) and the destination. No sum of |weight * source| scaled to the destination's numbers may be above 2^30.
// Errors: MF_ERR_UNSUPPORTED (no memory).
mf_status mf_shallow_create(mf_kernel **out, const mf_shallow_problem *problem, mf_error *e);

#endif
