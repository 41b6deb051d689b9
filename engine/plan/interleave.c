#include "kernel/interleave.h"
#include "plan/kernels.h"

mf_status mf_plan_interleave(const mf_lowering *lw, const mf_value *source, const_dnnl_memory_desc_t want,
                             const mf_quantization *quantization, mf_kernel **out, mf_error *e) {
  const mf_shape *x = &lw->graph->tensors[source->tensor].shape;
  *out = NULL;
  if (!mf_plan_may_take_kernels(lw) || !mf_interleave_available()) return MF_OK;
  if (source->quantization.set || !mf_plan_is_symmetric(quantization)) return MF_OK;
  if (x->rank != 4 || x->dim[1] != MF_INTERLEAVE_CHANNELS) return MF_OK;
  const mf_interleave_problem problem = {x->dim[0], x->dim[2], x->dim[3], quantization->dtype == MF_S8};
  MF_TRY(mf_interleave_create(out, &problem, e));
  if (dnnl_memory_desc_equal((*out)->source, source->md) && dnnl_memory_desc_equal((*out)->destination, want))
    return MF_OK;
  mf_kernel_free(*out);
  *out = NULL;
  return MF_OK;
}
