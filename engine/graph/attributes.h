// Attribute structs of the operators (the last column of op.def). Pairs are {height, width}.
#ifndef MF_GRAPH_ATTRIBUTES_H
#define MF_GRAPH_ATTRIBUTES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mf_no_attributes {
  char unused;
} mf_no_attributes;

typedef struct mf_convolution {
  int64_t stride[2];    // >= 1
  int64_t dilation[2];  // 1: dense (oneDNN counts from 0; the lowering subtracts)
  int64_t pad_begin[2]; // top, left
  int64_t pad_end[2];   // bottom, right
  int64_t groups;       // input and output channels are multiples of it
} mf_convolution;

typedef enum mf_pooling_kind {
  MF_POOLING_MAX,
  MF_POOLING_AVERAGE,       // padding is not counted
  MF_POOLING_AVERAGE_PADDED // padding counts as zeros
} mf_pooling_kind;
typedef struct mf_pooling {
  mf_pooling_kind kind;
  int64_t kernel[2], stride[2], pad_begin[2], pad_end[2];
  bool ceil; // output size rounded up; a last window that would start in the end padding is dropped (PyTorch's rule)
} mf_pooling;

typedef struct mf_batch_normalization {
  double epsilon;
} mf_batch_normalization;

// y = f(x; alpha, beta). Formulas are oneDNN's (eltwise algorithms).
typedef enum mf_eltwise_kind {
  MF_ELTWISE_RELU,      // x > 0 ? x : alpha * x
  MF_ELTWISE_CLIP,      // min(max(x, alpha), beta); ReLU6 is alpha 0, beta 6
  MF_ELTWISE_HARDSWISH, // x * min(max(alpha * x + beta, 0), 1); alpha 1/6, beta 1/2 in MobileNet-v3
  MF_ELTWISE_LOGISTIC,  // 1 / (1 + exp(-x))
  MF_ELTWISE_SWISH,     // x / (1 + exp(-alpha * x))
  MF_ELTWISE_TANH,
  MF_ELTWISE_LINEAR // alpha * x + beta
} mf_eltwise_kind;
typedef struct mf_eltwise {
  mf_eltwise_kind kind;
  float alpha, beta;
} mf_eltwise;

typedef enum mf_binary_kind {
  MF_BINARY_ADD,
  MF_BINARY_SUB,
  MF_BINARY_MUL,
  MF_BINARY_DIV,
  MF_BINARY_MAX,
  MF_BINARY_MIN
} mf_binary_kind;
typedef struct mf_binary {
  mf_binary_kind kind;
} mf_binary;

typedef struct mf_concat {
  int axis; // 0 .. rank-1
} mf_concat;

typedef struct mf_softmax {
  int axis;
} mf_softmax;

// Across channels: y = x / (k + alpha / size * sum of squares over `size` channels) ^ beta (oneDNN's and AlexNet's
// form)
typedef struct mf_lrn {
  int64_t size;
  float alpha, beta, k;
} mf_lrn;

#endif
