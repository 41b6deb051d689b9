// What models/ write networks with. The first failure latches: later calls do nothing and return MF_NO_TENSOR, and
// mf_builder_finish reports it, so network code has no error handling. Missing or mismatching parameters are gathered
// first and reported together.
#ifndef MF_GRAPH_BUILDER_H
#define MF_GRAPH_BUILDER_H

#include "graph/graph.h"
#include "graph/weights.h"

typedef struct mf_builder mf_builder;

// `weights` is borrowed and must outlive the graph.
mf_status mf_builder_create(mf_builder **out, const char *network, mf_weights *weights, mf_error *e);
void mf_builder_free(mf_builder *b); // also frees a graph that was not finished; NULL is allowed

// What was asked of the weights, in order, for `inspect --tensors` and the error line. Valid until mf_builder_free.
typedef struct mf_param_record {
  const char *name;
  mf_shape expected, found;
  mf_param_state state;
} mf_param_record;
const mf_param_record *mf_builder_params(const mf_builder *b, int *count);

// Hands the graph over. MF_ERR_FILE names the first three missing or mismatching parameters with the expected shape,
// then "and N more".
mf_status mf_builder_finish(mf_builder *b, mf_tensor_id output, mf_graph **out, mf_error *e);

// A network that its options do not fit (an input too small, a width of 0): MF_ERR_USAGE from here on.
void mf_build_refuse(mf_builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

mf_tensor_id mf_build_input(mf_builder *b, int64_t n, int64_t c, int64_t h, int64_t w); // once, first
void mf_build_stage(mf_builder *b, const char *stage);                                  // of the nodes from here on
const mf_shape *mf_build_shape(const mf_builder *b, mf_tensor_id x);                    // a zero shape after a failure
int64_t mf_build_classes(mf_builder *b, const char *parameter); // rows of that tensor in the weights, else 1000

// Layer names are the parameter prefix: mf_build_convolution(b, x, "conv1", ...) reads conv1.weight (and conv1.bias
// with .bias). TensorFlow's SAME: ceil(size / stride) outputs, the odd pixel of padding at the end.
typedef struct mf_conv_spec {
  int64_t out;       // output channels
  int64_t kernel[2]; // height, width
  int64_t stride;    // 0 is read as 1
  int64_t pad[2];    // both sides; ignored with .same
  int64_t groups;    // 0 is read as 1
  int64_t dilation;  // 0 is read as 1
  bool same, bias;
} mf_conv_spec;
mf_tensor_id mf_build_convolution(mf_builder *b, mf_tensor_id x, const char *name, mf_conv_spec spec);
mf_tensor_id mf_build_batch_norm(mf_builder *b, mf_tensor_id x, const char *name, double epsilon);
mf_tensor_id mf_build_linear(mf_builder *b, mf_tensor_id x, const char *name, int64_t out); // inner product with bias

// Layers without parameters take a name of their own, unique in the network ("layer1.0.relu").
mf_tensor_id mf_build_relu(mf_builder *b, mf_tensor_id x, const char *name);
mf_tensor_id mf_build_relu6(mf_builder *b, mf_tensor_id x, const char *name);
mf_tensor_id mf_build_eltwise(mf_builder *b, mf_tensor_id x, const char *name, mf_eltwise eltwise);
mf_tensor_id mf_build_pooling(mf_builder *b, mf_tensor_id x, const char *name,
                              mf_pooling pooling); // stride 0 is read as the kernel
mf_tensor_id mf_build_max_pool(mf_builder *b, mf_tensor_id x, const char *name, int64_t kernel, int64_t stride,
                               int64_t pad, bool ceil);
// PyTorch's AdaptiveAvgPool2d. Sizes that do not divide are refused; nothing is added when the size is already right
// (and not 1x1).
mf_tensor_id mf_build_average_to(mf_builder *b, mf_tensor_id x, const char *name, int64_t height, int64_t width);
mf_tensor_id mf_build_sum(mf_builder *b, mf_tensor_id x, mf_tensor_id y, const char *name);
mf_tensor_id mf_build_concat(mf_builder *b, const mf_tensor_id *x, int count, const char *name); // channels
mf_tensor_id mf_build_lrn(mf_builder *b, mf_tensor_id x, const char *name, mf_lrn lrn);
mf_tensor_id mf_build_softmax(mf_builder *b, mf_tensor_id x, const char *name);
mf_tensor_id mf_build_flatten(mf_builder *b, mf_tensor_id x, const char *name);
mf_tensor_id mf_build_dropout(mf_builder *b, mf_tensor_id x, const char *name);

// printf into the builder's memory, for layer names: MF_NAME(b, "layer%d.%d.conv1", stage, block)
const char *mf_build_name(mf_builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define MF_NAME(b, ...) mf_build_name((b), __VA_ARGS__)

#endif
