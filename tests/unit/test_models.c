// The networks against what is published about them, and the parts of a recipe that change them.
#include "load/synthetic.h"
#include "models/zoo.h"
#include "reference/support.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct built {
  mf_weights *weights;
  mf_builder *builder;
  mf_graph *graph;
} built;

static mf_status build(built *n, const mf_network *network, const mf_recipe *recipe, const int64_t nhw[3],
                       mf_error *e) {
  *n = (built){0};
  MF_TRY(mf_synthetic_open(&n->weights, 0, e));
  MF_TRY(mf_builder_create(&n->builder, network->name, n->weights, e));
  const mf_tensor_id image = mf_build_input(n->builder, nhw[0], 3, nhw[1], nhw[2]);
  return mf_builder_finish(n->builder, network->build(n->builder, image, recipe, network->variant), &n->graph, e);
}

static void unbuild(built *n) {
  mf_graph_free(n->graph);
  mf_builder_free(n->builder);
  if (n->weights) n->weights->close(n->weights);
}

static const mf_network *find(const char *name) {
  const mf_network *network = mf_network_find(name);
  if (!network) fail_msg("no network %s", name);
  return network;
}

static built build_ok(const char *name, const mf_recipe *recipe) {
  built n;
  mf_error e = {0};
  support_ok(build(&n, find(name), recipe, (int64_t[]){1, recipe->height, recipe->width}, &e), &e);
  return n;
}

static const mf_node *node(const built *n, const char *name) {
  for (int i = 0; i < n->graph->node_count; i++)
    if (strcmp(n->graph->nodes[i].name, name) == 0) return &n->graph->nodes[i];
  fail_msg("no layer %s", name);
  return NULL;
}

static const char *shape_of(const built *n, const char *name) {
  static mf_shape_text text;
  text = mf_shape_print(&n->graph->tensors[node(n, name)->output].shape);
  return text.text;
}

