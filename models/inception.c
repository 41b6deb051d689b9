// Szegedy et al., "Rethinking the Inception architecture for computer vision", 2015, as torchvision has it: BatchNorm
// and ReLU after every convolution, no auxiliary head. Where the stride is 1 sizes are kept, where it is 2 nothing is
// padded, so TensorFlow's padding is the same.
#include "models/family.h"

typedef struct inception {
  mf_builder *b;
  double bn_epsilon;
  const char *module; // prefix of its layers, with the point
} inception;

typedef struct window {
  int64_t height, width, stride;
  bool pad; // to keep the size
} window;
static const window point = {1, 1, 1, false}, three = {3, 3, 1, true}, five = {5, 5, 1, true}, row3 = {1, 3, 1, true},
                    column3 = {3, 1, 1, true}, row7 = {1, 7, 1, true}, column7 = {7, 1, 1, true},
                    valid = {3, 3, 1, false}, halve = {3, 3, 2, false};

static mf_tensor_id convolution(const inception *v, mf_tensor_id x, const char *layer, int64_t out, window w) {
  const char *name = MF_NAME(v->b, "%s%s", v->module, layer);
  mf_conv_spec spec = {.out = out, .kernel = {w.height, w.width}, .stride = w.stride};
  if (w.pad) {
    spec.pad[0] = w.height / 2;
    spec.pad[1] = w.width / 2;
  }
  x = mf_build_convolution(v->b, x, MF_NAME(v->b, "%s.conv", name), spec);
  x = mf_build_batch_norm(v->b, x, MF_NAME(v->b, "%s.bn", name), v->bn_epsilon);
  return mf_build_relu(v->b, x, MF_NAME(v->b, "%s.relu", name));
}

static void begin(inception *v, const char *module) {
  mf_build_stage(v->b, module);
  v->module = MF_NAME(v->b, "%s.", module);
}

static mf_tensor_id average_branch(const inception *v, mf_tensor_id x, int64_t out) {
  const mf_pooling p = {MF_POOLING_AVERAGE_PADDED, {3, 3}, {1, 1}, {1, 1}, {1, 1}, false};
  x = mf_build_pooling(v->b, x, MF_NAME(v->b, "%savgpool", v->module), p);
  return convolution(v, x, "branch_pool", out, point);
}

static mf_tensor_id max_branch(const inception *v, mf_tensor_id x) {
  return mf_build_max_pool(v->b, x, MF_NAME(v->b, "%smaxpool", v->module), 3, 2, 0, false);
}

static mf_tensor_id concat(const inception *v, const mf_tensor_id *branches, int count) {
  return mf_build_concat(v->b, branches, count, MF_NAME(v->b, "%sconcat", v->module));
}

// The paper's figure 5, with two 3x3 in place of one of the 5x5.
static mf_tensor_id module_a(inception *v, mf_tensor_id x, const char *name, int64_t pool) {
  begin(v, name);
  mf_tensor_id one = convolution(v, x, "branch1x1", 64, point);
  mf_tensor_id two = convolution(v, x, "branch5x5_1", 48, point);
  two = convolution(v, two, "branch5x5_2", 64, five);
  mf_tensor_id deep = convolution(v, x, "branch3x3dbl_1", 64, point);
  deep = convolution(v, deep, "branch3x3dbl_2", 96, three);
  deep = convolution(v, deep, "branch3x3dbl_3", 96, three);
  return concat(v, (mf_tensor_id[]){one, two, deep, average_branch(v, x, pool)}, 4);
}

static mf_tensor_id module_b(inception *v, mf_tensor_id x) {
  begin(v, "Mixed_6a");
  mf_tensor_id one = convolution(v, x, "branch3x3", 384, halve);
  mf_tensor_id deep = convolution(v, x, "branch3x3dbl_1", 64, point);
  deep = convolution(v, deep, "branch3x3dbl_2", 96, three);
  deep = convolution(v, deep, "branch3x3dbl_3", 96, halve);
  return concat(v, (mf_tensor_id[]){one, deep, max_branch(v, x)}, 3);
}

