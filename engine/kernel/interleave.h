// Pictures given as three planes of floats, written as integers pixel by pixel (nchw to nhwc), with AVX-512: oneDNN's
// reorder takes ten times as long where they lie in caches.
#ifndef MF_KERNEL_INTERLEAVE_H
#define MF_KERNEL_INTERLEAVE_H

#include "kernel/kernel.h"
#include <stdbool.h>

#define MF_INTERLEAVE_CHANNELS 3

// Source f32 in nchw; destination u8 or s8 in nhwc, without zero points: round(source / scale), ties to even,
// saturated.
typedef struct mf_interleave_problem {
  int64_t batch, height, width;
  bool is_signed; // the destination
} mf_interleave_problem;

bool mf_interleave_available(void); // on this processor, as far as oneDNN may use it

// It takes source, destination, and the destination's scale. Errors: MF_ERR_UNSUPPORTED (no memory).
mf_status mf_interleave_create(mf_kernel **out, const mf_interleave_problem *problem, mf_error *e);

#endif