static bool ends_with(const char *text, const char *end) {
  const size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

// Trained parameters; the statistics of BatchNorm are not among them.
static int64_t count_parameters(const built *n) {
  int count;
  int64_t sum = 0;
  const mf_param_record *params = mf_builder_params(n->builder, &count);
  for (int i = 0; i < count; i++) {
    size_t elements;
    assert_true(mf_shape_elements(&params[i].expected, &elements));
    if (!ends_with(params[i].name, ".running_mean") && !ends_with(params[i].name, ".running_var"))
      sum += (int64_t)elements;
  }
  return sum;
}

static double multiply_adds(const built *n) {
  double flops = 0;
  for (int i = 0; i < n->graph->node_count; i++)
    if (n->graph->nodes[i].op == MF_OP_CONVOLUTION || n->graph->nodes[i].op == MF_OP_INNER_PRODUCT)
      flops += mf_node_flops(n->graph, &n->graph->nodes[i]);
  return flops / 2;
}

// Parameters: torchvision's and timm's tables. Multiply-adds in millions: torchvision's table of GFLOPS, the MobileNet
// paper's tables 6 and 7; for EfficientNet-Lite and the original ResNet-50 counted in ONNX graphs made by another
// program (the release notes of EfficientNet-Lite count more than convolutions).
static void test_published_sizes(void **state) {
  (void)state;
  static const struct {
    const char *name;
    double width;
    int64_t parameters;
    double millions;
  } rows[] = {
      {"alexnet", 1, 61100840, 714},
      {"vgg16", 1, 138357544, 15470},
      {"resnet18", 1, 11689512, 1814},
      {"resnet34", 1, 21797672, 3664},
      {"resnet50", 1, 25557032, 4089},
      {"resnet50_v1", 1, 25557032, 3860},
      {"resnet101", 1, 44549160, 7801},
      {"resnet152", 1, 60192808, 11514},
      {"mobilenet_v1", 1, 4231976, 569},
      {"mobilenet_v1", 0.75, 2585560, 325},
      {"mobilenet_v1", 0.5, 1331592, 149},
      {"mobilenet_v1", 0.25, 470072, 41},
      {"mobilenet_v2", 1, 3504872, 301},
      {"googlenet", 1, 6624904, 1498},
      {"inception_v3", 1, 23834568, 5713},
      {"squeezenet1_1", 1, 1235496, 349},
      {"efficientnet_lite0", 1, 4652008, 385.2},
      {"efficientnet_lite1", 1, 5416680, 600.2},
      {"efficientnet_lite2", 1, 6092072, 859.7},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mf_recipe recipe = find(rows[i].name)->recipe;
    recipe.multiplier = rows[i].width;
    built n = build_ok(rows[i].name, &recipe);
    const double millions = multiply_adds(&n) * 1e-6;
    if (count_parameters(&n) != rows[i].parameters || fabs(millions / rows[i].millions - 1) > 0.01)
      fail_msg("%s: %lld parameters, %.1f M multiply-adds", rows[i].name, (long long)count_parameters(&n), millions);
    assert_string_equal(mf_shape_print(&n.graph->tensors[n.graph->output].shape).text, "1x1000");
    unbuild(&n);
  }
}

static void test_every_network_is_listed_once(void **state) {
  (void)state;
  assert_int_equal(mf_network_count, 16);
  for (int i = 0; i < mf_network_count; i++) {
    const mf_network *n = &mf_networks[i];
    assert_ptr_equal(mf_network_find(n->name), n);
    assert_true(strlen(n->summary) > 20 && strlen(n->weights) > 10);
    assert_true(n->recipe.height == n->recipe.width && n->recipe.resize >= n->recipe.height);
    assert_true(n->recipe.bn_epsilon > 0 && n->recipe.multiplier == 1);
    for (int c = 0; c < 3; c++) assert_true(n->recipe.mean[c] > 0.4f && n->recipe.std[c] > 0.2f);
    assert_int_equal(n->has_multiplier, strcmp(n->name, "mobilenet_v1") == 0);
  }
  assert_null(mf_network_find("resnet"));
  assert_null(mf_network_find(""));
}

static void test_classes(void **state) {
  (void)state;
  assert_string_equal(mf_imagenet_classes[0], "tench");
  assert_string_equal(mf_imagenet_classes[285], "Egyptian cat");
  assert_string_equal(mf_imagenet_classes[999], "toilet tissue");
  for (int i = 0; i < 1000; i++) assert_true(mf_imagenet_classes[i] && mf_imagenet_classes[i][0]);
}

// Parameters that test_models_data sees only with the large files.
static void test_parameter_names_and_shapes(void **state) {
  (void)state;
  static const struct {
    const char *network, *name, *shape;
  } rows[] = {
      {"alexnet", "features.0.weight", "64x3x11x11"},
      {"alexnet", "features.10.bias", "256"},
      {"alexnet", "classifier.1.weight", "4096x9216"},
      {"alexnet", "classifier.6.weight", "1000x4096"},
      {"vgg16", "features.0.weight", "64x3x3x3"},
      {"vgg16", "features.28.weight", "512x512x3x3"},
      {"vgg16", "classifier.0.weight", "4096x25088"},
      {"vgg16", "classifier.3.bias", "4096"},
      {"resnet101", "layer3.22.conv2.weight", "256x256x3x3"},
      {"resnet152", "layer2.7.conv3.weight", "512x128x1x1"},
      {"resnet152", "layer3.35.bn3.running_var", "1024"},
      {"resnet152", "layer4.0.downsample.0.weight", "2048x1024x1x1"},
  };
  built n = {0};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (i == 0 || strcmp(rows[i].network, rows[i - 1].network) != 0) {
      unbuild(&n);
      n = build_ok(rows[i].network, &find(rows[i].network)->recipe);
    }
    int count, at = 0;
    const mf_param_record *params = mf_builder_params(n.builder, &count);
    while (at < count && strcmp(params[at].name, rows[i].name) != 0) at++;
    if (at == count) fail_msg("%s has no parameter %s", rows[i].network, rows[i].name);
    assert_string_equal(mf_shape_print(&params[at].expected).text, rows[i].shape);
  }
  unbuild(&n);
}

