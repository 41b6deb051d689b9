// Which convolutions, inner products and reorders are computed by kernels of our own (kernel/) rather than by oneDNN's.
#ifndef MF_PLAN_KERNELS_H
#define MF_PLAN_KERNELS_H

#include "kernel/int8_channels.h"
#include "plan/weighted.h"

// The kernel for the node that is being lowered; NULL where it cannot compute it, where the plan's layout asks for
// something else, or where oneDNN's are faster.
typedef mf_status mf_plan_kernel(const mf_lowering *lw, const mf_weighted *weighted, mf_kernel **out, mf_error *e);
mf_plan_kernel mf_plan_winograd, mf_plan_pointwise, mf_plan_depthwise, mf_plan_dense; // convolutions
mf_plan_kernel mf_plan_gemv;                                                          // inner products

bool mf_plan_may_take_kernels(const mf_lowering *lw); // the plan's algorithm does not ask for oneDNN's

// The kernel that writes `source` as `want`, of that quantization, in place of a reorder; NULL where it cannot.
mf_status mf_plan_interleave(const mf_lowering *lw, const mf_value *source, const_dnnl_memory_desc_t want,
                             const mf_quantization *quantization, mf_kernel **out, mf_error *e);

// Of `count` kernels the first that takes the node; NULL where none does or the plan's algorithm asks for oneDNN's.
mf_status mf_plan_find_kernel(const mf_lowering *lw, const mf_weighted *weighted, mf_plan_kernel *const *kernels,
                              size_t count, mf_kernel **out, mf_error *e);

// True when what the node does from post-op `post` on is nothing, or to cut real numbers off at *low and *high
// (infinite: nowhere).
bool mf_plan_cuts_off(const mf_node *node, int post, float *low, float *high);

bool mf_plan_is_symmetric(const mf_quantization *q); // integers without a zero point

// Kernels of 1x1 without padding, of any stride.
bool mf_plan_is_pointwise(const mf_convolution *a, const mf_shape *weights);

// For those in f32: true when the convolution reads and writes f32 in a layout that may be nhwc and its post-ops are a
// sum, or none, and one that cuts off, or none. Fills *sum, *low and *high.
bool mf_plan_float_kernel(const mf_lowering *lw, bool *sum, float *low, float *high);

// For those in int8: true when the channels fill most of their blocks, the convolution reads and writes integers
// without zero points, has no post-op but a sum (unless `sum` is NULL: the kernel has none) and one that cuts off, and
// sums of `products` numbers stay within 32 bits in the destination's scale, too: the kernels do not saturate them.
// Fills *sum, *source and *stored.
bool mf_plan_int8_kernel(const mf_lowering *lw, const mf_weighted *weighted, int64_t products, mf_int8_sum *sum,
                         mf_int8_source *source, mf_int8_stored *stored);

#endif
