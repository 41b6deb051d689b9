// Iandola et al., "SqueezeNet", 2016, in the authors' version 1.1; torchvision's names.
#include "models/family.h"

static mf_tensor_id convolution(mf_builder *b, mf_tensor_id x, const char *name, const char *relu, int64_t out,
                                int64_t kernel, int64_t pad) {
  mf_conv_spec spec = {.out = out, .kernel = {kernel, kernel}, .pad = {pad, pad}, .bias = true};
  return mf_build_relu(b, mf_build_convolution(b, x, name, spec), relu);
}

static mf_tensor_id fire(mf_builder *b, mf_tensor_id x, int number, int layer, int64_t squeeze, int64_t expand) {
  const char *p = MF_NAME(b, "features.%d", layer);
  mf_build_stage(b, MF_NAME(b, "fire%d", number));
  x = convolution(b, x, MF_NAME(b, "%s.squeeze", p), MF_NAME(b, "%s.squeeze_activation", p), squeeze, 1, 0);
  mf_tensor_id y[2] = {
      convolution(b, x, MF_NAME(b, "%s.expand1x1", p), MF_NAME(b, "%s.expand1x1_activation", p), expand, 1, 0),
      convolution(b, x, MF_NAME(b, "%s.expand3x3", p), MF_NAME(b, "%s.expand3x3_activation", p), expand, 3, 1)};
  return mf_build_concat(b, y, 2, MF_NAME(b, "%s.concat", p));
}

static mf_tensor_id max_pool(mf_builder *b, mf_tensor_id x, int number, int layer) {
  mf_build_stage(b, MF_NAME(b, "maxpool%d", number));
  return mf_build_max_pool(b, x, MF_NAME(b, "features.%d", layer), 3, 2, 0, true);
}

mf_tensor_id mf_squeezenet(mf_builder *b, mf_tensor_id x, const mf_recipe *recipe, int variant) {
  (void)variant;
  const mf_shape *image = mf_build_shape(b, x);
  if (recipe->same_padding) mf_build_refuse(b, "squeezenet1_1 has no TensorFlow padding (minfer.padding same)");
  if (image->dim[2] < 17 || image->dim[3] < 17)
    mf_build_refuse(b, "squeezenet1_1 takes images of 17x17 pixels and more");

  mf_build_stage(b, "conv1");
  x = mf_build_convolution(b, x, "features.0", (mf_conv_spec){.out = 64, .kernel = {3, 3}, .stride = 2, .bias = true});
  x = mf_build_relu(b, x, "features.1");
  x = max_pool(b, x, 1, 2);
  x = fire(b, x, 2, 3, 16, 64);
  x = fire(b, x, 3, 4, 16, 64);
  x = max_pool(b, x, 3, 5);
  x = fire(b, x, 4, 6, 32, 128);
  x = fire(b, x, 5, 7, 32, 128);
  x = max_pool(b, x, 5, 8);
  x = fire(b, x, 6, 9, 48, 192);
  x = fire(b, x, 7, 10, 48, 192);
  x = fire(b, x, 8, 11, 64, 256);
  x = fire(b, x, 9, 12, 64, 256);

  mf_build_stage(b, "conv10");
  x = mf_build_dropout(b, x, "classifier.0");
  x = convolution(b, x, "classifier.1", "classifier.2", mf_build_classes(b, "classifier.1.weight"), 1, 0);
  x = mf_build_average_to(b, x, "classifier.3", 1, 1);
  return mf_build_flatten(b, x, "flatten");
}
