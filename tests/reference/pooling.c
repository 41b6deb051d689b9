// Pooling. The image is surrounded by pad_begin and pad_end; a last window rounded up by `ceil` may reach beyond even
// that.
#include "reference.h"
#include <math.h>

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

// One window over an image of height x width, its corner at (top, left), which may lie in the padding.
static double pool(const mf_pooling *a, const double *x, int64_t height, int64_t width, int64_t top, int64_t left,
                   bool f32) {
  const int64_t bottom = top + a->kernel[0], right = left + a->kernel[1];
  double maximum = -INFINITY, sum = 0;
  int64_t count = 0;
  for (int64_t h = top; h < bottom; h++)
    for (int64_t w = left; w < right; w++) {
      if (h < 0 || h >= height || w < 0 || w >= width) continue;
      const double value = x[h * width + w];
      if (value > maximum) maximum = value;
      sum = f32 ? (float)(sum + value) : sum + value;
      count++;
    }
  if (a->kind == MF_POOLING_MAX) return maximum;
  // Zeros of the padding count; what lies beyond the padding does not exist.
  if (a->kind == MF_POOLING_AVERAGE_PADDED)
    count = (smaller(bottom, height + a->pad_end[0]) - top) * (smaller(right, width + a->pad_end[1]) - left);
  return sum / (double)count;
}

void reference_pooling(const mf_pooling *a, const reference_tensor *inputs, int count, const reference_options *options,
                       reference_tensor *output) {
  (void)count;
  const bool f32 = options && options->accumulate_f32;
  const int64_t planes = output->shape.dim[0] * output->shape.dim[1];
  const int64_t height = inputs[0].shape.dim[2], width = inputs[0].shape.dim[3];
  double *y = output->data;
  for (int64_t p = 0; p < planes; p++)
    for (int64_t oh = 0; oh < output->shape.dim[2]; oh++)
      for (int64_t ow = 0; ow < output->shape.dim[3]; ow++)
        *y++ = pool(a, inputs[0].data + p * height * width, height, width, oh * a->stride[0] - a->pad_begin[0],
                    ow * a->stride[1] - a->pad_begin[1], f32);
}
