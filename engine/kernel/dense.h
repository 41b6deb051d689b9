// int8 convolution with AVX-512 VNNI whose taps of a row lie side by side in the source. A group of outputs and 64
// channels stay in registers from the first product to the stored numbers. Taps of padding are left out where sources
// have words of channels, and copied as zeros where they are pictures of up to four channels.
#ifndef MF_KERNEL_DENSE_H
#define MF_KERNEL_DENSE_H

#include "kernel/int8_channels.h"

#define MF_DENSE_KERNEL 11 // most rows or columns
#define MF_DENSE_PICTURE 4 // most channels of a picture
#define MF_DENSE_STRIDE 4  // most, of kernels on pictures

// Source and destination are u8 or s8 in nhwc, without zero points.
typedef struct mf_dense_problem {
  int64_t batch, channels_in, channels_out;
  int64_t height, width;         // of the source
  int64_t out_height, out_width; // of the destination
  int kernel[2], stride[2];      // rows, columns. 1x1, or not a picture: channels_in a multiple of 4
  int64_t pad_top, pad_left;     // zeros; on the other sides as many as the destination's size takes
  mf_int8_source source;         // signed: 1x1 without padding, or a picture
  mf_int8_sum sum;
  mf_int8_stored stored; // the destination's numbers
} mf_dense_problem;

bool mf_dense_available(void); // on this processor, as far as oneDNN may use it

// Weights are s8. It takes source, weights and destination. No sum of |weight * source| scaled to the destination's
// numbers may be above 2^30.
// Errors: MF_ERR_UNSUPPORTED (no memory).
mf_status mf_dense_create(mf_kernel **out, const mf_dense_problem *problem, mf_error *e);

#endif
