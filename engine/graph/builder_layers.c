// The layers: shapes and names of their parameters, defaults, and the scale of what comes out (estimate.h).
#include "graph/builder_core.h"
#include <inttypes.h>
#include <string.h>

mf_tensor_id mf_build_convolution(mf_builder *b, mf_tensor_id x, const char *name, mf_conv_spec spec) {
  const mf_shape *in = mf_build_shape(b, x);
  int64_t stride = spec.stride ? spec.stride : 1;
  int64_t dilation = spec.dilation ? spec.dilation : 1;
  int64_t groups = spec.groups ? spec.groups : 1;
  mf_attributes a = {.convolution = {.stride = {stride, stride}, .dilation = {dilation, dilation}, .groups = groups}};
  for (int i = 0; i < 2; i++) {
    int64_t pads = 2 * spec.pad[i];
    if (spec.same) {
      int64_t covered = (in->dim[2 + i] + stride - 1) / stride * stride - stride + dilation * (spec.kernel[i] - 1) + 1;
      pads = covered > in->dim[2 + i] ? covered - in->dim[2 + i] : 0;
    }
    a.convolution.pad_begin[i] = pads / 2;
    a.convolution.pad_end[i] = pads - pads / 2;
  }
  mf_shape shape = {4, {spec.out, in->dim[1] / groups, spec.kernel[0], spec.kernel[1]}};
  double fan_in = (double)shape.dim[1] * (double)shape.dim[2] * (double)shape.dim[3];
  double spread = mf_estimate_spread(mf_builder_estimate(b, x), fan_in);
  mf_tensor_id inputs[3] = {x, mf_builder_parameter(b, name, "weight", shape, MF_PARAM_WEIGHT, spread)};
  if (spec.bias) {
    inputs[2] = mf_builder_parameter(b, name, "bias", (mf_shape){1, {spec.out}}, MF_PARAM_BIAS, MF_SPREAD_BIAS);
  }
  return mf_builder_node(b, MF_OP_CONVOLUTION, name, inputs, spec.bias ? 3 : 2, &a, mf_estimate_layer());
}

mf_tensor_id mf_build_linear(mf_builder *b, mf_tensor_id x, const char *name, int64_t out) {
  const mf_shape *in = mf_build_shape(b, x);
  mf_shape shape = {2, {out, 1}};
  for (int i = 1; i < in->rank; i++) {
    if (__builtin_mul_overflow(shape.dim[1], in->dim[i], &shape.dim[1])) shape.dim[1] = 0; // refused as a dimension
  }
  double spread = mf_estimate_spread(mf_builder_estimate(b, x), (double)shape.dim[1]);
  mf_tensor_id inputs[3] = {x};
  inputs[1] = mf_builder_parameter(b, name, "weight", shape, MF_PARAM_WEIGHT, spread);
  inputs[2] = mf_builder_parameter(b, name, "bias", (mf_shape){1, {out}}, MF_PARAM_BIAS, MF_SPREAD_BIAS);
  return mf_builder_node(b, MF_OP_INNER_PRODUCT, name, inputs, 3, NULL, mf_estimate_layer());
}

mf_tensor_id mf_build_batch_norm(mf_builder *b, mf_tensor_id x, const char *name, double epsilon) {
  mf_shape channels = {1, {mf_build_shape(b, x)->dim[1]}};
  mf_attributes a = {.batch_normalization = {epsilon}};
  mf_tensor_id inputs[5] = {x};
  inputs[1] = mf_builder_parameter(b, name, "weight", channels, MF_PARAM_GAIN, MF_SPREAD_GAIN);
  inputs[2] = mf_builder_parameter(b, name, "bias", channels, MF_PARAM_BIAS, MF_SPREAD_BIAS);
  inputs[3] = mf_builder_parameter(b, name, "running_mean", channels, MF_PARAM_MEAN, MF_SPREAD_MEAN);
  inputs[4] = mf_builder_parameter(b, name, "running_var", channels, MF_PARAM_VARIANCE, MF_SPREAD_VARIANCE);
  mf_estimate output = mf_estimate_batch_norm(mf_builder_estimate(b, x));
  return mf_builder_node(b, MF_OP_BATCH_NORMALIZATION, name, inputs, 5, &a, output);
}

mf_tensor_id mf_build_eltwise(mf_builder *b, mf_tensor_id x, const char *name, mf_eltwise eltwise) {
  mf_attributes a = {.eltwise = eltwise};
  mf_estimate output = mf_estimate_eltwise(mf_builder_estimate(b, x), &eltwise);
  return mf_builder_node(b, MF_OP_ELTWISE, name, &x, 1, &a, output);
}

