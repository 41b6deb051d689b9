// Concat, softmax, LRN, and the ops that only rename: flatten is a view where memory already lies in order.
#include "plan/lower.h"

static const char *letters(int rank) {
  return rank == 4 ? "nchw" : rank == 3 ? "ncw" : rank == 2 ? "nc" : "x";
}

mf_status mf_lower_concat(mf_lowering *lw, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_quantization *quantization = &lw->graph->tensors[node->output].quantization;
  const_dnnl_memory_desc_t sources[MF_MAX_INPUTS];
  int values[MF_MAX_INPUTS];
  for (int i = 0; i < node->input_count; i++) {
    values[i] = mf_lower_operand(lw, i);
    if (!quantization->set) {
      MF_TRY(mf_lower_float(lw, values[i], &values[i], e));
      continue;
    }
    // Integers are concatenated as they are, so all must be on the output's scale; usually quant/ has already made them
    // so.
    dnnl_memory_desc_t want = NULL;
    MF_TRY(mf_lower_md_as(&want, lw->plan->values[values[i]].md, quantization->dtype, e));
    mf_status status = mf_lower_convert(lw, values[i], want, quantization, NULL, &values[i], e);
    dnnl_memory_desc_destroy(want);
    MF_TRY(status);
  }
  for (int i = 0; i < node->input_count; i++) sources[i] = lw->plan->values[values[i]].md;
  mf_lower_attributes attr;
  MF_TRY(mf_lower_make_attributes(lw, NULL, &attr, e));
  int rank = mf_lower_operand_shape(lw, 0)->rank;
  mf_emit step = {.kind = "concat", .source_letters = letters(rank), .destination_letters = letters(rank)};
  dnnl_status_t made = dnnl_concat_primitive_desc_create(&step.pd, lw->plan->engine, NULL, node->input_count,
                                                         node->attributes.concat.axis, sources, attr.attr);
  dnnl_primitive_attr_destroy(attr.attr);
  MF_TRY(mf_onednn_check(made, node->name, e));
  mf_shape_text text = mf_shape_print(&lw->graph->tensors[node->output].shape);
  step.problem = mf_arena_copy(&lw->plan->arena, text.text);
  for (int i = 0; i < node->input_count; i++) mf_emit_value(&step, DNNL_ARG_MULTIPLE_SRC + i, values[i]);
  return mf_emit_output(lw, &step, -1, e);
}

// Softmax and LRN: one operand in float, the layout it has.
static mf_status unary(mf_lowering *lw, const char *kind, mf_error *e) {
  const mf_node *node = lw->node;
  int source = 0;
  mf_lower_attributes attr;
  MF_TRY(mf_lower_float(lw, mf_lower_operand(lw, 0), &source, e));
  MF_TRY(mf_lower_make_attributes(lw, NULL, &attr, e));
  const_dnnl_memory_desc_t md = lw->plan->values[source].md;
  int rank = mf_lower_operand_shape(lw, 0)->rank;
  mf_emit step = {.kind = kind, .source_letters = letters(rank), .destination_letters = letters(rank)};
  dnnl_status_t made;
  if (node->op == MF_OP_SOFTMAX)
    made = dnnl_softmax_forward_primitive_desc_create(&step.pd, lw->plan->engine, dnnl_forward_inference,
                                                      dnnl_softmax_accurate, md, md, node->attributes.softmax.axis,
                                                      attr.attr);
  else {
    const mf_lrn *a = &node->attributes.lrn;
    made = dnnl_lrn_forward_primitive_desc_create(&step.pd, lw->plan->engine, dnnl_forward_inference,
                                                  dnnl_lrn_across_channels, md, md, a->size, a->alpha, a->beta, a->k,
                                                  attr.attr);
  }
  dnnl_primitive_attr_destroy(attr.attr);
  MF_TRY(mf_onednn_check(made, node->name, e));
  mf_shape_text text = mf_shape_print(mf_lower_operand_shape(lw, 0));
  step.problem = mf_arena_copy(&lw->plan->arena, text.text);
  mf_emit_value(&step, DNNL_ARG_SRC, source);
  return mf_emit_output(lw, &step, -1, e);
}

mf_status mf_lower_softmax(mf_lowering *lw, mf_error *e) {
  return unary(lw, "softmax", e);
}

mf_status mf_lower_lrn(mf_lowering *lw, mf_error *e) {
  return unary(lw, "lrn", e);
}

// The same bytes under another shape: no step, no copy.
static mf_status view(mf_lowering *lw, int value, mf_error *e) {
  const mf_tensor *out = &lw->graph->tensors[lw->node->output];
  const mf_quantization quantization = lw->plan->values[value].quantization;
  dnnl_memory_desc_t md = NULL;
  int result = 0;
  if (value == lw->plan->input) lw->plan->input_is_open = false;
  static const dnnl_format_tag_t dense[] = {0, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd};
  if (out->shape.rank == mf_lower_operand_shape(lw, 0)->rank)
    MF_TRY(mf_onednn_check(dnnl_memory_desc_clone(&md, lw->plan->values[value].md), "memory descriptor", e));
  else
    MF_TRY(mf_onednn_md(&md, &out->shape, mf_onednn_dtype_of(lw->plan->values[value].md), dense[out->shape.rank], e));
  MF_TRY(mf_lower_value(lw, lw->node->output, md, &quantization, value, &result, e));
  lw->plan->values[result].producer = lw->plan->values[value].producer;
  lw->plan->values[result].layer = lw->plan->values[value].layer;
  lw->value_of[lw->node->output] = result;
  return MF_OK;
}

mf_status mf_lower_flatten(mf_lowering *lw, mf_error *e) {
  const mf_shape *x = mf_lower_operand_shape(lw, 0);
  int value = mf_lower_operand(lw, 0);
  static const dnnl_format_tag_t dense[] = {0, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd};
  if (x->rank > 4)
    return mf_fail(e, MF_ERR_UNSUPPORTED, "%s: flatten of %d dimensions is not supported", lw->node->name, x->rank);
  // With one pixel a channel every unpadded layout is in channel order.
  bool one_pixel = x->rank == 4 && x->dim[2] == 1 && x->dim[3] == 1;
  size_t count = 0;
  const mf_value *v = &lw->plan->values[value];
  bool unpadded = mf_shape_elements(x, &count) && v->bytes == count * mf_dtype_size(mf_onednn_dtype_of(v->md));
  if (!(one_pixel && unpadded)) {
    dnnl_memory_desc_t plain = NULL;
    const mf_quantization quantization = v->quantization;
    MF_TRY(mf_onednn_md(&plain, x, mf_onednn_dtype_of(v->md), dense[x->rank], e));
    mf_status status = mf_lower_convert(lw, value, plain, &quantization, NULL, &value, e);
    dnnl_memory_desc_destroy(plain);
    MF_TRY(status);
  }
  return view(lw, value, e);
}

mf_status mf_lower_dropout(mf_lowering *lw, mf_error *e) {
  return view(lw, mf_lower_operand(lw, 0), e);
}

mf_status mf_lower_identity(mf_lowering *lw, mf_error *e) {
  return view(lw, mf_lower_operand(lw, 0), e);
}
