// Howard et al., "MobileNets", 2017, table 1 (timm's names), and Sandler et al., "MobileNetV2", 2018, table 2
// (torchvision's names).
#include "models/family.h"

// Convolution, BatchNorm and, unless `act` is NULL, ReLU6.
static mf_tensor_id convolution(mf_builder *b, mf_tensor_id x, const char *conv, const char *bn, const char *act,
                                mf_conv_spec spec, const mf_recipe *recipe) {
  spec.pad[0] = spec.pad[1] = spec.kernel[0] / 2;
  spec.same = recipe->same_padding;
  x = mf_build_batch_norm(b, mf_build_convolution(b, x, conv, spec), bn, recipe->bn_epsilon);
  return act ? mf_build_relu6(b, x, act) : x;
}

static mf_conv_spec full(int64_t out, int64_t kernel, int64_t stride) {
  return (mf_conv_spec){.out = out, .kernel = {kernel, kernel}, .stride = stride};
}

static mf_conv_spec depthwise(mf_builder *b, mf_tensor_id x, int64_t stride) {
  int64_t channels = mf_build_shape(b, x)->dim[1];
  return (mf_conv_spec){.out = channels, .kernel = {3, 3}, .stride = stride, .groups = channels};
}

static int64_t scaled(int64_t channels, double multiplier) {
  int64_t out = (int64_t)((double)channels * multiplier);
  return out < 8 ? 8 : out;
}

mf_tensor_id mf_mobilenet_v1(mf_builder *b, mf_tensor_id x, const mf_recipe *recipe, int variant) {
  static const struct {
    int64_t out, stride;
    int blocks; // the first has the stride
  } stages[] = {{64, 1, 1}, {128, 2, 2}, {256, 2, 2}, {512, 2, 6}, {1024, 2, 2}};
  double width = recipe->multiplier;
  (void)variant;
  if (!(width > 0 && width <= 16)) mf_build_refuse(b, "mobilenet_v1 takes widths above 0 and at most 16");
  if (!(width > 0 && width <= 16)) width = 1;

  mf_build_stage(b, "stem");
  x = convolution(b, x, "conv_stem", "bn1", "act1", full(scaled(32, width), 3, 2), recipe);
  for (int s = 0, number = 1; s < 5; s++) {
    for (int i = 0; i < stages[s].blocks; i++, number++) {
      const char *p = MF_NAME(b, "blocks.%d.%d", s, i);
      mf_build_stage(b, MF_NAME(b, "block%d", number));
      x = convolution(b, x, MF_NAME(b, "%s.conv_dw", p), MF_NAME(b, "%s.bn1", p), MF_NAME(b, "%s.act1", p),
                      depthwise(b, x, i == 0 ? stages[s].stride : 1), recipe);
      x = convolution(b, x, MF_NAME(b, "%s.conv_pw", p), MF_NAME(b, "%s.bn2", p), MF_NAME(b, "%s.act2", p),
                      full(scaled(stages[s].out, width), 1, 1), recipe);
    }
  }
  mf_build_stage(b, "head");
  x = mf_build_average_to(b, x, "global_pool", 1, 1);
  return mf_build_linear(b, x, "classifier", mf_build_classes(b, "classifier.weight"));
}

// 1x1 to `expansion` times the channels, 3x3 depthwise, linear 1x1; the input is added where shapes allow.
static mf_tensor_id inverted_residual(mf_builder *b, mf_tensor_id x, const char *p, int64_t expansion, int64_t out,
                                      int64_t stride, const mf_recipe *recipe) {
  int64_t in = mf_build_shape(b, x)->dim[1];
  mf_tensor_id y = x;
  int k = 0;
  if (expansion != 1) {
    y = convolution(b, y, MF_NAME(b, "%s.conv.0.0", p), MF_NAME(b, "%s.conv.0.1", p), MF_NAME(b, "%s.conv.0.2", p),
                    full(in * expansion, 1, 1), recipe);
    k = 1;
  }
  y = convolution(b, y, MF_NAME(b, "%s.conv.%d.0", p, k), MF_NAME(b, "%s.conv.%d.1", p, k),
                  MF_NAME(b, "%s.conv.%d.2", p, k), depthwise(b, y, stride), recipe);
  y = convolution(b, y, MF_NAME(b, "%s.conv.%d", p, k + 1), MF_NAME(b, "%s.conv.%d", p, k + 2), NULL, full(out, 1, 1),
                  recipe);
  return stride == 1 && in == out ? mf_build_sum(b, y, x, MF_NAME(b, "%s.add", p)) : y;
}

mf_tensor_id mf_mobilenet_v2(mf_builder *b, mf_tensor_id x, const mf_recipe *recipe, int variant) {
  static const struct {
    int64_t expansion, out;
    int blocks;
    int64_t stride;
  } rows[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
              {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  (void)variant;

  mf_build_stage(b, "stem");
  x = convolution(b, x, "features.0.0", "features.0.1", "features.0.2", full(32, 3, 2), recipe);
  int number = 1;
  for (int r = 0; r < 7; r++) {
    for (int i = 0; i < rows[r].blocks; i++, number++) {
      mf_build_stage(b, MF_NAME(b, "block%d", number));
      x = inverted_residual(b, x, MF_NAME(b, "features.%d", number), rows[r].expansion, rows[r].out,
                            i == 0 ? rows[r].stride : 1, recipe);
    }
  }
  mf_build_stage(b, "head");
  x = convolution(b, x, "features.18.0", "features.18.1", "features.18.2", full(1280, 1, 1), recipe);
  x = mf_build_average_to(b, x, "avgpool", 1, 1);
  x = mf_build_dropout(b, x, "classifier.0");
  return mf_build_linear(b, x, "classifier.1", mf_build_classes(b, "classifier.1.weight"));
}
