// Inner product: reads N,C,H,W as it lies in memory (its weights take the same spatial order), so that no flattening reorder is needed.
#include "plan/lower.h"

typedef struct inner_product {
  mf_shape x, w; // w: O,I as in the graph
  bool int8;
  dnnl_memory_desc_t weights, bias, plain_weights, destination;
  const float *scales;
  mf_lower_attributes attr;
  dnnl_primitive_desc_t pd;
} inner_product;

static mf_status create(const mf_lowering *lw, inner_product *c, const_dnnl_memory_desc_t source, mf_error *e) {
  dnnl_status_t status = dnnl_inner_product_forward_primitive_desc_create(&c->pd, lw->plan->engine, dnnl_forward_inference, source,
                                                                          c->weights, c->bias, c->destination, c->attr.attr);
  return mf_onednn_check(status, lw->node->name, e);
}

// The source as it lies there is best when oneDNN has a kernel for it; else what oneDNN likes.
static mf_status choose(const mf_lowering *lw, inner_product *c, mf_error *e) {
  const mf_value *x = &lw->plan->values[mf_lower_operand(lw, 0)];
  mf_dtype dtype = c->int8 ? lw->graph->tensors[lw->node->inputs[0]].quantization.dtype : lw->plan->options.activations;
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
  const mf_node *node = lw->node;
  const mf_tensor *tensors = lw->graph->tensors;
  mf_shape w = c->x; // O, then the source's dimensions
  w.dim[0] = c->w.dim[0];
  dnnl_format_tag_t plain = w.rank == 4 ? dnnl_oihw : w.rank == 3 ? dnnl_oiw : dnnl_oi;
  MF_TRY(mf_onednn_md(&c->weights, &w, c->int8 ? MF_S8 : lw->plan->options.activations, dnnl_format_tag_any, e));
  MF_TRY(mf_onednn_md(&c->plain_weights, &w, c->int8 ? MF_S8 : MF_F32, plain, e));
  if (node->input_count > 2) MF_TRY(mf_onednn_md(&c->bias, &tensors[node->inputs[2]].shape, MF_F32, dnnl_a, e));
  MF_TRY(mf_onednn_md(&c->destination, &tensors[node->output].shape, mf_lower_output_dtype(lw), dnnl_ab, e));
  mf_lower_scales scales = {.weights_mask = -1};
  if (c->int8) {
    MF_TRY(mf_lower_weight_scales(lw, tensors[node->inputs[1]].data, (size_t)c->w.dim[0], (size_t)c->w.dim[1], &c->scales, e));
    scales = (mf_lower_scales){&tensors[node->inputs[0]].quantization, &tensors[node->output].quantization, 1};
  }
  return mf_lower_make_attributes(lw, &scales, &c->attr, e);
}

static mf_status emit(mf_lowering *lw, inner_product *c, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_tensor *tensors = lw->graph->tensors;
  const mf_quantization *input = &tensors[node->inputs[0]].quantization;
  mf_emit step = {.pd = c->pd,
                  .kind = "inner_product",
                  .problem = mf_arena_format(&lw->plan->arena, "mb%lldic%lldoc%lld", (long long)c->x.dim[0], (long long)c->w.dim[1],
                                             (long long)c->w.dim[0]),
                  .post_ops = c->attr.text,
                  .source_letters = c->x.rank == 4 ? "nchw" : "nc",
                  .weights_letters = c->x.rank == 4 ? "oihw" : "oi",
                  .destination_letters = "nc",
                  .flops = mf_node_flops(lw->graph, node)};
  int source = 0, weights = 0, constant = 0;
  mf_status status = step.problem ? MF_OK : mf_fail_memory(e, 64);
  if (status == MF_OK)
    status = mf_lower_convert(lw, mf_lower_operand(lw, 0), dnnl_primitive_desc_query_md(c->pd, dnnl_query_src_md, 0),
                              c->int8 ? input : NULL, NULL, &source, e);
  if (status == MF_OK) {
    status = mf_lower_weights(lw, tensors[node->inputs[1]].data, c->plain_weights,
                              dnnl_primitive_desc_query_md(c->pd, dnnl_query_weights_md, 0), c->scales, (size_t)c->w.dim[0], &weights, e);
    c->plain_weights = NULL;
  }
  mf_emit_value(&step, DNNL_ARG_SRC, source);
  mf_emit_constant(&step, DNNL_ARG_WEIGHTS, weights);
  if (status == MF_OK && c->bias) {
    status = mf_lower_vector(lw, tensors[node->inputs[2]].data, (size_t)c->w.dim[0], &constant, e);
    mf_emit_constant(&step, DNNL_ARG_BIAS, constant);
  }
  if (status == MF_OK && c->int8) {
    status = mf_emit_quantization(lw, &step, DNNL_ARG_SRC, input, e);
    if (status == MF_OK) status = mf_lower_vector(lw, c->scales, (size_t)c->w.dim[0], &constant, e);
    mf_emit_constant(&step, DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, constant);
    if (status == MF_OK) status = mf_emit_quantization(lw, &step, DNNL_ARG_DST, &tensors[node->output].quantization, e);
  }
  if (status != MF_OK) {
    dnnl_primitive_desc_destroy(c->pd);
    return status;
  }
  return mf_emit_output(lw, &step, -1, e);
}

mf_status mf_lower_inner_product(mf_lowering *lw, mf_error *e) {
  const mf_tensor *tensors = lw->graph->tensors;
  inner_product c = {.x = tensors[lw->node->inputs[0]].shape,
                     .w = tensors[lw->node->inputs[1]].shape,
                     .int8 = lw->node->compute == MF_S8};
  mf_status status = prepare(lw, &c, e);
  if (status == MF_OK) status = choose(lw, &c, e);
  if (status == MF_OK) status = emit(lw, &c, e);
  if (c.attr.attr) dnnl_primitive_attr_destroy(c.attr.attr);
  dnnl_memory_desc_destroy(c.weights);
  dnnl_memory_desc_destroy(c.bias);
  dnnl_memory_desc_destroy(c.plain_weights);
  dnnl_memory_desc_destroy(c.destination);
  return status;
}
