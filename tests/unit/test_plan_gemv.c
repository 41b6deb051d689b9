// The kernel for inner products of a few images against the reference: in f32, bf16 and int8, images of channels last
// and flat ones, blocks of outputs that are not full, both signs; and where the plan takes it.
#include "kernel/gemv.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"
#include <string.h>

typedef struct sample {
  mf_shape input;         // N,C,H,W
  bool convolution, flat; // in front
  int64_t outputs;
  bool bias;
  int post_count;
  mf_post post;
  mf_dtype source, destination; // u8 or s8: int8; else what the plan stores
  int threads;
  mf_plan_options plan;
} sample;

static const mf_eltwise activations[] = {
    {MF_ELTWISE_RELU, 0, 0}, {MF_ELTWISE_CLIP, 0, 0.5f}, {MF_ELTWISE_CLIP, -0.3f, 0.2f}};

static sample pick_sample(uint64_t *seed, mf_dtype source) {
  sample s = {.input = SHAPE(PICK(seed, 1, 1, 2, 3, 4), PICK(seed, 4, 8, 12, 52, 100, 256), PICK(seed, 1, 2, 7),
                             PICK(seed, 1, 3, 5)),
              .flat = pick(seed, 2),
              .source = source};
  s.outputs = PICK(seed, 48, 50, 64, 100, 127, 128, 192, 250);
  s.bias = pick(seed, 3) > 0;
  s.post_count = pick(seed, 4) > 0;
  s.post = (mf_post){.kind = MF_POST_ELTWISE, .eltwise = activations[pick(seed, 3)]};
  const bool int8 = source == MF_U8 || source == MF_S8;
  s.destination = int8 ? (mf_dtype)PICK(seed, MF_U8, MF_S8, MF_F32) : MF_F32;
  s.convolution = !int8 && pick(seed, 2);
  s.threads = s.outputs < 192 ? s.outputs < 128 ? 1 : 2 : PICK(seed, 1, 2, 3);
  s.plan.activations = int8 ? MF_F32 : source;
  s.plan.layout = (mf_layout)PICK(seed, MF_LAYOUT_AUTO, MF_LAYOUT_NHWC, MF_LAYOUT_NCHW);
  s.plan.algorithm = (mf_algorithm)PICK(seed, MF_ALGORITHM_AUTO, MF_ALGORITHM_WINOGRAD);
  return s;
}

// Behind pooling, which leaves pictures' layout and integers as they are, and a convolution, which has a layout that it
// likes.
static mf_graph *build(const sample *s) {
  mf_error e;
  mf_graph *g = new_graph();
  mf_tensor_id inputs[3] = {add_max_pool(g, "pool", add_input(g, s->input), 3)};
  if (s->convolution) inputs[0] = plain_convolution(g, "convolution", inputs[0], s->input.dim[1], 1);
  if (s->flat) inputs[0] = ADD(g, FLATTEN, "flat", NONE, inputs[0]);
  const int64_t features = (int64_t)reference_elements(&s->input) / s->input.dim[0];
  inputs[1] = add_constant(g, "weight", SHAPE(s->outputs, features), 0, sqrt(3.0 / (double)features));
  if (s->bias) inputs[2] = add_constant(g, "bias", SHAPE(s->outputs), 0, 0.5);
  mf_node node = {.op = MF_OP_INNER_PRODUCT,
                  .name = "op",
                  .inputs = inputs,
                  .input_count = s->bias ? 3 : 2,
                  .posts = {s->post},
                  .post_count = s->post_count};
  OK(mf_graph_add_node(g, &node, &g->output, &e));
  return g;
}

static void annotate(mf_graph *g, const sample *s, float *input) {
  mf_observations ranges = harness_ranges(g, input);
  mf_node *last = &g->nodes[g->node_count - 1];
  last->compute = MF_S8;
  const mf_quantization source = quantise(&ranges.tensors[g->input], s->source, 1);
  for (mf_tensor_id t = 0; t < g->tensor_count; t++)
    if (!g->tensors[t].data && t != last->output) g->tensors[t].quantization = source;
  if (s->destination != MF_F32)
    g->tensors[g->output].quantization = quantise(&ranges.tensors[g->output], s->destination, 0.9f);
  mf_observations_free(&ranges);
  harness_snap(g, input);
}

