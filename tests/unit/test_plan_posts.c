// What is fused behind a convolution or an inner product: every activation, sums, and their order; and whose buffer a
// sum may overwrite. Posts are set by hand here, the passes' own rules aside.
#include "reference/support.h"
#include "unit/plan_fixture.h"

static const mf_eltwise eltwises[] = {
    {MF_ELTWISE_RELU, 0, 0},        {MF_ELTWISE_RELU, 0.1f, 0},    {MF_ELTWISE_CLIP, 0, 0.75f},
    {MF_ELTWISE_CLIP, -0.5f, 0.5f}, {MF_ELTWISE_LOGISTIC, 0, 0},   {MF_ELTWISE_HARDSWISH, 1.0f / 6, 0.5f},
    {MF_ELTWISE_SWISH, 1, 0},       {MF_ELTWISE_SWISH, 1.702f, 0}, {MF_ELTWISE_TANH, 0, 0},
    {MF_ELTWISE_LINEAR, -2, 0.25f},
};

static mf_post activation(mf_eltwise f) {
  return (mf_post){.kind = MF_POST_ELTWISE, .eltwise = f};
}

enum { SUM_ONLY = 1, BEFORE = 2, AFTER = 4 }; // which of [eltwise] [sum] [eltwise] there are

typedef enum body { ONE_BY_ONE, THREE_BY_THREE, DEPTHWISE, BODIES } body;

// Two convolutions of one input, the second of which takes `parts` of the posts; f before and f2 behind the sum.
static mf_graph *post_graph(body kind, int parts, mf_eltwise f, mf_eltwise f2) {
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(2, 24, 6, 5));
  const int64_t kernel = kind == ONE_BY_ONE ? 1 : 3, groups = kind == DEPTHWISE ? 24 : 1;
  mf_post posts[3];
  int count = 0;
  mf_tensor_id other = MF_NO_TENSOR;
  if (parts & SUM_ONLY) other = fused_convolution(g, "other", x, 24, kernel, groups, NULL, 0, MF_NO_TENSOR);
  if (parts & BEFORE) posts[count++] = activation(f);
  if (parts & SUM_ONLY) posts[count++] = (mf_post){.kind = MF_POST_SUM};
  if (parts & AFTER) posts[count++] = activation(f2);
  g->output = fused_convolution(g, "conv", x, 24, kernel, groups, posts, count, other);
  return g;
}

static void check_posts(mf_dtype activations, bool int8, double tolerance) {
  harness_steps steps = {0};
  char label[160];
  int sample = 0;
  for (int f = 0; f < COUNT(eltwises); f++)
    for (int parts = 1; parts < 8; parts++)
      for (body kind = 0; kind < BODIES; kind++) {
        if (!(parts & (BEFORE | AFTER)) && f > 0) continue;
        if (HARNESS_SANITIZED && sample++ % 7) continue;
        const mf_eltwise f2 = eltwises[(f + 3) % COUNT(eltwises)];
        mf_graph *g = post_graph(kind, parts, eltwises[f], f2);
        snprintf(label, sizeof label, "%s%s, body %d, parts %d, %s then %s", int8 ? "int8 over " : "",
                 mf_dtype_name(activations), kind, parts, mf_eltwise_name(eltwises[f].kind), mf_eltwise_name(f2.kind));
        float *input = random_input(g, 7);
        // All of s8 and u8 in turn.
        if (int8) annotate_all(g, input, (unsigned)(f * 8 + parts));
        expect_same(g, &(mf_plan_options){.activations = activations, .float_input = true}, 1 + parts % 2, input,
                    tolerance, &steps, label);
        mf_free(input);
        mf_graph_free(g);
      }
  if (int8) harness_expect_few_moved(&steps);
}

static void test_posts_f32(void **state) {
  (void)state;
  check_posts(MF_F32, false, HARNESS_F32);
}

static void test_posts_bf16(void **state) {
  (void)state;
  harness_need_bf16();
  check_posts(MF_BF16, false, HARNESS_BF16);
}

