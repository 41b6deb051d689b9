#include "plan/depthwise.h"
#include <math.h>

// Real numbers at which the only post-op, if there is one, cuts off.
static bool fits_posts(const mf_node *node, float *low, float *high) {
  *low = -INFINITY;
  *high = INFINITY;
  if (!node->post_count) return true;
  if (node->post_count > 1 || node->posts[0].kind != MF_POST_ELTWISE) return false;
  const mf_eltwise *eltwise = &node->posts[0].eltwise;
  if (eltwise->kind == MF_ELTWISE_CLIP) {
    *low = eltwise->alpha;
    *high = eltwise->beta;
  } else
    *low = 0;
  return eltwise->kind == MF_ELTWISE_CLIP || (eltwise->kind == MF_ELTWISE_RELU && eltwise->alpha == 0);
}

static bool fits_kernel(const mf_convolution *a, const mf_shape *x, const mf_shape *w) {
  const int64_t kernel = w->dim[2], stride = a->stride[0];
  return a->groups == x->dim[1] && w->dim[0] == x->dim[1] && w->dim[3] == kernel && a->stride[1] == stride &&
         a->dilation[0] == 1 && a->dilation[1] == 1 && (kernel == 3 || kernel == 5) && (stride == 1 || stride == 2);
}

static bool is_plain(const mf_quantization *q) {
  return q->set && q->zero_point == 0 && (q->dtype == MF_U8 || q->dtype == MF_S8);
}

// The kernel does not saturate sums.
static bool fits_scales(const mf_weighted *weighted, int kernel, float source, float destination) {
  const double largest = kernel * kernel * 255.0 * 127.0;
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

bool mf_plan_depthwise(const mf_lowering *lw, const mf_weighted *weighted, mf_depthwise_problem *p) {
  const mf_node *node = lw->node;
  const mf_tensor *source = &lw->graph->tensors[node->inputs[0]], *destination = &lw->graph->tensors[node->output];
  const mf_shape *x = &source->shape, *w = &lw->graph->tensors[node->inputs[1]].shape, *y = &destination->shape;
  const mf_convolution *a = &node->attributes.convolution;
  float low, high;
  if (node->compute != MF_S8 || lw->plan->options.algorithm == MF_ALGORITHM_GEMM || !mf_depthwise_available())
    return false;
  if (!fits_kernel(a, x, w) || !fits_posts(node, &low, &high)) return false;
  if (!is_plain(&source->quantization) || !is_plain(&destination->quantization)) return false;
  if (mf_lower_output_dtype(lw) != destination->quantization.dtype) return false;
  if (!fits_scales(weighted, (int)w->dim[2], source->quantization.scale, destination->quantization.scale)) return false;
  *p = (mf_depthwise_problem){.batch = x->dim[0],
                              .channels = x->dim[1],
                              .height = x->dim[2],
                              .width = x->dim[3],
                              .out_height = y->dim[2],
                              .out_width = y->dim[3],
                              .kernel = (int)w->dim[2],
                              .stride = (int)a->stride[0],
                              .pad_top = a->pad_begin[0],
                              .pad_left = a->pad_begin[1],
                              .source_signed = source->quantization.dtype == MF_S8,
                              .destination_signed = destination->quantization.dtype == MF_S8,
                              .low = stored_bound(low, &destination->quantization),
                              .high = stored_bound(high, &destination->quantization)};
  return true;
}
