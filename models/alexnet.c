// Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014: one column, no LRN;
// torchvision's names.
#include "models/family.h"

static mf_tensor_id convolution(mf_builder *b, mf_tensor_id x, int number, int layer, int64_t out, int64_t kernel,
                                int64_t stride, int64_t pad) {
  mf_build_stage(b, MF_NAME(b, "conv%d", number));
  x = mf_build_convolution(
      b, x, MF_NAME(b, "features.%d", layer),
      (mf_conv_spec){.out = out, .kernel = {kernel, kernel}, .stride = stride, .pad = {pad, pad}, .bias = true});
  return mf_build_relu(b, x, MF_NAME(b, "features.%d", layer + 1));
}

static mf_tensor_id pooling(mf_builder *b, mf_tensor_id x, int number, int layer) {
  mf_build_stage(b, MF_NAME(b, "pooling%d", number));
  return mf_build_max_pool(b, x, MF_NAME(b, "features.%d", layer), 3, 2, 0, false);
}

mf_tensor_id mf_alexnet(mf_builder *b, mf_tensor_id x, const mf_recipe *recipe, int variant) {
  (void)variant;
  const mf_shape *image = mf_build_shape(b, x);
  if (recipe->same_padding) mf_build_refuse(b, "alexnet has no TensorFlow padding (minfer.padding same)");
  if (image->dim[2] < 223 || image->dim[3] < 223) mf_build_refuse(b, "alexnet takes images of 223x223 pixels and more");

  x = convolution(b, x, 1, 0, 64, 11, 4, 2);
  x = pooling(b, x, 1, 2);
  x = convolution(b, x, 2, 3, 192, 5, 1, 2);
  x = pooling(b, x, 2, 5);
  x = convolution(b, x, 3, 6, 384, 3, 1, 1);
  x = convolution(b, x, 4, 8, 256, 3, 1, 1);
  x = convolution(b, x, 5, 10, 256, 3, 1, 1);
  x = pooling(b, x, 3, 12);
  x = mf_build_average_to(b, x, "avgpool", 6, 6);

  mf_build_stage(b, "fc1");
  x = mf_build_dropout(b, x, "classifier.0");
  x = mf_build_linear(b, x, "classifier.1", 4096);
  x = mf_build_relu(b, x, "classifier.2");
  mf_build_stage(b, "fc2");
  x = mf_build_dropout(b, x, "classifier.3");
  x = mf_build_linear(b, x, "classifier.4", 4096);
  x = mf_build_relu(b, x, "classifier.5");
  mf_build_stage(b, "fc3");
  return mf_build_linear(b, x, "classifier.6", mf_build_classes(b, "classifier.6.weight"));
}
