#include "kernel/pointwise.h"
#include "plan/kernels.h"

// From 64 channels to 256 and more most of the time goes to writing, into caches 0.93 to 0.96 times as fast as oneDNN
// (bench/NOTES.md).
static bool writes_most(const mf_pointwise_problem *p) {
  return p->channels_in <= 64 && p->channels_out >= 256 && !mf_pointwise_fetches(p);
}

mf_status mf_plan_pointwise(const mf_lowering *lw, const mf_weighted *weighted, mf_kernel **out, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_tensor *tensors = lw->graph->tensors;
  const mf_convolution *a = &node->attributes.convolution;
  const mf_shape *x = &tensors[node->inputs[0]].shape, *w = &tensors[node->inputs[1]].shape;
  if (a->groups != 1 || a->stride[0] != 1 || a->stride[1] != 1 || !mf_plan_is_pointwise(a, w)) return MF_OK;
  if (!mf_pointwise_available()) return MF_OK;
  mf_pointwise_problem problem = {.batch = x->dim[0],
                                  .channels_in = x->dim[1],
                                  .channels_out = (int64_t)weighted->channels,
                                  .height = x->dim[2],
                                  .width = x->dim[3]};
  if (writes_most(&problem) || !mf_plan_float_kernel(lw, &problem.sum, &problem.low, &problem.high)) return MF_OK;
  return mf_pointwise_create(out, &problem, e);
}
