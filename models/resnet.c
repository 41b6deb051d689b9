// He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, table 1; torchvision's names.
#include "models/family.h"

typedef struct resnet {
  mf_builder *b;
  bool bottleneck;      // 1x1, 3x3, 1x1 with four times the channels; else two 3x3
  bool stride_in_first; // in the first 1x1, as published, instead of the 3x3
  bool same;
  double epsilon;
} resnet;

static mf_tensor_id convolution(const resnet *r, mf_tensor_id x, const char *conv, const char *bn, int64_t out,
                                int64_t kernel, int64_t stride) {
  int64_t pad = kernel / 2;
  mf_conv_spec spec = {.out = out, .kernel = {kernel, kernel}, .stride = stride, .pad = {pad, pad}, .same = r->same};
  return mf_build_batch_norm(r->b, mf_build_convolution(r->b, x, conv, spec), bn, r->epsilon);
}

static mf_tensor_id block(const resnet *r, mf_tensor_id x, const char *p, int64_t width, int64_t stride) {
  mf_builder *b = r->b;
  int64_t out = r->bottleneck ? 4 * width : width;
  mf_tensor_id shortcut = x, y;
  if (r->bottleneck) {
    int64_t first = r->stride_in_first ? stride : 1;
    y = convolution(r, x, MF_NAME(b, "%s.conv1", p), MF_NAME(b, "%s.bn1", p), width, 1, first);
    y = mf_build_relu(b, y, MF_NAME(b, "%s.relu", p));
    y = convolution(r, y, MF_NAME(b, "%s.conv2", p), MF_NAME(b, "%s.bn2", p), width, 3, stride / first);
    y = mf_build_relu(b, y, MF_NAME(b, "%s.relu2", p));
    y = convolution(r, y, MF_NAME(b, "%s.conv3", p), MF_NAME(b, "%s.bn3", p), out, 1, 1);
  } else {
    y = convolution(r, x, MF_NAME(b, "%s.conv1", p), MF_NAME(b, "%s.bn1", p), width, 3, stride);
    y = mf_build_relu(b, y, MF_NAME(b, "%s.relu", p));
    y = convolution(r, y, MF_NAME(b, "%s.conv2", p), MF_NAME(b, "%s.bn2", p), out, 3, 1);
  }
  if (stride != 1 || mf_build_shape(b, x)->dim[1] != out)
    shortcut = convolution(r, x, MF_NAME(b, "%s.downsample.0", p), MF_NAME(b, "%s.downsample.1", p), out, 1, stride);
  y = mf_build_sum(b, y, shortcut, MF_NAME(b, "%s.add", p));
  return mf_build_relu(b, y, MF_NAME(b, r->bottleneck ? "%s.relu3" : "%s.relu2", p));
}

static mf_pooling pooling(const mf_shape *map, bool same) {
  mf_pooling p = {.kind = MF_POOLING_MAX, .kernel = {3, 3}, .stride = {2, 2}, .pad_begin = {1, 1}, .pad_end = {1, 1}};
  for (int i = 0; i < 2 && same; i++) p.pad_begin[i] = map->dim[2 + i] % 2; // TensorFlow pads an even size at the end
  return p;
}

static mf_tensor_id build(mf_builder *b, mf_tensor_id x, const mf_recipe *recipe, int depth, bool stride_in_first) {
  static const struct {
    int depth, blocks[4];
  } table[] = {{18, {2, 2, 2, 2}}, {34, {3, 4, 6, 3}}, {50, {3, 4, 6, 3}}, {101, {3, 4, 23, 3}}, {152, {3, 8, 36, 3}}};
  const int *blocks = table[0].blocks;
  for (int i = 0; i < 5; i++)
    if (table[i].depth == depth) blocks = table[i].blocks;
  resnet r = {b, depth >= 50, stride_in_first, recipe->same_padding, recipe->bn_epsilon};

  mf_build_stage(b, "conv1");
  x = mf_build_relu(b, convolution(&r, x, "conv1", "bn1", 64, 7, 2), "relu");
  mf_build_stage(b, "conv2_x");
  x = mf_build_pooling(b, x, "maxpool", pooling(mf_build_shape(b, x), r.same));
  for (int stage = 0; stage < 4; stage++) {
    mf_build_stage(b, MF_NAME(b, "conv%d_x", stage + 2));
    for (int i = 0; i < blocks[stage]; i++)
      x = block(&r, x, MF_NAME(b, "layer%d.%d", stage + 1, i), 64 << stage, stage > 0 && i == 0 ? 2 : 1);
  }
  mf_build_stage(b, "fc");
  x = mf_build_average_to(b, x, "avgpool", 1, 1);
  return mf_build_linear(b, x, "fc", mf_build_classes(b, "fc.weight"));
}

mf_tensor_id mf_resnet(mf_builder *b, mf_tensor_id image, const mf_recipe *recipe, int depth) {
  return build(b, image, recipe, depth, false);
}

mf_tensor_id mf_resnet_v1(mf_builder *b, mf_tensor_id image, const mf_recipe *recipe, int depth) {
  return build(b, image, recipe, depth, true);
}
