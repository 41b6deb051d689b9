// Operators that work element by element.
#include "reference.h"
#include <math.h>

static double eltwise(const mf_eltwise *a, double x) {
  const double alpha = (double)a->alpha, beta = (double)a->beta;
  switch (a->kind) {
  case MF_ELTWISE_RELU:
    return x > 0 ? x : alpha * x;
  case MF_ELTWISE_CLIP:
    return fmin(fmax(x, alpha), beta);
  case MF_ELTWISE_HARDSWISH:
    return x * fmin(fmax(alpha * x + beta, 0), 1);
  case MF_ELTWISE_LOGISTIC:
    return 1 / (1 + exp(-x));
  case MF_ELTWISE_SWISH:
    return x / (1 + exp(-alpha * x));
  case MF_ELTWISE_TANH:
    return tanh(x);
  case MF_ELTWISE_LINEAR:
    return alpha * x + beta;
  }
  return NAN;
}

void reference_eltwise(const mf_eltwise *a, const reference_tensor *inputs, int count, const reference_options *options,
                       reference_tensor *output) {
  (void)count, (void)options;
  const size_t elements = reference_elements(&output->shape);
  for (size_t i = 0; i < elements; i++) output->data[i] = eltwise(a, inputs[0].data[i]);
}

static double binary(mf_binary_kind kind, double x, double y) {
  switch (kind) {
  case MF_BINARY_ADD:
    return x + y;
  case MF_BINARY_SUB:
    return x - y;
  case MF_BINARY_MUL:
    return x * y;
  case MF_BINARY_DIV:
    return x / y;
  case MF_BINARY_MAX:
    return fmax(x, y);
  case MF_BINARY_MIN:
    return fmin(x, y);
  }
  return NAN;
}

// Element `index` (row-major) of the output reads this element of an operand whose dimensions of 1 are repeated.
static size_t broadcast(size_t index, const mf_shape *output, const mf_shape *operand) {
  size_t offset = 0, step = 1;
  for (int i = output->rank - 1; i >= 0; i--) {
    const size_t dim = (size_t)output->dim[i], at = index % dim;
    index /= dim;
    if (operand->dim[i] != 1) offset += at * step;
    step *= (size_t)operand->dim[i];
  }
  return offset;
}

void reference_binary(const mf_binary *a, const reference_tensor *inputs, int count, const reference_options *options,
                      reference_tensor *output) {
  (void)count, (void)options;
  const size_t elements = reference_elements(&output->shape);
  for (size_t i = 0; i < elements; i++)
    output->data[i] =
        binary(a->kind, inputs[0].data[i], inputs[1].data[broadcast(i, &output->shape, &inputs[1].shape)]);
}

void reference_sum(const mf_no_attributes *a, const reference_tensor *inputs, int count,
                   const reference_options *options, reference_tensor *output) {
  (void)a, (void)options;
  const size_t elements = reference_elements(&output->shape);
  for (size_t i = 0; i < elements; i++) {
    double sum = 0;
    for (int k = 0; k < count; k++) sum += inputs[k].data[i];
    output->data[i] = sum;
  }
}
