#include "plan/kernels.h"
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

static bool is_plain(const mf_quantization *q) {
  return q->set && q->zero_point == 0 && (q->dtype == MF_U8 || q->dtype == MF_S8);
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

bool mf_plan_int8_kernel(const mf_lowering *lw, const mf_weighted *weighted, int64_t products, bool *source_signed,
                         mf_int8_stored *stored) {
  const mf_node *node = lw->node;
  const mf_quantization *x = &lw->graph->tensors[node->inputs[0]].quantization;
  const mf_quantization *y = &lw->graph->tensors[node->output].quantization;
  const int64_t channels = (int64_t)weighted->channels;
  float low, high;
  // Vectors that are mostly empty: of 8 and 16 channels oneDNN's kernels take 0.5 to 0.8 of the time.
  if (channels * 4 < mf_int8_padded(channels) * 3) return false;
  const mf_algorithm algorithm = lw->plan->options.algorithm;
  if (node->compute != MF_S8 || algorithm == MF_ALGORITHM_GEMM || algorithm == MF_ALGORITHM_DIRECT) return false;
  if (!is_plain(x) || !is_plain(y) || mf_lower_output_dtype(lw) != y->dtype || !fits_posts(node, &low, &high))
    return false;
  if (!fits_scales(weighted, (double)products * 255 * 127, x->scale, y->scale)) return false;
  *source_signed = x->dtype == MF_S8;
  *stored = (mf_int8_stored){y->dtype == MF_S8, stored_bound(low, y), stored_bound(high, y)};
  return true;
}
