#include "plan/int8_weights.h"
#include "plan/onednn.h"
#include <math.h>

void mf_int8_weight_scales(const mf_graph *g, const mf_node *node, size_t channels, size_t row, float *scales,
                           int *multiple) {
  const float *data = g->tensors[node->inputs[1]].data;
  const bool vnni = mf_onednn_has_vnni();
  // oneDNN's convolutions, and they alone, halve the weights for an s8 source.
  const bool halves = node->op == MF_OP_CONVOLUTION && g->tensors[node->inputs[0]].quantization.dtype == MF_S8;
  const float top = vnni ? 127.0f : halves ? 126.0f : 63.0f;
  for (size_t c = 0; c < channels; c++) {
    float largest = 0;
    for (size_t i = 0; i < row; i++) {
      float size = fabsf(data[c * row + i]);
      if (size > largest) largest = size;
    }
    scales[c] = largest > 0 && isfinite(largest) ? largest / top : 1.0f;
  }
  *multiple = halves && !vnni ? 2 : 1;
}

void mf_int8_weights(const float *weights, size_t count, float scale, int multiple, int8_t *out) {
  const float step = (float)multiple, inverse = 1.0f / (scale * step);
  for (size_t i = 0; i < count; i++) {
    const float q = rintf(weights[i] * inverse) * step;
    out[i] = (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q == q ? q : 0);
  }
}