// Figure 6: 7x7 as 1x7 and 7x1.
static mf_tensor_id module_c(inception *v, mf_tensor_id x, const char *name, int64_t inner) {
  begin(v, name);
  mf_tensor_id one = convolution(v, x, "branch1x1", 192, point);
  mf_tensor_id two = convolution(v, x, "branch7x7_1", inner, point);
  two = convolution(v, two, "branch7x7_2", inner, row7);
  two = convolution(v, two, "branch7x7_3", 192, column7);
  mf_tensor_id deep = convolution(v, x, "branch7x7dbl_1", inner, point);
  deep = convolution(v, deep, "branch7x7dbl_2", inner, column7);
  deep = convolution(v, deep, "branch7x7dbl_3", inner, row7);
  deep = convolution(v, deep, "branch7x7dbl_4", inner, column7);
  deep = convolution(v, deep, "branch7x7dbl_5", 192, row7);
  return concat(v, (mf_tensor_id[]){one, two, deep, average_branch(v, x, 192)}, 4);
}

static mf_tensor_id module_d(inception *v, mf_tensor_id x) {
  begin(v, "Mixed_7a");
  mf_tensor_id one = convolution(v, x, "branch3x3_1", 192, point);
  one = convolution(v, one, "branch3x3_2", 320, halve);
  mf_tensor_id deep = convolution(v, x, "branch7x7x3_1", 192, point);
  deep = convolution(v, deep, "branch7x7x3_2", 192, row7);
  deep = convolution(v, deep, "branch7x7x3_3", 192, column7);
  deep = convolution(v, deep, "branch7x7x3_4", 192, halve);
  return concat(v, (mf_tensor_id[]){one, deep, max_branch(v, x)}, 3);
}

// Figure 7: the 3x3 at the end of a branch is a 1x3 beside a 3x1.
static mf_tensor_id module_e(inception *v, mf_tensor_id x, const char *name) {
  begin(v, name);
  mf_tensor_id one = convolution(v, x, "branch1x1", 320, point);
  mf_tensor_id two = convolution(v, x, "branch3x3_1", 384, point);
  mf_tensor_id two_a = convolution(v, two, "branch3x3_2a", 384, row3);
  mf_tensor_id two_b = convolution(v, two, "branch3x3_2b", 384, column3);
  mf_tensor_id deep = convolution(v, x, "branch3x3dbl_1", 448, point);
  deep = convolution(v, deep, "branch3x3dbl_2", 384, three);
  mf_tensor_id deep_a = convolution(v, deep, "branch3x3dbl_3a", 384, row3);
  mf_tensor_id deep_b = convolution(v, deep, "branch3x3dbl_3b", 384, column3);
  return concat(v, (mf_tensor_id[]){one, two_a, two_b, deep_a, deep_b, average_branch(v, x, 192)}, 6);
}

static mf_tensor_id stem(inception *v, mf_tensor_id x) {
  v->module = "";
  mf_build_stage(v->b, "stem");
  x = convolution(v, x, "Conv2d_1a_3x3", 32, halve);
  x = convolution(v, x, "Conv2d_2a_3x3", 32, valid);
  x = convolution(v, x, "Conv2d_2b_3x3", 64, three);
  x = mf_build_max_pool(v->b, x, "maxpool1", 3, 2, 0, false);
  x = convolution(v, x, "Conv2d_3b_1x1", 80, point);
  x = convolution(v, x, "Conv2d_4a_3x3", 192, valid);
  return mf_build_max_pool(v->b, x, "maxpool2", 3, 2, 0, false);
}

mf_tensor_id mf_inception_v3(mf_builder *b, mf_tensor_id x, const mf_recipe *recipe, int variant) {
  inception v = {b, recipe->bn_epsilon, ""};
  const mf_shape *image = mf_build_shape(b, x);
  (void)variant;
  if (image->dim[2] < 75 || image->dim[3] < 75)
    mf_build_refuse(b, "inception_v3 takes images of 75x75 pixels and more");

  x = stem(&v, x);
  x = module_a(&v, x, "Mixed_5b", 32);
  x = module_a(&v, x, "Mixed_5c", 64);
  x = module_a(&v, x, "Mixed_5d", 64);
  x = module_b(&v, x);
  x = module_c(&v, x, "Mixed_6b", 128);
  x = module_c(&v, x, "Mixed_6c", 160);
  x = module_c(&v, x, "Mixed_6d", 160);
  x = module_c(&v, x, "Mixed_6e", 192);
  x = module_d(&v, x);
  x = module_e(&v, x, "Mixed_7b");
  x = module_e(&v, x, "Mixed_7c");
  mf_build_stage(b, "fc");
  x = mf_build_average_to(b, x, "avgpool", 1, 1);
  x = mf_build_dropout(b, x, "dropout");
  return mf_build_linear(b, x, "fc", mf_build_classes(b, "fc.weight"));
}