static void test_stages(void **state) {
  (void)state;
  static const struct {
    const char *network, *stages;
  } rows[] = {
      {"alexnet", "conv1 pooling1 conv2 pooling2 conv3 conv4 conv5 pooling3 fc1 fc2 fc3"},
      {"vgg16", "conv1_1 conv1_2 pool1 conv2_1 conv2_2 pool2 conv3_1 conv3_2 conv3_3 pool3 conv4_1 conv4_2 conv4_3 "
                "pool4 conv5_1 conv5_2 conv5_3 pool5 fc6 fc7 fc8"},
      {"resnet18", "conv1 conv2_x conv3_x conv4_x conv5_x fc"},
      {"resnet50_v1", "conv1 conv2_x conv3_x conv4_x conv5_x fc"},
      {"mobilenet_v1", "stem block1 block2 block3 block4 block5 block6 block7 block8 block9 block10 block11 block12 "
                       "block13 head"},
      {"mobilenet_v2", "stem block1 block2 block3 block4 block5 block6 block7 block8 block9 block10 block11 block12 "
                       "block13 block14 block15 block16 block17 head"},
      {"googlenet", "conv1 maxpool1 conv2 conv3 maxpool2 inception3a inception3b maxpool3 inception4a inception4b "
                    "inception4c inception4d inception4e maxpool4 inception5a inception5b fc"},
      {"inception_v3", "stem Mixed_5b Mixed_5c Mixed_5d Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e Mixed_7a Mixed_7b "
                       "Mixed_7c fc"},
      {"squeezenet1_1", "conv1 maxpool1 fire2 fire3 maxpool3 fire4 fire5 maxpool5 fire6 fire7 fire8 fire9 conv10"},
      {"efficientnet_lite0", "stem block1 block2 block3 block4 block5 block6 block7 block8 block9 block10 block11 "
                             "block12 block13 block14 block15 block16 head"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char stages[1024] = "";
    const char *last = "";
    size_t length = 0;
    built n = build_ok(rows[i].network, &find(rows[i].network)->recipe);
    for (int k = 0; k < n.graph->node_count; k++) {
      const char *stage = n.graph->nodes[k].stage;
      if (strcmp(stage, last) == 0) continue;
      length += (size_t)snprintf(stages + length, sizeof stages - length, "%s%s", length ? " " : "", stage);
      last = stage;
    }
    assert_string_equal(stages, rows[i].stages);
    unbuild(&n);
  }
}

// Sizes from the papers' tables.
static void test_layers(void **state) {
  (void)state;
  static const struct {
    const char *network, *layer, *shape, *stage;
  } rows[] = {
      {"alexnet", "features.0", "1x64x55x55", "conv1"},
      {"alexnet", "features.12", "1x256x6x6", "pooling3"},
      {"alexnet", "classifier.0", "1x256x6x6", "fc1"},
      {"vgg16", "features.30", "1x512x7x7", "pool5"},
      {"resnet50", "relu", "1x64x112x112", "conv1"},
      {"resnet50", "maxpool", "1x64x56x56", "conv2_x"},
      {"resnet50", "layer2.0.relu", "1x128x56x56", "conv3_x"},
      {"resnet50", "layer2.0.relu2", "1x128x28x28", "conv3_x"},
      {"resnet50", "layer4.2.relu3", "1x2048x7x7", "conv5_x"},
      {"resnet50", "avgpool", "1x2048x1x1", "fc"},
      {"resnet50_v1", "layer2.0.relu", "1x128x28x28", "conv3_x"},
      {"resnet50_v1", "layer2.0.relu2", "1x128x28x28", "conv3_x"},
      {"resnet34", "layer3.5.relu2", "1x256x14x14", "conv4_x"},
      {"mobilenet_v1", "blocks.3.5.act2", "1x512x14x14", "block11"},
      {"mobilenet_v2", "features.17.conv.1.2", "1x960x7x7", "block17"},
      {"googlenet", "inception3b.concat", "1x480x28x28", "inception3b"},
      {"googlenet", "inception4e.concat", "1x832x14x14", "inception4e"},
      {"googlenet", "inception5b.concat", "1x1024x7x7", "inception5b"},
      {"inception_v3", "maxpool2", "1x192x35x35", "stem"},
      {"inception_v3", "Mixed_5d.concat", "1x288x35x35", "Mixed_5d"},
      {"inception_v3", "Mixed_6e.concat", "1x768x17x17", "Mixed_6e"},
      {"inception_v3", "Mixed_7c.concat", "1x2048x8x8", "Mixed_7c"},
      {"squeezenet1_1", "features.12.concat", "1x512x13x13", "fire9"},
      {"squeezenet1_1", "classifier.3", "1x1000x1x1", "conv10"},
      {"efficientnet_lite2", "blocks.6.0.bn3", "1x352x9x9", "block21"},
  };
  built n = {0};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (i == 0 || strcmp(rows[i].network, rows[i - 1].network) != 0) {
      unbuild(&n);
      n = build_ok(rows[i].network, &find(rows[i].network)->recipe);
    }
    assert_string_equal(shape_of(&n, rows[i].layer), rows[i].shape);
    assert_string_equal(node(&n, rows[i].layer)->stage, rows[i].stage);
  }
  unbuild(&n);
}

