#include "plan/int8_weights.h"
#include "plan/onednn.h"
#include <math.h>

#define LONGEST 64 // row that other scales are tried for: in longer ones errors even out, and one scale is like another
#define CANDIDATES 64 // scales from that which uses every level to that which leaves a fifth of them
#define TOGETHER 2    // weight of a kernel's error as a whole: neighbouring pixels are alike

// Of one channel's weights, kernels of `plane` numbers each.
static float rounding_error(const float *weights, size_t count, size_t plane, float scale, int multiple) {
  const float step = (float)multiple * scale, inverse = 1.0f / step;
  float sum = 0;
  for (size_t begin = 0; begin < count; begin += plane) {
    float whole = 0;
    for (size_t i = begin; i < begin + plane; i++) {
      const float error = weights[i] - rintf(weights[i] * inverse) * step;
      sum += error * error;
      whole += error;
    }
    sum += TOGETHER * whole * whole;
  }
  return sum;
}

static float search_scale(const float *weights, size_t count, size_t plane, float scale, int multiple) {
  float best = scale, least = rounding_error(weights, count, plane, scale, multiple);
  for (int i = 1; i < CANDIDATES; i++) {
    const float one = scale / (1 - 0.2f * (float)i / CANDIDATES);
    const float error = rounding_error(weights, count, plane, one, multiple);
    if (!(error < least)) continue;
    least = error;
    best = one;
  }
  return best;
}

void mf_int8_weight_scales(const mf_graph *g, const mf_node *node, size_t channels, size_t row, float *scales,
                           int *multiple) {
  const float *data = g->tensors[node->inputs[1]].data;
  const bool vnni = mf_onednn_has_vnni();
  // oneDNN's convolutions, and they alone, halve the weights for an s8 source.
  const bool halves = node->op == MF_OP_CONVOLUTION && g->tensors[node->inputs[0]].quantization.dtype == MF_S8;
  const float top = vnni ? 127.0f : halves ? 126.0f : 63.0f;
  const mf_shape *shape = &g->tensors[node->inputs[1]].shape;
  const size_t plane = shape->rank == 4 ? (size_t)(shape->dim[2] * shape->dim[3]) : 1;
  *multiple = halves && !vnni ? 2 : 1;
  for (size_t c = 0; c < channels; c++) {
    float largest = 0;
    for (size_t i = 0; i < row; i++) {
      float size = fabsf(data[c * row + i]);
      if (size > largest) largest = size;
    }
    scales[c] = largest > 0 && isfinite(largest) ? largest / top : 1.0f;
    if (row <= LONGEST) scales[c] = search_scale(data + c * row, row, plane, scales[c], *multiple);
  }
}

void mf_int8_weights(const float *weights, size_t count, float scale, int multiple, int8_t *out) {
  const float step = (float)multiple, inverse = 1.0f / (scale * step);
  for (size_t i = 0; i < count; i++) {
    const float q = rintf(weights[i] * inverse) * step;
    out[i] = (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q == q ? q : 0);
  }
}
