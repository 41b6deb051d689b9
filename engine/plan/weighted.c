#include "plan/weighted.h"
#include "graph/edit.h"
#include "plan/int8_weights.h"

mf_status mf_weighted_prepare(mf_lowering *lw, const mf_shape *shape, dnnl_format_tag_t plain, int scales_mask,
                              mf_weighted *out, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_tensor *tensors = lw->graph->tensors, *weights = &tensors[node->inputs[1]];
  *out = (mf_weighted){.int8 = node->compute == MF_S8, .channels = (size_t)weights->shape.dim[0]};
  MF_TRY(mf_onednn_md(&out->weights, shape, out->int8 ? MF_S8 : lw->plan->options.activations, dnnl_format_tag_any, e));
  MF_TRY(mf_onednn_md(&out->plain, shape, out->int8 ? MF_S8 : MF_F32, plain, e));
  if (mf_node_operands(node) > 2) MF_TRY(mf_onednn_md(&out->bias, &tensors[node->inputs[2]].shape, MF_F32, dnnl_a, e));
  mf_lower_scales scales = {.weights_mask = -1};
  if (out->int8) {
    size_t elements = 0;
    if (!mf_shape_elements(&weights->shape, &elements)) return mf_fail_memory(e, SIZE_MAX);
    float *channel_scales = mf_arena_alloc(&lw->plan->arena, out->channels * sizeof *channel_scales);
    if (!channel_scales) return mf_fail_memory(e, out->channels * sizeof *channel_scales);
    mf_int8_weight_scales(lw->graph, node, out->channels, elements / out->channels, channel_scales, &out->multiple);
    out->scales = channel_scales;
    scales =
        (mf_lower_scales){&tensors[node->inputs[0]].quantization, &tensors[node->output].quantization, scales_mask};
  }
  return mf_lower_make_attributes(lw, &scales, &out->attr, e);
}

void mf_weighted_free(mf_weighted *w) {
  if (w->attr.attr) dnnl_primitive_attr_destroy(w->attr.attr);
  dnnl_memory_desc_destroy(w->weights);
  dnnl_memory_desc_destroy(w->bias);
  dnnl_memory_desc_destroy(w->plain);
}

mf_dtype mf_weighted_source_dtype(const mf_lowering *lw, const mf_weighted *w) {
  return w->int8 ? lw->graph->tensors[lw->node->inputs[0]].quantization.dtype : lw->plan->options.activations;
}

static mf_status add_scales(mf_lowering *lw, const mf_weighted *w, mf_emit *step, mf_error *e) {
  const mf_tensor *tensors = lw->graph->tensors;
  int scales = 0;
  MF_TRY(mf_emit_quantization(lw, step, DNNL_ARG_SRC, &tensors[lw->node->inputs[0]].quantization, e));
  MF_TRY(mf_lower_vector(lw, w->scales, w->channels, &scales, e));
  mf_emit_constant(step, DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, scales);
  return mf_emit_quantization(lw, step, DNNL_ARG_DST, &tensors[lw->node->output].quantization, e);
}

static mf_status add_arguments(mf_lowering *lw, mf_weighted *w, mf_emit *step, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_tensor *tensors = lw->graph->tensors;
  int source = 0, weights = 0, bias = 0;
  MF_TRY(mf_lower_convert(lw, mf_lower_operand(lw, 0), mf_emit_source(step),
                          w->int8 ? &tensors[node->inputs[0]].quantization : NULL, NULL, &source, e));
  mf_emit_value(step, DNNL_ARG_SRC, source);
  const bool packs = step->kernel && mf_kernel_packs_bias(step->kernel);
  const mf_pack pack = {.data = tensors[node->inputs[1]].data,
                        .plain = w->plain,
                        .kernel = step->kernel,
                        .bias = packs && w->bias ? tensors[node->inputs[2]].data : NULL,
                        .scales = w->scales,
                        .multiple = w->multiple,
                        .channels = w->channels};
  w->plain = NULL; // packing takes it over
  MF_TRY(mf_lower_weights(lw, &pack, mf_emit_weights(step), &weights, e));
  mf_emit_constant(step, DNNL_ARG_WEIGHTS, weights);
  if (packs) return MF_OK;
  if (w->bias) {
    MF_TRY(mf_lower_vector(lw, tensors[node->inputs[2]].data, w->channels, &bias, e));
    mf_emit_constant(step, DNNL_ARG_BIAS, bias);
  }
  return w->int8 ? add_scales(lw, w, step, e) : MF_OK;
}

mf_status mf_weighted_emit(mf_lowering *lw, mf_weighted *w, mf_emit *step, int alias, mf_error *e) {
  step->post_ops = w->attr.text;
  step->flops = step->kernel ? step->kernel->flops : mf_node_flops(lw->graph, lw->node);
  mf_status status = add_arguments(lw, w, step, e);
  if (status == MF_OK) return mf_emit_output(lw, step, alias, e);
  mf_emit_drop(step);
  return status;
}
