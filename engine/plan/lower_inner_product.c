// Inner product: reads N,C,H,W as it lies in memory (its weights take the same spatial order), so that no flattening
// reorder is needed. Where a kernel of our own fits and pays, it is taken instead of oneDNN's.
#include "plan/kernels.h"

typedef struct inner_product {
  mf_shape x, w; // w: O,I as in the graph
  mf_weighted weighted;
  dnnl_memory_desc_t destination;
  dnnl_primitive_desc_t pd; // or
  mf_kernel *kernel;
} inner_product;

static mf_status create(const mf_lowering *lw, inner_product *c, const_dnnl_memory_desc_t source, mf_error *e) {
  dnnl_status_t status = dnnl_inner_product_forward_primitive_desc_create(
      &c->pd, lw->plan->engine, dnnl_forward_inference, source, c->weighted.weights, c->weighted.bias, c->destination,
      c->weighted.attr.attr);
  return mf_onednn_check(status, lw->node->name, e);
}

// The source as it lies there is best when oneDNN has a kernel for it; else what oneDNN likes.
static mf_status choose(const mf_lowering *lw, inner_product *c, mf_error *e) {
  const mf_value *x = &lw->plan->values[mf_lower_operand(lw, 0)];
  mf_dtype dtype = mf_weighted_source_dtype(lw, &c->weighted);
  mf_error ignored;
  if (mf_onednn_dtype_of(x->md) == dtype && create(lw, c, x->md, &ignored) == MF_OK) {
    if (!mf_select_is_reference(c->pd)) return MF_OK;
    dnnl_primitive_desc_destroy(c->pd);
  }
  dnnl_memory_desc_t any = NULL;
  MF_TRY(mf_onednn_md(&any, &c->x, dtype, dnnl_format_tag_any, e));
  mf_status status = create(lw, c, any, e);
  dnnl_memory_desc_destroy(any);
  return status;
}

static mf_status prepare(mf_lowering *lw, inner_product *c, mf_error *e) {
  mf_shape w = c->x; // O, then the source's dimensions
  w.dim[0] = c->w.dim[0];
  MF_TRY(mf_onednn_md(&c->destination, &lw->graph->tensors[lw->node->output].shape, mf_lower_output_dtype(lw), dnnl_ab,
                      e));
  return mf_weighted_prepare(lw, &w, w.rank == 4 ? dnnl_oihw : w.rank == 3 ? dnnl_oiw : dnnl_oi, 1, &c->weighted, e);
}

static mf_status emit(mf_lowering *lw, inner_product *c, mf_error *e) {
  mf_emit step = {.pd = c->pd,
                  .kernel = c->kernel,
                  .kind = "inner_product",
                  .problem = mf_arena_format(&lw->plan->arena, "mb%lldic%lldoc%lld", (long long)c->x.dim[0],
                                             (long long)c->w.dim[1], (long long)c->w.dim[0]),
                  .source_letters = c->x.rank == 4 ? "nchw" : "nc",
                  .weights_letters = c->kernel        ? c->kernel->weights_letters
                                     : c->x.rank == 4 ? "oihw"
                                                      : "oi",
                  .destination_letters = "nc"};
  if (step.problem) return mf_weighted_emit(lw, &c->weighted, &step, -1, e);
  mf_emit_drop(&step);
  return mf_fail_memory(e, 64);
}

mf_status mf_lower_inner_product(mf_lowering *lw, mf_error *e) {
  const mf_tensor *tensors = lw->graph->tensors;
  inner_product c = {.x = tensors[lw->node->inputs[0]].shape, .w = tensors[lw->node->inputs[1]].shape};
  mf_status status = prepare(lw, &c, e);
  mf_plan_kernel *const kernel = mf_plan_gemv;
  if (status == MF_OK) status = mf_plan_find_kernel(lw, &c.weighted, &kernel, 1, &c.kernel, e);
  if (status == MF_OK && !c.kernel) status = choose(lw, &c, e);
  if (status == MF_OK) status = emit(lw, &c, e);
  mf_weighted_free(&c.weighted);
  dnnl_memory_desc_destroy(c.destination);
  return status;
}
