#include "plan/kernels.h"
#include <math.h>

bool mf_plan_may_take_kernels(const mf_lowering *lw) {
  const mf_algorithm algorithm = lw->plan->options.algorithm;
  return algorithm != MF_ALGORITHM_GEMM && algorithm != MF_ALGORITHM_DIRECT;
}

mf_status mf_plan_find_kernel(const mf_lowering *lw, const mf_weighted *weighted, mf_plan_kernel *const *kernels,
                              size_t count, mf_kernel **out, mf_error *e) {
  if (!mf_plan_may_take_kernels(lw)) return MF_OK;
  for (size_t i = 0; i < count && !*out; i++) MF_TRY(kernels[i](lw, weighted, out, e));
  return MF_OK;
}

bool mf_plan_cuts_off(const mf_node *node, int post, float *low, float *high) {
  *low = -INFINITY;
  *high = INFINITY;
  if (post == node->post_count) return true;
  if (post + 1 < node->post_count || node->posts[post].kind != MF_POST_ELTWISE) return false;
  const mf_eltwise *eltwise = &node->posts[post].eltwise;
  if (eltwise->kind == MF_ELTWISE_CLIP) {
    *low = eltwise->alpha;
    *high = eltwise->beta;
  } else
    *low = 0;
  return eltwise->kind == MF_ELTWISE_CLIP || (eltwise->kind == MF_ELTWISE_RELU && eltwise->alpha == 0);
}

bool mf_plan_is_symmetric(const mf_quantization *q) {
  return q->set && q->zero_point == 0 && (q->dtype == MF_U8 || q->dtype == MF_S8);
}

bool mf_plan_is_pointwise(const mf_convolution *a, const mf_shape *weights) {
  for (int i = 0; i < 2; i++)
    if (weights->dim[2 + i] != 1 || a->pad_begin[i] || a->pad_end[i]) return false;
  return true;
}

bool mf_plan_float_kernel(const mf_lowering *lw, bool *sum, float *low, float *high) {
  const mf_plan_options *o = &lw->plan->options;
  const mf_node *node = lw->node;
  if (o->layout != MF_LAYOUT_AUTO && o->layout != MF_LAYOUT_NHWC) return false;
  if (node->compute != MF_F32 || o->activations != MF_F32 || mf_lower_output_dtype(lw) != MF_F32) return false;
  *sum = node->post_count && node->posts[0].kind == MF_POST_SUM;
  return mf_plan_cuts_off(node, *sum, low, high);
}

static bool fits_scales(const mf_weighted *weighted, double largest, float source, float destination) {
  for (size_t c = 0; c < weighted->channels; c++)
    if (!(largest * (double)(source * weighted->scales[c] / destination) < 1 << 30)) return false;
  return true;
}

// As stored: rounding and cutting off may change places.
static int stored_bound(float bound, const mf_quantization *q) {
  const int least = q->dtype == MF_S8 ? -128 : 0, most = q->dtype == MF_S8 ? 127 : 255;
  const float stored = rintf(bound / q->scale);
  return stored > (float)least ? stored < (float)most ? (int)stored : most : least;
}

// The summand, where there is one; *post is what follows it.
static bool fits_sum(const mf_lowering *lw, float destination, mf_int8_sum *sum, int *post) {
  *post = 0;
  if (lw->node->post_count == 0 || lw->node->posts[0].kind != MF_POST_SUM) return true;
  const mf_quantization *q = mf_lower_summand_quantization(lw, lw->node->posts[0].input);
  if (!sum || !mf_plan_is_symmetric(q) || !(255 * (double)(q->scale / destination) < 1 << 29)) return false;
  *sum = (mf_int8_sum){q->scale, q->dtype == MF_S8};
  *post = 1;
  return true;
}

bool mf_plan_int8_kernel(const mf_lowering *lw, const mf_weighted *weighted, int64_t products, mf_int8_sum *sum,
                         mf_int8_source *source, mf_int8_stored *stored) {
  const mf_node *node = lw->node;
  const mf_quantization *x = &lw->graph->tensors[node->inputs[0]].quantization;
  const mf_quantization *y = &lw->graph->tensors[node->output].quantization;
  const int64_t channels = (int64_t)weighted->channels;
  float low, high;
  // Vectors that are mostly empty: of 8 and 16 channels oneDNN's kernels take 0.5 to 0.8 of the time.
  if (channels * 4 < mf_int8_padded(channels) * 3) return false;
  if (node->compute != MF_S8) return false;
  if (!mf_plan_is_symmetric(x) || !mf_plan_is_symmetric(y) || mf_lower_output_dtype(lw) != y->dtype) return false;
  int post;
  if (!fits_sum(lw, y->scale, sum, &post) || !mf_plan_cuts_off(node, post, &low, &high)) return false;
  if (!fits_scales(weighted, (double)products * 255 * 127, x->scale, y->scale)) return false;
  *source = (mf_int8_source){x->dtype == MF_S8, x->scale};
  *stored = (mf_int8_stored){y->dtype == MF_S8, y->scale, stored_bound(low, y), stored_bound(high, y)};
  return true;
}
