#include "unit/graph_fixture.h"

static mf_status shape_of(const mf_graph *g, mf_op op, mf_attributes a, mf_tensor_id *inputs, int count, mf_shape *out,
                          mf_error *e) {
  mf_node node = {.op = op, .name = "node", .inputs = inputs, .input_count = count, .attributes = a};
  return mf_graph_shape(g, &node, out, e);
}
#define SHAPE_OF(g, op, attributes, out, e, ...)                                                                       \
  shape_of((g), MF_OP_##op, (attributes), (mf_tensor_id[]){__VA_ARGS__}, COUNT(((mf_tensor_id[]){__VA_ARGS__})),       \
           (out), (e))

static mf_tensor_id add(mf_graph *g, mf_shape shape) {
  mf_error e;
  mf_tensor_id id;
  const char *name = mf_arena_format(&g->arena, "t%d", g->tensor_count);
  assert_non_null(name);
  OK(mf_graph_add_tensor(g, name, &shape, NULL, &id, &e));
  return id;
}

static void check_shape(const mf_shape *got, mf_shape expected) {
  if (!mf_shape_equal(got, &expected)) fail_msg("%s, not %s", mf_shape_print(got).text, mf_shape_print(&expected).text);
}

// Layers of published networks, sizes as their papers and PyTorch give them.
static void test_convolutions_of_known_networks(void **state) {
  (void)state;
  static const struct {
    int64_t in, kernel, stride, pad_begin, pad_end, dilation, out;
  } rows[] = {
      {224, 7, 2, 3, 3, 1, 112}, // resnet conv1
      {224, 11, 4, 2, 2, 1, 55}, // alexnet conv1
      {224, 3, 2, 0, 0, 1, 111}, // squeezenet 1.1 conv1
      {56, 3, 2, 1, 1, 1, 28},   {56, 1, 2, 0, 0, 1, 28}, {14, 3, 1, 1, 1, 1, 14}, {5, 5, 1, 0, 0, 1, 1},
      {224, 3, 2, 0, 1, 1, 112}, // mobilenet in TensorFlow's SAME
      {113, 3, 2, 1, 1, 1, 57},  {28, 3, 1, 2, 2, 2, 28}, {7, 3, 1, 0, 0, 3, 1},   {1, 3, 1, 1, 1, 1, 1},
  };
  mf_error e;
  for (int i = 0; i < COUNT(rows); i++) {
    mf_graph *g = new_graph();
    // Height as in the row; width is always 9 wide with a 1x1 window, so that the axes cannot be mixed up.
    mf_tensor_id x = add(g, SHAPE(2, 6, rows[i].in, 9)), w = add(g, SHAPE(4, 3, rows[i].kernel, 1));
    mf_convolution c = {.stride = {rows[i].stride, 1},
                        .dilation = {rows[i].dilation, 1},
                        .pad_begin = {rows[i].pad_begin, 0},
                        .pad_end = {rows[i].pad_end, 0},
                        .groups = 2};
    mf_shape out;
    OK(SHAPE_OF(g, CONVOLUTION, A(.convolution = c), &out, &e, x, w));
    check_shape(&out, SHAPE(2, 4, rows[i].out, 9));
    mf_graph_free(g);
  }
}

// By counting windows: place o fits when it covers nothing behind the padding.
static void test_convolution_counts_windows(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = new_graph();
  for (int64_t in = 1; in <= 9; in++) {
    mf_tensor_id x = add(g, SHAPE(1, 1, 1, in));
    for (int64_t kernel = 1; kernel <= 4; kernel++) {
      mf_tensor_id w = add(g, SHAPE(1, 1, 1, kernel));
      for (int64_t rest = 0; rest < 3 * 3 * 3 * 3; rest++) {
        int64_t stride = 1 + rest % 3, dilation = 1 + rest / 3 % 3, begin = rest / 9 % 3, end = rest / 27;
        int64_t places = 0;
        while (places * stride + dilation * (kernel - 1) + 1 <= in + begin + end) places++;
        mf_convolution c = {{1, stride}, {1, dilation}, {0, begin}, {0, end}, 1};
        mf_shape out;
        mf_status status = SHAPE_OF(g, CONVOLUTION, A(.convolution = c), &out, &e, x, w);
        if (places == 0) {
          check_fails(status, MF_ERR_FILE, &e, "node: width of the input is");
        } else {
          OK(status);
          check_shape(&out, SHAPE(1, 1, 1, places));
        }
      }
    }
  }
  mf_graph_free(g);
}

