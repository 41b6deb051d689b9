#include "kernel/depthwise.h"
#include "plan/kernels.h"

static bool fits_kernel(const mf_convolution *a, const mf_shape *x, const mf_shape *w) {
  const int64_t kernel = w->dim[2], stride = a->stride[0];
  return a->groups == x->dim[1] && w->dim[0] == x->dim[1] && w->dim[3] == kernel && a->stride[1] == stride &&
         a->dilation[0] == 1 && a->dilation[1] == 1 && (kernel == 3 || kernel == 5) && (stride == 1 || stride == 2);
}

mf_status mf_plan_depthwise(const mf_lowering *lw, const mf_weighted *weighted, mf_kernel **out, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_tensor *tensors = lw->graph->tensors;
  const mf_convolution *a = &node->attributes.convolution;
  const mf_shape *x = &tensors[node->inputs[0]].shape, *w = &tensors[node->inputs[1]].shape;
  const mf_shape *y = &tensors[node->output].shape;
  if (!fits_kernel(a, x, w) || !mf_depthwise_available()) return MF_OK;
  mf_depthwise_problem problem = {.batch = x->dim[0],
                                  .channels = x->dim[1],
                                  .height = x->dim[2],
                                  .width = x->dim[3],
                                  .out_height = y->dim[2],
                                  .out_width = y->dim[3],
                                  .kernel = (int)w->dim[2],
                                  .stride = (int)a->stride[0],
                                  .pad_top = a->pad_begin[0],
                                  .pad_left = a->pad_begin[1]};
  if (!mf_plan_int8_kernel(lw, weighted, w->dim[2] * w->dim[3], NULL, &problem.source, &problem.stored)) return MF_OK;
  return mf_depthwise_create(out, &problem, e);
}
