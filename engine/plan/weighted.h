// What convolutions and inner products share: weights in the order their kernel reads fastest, bias in f32, and in int8
// a scale for the source, for each output channel's weights and for the destination.
#ifndef MF_PLAN_WEIGHTED_H
#define MF_PLAN_WEIGHTED_H

#include "plan/lower.h"

typedef struct mf_weighted {
  bool int8;
  dnnl_memory_desc_t weights, bias; // what to ask oneDNN for; bias NULL: none
  dnnl_memory_desc_t plain;         // the weights as they stand in the graph
  size_t channels;                  // output channels
  const float *scales;              // int8: one an output channel
  int multiple;                     // int8: weights are multiples of it
  mf_lower_attributes attr;
} mf_weighted;

// `shape` are the weights' dimensions as oneDNN counts them and `plain` their order in the graph; `scales_mask` is
// oneDNN's mask of one scale an output channel. Free with mf_weighted_free, also after a failure.
mf_status mf_weighted_prepare(mf_lowering *lw, const mf_shape *shape, dnnl_format_tag_t plain, int scales_mask,
                              mf_weighted *out, mf_error *e);
void mf_weighted_free(mf_weighted *w);

mf_dtype mf_weighted_source_dtype(const mf_lowering *lw, const mf_weighted *w);

// Adds source, weights, bias and scales to `step`, whose primitive descriptor is chosen, and emits it. `alias`: see
// mf_emit_output.
mf_status mf_weighted_emit(mf_lowering *lw, mf_weighted *w, mf_emit *step, int alias, mf_error *e);

#endif