static mf_pooling square(int64_t kernel, int64_t stride, int64_t pad, bool ceil) {
  return (mf_pooling){MF_POOLING_MAX, {kernel, kernel}, {stride, stride}, {pad, pad}, {pad, pad}, ceil};
}

static void test_poolings_of_known_networks(void **state) {
  (void)state;
  static const struct {
    int64_t in, kernel, stride, pad;
    bool ceil;
    int64_t out;
  } rows[] = {
      {112, 3, 2, 1, false, 56},                           // resnet
      {112, 3, 2, 0, true, 56},   {56, 3, 2, 0, true, 28}, // googlenet: ceil_mode
      {14, 2, 2, 0, true, 7},     {28, 3, 1, 1, true, 28}, // its last pool and its branch pools
      {111, 3, 2, 0, true, 55},   {55, 3, 2, 0, true, 27},
      {27, 3, 2, 0, true, 13},                             // squeezenet 1.1
      {55, 3, 2, 0, false, 27},   {13, 3, 2, 0, false, 6}, // alexnet
      {224, 2, 2, 0, false, 112}, {7, 7, 1, 0, false, 1},  // vgg, a global average
      {5, 2, 2, 0, false, 2},     {5, 2, 2, 0, true, 3},
      {2, 2, 3, 1, true, 1}, // the second window would start in the end padding: dropped
      {3, 2, 3, 1, true, 2}, // it starts on the last element: stays
      {2, 3, 2, 0, true, 1}, // a window larger than the input is cut off
      {1, 1, 2, 0, true, 1},      {4, 2, 4, 1, true, 2},
  };
  mf_error e;
  for (int i = 0; i < COUNT(rows); i++) {
    mf_graph *g = new_graph();
    mf_tensor_id x = add(g, SHAPE(3, 5, rows[i].in, rows[i].in));
    mf_pooling p = square(rows[i].kernel, rows[i].stride, rows[i].pad, rows[i].ceil);
    mf_shape out;
    OK(SHAPE_OF(g, POOLING, A(.pooling = p), &out, &e, x));
    check_shape(&out, SHAPE(3, 5, rows[i].out, rows[i].out));
    mf_graph_free(g);
  }
}

// PyTorch's documentation of ceil_mode: windows may go off bounds if they start in the left padding or the input; those
// that would start in the right padding are ignored. So windows go on until one reaches the end of the padded input, or
// the next starts too late.
static void test_pooling_counts_windows(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = new_graph();
  int differ = 0;
  for (int64_t in = 1; in <= 9; in++) {
    mf_tensor_id x = add(g, SHAPE(1, 1, in, 1));
    for (int64_t kernel = 1; kernel <= 4; kernel++) {
      for (int64_t stride = 1; stride <= 5; stride++) {
        for (int64_t pads = 0; pads < kernel * kernel; pads++) {
          int64_t begin = pads % kernel, end = pads / kernel, all = in + begin + end, floored = 0, ceiled = 0;
          while (floored * stride + kernel <= all) floored++;
          while (ceiled * stride < in + begin && (ceiled == 0 || (ceiled - 1) * stride + kernel < all)) ceiled++;
          differ += floored != ceiled;
          for (int ceil = 0; ceil < 2; ceil++) {
            mf_pooling p = {MF_POOLING_AVERAGE, {kernel, 1}, {stride, 1}, {begin, 0}, {end, 0}, ceil};
            int64_t expected = ceil ? ceiled : floored;
            // PyTorch's formula has no window at all where even one would overhang by a stride or more.
            if (ceil && all - kernel + stride - 1 < 0) expected = 0;
            mf_shape out;
            mf_status status = SHAPE_OF(g, POOLING, A(.pooling = p), &out, &e, x);
            if (expected == 0) {
              check_fails(status, MF_ERR_FILE, &e, "node: height of the input is");
            } else {
              OK(status);
              check_shape(&out, SHAPE(1, 1, expected, 1));
            }
          }
        }
      }
    }
  }
  assert_true(differ > 100);
  mf_graph_free(g);
}

