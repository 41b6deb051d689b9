// Batch normalization, local response normalization and softmax.
#include "reference.h"
#include <math.h>

// A tensor seen as outer x size x inner around one axis: elements along it are `inner` apart.
typedef struct axis_view {
  int64_t outer, size, inner;
} axis_view;

static axis_view around(const mf_shape *shape, int axis) {
  axis_view v = {1, shape->dim[axis], 1};
  for (int i = 0; i < axis; i++) v.outer *= shape->dim[i];
  for (int i = axis + 1; i < shape->rank; i++) v.inner *= shape->dim[i];
  return v;
}

void reference_batch_normalization(const mf_batch_normalization *a, const reference_tensor *inputs, int count,
                                   const reference_options *options, reference_tensor *output) {
  (void)count, (void)options;
  const double *x = inputs[0].data, *weight = inputs[1].data, *bias = inputs[2].data;
  const double *mean = inputs[3].data, *variance = inputs[4].data;
  const axis_view v = around(&output->shape, 1);
  for (int64_t n = 0; n < v.outer; n++)
    for (int64_t c = 0; c < v.size; c++)
      for (int64_t i = 0; i < v.inner; i++) {
        const int64_t at = (n * v.size + c) * v.inner + i;
        output->data[at] = (x[at] - mean[c]) / sqrt(variance[c] + a->epsilon) * weight[c] + bias[c];
      }
}

// `size` is odd; channels before the first and behind the last count as zeros.
void reference_lrn(const mf_lrn *a, const reference_tensor *inputs, int count, const reference_options *options,
                   reference_tensor *output) {
  (void)count, (void)options;
  const axis_view v = around(&output->shape, 1);
  for (int64_t n = 0; n < v.outer; n++)
    for (int64_t c = 0; c < v.size; c++)
      for (int64_t i = 0; i < v.inner; i++) {
        const double *column = inputs[0].data + n * v.size * v.inner + i;
        double squares = 0;
        for (int64_t k = c - a->size / 2; k <= c + a->size / 2; k++)
          if (k >= 0 && k < v.size) squares += column[k * v.inner] * column[k * v.inner];
        const double base = (double)a->k + (double)a->alpha / (double)a->size * squares;
        output->data[(n * v.size + c) * v.inner + i] = column[c * v.inner] / pow(base, (double)a->beta);
      }
}

// The largest value is subtracted first: exp cannot overflow and the quotient stays the same.
void reference_softmax(const mf_softmax *a, const reference_tensor *inputs, int count, const reference_options *options,
                       reference_tensor *output) {
  (void)count, (void)options;
  const axis_view v = around(&output->shape, a->axis);
  for (int64_t n = 0; n < v.outer; n++)
    for (int64_t i = 0; i < v.inner; i++) {
      const double *x = inputs[0].data + n * v.size * v.inner + i;
      double *y = output->data + n * v.size * v.inner + i;
      double maximum = -INFINITY, sum = 0;
      for (int64_t k = 0; k < v.size; k++) maximum = fmax(maximum, x[k * v.inner]);
      for (int64_t k = 0; k < v.size; k++) sum += y[k * v.inner] = exp(x[k * v.inner] - maximum);
      for (int64_t k = 0; k < v.size; k++) y[k * v.inner] /= sum;
    }
}
