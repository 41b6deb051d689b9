#include "graph/eltwise.h"
#include <math.h>

const char *mf_eltwise_name(mf_eltwise_kind kind) {
  static const char *const names[] = {
      [MF_ELTWISE_RELU] = "relu",         [MF_ELTWISE_CLIP] = "clip",   [MF_ELTWISE_HARDSWISH] = "hardswish",
      [MF_ELTWISE_LOGISTIC] = "logistic", [MF_ELTWISE_SWISH] = "swish", [MF_ELTWISE_TANH] = "tanh",
      [MF_ELTWISE_LINEAR] = "linear",
  };
  return names[kind];
}

// The comparisons are written so that NaN stays NaN.
static double clamp(double x, double low, double high) {
  return x < low ? low : x > high ? high : x;
}

double mf_eltwise_value(const mf_eltwise *f, double x) {
  double alpha = (double)f->alpha, beta = (double)f->beta;
  switch (f->kind) {
  case MF_ELTWISE_RELU:
    return x <= 0 ? alpha * x : x;
  case MF_ELTWISE_CLIP:
    return clamp(x, alpha, beta);
  case MF_ELTWISE_HARDSWISH:
    return x * clamp(alpha * x + beta, 0, 1);
  case MF_ELTWISE_LOGISTIC:
    return 1 / (1 + exp(-x));
  case MF_ELTWISE_SWISH:
    return x / (1 + exp(-alpha * x));
  case MF_ELTWISE_TANH:
    return tanh(x);
  case MF_ELTWISE_LINEAR:
    return alpha * x + beta;
  }
  return x;
}
