// Depthwise convolution 3x3 or 5x5 in int8, with AVX-512 VNNI. oneDNN has one too, which multiplies one source number
// of a channel in an instruction where this one multiplies three (or five in two).
#ifndef MF_KERNEL_DEPTHWISE_H
#define MF_KERNEL_DEPTHWISE_H

#include "kernel/int8_channels.h"

// Source and destination are u8 or s8 in nhwc, without zero points.
typedef struct mf_depthwise_problem {
  int64_t batch, channels;
  int64_t height, width;         // of the source
  int64_t out_height, out_width; // of the destination
  int kernel, stride;            // of both dimensions: 3 or 5; 1 or 2
  int64_t pad_top, pad_left;     // zeros; on the other sides as many as the destination's size takes
  mf_int8_source source;
  mf_int8_stored stored; // the destination's numbers
} mf_depthwise_problem;

bool mf_depthwise_available(void); // on this processor, as far as oneDNN may use it

// Weights are s8. It takes source, weights and destination. No sum of |weight * source| scaled to the destination's
// numbers may be above 2^30.
// Errors: MF_ERR_UNSUPPORTED (no memory).
mf_status mf_depthwise_create(mf_kernel **out, const mf_depthwise_problem *problem, mf_error *e);

#endif
