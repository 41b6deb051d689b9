// Convolution of 1x1 in f32 with AVX-512: a group of pixels and up to 64 channels stay in registers from the first
// product to the stored numbers, and threads have as many groups to within one.
#ifndef MF_KERNEL_POINTWISE_H
#define MF_KERNEL_POINTWISE_H

#include "kernel/kernel.h"
#include <stdbool.h>

// Stride 1, no padding; source and destination in nhwc.
typedef struct mf_pointwise_problem {
  int64_t batch, channels_in, channels_out, height, width;
  bool sum;        // added to what the destination holds
  float low, high; // bounds of what is stored; infinite: none
} mf_pointwise_problem;

bool mf_pointwise_available(void); // on this processor, as far as oneDNN may use it

// True when the destination is so large that it is fetched from memory a while before it is written.
bool mf_pointwise_fetches(const mf_pointwise_problem *problem);

// It takes source, weights, bias (or none) and destination. Errors: MF_ERR_UNSUPPORTED (no memory).
mf_status mf_pointwise_create(mf_kernel **out, const mf_pointwise_problem *problem, mf_error *e);

#endif
