// Pooling takes the layout it finds. Integers are pooled as they are; an average that has a scale of its own gets there
// by a post-op, since oneDNN's pooling knows no scales.
#include "plan/lower.h"

static mf_status add_rescaling(const mf_lowering *lw, int source, mf_lower_attributes *attr, mf_error *e) {
  const mf_quantization *from = &lw->plan->values[source].quantization,
                        *to = &lw->graph->tensors[lw->node->output].quantization;
  if (!from->set || !to->set || from->scale == to->scale) return MF_OK; // floats stay floats
  const float factor = from->scale / to->scale;
  dnnl_post_ops_t posts = NULL;
  dnnl_status_t status = dnnl_post_ops_create(&posts);
  if (!status) status = dnnl_post_ops_append_eltwise(posts, dnnl_eltwise_linear, factor, 0);
  if (!status) status = dnnl_primitive_attr_set_post_ops(attr->attr, posts);
  if (posts) dnnl_post_ops_destroy(posts);
  snprintf(attr->text, sizeof attr->text, "eltwise_linear:%g", (double)factor);
  return mf_onednn_check(status, "post-op", e);
}

mf_status mf_lower_pooling(mf_lowering *lw, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_pooling *a = &node->attributes.pooling;
  const mf_shape x = *mf_lower_operand_shape(lw, 0), y = lw->graph->tensors[node->output].shape;
  int source = mf_lower_operand(lw, 0);
  if (!lw->graph->tensors[node->output].quantization.set) MF_TRY(mf_lower_float(lw, source, &source, e));

  dnnl_dims_t end = {0, 0};
  for (int i = 0; i < 2; i++) {
    // oneDNN has no ceil mode: the end padding is what the last window needs.
    int64_t needed = (y.dim[2 + i] - 1) * a->stride[i] + a->kernel[i] - x.dim[2 + i] - a->pad_begin[i];
    end[i] = a->pad_end[i] > needed ? a->pad_end[i] : needed;
    if (a->kind == MF_POOLING_AVERAGE_PADDED && needed > a->pad_end[i])
      return mf_fail(e, MF_ERR_UNSUPPORTED,
                     "%s: average pooling that counts padding together with a rounded-up size is not supported",
                     node->name);
  }
  dnnl_alg_kind_t algorithm = a->kind == MF_POOLING_MAX       ? dnnl_pooling_max
                              : a->kind == MF_POOLING_AVERAGE ? dnnl_pooling_avg_exclude_padding
                                                              : dnnl_pooling_avg_include_padding;
  dnnl_dims_t stride = {a->stride[0], a->stride[1]}, kernel = {a->kernel[0], a->kernel[1]}, dilation = {0, 0};
  dnnl_dims_t begin = {a->pad_begin[0], a->pad_begin[1]};
  dnnl_memory_desc_t destination = NULL;
  mf_lower_attributes attr;
  const_dnnl_memory_desc_t source_md = lw->plan->values[source].md;
  MF_TRY(mf_onednn_md(&destination, &y, mf_onednn_dtype_of(source_md), dnnl_format_tag_any, e));
  mf_status status = mf_lower_make_attributes(lw, NULL, &attr, e);
  mf_emit step = {.kind = "pooling", .source_letters = "nchw", .destination_letters = "nchw"};
  if (status == MF_OK) status = add_rescaling(lw, source, &attr, e);
  if (status == MF_OK) {
    status = mf_onednn_check(dnnl_pooling_forward_primitive_desc_create(
                                 &step.pd, lw->plan->engine, dnnl_forward_inference, algorithm, source_md, destination,
                                 stride, kernel, dilation, begin, end, attr.attr),
                             node->name, e);
    step.post_ops = attr.text;
  }
  if (attr.attr) dnnl_primitive_attr_destroy(attr.attr);
  dnnl_memory_desc_destroy(destination);
  MF_TRY(status);
  step.problem = mf_arena_format(&lw->plan->arena, "mb%lldic%lldih%lldoh%lldkh%lldsh%lldph%lld%s", (long long)x.dim[0],
                                 (long long)x.dim[1], (long long)x.dim[2], (long long)y.dim[2], (long long)kernel[0],
                                 (long long)stride[0], (long long)begin[0], a->kind == MF_POOLING_MAX ? "" : "_avg");
  mf_emit_value(&step, DNNL_ARG_SRC, source);
  return mf_emit_output(lw, &step, -1, e);
}
