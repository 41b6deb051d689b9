// EfficientNet-Lite (2020): table 1 of Tan, Le, "EfficientNet", 2019, without squeeze-and-excitation, ReLU6 for swish,
// and stem, head and the first and last stage unscaled; timm's names.
#include "models/family.h"

// Convolution, BatchNorm and, unless `act` is NULL, ReLU6.
static mf_tensor_id convolution(mf_builder *b, mf_tensor_id x, const char *conv, const char *bn, const char *act,
                                mf_conv_spec spec, const mf_recipe *recipe) {
  spec.pad[0] = spec.pad[1] = spec.kernel[0] / 2;
  spec.same = recipe->same_padding;
  x = mf_build_batch_norm(b, mf_build_convolution(b, x, conv, spec), bn, recipe->bn_epsilon);
  return act ? mf_build_relu6(b, x, act) : x;
}

static mf_conv_spec pointwise(int64_t out) {
  return (mf_conv_spec){.out = out, .kernel = {1, 1}};
}

static mf_conv_spec depthwise(int64_t channels, int64_t kernel, int64_t stride) {
  return (mf_conv_spec){.out = channels, .kernel = {kernel, kernel}, .stride = stride, .groups = channels};
}

typedef struct stage {
  int blocks; // the first has the stride
  int64_t kernel, stride, expansion, out;
} stage;

static mf_tensor_id block(mf_builder *b, mf_tensor_id x, const char *p, const stage *s, int64_t out, int64_t stride,
                          const mf_recipe *recipe) {
  int64_t in = mf_build_shape(b, x)->dim[1], wide = in * s->expansion;
  const char *bn1 = MF_NAME(b, "%s.bn1", p), *bn2 = MF_NAME(b, "%s.bn2", p), *bn3 = MF_NAME(b, "%s.bn3", p);
  const char *act1 = MF_NAME(b, "%s.act1", p), *act2 = MF_NAME(b, "%s.act2", p);
  const char *dw = MF_NAME(b, "%s.conv_dw", p), *pw = MF_NAME(b, "%s.conv_pw", p), *pwl = MF_NAME(b, "%s.conv_pwl", p);
  mf_tensor_id y = x;
  if (s->expansion == 1) { // depthwise separable
    y = convolution(b, y, dw, bn1, act1, depthwise(in, s->kernel, stride), recipe);
    y = convolution(b, y, pw, bn2, NULL, pointwise(out), recipe);
  } else { // inverted residual
    y = convolution(b, y, pw, bn1, act1, pointwise(wide), recipe);
    y = convolution(b, y, dw, bn2, act2, depthwise(wide, s->kernel, stride), recipe);
    y = convolution(b, y, pwl, bn3, NULL, pointwise(out), recipe);
  }
  return stride == 1 && in == out ? mf_build_sum(b, y, x, MF_NAME(b, "%s.add", p)) : y;
}

// To the nearest multiple of 8, but not below nine tenths.
static int64_t scaled(int64_t channels, double width) {
  double exact = (double)channels * width;
  int64_t out = (int64_t)(exact + 4) / 8 * 8;
  return (double)out < 0.9 * exact ? out + 8 : out;
}

mf_tensor_id mf_efficientnet_lite(mf_builder *b, mf_tensor_id x, const mf_recipe *recipe, int variant) {
  static const stage stages[] = {{1, 3, 1, 1, 16},  {2, 3, 2, 6, 24},  {2, 5, 2, 6, 40}, {3, 3, 2, 6, 80},
                                 {3, 5, 1, 6, 112}, {4, 5, 2, 6, 192}, {1, 3, 1, 6, 320}};
  static const struct { double width, depth; } scale[] = {{1.0, 1.0}, {1.0, 1.1}, {1.1, 1.2}};
  double width = scale[variant].width, depth = scale[variant].depth;

  mf_build_stage(b, "stem");
  x = convolution(b, x, "conv_stem", "bn1", "act1", (mf_conv_spec){.out = 32, .kernel = {3, 3}, .stride = 2}, recipe);
  for (int s = 0, number = 1; s < 7; s++) {
    double exact = s == 0 || s == 6 ? stages[s].blocks : stages[s].blocks * depth;
    for (int i = 0; i < exact; i++, number++) { // rounded up
      mf_build_stage(b, MF_NAME(b, "block%d", number));
      x = block(b, x, MF_NAME(b, "blocks.%d.%d", s, i), &stages[s], scaled(stages[s].out, width),
                i == 0 ? stages[s].stride : 1, recipe);
    }
  }
  mf_build_stage(b, "head");
  x = convolution(b, x, "conv_head", "bn2", "act2", pointwise(1280), recipe);
  x = mf_build_average_to(b, x, "global_pool", 1, 1);
  return mf_build_linear(b, x, "classifier", mf_build_classes(b, "classifier.weight"));
}