static void test_other_operators(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = new_graph();
  mf_shape out;
  mf_tensor_id image = add(g, SHAPE(2, 6, 4, 5)), flat = add(g, SHAPE(2, 120)), c6 = add(g, SHAPE(6));
  mf_tensor_id weights = add(g, SHAPE(10, 120)), bias = add(g, SHAPE(10)), other = add(g, SHAPE(2, 3, 4, 5));
  mf_tensor_id gate = add(g, SHAPE(2, 6, 1, 1));
  OK(SHAPE_OF(g, INNER_PRODUCT, NONE, &out, &e, image, weights));
  check_shape(&out, SHAPE(2, 10));
  OK(SHAPE_OF(g, INNER_PRODUCT, NONE, &out, &e, flat, weights, bias));
  check_shape(&out, SHAPE(2, 10));
  OK(SHAPE_OF(g, FLATTEN, NONE, &out, &e, image));
  check_shape(&out, SHAPE(2, 120));
  OK(SHAPE_OF(g, CONCAT, A(.concat = {1}), &out, &e, image, other, image));
  check_shape(&out, SHAPE(2, 15, 4, 5));
  OK(SHAPE_OF(g, CONCAT, A(.concat = {2}), &out, &e, image, image));
  check_shape(&out, SHAPE(2, 6, 8, 5));
  OK(SHAPE_OF(g, BINARY, A(.binary = {MF_BINARY_MUL}), &out, &e, image, gate));
  check_shape(&out, SHAPE(2, 6, 4, 5));
  OK(SHAPE_OF(g, SUM, NONE, &out, &e, image, image, image));
  check_shape(&out, SHAPE(2, 6, 4, 5));
  OK(SHAPE_OF(g, BATCH_NORMALIZATION, A(.batch_normalization = {0}), &out, &e, image, c6, c6, c6, c6));
  check_shape(&out, SHAPE(2, 6, 4, 5));
  OK(SHAPE_OF(g, LRN, A(.lrn = {.size = 5}), &out, &e, image));
  check_shape(&out, SHAPE(2, 6, 4, 5));
  OK(SHAPE_OF(g, SOFTMAX, A(.softmax = {1}), &out, &e, flat));
  check_shape(&out, SHAPE(2, 120));
  OK(SHAPE_OF(g, ELTWISE, A(.eltwise = {.kind = MF_ELTWISE_TANH}), &out, &e, c6));
  check_shape(&out, SHAPE(6));
  mf_graph_free(g);
}

#define FAILS(fragment, op, attributes, ...)                                                                           \
  check_fails(SHAPE_OF(g, op, attributes, &out, &e, __VA_ARGS__), MF_ERR_FILE, &e, (fragment))
#define CONV(...) A(.convolution = {__VA_ARGS__})
#define POOL(...) A(.pooling = {MF_POOLING_MAX, __VA_ARGS__})

