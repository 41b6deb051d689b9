#include "kernel/gemv.h"
#include "plan/kernels.h"

// Of an image, in int8: sums of u8 * s8 stay within 32 bits.
#define MOST_INTEGERS 65536

static bool fits_shapes(const mf_shape *x, int64_t outputs, mf_gemv_problem *p) {
  size_t elements = 0;
  if ((x->rank != 2 && x->rank != 4) || x->dim[0] > MF_GEMV_IMAGES || !mf_shape_elements(x, &elements)) return false;
  p->images = x->dim[0];
  p->inputs = (int64_t)elements / x->dim[0];
  p->outputs = outputs;
  p->pixels = p->inputs / x->dim[1];
  return p->inputs * (int64_t)dnnl_data_type_size(p->source) % 4 == 0;
}

static bool fits_integers(const mf_lowering *lw, const mf_gemv_problem *p) {
  const mf_quantization *x = &lw->graph->tensors[lw->node->inputs[0]].quantization;
  const mf_quantization *y = &lw->graph->tensors[lw->node->output].quantization;
  const bool writes = mf_plan_is_symmetric(y) && p->destination == mf_onednn_dtype(y->dtype);
  return mf_plan_is_symmetric(x) && p->inputs <= MOST_INTEGERS && (p->destination == dnnl_f32 || writes);
}

// With a last block that is mostly empty more is read than there is; with fewer blocks than threads some have nothing
// to do.
static bool fills_blocks(int64_t outputs, int threads) {
  const int64_t blocks = (outputs + MF_GEMV_BLOCK - 1) / MF_GEMV_BLOCK;
  return outputs * 4 >= blocks * MF_GEMV_BLOCK * 3 && blocks >= threads;
}

static bool lies(const_dnnl_memory_desc_t source, const mf_shape *x, mf_dtype dtype, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t want = NULL;
  mf_error ignored;
  if (mf_onednn_md(&want, x, dtype, tag, &ignored) != MF_OK) return false;
  const bool same = dnnl_memory_desc_equal(want, source);
  dnnl_memory_desc_destroy(want);
  return same;
}

mf_status mf_plan_gemv(const mf_lowering *lw, const mf_weighted *weighted, mf_kernel **out, mf_error *e) {
  const mf_shape *x = &lw->graph->tensors[lw->node->inputs[0]].shape;
  const mf_dtype dtype = mf_weighted_source_dtype(lw, weighted);
  mf_gemv_problem problem = {.source = mf_onednn_dtype(dtype),
                             .destination = mf_onednn_dtype(mf_lower_output_dtype(lw))};
  if (!mf_gemv_available(problem.source)) return MF_OK;
  if (!fits_shapes(x, (int64_t)weighted->channels, &problem)) return MF_OK;
  if (!fills_blocks(problem.outputs, lw->plan->threads)) return MF_OK;
  if (!mf_plan_cuts_off(lw->node, 0, &problem.low, &problem.high)) return MF_OK;
  if (weighted->int8 && !fits_integers(lw, &problem)) return MF_OK;
  const const_dnnl_memory_desc_t source = lw->plan->values[mf_lower_operand(lw, 0)].md;
  if (lies(source, x, dtype, x->rank == 2 ? dnnl_nc : dnnl_nchw))
    problem.pixels = 1; // numbers lie as in the weights
  else if (x->rank == 2 || !lies(source, x, dtype, dnnl_nhwc))
    return MF_OK;
  return mf_gemv_create(out, &problem, source, e);
}
