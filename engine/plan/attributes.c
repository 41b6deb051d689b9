#include "plan/lower.h"
#include <stdio.h>
#include <string.h>

static dnnl_alg_kind_t algorithm(mf_eltwise_kind kind) {
  switch (kind) {
  case MF_ELTWISE_RELU:
    return dnnl_eltwise_relu;
  case MF_ELTWISE_CLIP:
    return dnnl_eltwise_clip;
  case MF_ELTWISE_HARDSWISH:
    return dnnl_eltwise_hardswish;
  case MF_ELTWISE_LOGISTIC:
    return dnnl_eltwise_logistic;
  case MF_ELTWISE_SWISH:
    return dnnl_eltwise_swish;
  case MF_ELTWISE_TANH:
    return dnnl_eltwise_tanh;
  case MF_ELTWISE_LINEAR:
    return dnnl_eltwise_linear;
  }
  return dnnl_alg_kind_undef;
}

static const char *const eltwise_names[] = {"relu", "clip", "hardswish", "logistic", "swish", "tanh", "linear"};

mf_status mf_lower_eltwise_kind(const mf_eltwise *eltwise, dnnl_alg_kind_t *kind, const char **name, mf_error *e) {
  *kind = algorithm(eltwise->kind);
  if (*kind == dnnl_alg_kind_undef)
    return mf_fail(e, MF_ERR_UNSUPPORTED, "eltwise algorithm %d is unknown", (int)eltwise->kind);
  *name = eltwise_names[eltwise->kind];
  return MF_OK;
}

static void add_text(mf_lower_attributes *out, const char *text) {
  size_t used = strlen(out->text);
  snprintf(out->text + used, sizeof out->text - used, "%s%s", used ? "+" : "", text);
}

static mf_status append_posts(const mf_lowering *lw, dnnl_post_ops_t posts, mf_lower_attributes *out, mf_error *e) {
  for (int p = 0; p < lw->node->post_count; p++) {
    const mf_post *post = &lw->node->posts[p];
    char text[48];
    dnnl_status_t status;
    if (post->kind == MF_POST_SUM) {
      mf_dtype stored = mf_lower_output_dtype(lw);
      const mf_quantization *q = mf_lower_summand_quantization(lw, post->input);
      // Post-ops see real values before the division by the destination scale, so the summand brings its own scale.
      bool quantised = stored == MF_U8 || stored == MF_S8;
      float scale = quantised ? q->scale : 1.0f;
      mf_dtype dtype = quantised ? q->dtype : stored;
      status = dnnl_post_ops_append_sum(posts, scale, quantised ? q->zero_point : 0, mf_onednn_dtype(dtype));
      if (quantised)
        snprintf(text, sizeof text, "sum:%g:%s", (double)scale, mf_dtype_name(dtype));
      else
        snprintf(text, sizeof text, "sum");
      out->summand = post->input;
    } else {
      dnnl_alg_kind_t kind;
      const char *name = "";
      MF_TRY(mf_lower_eltwise_kind(&post->eltwise, &kind, &name, e));
      status = dnnl_post_ops_append_eltwise(posts, kind, post->eltwise.alpha, post->eltwise.beta);
      if (post->eltwise.alpha != 0 || post->eltwise.beta != 0)
        snprintf(text, sizeof text, "eltwise_%s:%g:%g", name, (double)post->eltwise.alpha, (double)post->eltwise.beta);
      else
        snprintf(text, sizeof text, "eltwise_%s", name);
    }
    MF_TRY(mf_onednn_check(status, "post-op", e));
    add_text(out, text);
  }
  return MF_OK;
}

static dnnl_status_t set_scales(dnnl_primitive_attr_t attr, int argument, const mf_quantization *q) {
  if (!q || !q->set) return dnnl_success;
  dnnl_status_t status = dnnl_primitive_attr_set_scales_mask(attr, argument, 0);
  if (!status && q->zero_point) status = dnnl_primitive_attr_set_zero_points_mask(attr, argument, 0);
  return status;
}

mf_status mf_lower_make_attributes(const mf_lowering *lw, const mf_lower_scales *scales, mf_lower_attributes *out,
                                   mf_error *e) {
  *out = (mf_lower_attributes){.summand = -1};
  MF_TRY(mf_onednn_check(dnnl_primitive_attr_create(&out->attr), "attributes", e));
  dnnl_post_ops_t posts = NULL;
  dnnl_status_t status = dnnl_primitive_attr_set_scratchpad_mode(out->attr, dnnl_scratchpad_mode_user);
  if (!status && scales) status = set_scales(out->attr, DNNL_ARG_SRC, scales->source);
  if (!status && scales) status = set_scales(out->attr, DNNL_ARG_DST, scales->destination);
  if (!status && scales && scales->weights_mask >= 0)
    status = dnnl_primitive_attr_set_scales_mask(out->attr, DNNL_ARG_WEIGHTS, scales->weights_mask);
  if (!status) status = dnnl_post_ops_create(&posts);
  mf_status result = mf_onednn_check(status, "attributes", e);
  if (result == MF_OK) result = append_posts(lw, posts, out, e);
  if (result == MF_OK) result = mf_onednn_check(dnnl_primitive_attr_set_post_ops(out->attr, posts), "post-ops", e);
  if (posts) dnnl_post_ops_destroy(posts);
  if (result != MF_OK) {
    dnnl_primitive_attr_destroy(out->attr);
    out->attr = NULL;
  }
  return result;
}