static void test_the_recipe_sets_epsilon_and_padding(void **state) {
  (void)state;
  static const char *const names[] = {"resnet18",     "resnet50_v1", "mobilenet_v1",
                                      "mobilenet_v2", "googlenet",   "efficientnet_lite1"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    for (int same = 0; same < 2; same++) {
      mf_recipe recipe = find(names[i])->recipe;
      recipe.height = recipe.width = 224;
      recipe.bn_epsilon = 0.25;
      recipe.same_padding = same;
      built n = build_ok(names[i], &recipe);
      int norms = 0;
      for (int k = 0; k < n.graph->node_count; k++) {
        const mf_node *layer = &n.graph->nodes[k];
        if (layer->op == MF_OP_BATCH_NORMALIZATION) {
          norms++;
          assert_true(layer->attributes.batch_normalization.epsilon == 0.25);
        }
        if (layer->op != MF_OP_CONVOLUTION) continue;
        // Every size on the way is even: with stride 2 torch pads (k - 1) / 2 at both sides, TensorFlow k - 2 in all.
        const mf_convolution *c = &layer->attributes.convolution;
        const int64_t kernel = n.graph->tensors[layer->inputs[1]].shape.dim[2];
        int64_t total = kernel - 1;
        if (same && c->stride[0] == 2) total = kernel > 2 ? kernel - 2 : 0;
        assert_int_equal(c->pad_begin[0], total / 2);
        assert_int_equal(c->pad_end[1], total - total / 2);
      }
      assert_true(norms > 10);
      unbuild(&n);
    }
  }
}

// SAME gives ceil(size / stride) everywhere, with the odd pixel at the end.
static void test_tensorflow_padding_of_pooling(void **state) {
  (void)state;
  static const struct {
    const char *network, *layer;
    int size; // of the image
    bool same;
    int64_t begin, end;
    const char *shape;
  } rows[] = {
      {"resnet18", "maxpool", 224, false, 1, 1, "1x64x56x56"},
      {"resnet18", "maxpool", 224, true, 0, 1, "1x64x56x56"},
      {"resnet18", "maxpool", 221, true, 1, 1, "1x64x56x56"},
      {"googlenet", "maxpool1", 224, false, 0, 0, "1x64x56x56"},
      {"googlenet", "maxpool1", 224, true, 0, 1, "1x64x56x56"},
      {"googlenet", "maxpool1", 221, false, 0, 0, "1x64x55x55"},
      {"googlenet", "maxpool1", 221, true, 1, 1, "1x64x56x56"},
      {"googlenet", "maxpool4", 224, true, 0, 0, "1x832x7x7"},
      {"googlenet", "maxpool4", 200, true, 0, 1, "1x832x7x7"},
      {"vgg16", "features.30", 224, true, 0, 0, "1x512x7x7"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mf_recipe recipe = find(rows[i].network)->recipe;
    recipe.height = recipe.width = rows[i].size;
    recipe.same_padding = rows[i].same;
    built n = build_ok(rows[i].network, &recipe);
    const mf_pooling *p = &node(&n, rows[i].layer)->attributes.pooling;
    for (int axis = 0; axis < 2; axis++) {
      assert_int_equal(p->pad_begin[axis], rows[i].begin);
      assert_int_equal(p->pad_end[axis], rows[i].end);
    }
    assert_string_equal(shape_of(&n, rows[i].layer), rows[i].shape);
    unbuild(&n);
  }
}

static void test_other_batches_and_sizes(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t nhw[3];
  } rows[] = {{"resnet18", {3, 160, 192}},  {"mobilenet_v1", {2, 129, 97}}, {"mobilenet_v2", {5, 96, 33}},
              {"googlenet", {2, 15, 15}},   {"squeezenet1_1", {2, 17, 18}}, {"efficientnet_lite0", {4, 65, 64}},
              {"resnet50_v1", {1, 32, 32}}, {"alexnet", {2, 223, 254}},     {"inception_v3", {1, 75, 80}}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    built n;
    mf_error e = {0};
    support_ok(build(&n, find(rows[i].name), &find(rows[i].name)->recipe, rows[i].nhw, &e), &e);
    const mf_shape *out = &n.graph->tensors[n.graph->output].shape;
    assert_true(mf_shape_equal(out, &(mf_shape){2, {rows[i].nhw[0], 1000}}));
    unbuild(&n);
  }
}

