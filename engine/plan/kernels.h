// Which convolutions are computed by kernels of our own (kernel/) rather than by oneDNN's.
#ifndef MF_PLAN_KERNELS_H
#define MF_PLAN_KERNELS_H

#include "kernel/int8_channels.h"
#include "plan/weighted.h"

// The kernel for the convolution that is being lowered; NULL where it cannot compute it, where the plan's algorithm or
// layout asks for something else, or where oneDNN's are faster.
typedef mf_status mf_plan_kernel(const mf_lowering *lw, const mf_weighted *weighted, mf_kernel **out, mf_error *e);
mf_plan_kernel mf_plan_winograd, mf_plan_depthwise, mf_plan_shallow;

// For those in int8: true when the channels fill most of their blocks, the convolution reads and writes integers
// without zero points, has no post-op but one that cuts off, and sums of `products` numbers stay within 32 bits in the
// destination's scale, too: the kernels do not saturate them. Fills *source_signed and *stored.
bool mf_plan_int8_kernel(const mf_lowering *lw, const mf_weighted *weighted, int64_t products, bool *source_signed,
                         mf_int8_stored *stored);

#endif
