// Element by element: activations, binary operations, sums and BatchNorm that no fusion has taken. All in float, in the
// layout found.
#include "plan/lower.h"

static const char *letters(const mf_shape *shape) {
  return shape->rank == 4 ? "nchw" : "nc";
}

// Everything about a step but its primitive, and the attributes to make that with; these are the caller's to destroy.
static mf_status begin(mf_lowering *lw, const char *kind, mf_emit *step, mf_lower_attributes *attr, mf_error *e) {
  const mf_shape *output = &lw->graph->tensors[lw->node->output].shape;
  *step = (mf_emit){.kind = kind,
                    .problem = mf_arena_copy(&lw->plan->arena, mf_shape_print(output).text),
                    .source_letters = letters(mf_lower_operand_shape(lw, 0)),
                    .destination_letters = letters(output)};
  if (!step->problem) return mf_fail_memory(e, sizeof(mf_shape_text));
  return mf_lower_make_attributes(lw, NULL, attr, e);
}

mf_status mf_lower_eltwise(mf_lowering *lw, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_eltwise *a = &node->attributes.eltwise;
  int source = 0;
  dnnl_alg_kind_t kind;
  const char *name;
  mf_lower_attributes attr;
  MF_TRY(mf_lower_float(lw, mf_lower_operand(lw, 0), &source, e));
  MF_TRY(mf_lower_eltwise_kind(a, &kind, &name, e));
  mf_emit step;
  MF_TRY(begin(lw, "eltwise", &step, &attr, e));
  step.post_ops = name;
  const_dnnl_memory_desc_t md = lw->plan->values[source].md;
  dnnl_status_t made = dnnl_eltwise_forward_primitive_desc_create(&step.pd, lw->plan->engine, dnnl_forward_inference,
                                                                  kind, md, md, a->alpha, a->beta, attr.attr);
  dnnl_primitive_attr_destroy(attr.attr);
  MF_TRY(mf_onednn_check(made, node->name, e));
  mf_emit_value(&step, DNNL_ARG_SRC, source);
  // In place where nobody needs the input any more: an activation is memory traffic and nothing else.
  bool in_place = lw->plan->values[source].layer >= 0 && !mf_lower_needed_later(lw, source);
  return mf_emit_output(lw, &step, in_place ? source : -1, e);
}

mf_status mf_lower_batch_normalization(mf_lowering *lw, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_tensor *tensors = lw->graph->tensors;
  int source = 0;
  mf_lower_attributes attr;
  MF_TRY(mf_lower_float(lw, mf_lower_operand(lw, 0), &source, e));
  mf_emit step;
  MF_TRY(begin(lw, "batch_normalization", &step, &attr, e));
  const_dnnl_memory_desc_t md = lw->plan->values[source].md;
  unsigned flags = dnnl_use_global_stats | dnnl_use_scale | dnnl_use_shift;
  dnnl_status_t made = dnnl_batch_normalization_forward_primitive_desc_create(
      &step.pd, lw->plan->engine, dnnl_forward_inference, md, md, (float)node->attributes.batch_normalization.epsilon,
      flags, attr.attr);
  dnnl_primitive_attr_destroy(attr.attr);
  MF_TRY(mf_onednn_check(made, node->name, e));
  mf_status status = MF_OK;
  mf_emit_value(&step, DNNL_ARG_SRC, source);
  static const int arguments[] = {DNNL_ARG_SCALE, DNNL_ARG_SHIFT, DNNL_ARG_MEAN, DNNL_ARG_VARIANCE};
  for (int i = 0; i < 4 && status == MF_OK; i++) {
    const mf_tensor *parameter = &tensors[node->inputs[1 + i]];
    int constant = 0;
    status = mf_lower_vector(lw, parameter->data, (size_t)parameter->shape.dim[0], &constant, e);
    mf_emit_constant(&step, arguments[i], constant);
  }
  if (status != MF_OK) {
    dnnl_primitive_desc_destroy(step.pd);
    return status;
  }
  bool in_place = lw->plan->values[source].layer >= 0 && !mf_lower_needed_later(lw, source);
  return mf_emit_output(lw, &step, in_place ? source : -1, e);
}