static void test_what_does_not_fit_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t nhw[3];
    double width;
    bool same;
    const char *expected;
  } rows[] = {{"alexnet", {1, 222, 224}, 1, false, "alexnet takes images of 223x223"},
              {"alexnet", {1, 224, 256}, 1, false, "avgpool: 6x7 does not divide into 6x6"},
              {"alexnet", {1, 224, 224}, 1, true, "alexnet has no TensorFlow padding"},
              {"vgg16", {1, 224, 223}, 1, false, "vgg16 takes images of 224x224"},
              {"googlenet", {1, 15, 14}, 1, false, "googlenet takes images of 15x15"},
              {"inception_v3", {1, 75, 74}, 1, false, "inception_v3 takes images of 75x75"},
              {"squeezenet1_1", {1, 16, 224}, 1, false, "squeezenet1_1 takes images of 17x17"},
              {"squeezenet1_1", {1, 224, 224}, 1, true, "squeezenet1_1 has no TensorFlow padding"},
              {"mobilenet_v1", {1, 224, 224}, 0, false, "mobilenet_v1 takes widths above 0"},
              {"mobilenet_v1", {1, 224, 224}, -1, false, "mobilenet_v1 takes widths above 0"},
              {"mobilenet_v1", {1, 224, 224}, NAN, false, "mobilenet_v1 takes widths above 0"},
              {"mobilenet_v1", {1, 224, 224}, 1e300, false, "mobilenet_v1 takes widths above 0"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    built n;
    mf_error e = {0};
    mf_recipe recipe = find(rows[i].name)->recipe;
    recipe.multiplier = rows[i].width;
    recipe.same_padding = rows[i].same;
    mf_status status = build(&n, find(rows[i].name), &recipe, rows[i].nhw, &e);
    if (status != MF_ERR_USAGE || !strstr(e.text, rows[i].expected))
      fail_msg("status %d, \"%s\" (2 and \"%s\" expected)", (int)status, e.text, rows[i].expected);
    assert_null(n.graph);
    unbuild(&n);
  }
}

// Channels never fall below 8.
static void test_narrow_widths(void **state) {
  (void)state;
  mf_recipe recipe = find("mobilenet_v1")->recipe;
  recipe.multiplier = 0.1;
  built n = build_ok("mobilenet_v1", &recipe);
  assert_string_equal(shape_of(&n, "conv_stem"), "1x8x112x112");
  assert_string_equal(shape_of(&n, "blocks.1.1.act2"), "1x12x56x56");
  unbuild(&n);
}

// A source that knows the rows of the last layer only.
static bool ten_rows(const mf_weights *self, const char *name, mf_shape *out) {
  (void)self;
  *out = (mf_shape){2, {10, 1}};
  return ends_with(name, ".weight");
}

static void test_the_weights_say_how_many_classes(void **state) {
  (void)state;
  static const char *const names[] = {"resnet18",      "mobilenet_v1",       "mobilenet_v2", "googlenet",
                                      "squeezenet1_1", "efficientnet_lite0", "alexnet",      "vgg16"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    mf_error e = {0};
    mf_weights *w;
    mf_builder *b;
    mf_graph *g;
    const mf_network *network = find(names[i]);
    support_ok(mf_synthetic_open(&w, 0, &e), &e);
    w->shape = ten_rows;
    support_ok(mf_builder_create(&b, network->name, w, &e), &e);
    const mf_tensor_id image = mf_build_input(b, 1, 3, 224, 224);
    support_ok(mf_builder_finish(b, network->build(b, image, &network->recipe, network->variant), &g, &e), &e);
    assert_true(mf_shape_equal(&g->tensors[g->output].shape, &(mf_shape){2, {1, 10}}));
    mf_graph_free(g);
    mf_builder_free(b);
    w->close(w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_published_sizes),
      cmocka_unit_test(test_every_network_is_listed_once),
      cmocka_unit_test(test_classes),
      cmocka_unit_test(test_parameter_names_and_shapes),
      cmocka_unit_test(test_stages),
      cmocka_unit_test(test_layers),
      cmocka_unit_test(test_the_recipe_sets_epsilon_and_padding),
      cmocka_unit_test(test_tensorflow_padding_of_pooling),
      cmocka_unit_test(test_other_batches_and_sizes),
      cmocka_unit_test(test_what_does_not_fit_is_refused),
      cmocka_unit_test(test_narrow_widths),
      cmocka_unit_test(test_the_weights_say_how_many_classes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
