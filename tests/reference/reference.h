// Reference kernels: what every operator means, in plain loops over double. They are written from the definitions in
// graph/attributes.h, never from a lowering, and are the truth the engine's tests compare with.
#ifndef REFERENCE_REFERENCE_H
#define REFERENCE_REFERENCE_H

#include "graph/graph.h"

// Dense and row-major: activations N,C,H,W or N,C; weights O,I,H,W (I per group) or O,I; one value a channel for the
// rest.
typedef struct reference_tensor {
  mf_shape shape;
  double *data;
} reference_tensor;

size_t reference_elements(const mf_shape *shape);
mf_status reference_tensor_create(reference_tensor *out, const mf_shape *shape, mf_error *e); // zeros
mf_status reference_tensor_from_f32(reference_tensor *out, const mf_shape *shape, const float *values, mf_error *e);
void reference_tensor_free(reference_tensor *tensor); // a zero-initialised one is allowed

typedef struct reference_options {
  // Sums of convolutions, inner products and average pooling, and every node's result, are rounded to float at each
  // step.
  bool accumulate_f32;
  // Rounds in place what the simulated engine stores in a narrower type: the graph's input, every node's result after
  // its post-ops, and the weights (tensor->data is set for those), not the biases, of convolutions and inner products.
  // NULL: nothing is rounded. BatchNorms have to be folded before (pass/), or their weights are rounded without the
  // factor they store in reality.
  void (*round)(void *context, const mf_tensor *tensor, double *values, size_t count);
  // Sees the input and every node's result (tensor - g->tensors is the id, g->nodes[tensor->producer] the node). May be
  // NULL.
  void (*observe)(void *context, const mf_tensor *tensor, const reference_tensor *value);
  void *context; // of both
} reference_options;

// bfloat16, nearest even, by way of float: with accumulate_f32 the simulation of a bf16 engine.
void reference_round_bf16(void *context, const mf_tensor *tensor, double *values, size_t count);

// The kernels: reference_convolution, reference_pooling, ... `inputs` are the operator's operands (no summands of
// post-ops), output->shape is what the shape rule says and output->data is overwritten. Element by element operators
// may work in place. `options` may be NULL; only accumulate_f32 is looked at.
#define MF_OP(constant, name, low, high, attributes)                                                                   \
  void reference_##name(const attributes *a, const reference_tensor *inputs, int count,                                \
                        const reference_options *options, reference_tensor *output);
#include "graph/op.def"
#undef MF_OP

// Runs a verified graph, fused nodes included, on one dense float input. *output is the caller's to free. `options` may
// be NULL. MF_ERR_UNSUPPORTED: no memory.
mf_status reference_graph_run(const mf_graph *g, const float *input, const reference_options *options,
                              reference_tensor *output, mf_error *e);

// `count` values in [-1, 1), the same for the same seed everywhere.
void reference_random(uint64_t seed, float *values, size_t count);

// max |test - truth| / max |truth|; infinite when a test value is NaN, or when only the truth is all zeros.
double reference_relative_error(const double *test, const double *truth, size_t count);
// 10 log10(sum truth^2 / sum (truth - test)^2); infinite when equal, minus infinity when a test value is NaN.
double reference_sqnr_db(const double *test, const double *truth, size_t count);

#endif