static dnnl_alg_kind_t binary_kind(mf_binary_kind kind) {
  switch (kind) {
  case MF_BINARY_ADD:
    return dnnl_binary_add;
  case MF_BINARY_SUB:
    return dnnl_binary_sub;
  case MF_BINARY_MUL:
    return dnnl_binary_mul;
  case MF_BINARY_DIV:
    return dnnl_binary_div;
  case MF_BINARY_MAX:
    return dnnl_binary_max;
  case MF_BINARY_MIN:
    return dnnl_binary_min;
  }
  return dnnl_alg_kind_undef;
}

mf_status mf_lower_binary(mf_lowering *lw, mf_error *e) {
  const mf_node *node = lw->node;
  int a = 0, b = 0;
  mf_lower_attributes attr;
  MF_TRY(mf_lower_float(lw, mf_lower_operand(lw, 0), &a, e));
  MF_TRY(mf_lower_float(lw, mf_lower_operand(lw, 1), &b, e));
  if (mf_shape_equal(mf_lower_operand_shape(lw, 0), mf_lower_operand_shape(lw, 1)))
    MF_TRY(mf_lower_convert(lw, b, lw->plan->values[a].md, NULL, NULL, &b, e));
  dnnl_memory_desc_t destination = NULL;
  MF_TRY(mf_onednn_md(&destination, &lw->graph->tensors[node->output].shape, lw->plan->options.activations,
                      dnnl_format_tag_any, e));
  mf_emit step;
  mf_status status = begin(lw, "binary", &step, &attr, e);
  if (status == MF_OK) {
    status = mf_onednn_check(
        dnnl_binary_primitive_desc_create(&step.pd, lw->plan->engine, binary_kind(node->attributes.binary.kind),
                                          lw->plan->values[a].md, lw->plan->values[b].md, destination, attr.attr),
        node->name, e);
    dnnl_primitive_attr_destroy(attr.attr);
  }
  dnnl_memory_desc_destroy(destination);
  MF_TRY(status);
  mf_emit_value(&step, DNNL_ARG_SRC_0, a);
  mf_emit_value(&step, DNNL_ARG_SRC_1, b);
  return mf_emit_output(lw, &step, -1, e);
}

mf_status mf_lower_sum(mf_lowering *lw, mf_error *e) {
  const mf_node *node = lw->node;
  const_dnnl_memory_desc_t sources[MF_MAX_INPUTS] = {0};
  float ones[MF_MAX_INPUTS];
  int values[MF_MAX_INPUTS];
  for (int i = 0; i < node->input_count; i++) {
    MF_TRY(mf_lower_float(lw, mf_lower_operand(lw, i), &values[i], e));
    // In one layout the sum is a plain pass over memory; the first operand's is as good as any.
    if (i > 0) MF_TRY(mf_lower_convert(lw, values[i], lw->plan->values[values[0]].md, NULL, NULL, &values[i], e));
    ones[i] = 1;
  }
  for (int i = 0; i < node->input_count; i++) sources[i] = lw->plan->values[values[i]].md;
  mf_lower_attributes attr;
  mf_emit step;
  MF_TRY(begin(lw, "sum", &step, &attr, e));
  dnnl_status_t made = dnnl_sum_primitive_desc_create(&step.pd, lw->plan->engine, sources[0], node->input_count, ones,
                                                      sources, attr.attr);
  dnnl_primitive_attr_destroy(attr.attr);
  MF_TRY(mf_onednn_check(made, node->name, e));
  for (int i = 0; i < node->input_count; i++) mf_emit_value(&step, DNNL_ARG_MULTIPLE_SRC + i, values[i]);
  return mf_emit_output(lw, &step, -1, e);
}
