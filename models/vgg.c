// Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014; torchvision's names.
#include "models/family.h"

mf_tensor_id mf_vgg(mf_builder *b, mf_tensor_id x, const mf_recipe *recipe, int variant) {
  static const struct {
    int convolutions;
    int64_t out;
  } groups[] = {{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}; // configuration D
  (void)variant;
  const mf_shape *image = mf_build_shape(b, x);
  if (image->dim[2] < 224 || image->dim[3] < 224) mf_build_refuse(b, "vgg16 takes images of 224x224 pixels and more");

  int layer = 0;
  for (int g = 0; g < 5; g++) {
    for (int i = 0; i < groups[g].convolutions; i++, layer += 2) {
      mf_build_stage(b, MF_NAME(b, "conv%d_%d", g + 1, i + 1));
      x = mf_build_convolution(b, x, MF_NAME(b, "features.%d", layer),
                               (mf_conv_spec){.out = groups[g].out, .kernel = {3, 3}, .pad = {1, 1}, .bias = true});
      x = mf_build_relu(b, x, MF_NAME(b, "features.%d", layer + 1));
    }
    mf_build_stage(b, MF_NAME(b, "pool%d", g + 1));
    // TensorFlow's padding differs only here, and only where a size is odd.
    x = mf_build_max_pool(b, x, MF_NAME(b, "features.%d", layer++), 2, 2, 0, recipe->same_padding);
  }
  x = mf_build_average_to(b, x, "avgpool", 7, 7);

  mf_build_stage(b, "fc6");
  x = mf_build_linear(b, x, "classifier.0", 4096);
  x = mf_build_relu(b, x, "classifier.1");
  x = mf_build_dropout(b, x, "classifier.2");
  mf_build_stage(b, "fc7");
  x = mf_build_linear(b, x, "classifier.3", 4096);
  x = mf_build_relu(b, x, "classifier.4");
  x = mf_build_dropout(b, x, "classifier.5");
  mf_build_stage(b, "fc8");
  return mf_build_linear(b, x, "classifier.6", mf_build_classes(b, "classifier.6.weight"));
}