static void test_what_does_not_fit(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = new_graph();
  mf_shape out;
  mf_tensor_id image = add(g, SHAPE(2, 3, 4, 5)), flat = add(g, SHAPE(2, 60)), c3 = add(g, SHAPE(3)),
               c4 = add(g, SHAPE(4));
  mf_tensor_id w = add(g, SHAPE(4, 64, 3, 3)), fits = add(g, SHAPE(4, 3, 3, 3)), fc = add(g, SHAPE(10, 61));
  mf_tensor_id vast = add(g, SHAPE(INT32_MAX, INT32_MAX)), column = add(g, SHAPE(INT32_MAX, 1));

  FAILS("node: input has 3 channels (weights want 64 in 1 group)", CONVOLUTION, CONV({1, 1}, {1, 1}, {0, 0}, {0, 0}, 1),
        image, w);
  FAILS("input has 3 channels (weights want 128 in 2 groups)", CONVOLUTION, CONV({1, 1}, {1, 1}, {0, 0}, {0, 0}, 2),
        image, w);
  FAILS("4 output channels do not divide into 3 groups", CONVOLUTION, CONV({1, 1}, {1, 1}, {0, 0}, {0, 0}, 3), image,
        w);
  FAILS("do not divide into 0 groups", CONVOLUTION, CONV({1, 1}, {1, 1}, {0, 0}, {0, 0}, 0), image, w);
  FAILS("bias is 3 (expected 4)", CONVOLUTION, CONV({1, 1}, {1, 1}, {0, 0}, {0, 0}, 1), image, fits, c3);
  FAILS("input is 2x60 (expected NxCxHxW)", CONVOLUTION, CONV({1, 1}, {1, 1}, {0, 0}, {0, 0}, 1), flat, fits);
  FAILS("weights are 10x61 (expected OxIxHxW)", CONVOLUTION, CONV({1, 1}, {1, 1}, {0, 0}, {0, 0}, 1), image, fc);
  FAILS("height stride is 0", CONVOLUTION, CONV({0, 1}, {1, 1}, {0, 0}, {0, 0}, 1), image, fits);
  FAILS("width dilation is -1", CONVOLUTION, CONV({1, 1}, {1, -1}, {0, 0}, {0, 0}, 1), image, fits);
  FAILS("width padding is 0 and -1", CONVOLUTION, CONV({1, 1}, {1, 1}, {0, 0}, {0, -1}, 1), image, fits);
  FAILS("height of the input is 4 with padding (the window covers 5)", CONVOLUTION,
        CONV({1, 1}, {2, 2}, {0, 0}, {0, 0}, 1), image, fits);
  FAILS("height stride is 9223372036854775807", CONVOLUTION, CONV({INT64_MAX, 1}, {1, 1}, {0, 0}, {0, 0}, 1), image,
        fits);
  FAILS("the window covers 4294967295)", CONVOLUTION, CONV({1, 1}, {INT32_MAX, 1}, {0, 0}, {0, 0}, 1), image, fits);
  FAILS("the output would be 2x4x4294967296x3", CONVOLUTION, CONV({1, 1}, {1, 1}, {INT32_MAX, 0}, {INT32_MAX, 0}, 1),
        image, fits);
  FAILS("convolution has 1 inputs (expected 2 to 3)", CONVOLUTION, CONV({1, 1}, {1, 1}, {0, 0}, {0, 0}, 1), image);

  FAILS("height of the kernel is 0", POOLING, POOL({0, 1}, {1, 1}, {0, 0}, {0, 0}, false), image);
  FAILS("height padding is 2 and 0 (expected less than the kernel's 2)", POOLING,
        POOL({2, 2}, {1, 1}, {2, 0}, {0, 0}, false), image);
  FAILS("width padding is 1 and 3 (expected less than the kernel's 2)", POOLING,
        POOL({2, 2}, {1, 1}, {0, 1}, {0, 3}, false), image);
  FAILS("width of the input is 5 with padding (the window covers 6)", POOLING,
        POOL({1, 6}, {1, 1}, {0, 0}, {0, 0}, false), image);
  FAILS("pooling of kind 3", POOLING, A(.pooling = {.kind = 3}), image);

  FAILS("input is 2x60 (weights want 61 features)", INNER_PRODUCT, NONE, flat, fc);
  FAILS("input is 3 (expected NxC", INNER_PRODUCT, NONE, c3, fc);
  FAILS("weights are 4x3x3x3 (expected OxI)", INNER_PRODUCT, NONE, image, fits);
  FAILS("mean is 4 (expected 3)", BATCH_NORMALIZATION, A(.batch_normalization = {0}), image, c3, c3, c4, c3);
  FAILS("epsilon is nan", BATCH_NORMALIZATION, A(.batch_normalization = {NAN}), image, c3, c3, c3, c3);
  FAILS("epsilon is -1", BATCH_NORMALIZATION, A(.batch_normalization = {-1}), image, c3, c3, c3, c3);
  FAILS("expected a batch and channels", BATCH_NORMALIZATION, A(.batch_normalization = {0}), c3, c3, c3, c3, c3);
  FAILS("eltwise of kind 7", ELTWISE, A(.eltwise = {.kind = 7}), image);
  FAILS("alpha is 6 and beta 0", ELTWISE, A(.eltwise = {MF_ELTWISE_CLIP, 6, 0}), image);
  FAILS("alpha is nan", ELTWISE, A(.eltwise = {MF_ELTWISE_RELU, NAN, 0}), image);
  FAILS("binary of kind 6", BINARY, A(.binary = {6}), image, image);
  FAILS("second operand is 3 (expected 2x3x4x5, or 1", BINARY, A(.binary = {MF_BINARY_ADD}), image, c3);
  FAILS("second operand is 2147483647x2147483647", BINARY, A(.binary = {MF_BINARY_ADD}), column, vast);
  FAILS("operand 1 is 2x60 (expected 2x3x4x5", SUM, NONE, image, flat);
  FAILS("sum has 1 inputs", SUM, NONE, image);
  FAILS("operand 1 is 2x60 (expected 2x3x4x5 but for dimension 1)", CONCAT, A(.concat = {1}), image, flat);
  FAILS("axis 4 of an input of shape 2x3x4x5 (expected 0 to 3)", CONCAT, A(.concat = {4}), image, image);
  FAILS("axis -1", SOFTMAX, A(.softmax = {-1}), image);
  FAILS("the output would be 4294967294x1", CONCAT, A(.concat = {0}), column, column);
  FAILS("size is 4 (expected an odd number", LRN, A(.lrn = {.size = 4}), image);
  FAILS("is not a finite number", LRN, A(.lrn = {.size = 5, .beta = INFINITY}), image);
  FAILS("expected a batch and more", FLATTEN, NONE, c3);
  FAILS("input 0 does not exist", FLATTEN, NONE, MF_NO_TENSOR);
  FAILS("input 1 does not exist", SUM, NONE, image, 99);
  check_fails(shape_of(g, MF_OP_COUNT, NONE, &image, 1, &out, &e), MF_ERR_FILE, &e,
              "operator number 13 does not exist");
  mf_tensor_id many = add(g, SHAPE(2, INT32_MAX, INT32_MAX, 1));
  FAILS("the output would be 2x", FLATTEN, NONE, many);
  mf_graph_free(g);
}

