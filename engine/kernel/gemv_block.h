// Sums of products of up to four images with the weights of 64 outputs: four bytes of an image at a time (one number in
// f32, two in bf16, four in int8) are spread over a vector and multiplied with those of 16 outputs.
#ifndef MF_KERNEL_GEMV_BLOCK_H
#define MF_KERNEL_GEMV_BLOCK_H

#include "kernel/gemv.h"

typedef union mf_gemv_sum {
  float real;
  int32_t integer; // of an integer source
} mf_gemv_sum;

typedef struct mf_gemv_block {
  const char *source;                 // of the first image
  int64_t step;                       // bytes to the next image
  int64_t words;                      // of four bytes, of an image
  const char *weights;                // for each word those of the outputs, one after another; 64-byte aligned
  mf_gemv_sum (*sums)[MF_GEMV_BLOCK]; // of each image; 64-byte aligned
} mf_gemv_block;

typedef void (*mf_gemv_compute)(const mf_gemv_block *block);

// For so many images. s8: numbers of the source count 128 more. NULL: the instruction set (dnnl_get_effective_cpu_isa)
// does not have what it takes, or there is no such source.
mf_gemv_compute mf_gemv_compute_for(dnnl_cpu_isa_t isa, dnnl_data_type_t source, int images);

#endif
