// Inner product of a few images (BLAS's gemv, with up to four vectors): its time is that of reading the weights once,
// so they lie in the order in which they are read, one stream for each thread. In f32, bf16 and int8, with AVX-512.
#ifndef MF_KERNEL_GEMV_H
#define MF_KERNEL_GEMV_H

#include "kernel/kernel.h"
#include <stdbool.h>

#define MF_GEMV_IMAGES 4 // most
#define MF_GEMV_BLOCK 64 // outputs that are computed together

typedef struct mf_gemv_problem {
  dnnl_data_type_t source, destination; // f32 to f32; bf16 to bf16 or f32; u8 or s8 to either of them or f32
  int64_t images, inputs, outputs;      // inputs of an image: four bytes or a multiple of it
  int64_t pixels;                       // of N,H,W,C: H * W; 1: inputs lie as they are counted
  float low, high;                      // real numbers at which the destination is cut off; infinite: nowhere
} mf_gemv_problem;

// On this processor, as far as oneDNN may use it, for such a source.
bool mf_gemv_available(dnnl_data_type_t source);

// `source` is its descriptor, dense; it is copied. It takes source, weights, bias (or none),
// destination (N,C), and in int8 the scales of the source, the weights (one an output) and of a destination of
// integers: destination = round(clip(source scale * weight scale * sum + bias) / destination scale), ties to even.
// Errors: MF_ERR_UNSUPPORTED (no memory).
mf_status mf_gemv_create(mf_kernel **out, const mf_gemv_problem *problem, const_dnnl_memory_desc_t source, mf_error *e);

#endif