static void test_flops(void **state) {
  (void)state;
  mf_graph *g = new_graph();
  mf_tensor_id x = add_input(g, SHAPE(2, 8, 6, 7)), w = add(g, SHAPE(12, 4, 3, 3));
  mf_tensor_id y = ADD(g, CONVOLUTION, "conv", CONV({1, 1}, {1, 1}, {1, 1}, {1, 1}, 2), x, w);
  y = add_relu(g, "relu", y);
  ADD(g, INNER_PRODUCT, "fc", NONE, y, add(g, SHAPE(10, 504)));
  assert_true(mf_node_flops(g, &g->nodes[0]) == 2.0 * (2 * 12 * 6 * 7) * (4 * 3 * 3)); // a multiply-add is two
  assert_true(mf_node_flops(g, &g->nodes[1]) == 0);
  assert_true(mf_node_flops(g, &g->nodes[2]) == 2.0 * 2 * 10 * 504);
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_convolutions_of_known_networks),
      cmocka_unit_test(test_convolution_counts_windows),
      cmocka_unit_test(test_poolings_of_known_networks),
      cmocka_unit_test(test_pooling_counts_windows),
      cmocka_unit_test(test_other_operators),
      cmocka_unit_test(test_what_does_not_fit),
      cmocka_unit_test(test_flops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