// Compared with the reference; true when the kernel was taken.
static bool takes(const sample *s, uint64_t seed, harness_steps *moved, const char *label) {
  mf_error e;
  mf_graph *g = build(s);
  float *input = random_input(g, seed);
  if (s->source == MF_U8 || s->source == MF_S8) annotate(g, s, input);
  expect_same(g, &s->plan, s->threads, input, s->plan.activations == MF_BF16 ? HARNESS_BF16 : HARNESS_F32, moved,
              label);
  harness_engine engine;
  OK(harness_open(&engine, g, &s->plan, s->threads, &e));
  bool taken = false;
  for (int i = 0; i < engine.plan->step_count; i++)
    taken = taken || strncmp(engine.plan->steps[i].info.impl, "gemv", 4) == 0;
  harness_close(&engine);
  mf_free(input);
  mf_graph_free(g);
  return taken;
}

static void check(mf_dtype source) {
  if (!mf_gemv_available(source == MF_F32    ? dnnl_f32
                         : source == MF_BF16 ? dnnl_bf16
                         : source == MF_U8   ? dnnl_u8
                                             : dnnl_s8))
    support_skip("this processor has no AVX-512 for it");
  harness_steps moved = {0};
  uint64_t seed = 100 + (uint64_t)source;
  for (int i = 0; i < HARNESS_SAMPLES(150); i++) {
    char label[160];
    const sample s = pick_sample(&seed, source);
    snprintf(label, sizeof label, "%s, sample %d: %s to %lld outputs", mf_dtype_name(source), i,
             mf_shape_print(&s.input).text, (long long)s.outputs);
    if (!takes(&s, seed, &moved, label)) fail_msg("%s: the kernel is not taken", label);
  }
  if (source == MF_U8 || source == MF_S8) harness_expect_few_moved(&moved);
}

static void test_f32(void **state) {
  (void)state;
  check(MF_F32);
}
static void test_bf16(void **state) {
  (void)state;
  check(MF_BF16);
}
static void test_u8(void **state) {
  (void)state;
  check(MF_U8);
}
static void test_s8(void **state) {
  (void)state;
  check(MF_S8);
}

// What it cannot compute stays oneDNN's.
static void test_others(void **state) {
  (void)state;
  if (!mf_gemv_available(dnnl_u8)) support_skip("this processor has no AVX-512 VNNI");
  harness_steps moved = {0};
  const sample real = {.input = SHAPE(2, 16, 3, 3),
                       .outputs = 128,
                       .bias = true,
                       .source = MF_F32,
                       .destination = MF_F32,
                       .threads = 2,
                       .plan = {.activations = MF_F32}};
  sample integer = real;
  integer.source = integer.destination = MF_U8;
  assert_true(takes(&real, 1, &moved, "f32"));
  assert_true(takes(&integer, 1, &moved, "int8"));
  sample others[] = {real, real, real, real, real, integer, real};
  others[0].input.dim[0] = 5;
  others[1].outputs = 140; // the last block is mostly empty
  others[2].post_count = 1;
  others[2].post = (mf_post){.kind = MF_POST_ELTWISE, .eltwise = {MF_ELTWISE_TANH, 0, 0}};
  others[3].plan.algorithm = MF_ALGORITHM_DIRECT;
  others[4].convolution = true;
  others[4].plan.layout = MF_LAYOUT_BLOCKED;
  others[5].input = SHAPE(2, 18, 3, 3); // 162 bytes
  others[6].outputs = 64;               // one block for two threads
  for (int i = 0; i < COUNT(others); i++) {
    char label[40];
    snprintf(label, sizeof label, "other %d", i);
    if (takes(&others[i], (uint64_t)i, &moved, label)) fail_msg("%s: the kernel is taken", label);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_f32), cmocka_unit_test(test_bf16), cmocka_unit_test(test_u8),
                                     cmocka_unit_test(test_s8), cmocka_unit_test(test_others)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