static void test_posts_int8(void **state) {
  (void)state;
  check_posts(MF_F32, true, HARNESS_F32);
}

// ---- the summand's buffer

typedef enum summand {
  USED_UP,      // an activation that nobody reads afterwards: its buffer becomes the destination
  STILL_NEEDED, // read again by the node behind
  THE_SOURCE,   // what the convolution reads
  THE_INPUT,    // the network's input
  A_VIEW,       // another name for an activation that is read again
  SUMMANDS
} summand;
static const char *const summand_names[] = {"used up", "still needed", "the source", "the input", "a view"};

static mf_graph *summand_graph(summand kind) {
  static const mf_post sum = {.kind = MF_POST_SUM};
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(2, 24, 6, 5));
  const mf_tensor_id a = plain_convolution(g, "a", x, 24, 3);
  const mf_tensor_id source = kind == THE_SOURCE ? a : x;
  mf_tensor_id added = kind == THE_INPUT ? x : a;
  if (kind == A_VIEW) added = ADD(g, IDENTITY, "view", NONE, a);
  mf_tensor_id y = fused_convolution(g, "y", source, 24, 1, 1, &sum, 1, added);
  if (kind != USED_UP) // every one is read again, and has to be what it was
    y = ADD(g, CONCAT, "cat", A(.concat = {1}), y, a);
  if (kind == THE_INPUT) y = ADD(g, CONCAT, "cat with input", A(.concat = {1}), y, x);
  g->output = y;
  return g;
}

static int copies_for_sums(const mf_plan *plan) {
  int copies = 0;
  for (int i = 0; i < plan->step_count; i++) copies += strstr(plan->steps[i].info.reason, "still needed") != NULL;
  return copies;
}

static void check_summand(summand kind, const mf_plan_options *options, bool int8, harness_steps *steps) {
  mf_error e;
  char label[160];
  mf_graph *g = summand_graph(kind);
  snprintf(label, sizeof label, "summand is %s, %s%s, layout %d, %s", summand_names[kind], int8 ? "int8 over " : "",
           mf_dtype_name(options->activations), options->layout, options->float_input ? "float input" : "open input");
  float *input = random_input(g, 11);
  if (int8) annotate_all(g, input, 5);
  expect_same(g, options, 2, input, options->activations == MF_F32 ? HARNESS_F32 : HARNESS_BF16, steps, label);
  harness_engine engine;
  OK(harness_open(&engine, g, options, 1, &e));
  const int copies = copies_for_sums(engine.plan);
  // A reorder into the destination's layout or type is a copy as well.
  if (kind == USED_UP) assert_int_equal(copies, 0);
  if (kind == STILL_NEEDED && !int8) assert_int_equal(copies, 1);
  harness_close(&engine);
  mf_free(input);
  mf_graph_free(g);
}

static void test_summands(void **state) {
  (void)state;
  static const mf_layout layouts[] = {MF_LAYOUT_AUTO, MF_LAYOUT_NHWC, MF_LAYOUT_NCHW, MF_LAYOUT_BLOCKED};
  harness_steps steps = {0};
  for (summand kind = 0; kind < SUMMANDS; kind++)
    for (int l = 0; l < COUNT(layouts); l++) {
      mf_plan_options options = {.layout = layouts[l], .activations = MF_F32, .float_input = true};
      check_summand(kind, &options, false, NULL);
      if (harness_has_bf16())
        check_summand(kind, &(mf_plan_options){.layout = layouts[l], .activations = MF_BF16, .float_input = true},
                      false, NULL);
      if (l < 2) check_summand(kind, &options, true, &steps);
      options.float_input = false;
      check_summand(kind, &options, false, NULL);
      if (l < 2) check_summand(kind, &options, true, &steps);
    }
  harness_expect_few_moved(&steps);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_posts_f32),
      cmocka_unit_test(test_posts_bf16),
      cmocka_unit_test(test_posts_int8),
      cmocka_unit_test(test_summands),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
