#include "kernel/dense.h"
#include "plan/kernels.h"

static bool fits(const mf_convolution *a, const mf_shape *w, bool is_signed) {
  for (int i = 0; i < 2; i++)
    if (w->dim[2 + i] > MF_DENSE_KERNEL || (w->dim[2 + i] > 1 && a->dilation[i] != 1)) return false;
  if (a->groups != 1) return false;
  if (w->dim[1] <= MF_DENSE_PICTURE && w->dim[2] * w->dim[3] > 1)
    return a->stride[0] <= MF_DENSE_STRIDE && a->stride[1] <= MF_DENSE_STRIDE;
  // Of a signed source taps of padding cannot be left out: its numbers count 128 more in all sums.
  return w->dim[1] % 4 == 0 && (mf_plan_is_pointwise(a, w) || !is_signed);
}

mf_status mf_plan_dense(const mf_lowering *lw, const mf_weighted *weighted, mf_kernel **out, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_tensor *tensors = lw->graph->tensors;
  const mf_convolution *a = &node->attributes.convolution;
  const mf_shape *x = &tensors[node->inputs[0]].shape, *w = &tensors[node->inputs[1]].shape;
  const mf_shape *y = &tensors[node->output].shape;
  if (!fits(a, w, tensors[node->inputs[0]].quantization.dtype == MF_S8)) return MF_OK;
  // AMX multiplies so fast that oneDNN's kernels may win; not measured.
  if (!mf_dense_available() || mf_onednn_has_amx()) return MF_OK;
  mf_dense_problem problem = {.batch = x->dim[0],
                              .channels_in = x->dim[1],
                              .channels_out = y->dim[1],
                              .height = x->dim[2],
                              .width = x->dim[3],
                              .out_height = y->dim[2],
                              .out_width = y->dim[3],
                              .kernel = {(int)w->dim[2], (int)w->dim[3]},
                              .stride = {(int)a->stride[0], (int)a->stride[1]},
                              .pad_top = a->pad_begin[0],
                              .pad_left = a->pad_begin[1]};
  if (!mf_plan_int8_kernel(lw, weighted, w->dim[1] * w->dim[2] * w->dim[3], &problem.sum, &problem.source,
                           &problem.stored))
    return MF_OK;
  return mf_dense_create(out, &problem, e);
}
