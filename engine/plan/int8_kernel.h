// What the int8 kernels of our own have in common: which nodes they can compute at all.
#ifndef MF_PLAN_INT8_KERNEL_H
#define MF_PLAN_INT8_KERNEL_H

#include "kernel/int8_channels.h"
#include "plan/weighted.h"

// True when the convolution that is being lowered reads and writes integers without zero points, has no post-op but one
// that cuts off, and sums of `products` numbers stay within 32 bits in the destination's scale, too: the kernels do not
// saturate them. Fills *source_signed and *stored.
bool mf_plan_int8_kernel(const mf_lowering *lw, const mf_weighted *weighted, int64_t products, bool *source_signed,
                         mf_int8_stored *stored);

#endif