mf_tensor_id mf_build_relu(mf_builder *b, mf_tensor_id x, const char *name) {
  return mf_build_eltwise(b, x, name, (mf_eltwise){.kind = MF_ELTWISE_RELU});
}

mf_tensor_id mf_build_relu6(mf_builder *b, mf_tensor_id x, const char *name) {
  return mf_build_eltwise(b, x, name, (mf_eltwise){.kind = MF_ELTWISE_CLIP, .alpha = 0, .beta = 6});
}

// A layer of one input whose output has the same scale.
static mf_tensor_id build_same_scale(mf_builder *b, mf_op op, mf_tensor_id x, const char *name,
                                     const mf_attributes *a) {
  return mf_builder_node(b, op, name, &x, 1, a, mf_builder_estimate(b, x));
}

mf_tensor_id mf_build_pooling(mf_builder *b, mf_tensor_id x, const char *name, mf_pooling pooling) {
  for (int i = 0; i < 2; i++) {
    if (pooling.stride[i] == 0) pooling.stride[i] = pooling.kernel[i];
  }
  return build_same_scale(b, MF_OP_POOLING, x, name, &(mf_attributes){.pooling = pooling});
}

mf_tensor_id mf_build_max_pool(mf_builder *b, mf_tensor_id x, const char *name, int64_t kernel, int64_t stride,
                               int64_t pad, bool ceil) {
  mf_pooling pooling = {
      .kind = MF_POOLING_MAX,
      .kernel = {kernel, kernel},
      .stride = {stride, stride},
      .pad_begin = {pad, pad},
      .pad_end = {pad, pad},
      .ceil = ceil,
  };
  return mf_build_pooling(b, x, name, pooling);
}

mf_tensor_id mf_build_average_to(mf_builder *b, mf_tensor_id x, const char *name, int64_t height, int64_t width) {
  const mf_shape *in = mf_build_shape(b, x);
  int64_t h = in->dim[2], w = in->dim[3];
  if (h == height && w == width && (h != 1 || w != 1)) return x;
  if (height < 1 || width < 1 || h < height || w < width || h % height != 0 || w % width != 0) {
    mf_build_refuse(b, "%s: %" PRId64 "x%" PRId64 " does not divide into %" PRId64 "x%" PRId64, name, h, w, height,
                    width);
    return MF_NO_TENSOR;
  }
  return mf_build_pooling(b, x, name, (mf_pooling){.kind = MF_POOLING_AVERAGE, .kernel = {h / height, w / width}});
}

mf_tensor_id mf_build_sum(mf_builder *b, mf_tensor_id x, mf_tensor_id y, const char *name) {
  mf_estimate output = mf_estimate_sum(mf_builder_estimate(b, x), mf_builder_estimate(b, y));
  return mf_builder_node(b, MF_OP_SUM, name, (mf_tensor_id[]){x, y}, 2, NULL, output);
}

mf_tensor_id mf_build_concat(mf_builder *b, const mf_tensor_id *x, int count, const char *name) {
  mf_estimate output = {0, 0};
  double channels = 0;
  for (int i = 0; i < count; i++) {
    mf_estimate part = mf_builder_estimate(b, x[i]);
    double weight = (double)mf_build_shape(b, x[i])->dim[1];
    output.mean += weight * part.mean;
    output.moment += weight * part.moment;
    channels += weight;
  }
  output.mean /= channels;
  output.moment /= channels;
  return mf_builder_node(b, MF_OP_CONCAT, name, x, count, &(mf_attributes){.concat = {.axis = 1}}, output);
}

mf_tensor_id mf_build_lrn(mf_builder *b, mf_tensor_id x, const char *name, mf_lrn lrn) {
  return build_same_scale(b, MF_OP_LRN, x, name, &(mf_attributes){.lrn = lrn});
}

mf_tensor_id mf_build_softmax(mf_builder *b, mf_tensor_id x, const char *name) {
  return build_same_scale(b, MF_OP_SOFTMAX, x, name, &(mf_attributes){.softmax = {.axis = 1}});
}

mf_tensor_id mf_build_flatten(mf_builder *b, mf_tensor_id x, const char *name) {
  return build_same_scale(b, MF_OP_FLATTEN, x, name, NULL);
}

mf_tensor_id mf_build_dropout(mf_builder *b, mf_tensor_id x, const char *name) {
  return build_same_scale(b, MF_OP_DROPOUT, x, name, NULL);
}
