// Szegedy et al., "Going deeper with convolutions", 2014, table 1, as torchvision has it: BatchNorm after every
// convolution, 3x3 where the paper has 5x5, no auxiliary heads.
#include "models/family.h"

typedef struct googlenet {
  mf_builder *b;
  const mf_recipe *recipe;
} googlenet;

static mf_tensor_id convolution(const googlenet *g, mf_tensor_id x, const char *name, int64_t out, int64_t kernel,
                                int64_t stride) {
  int64_t pad = kernel / 2;
  mf_conv_spec spec = {
      .out = out, .kernel = {kernel, kernel}, .stride = stride, .pad = {pad, pad}, .same = g->recipe->same_padding};
  x = mf_build_convolution(g->b, x, MF_NAME(g->b, "%s.conv", name), spec);
  x = mf_build_batch_norm(g->b, x, MF_NAME(g->b, "%s.bn", name), g->recipe->bn_epsilon);
  return mf_build_relu(g->b, x, MF_NAME(g->b, "%s.relu", name));
}

// Torchvision rounds sizes up; TensorFlow pads to the same size, but an odd one at the beginning too.
static mf_tensor_id max_pool(const googlenet *g, mf_tensor_id x, const char *name, int64_t kernel) {
  bool same = g->recipe->same_padding;
  mf_pooling p = {.kind = MF_POOLING_MAX, .kernel = {kernel, kernel}, .stride = {2, 2}, .ceil = !same};
  for (int i = 0; i < 2 && same; i++) {
    int64_t total = kernel - 2 + mf_build_shape(g->b, x)->dim[2 + i] % 2;
    p.pad_begin[i] = total / 2;
    p.pad_end[i] = total - total / 2;
  }
  mf_build_stage(g->b, name);
  return mf_build_pooling(g->b, x, name, p);
}

typedef struct inception_row {
  const char *name;
  int64_t one, reduce3, three, reduce5, five, pool;
} inception_row;

static mf_tensor_id inception(const googlenet *g, mf_tensor_id x, const inception_row *row) {
  mf_builder *b = g->b;
  const char *p = MF_NAME(b, "inception%s", row->name);
  mf_build_stage(b, p);
  mf_tensor_id one = convolution(g, x, MF_NAME(b, "%s.branch1", p), row->one, 1, 1);
  mf_tensor_id three = convolution(g, x, MF_NAME(b, "%s.branch2.0", p), row->reduce3, 1, 1);
  three = convolution(g, three, MF_NAME(b, "%s.branch2.1", p), row->three, 3, 1);
  mf_tensor_id five = convolution(g, x, MF_NAME(b, "%s.branch3.0", p), row->reduce5, 1, 1);
  five = convolution(g, five, MF_NAME(b, "%s.branch3.1", p), row->five, 3, 1);
  mf_tensor_id pool = mf_build_max_pool(b, x, MF_NAME(b, "%s.branch4.0", p), 3, 1, 1, true);
  pool = convolution(g, pool, MF_NAME(b, "%s.branch4.1", p), row->pool, 1, 1);
  return mf_build_concat(b, (mf_tensor_id[]){one, three, five, pool}, 4, MF_NAME(b, "%s.concat", p));
}

mf_tensor_id mf_googlenet(mf_builder *b, mf_tensor_id x, const mf_recipe *recipe, int variant) {
  static const inception_row rows[] = {
      {"3a", 64, 96, 128, 16, 32, 32},     {"3b", 128, 128, 192, 32, 96, 64},   {"4a", 192, 96, 208, 16, 48, 64},
      {"4b", 160, 112, 224, 24, 64, 64},   {"4c", 128, 128, 256, 24, 64, 64},   {"4d", 112, 144, 288, 32, 64, 64},
      {"4e", 256, 160, 320, 32, 128, 128}, {"5a", 256, 160, 320, 32, 128, 128}, {"5b", 384, 192, 384, 48, 128, 128}};
  const googlenet g = {b, recipe};
  const mf_shape *image = mf_build_shape(b, x);
  (void)variant;
  if (image->dim[2] < 15 || image->dim[3] < 15) mf_build_refuse(b, "googlenet takes images of 15x15 pixels and more");

  mf_build_stage(b, "conv1");
  x = convolution(&g, x, "conv1", 64, 7, 2);
  x = max_pool(&g, x, "maxpool1", 3);
  mf_build_stage(b, "conv2");
  x = convolution(&g, x, "conv2", 64, 1, 1);
  mf_build_stage(b, "conv3");
  x = convolution(&g, x, "conv3", 192, 3, 1);
  x = max_pool(&g, x, "maxpool2", 3);
  for (int i = 0; i < 9; i++) {
    if (i == 2) x = max_pool(&g, x, "maxpool3", 3);
    if (i == 7) x = max_pool(&g, x, "maxpool4", 2);
    x = inception(&g, x, &rows[i]);
  }
  mf_build_stage(b, "fc");
  x = mf_build_average_to(b, x, "avgpool", 1, 1);
  x = mf_build_dropout(b, x, "dropout");
  return mf_build_linear(b, x, "fc", mf_build_classes(b, "fc.weight"));
}
