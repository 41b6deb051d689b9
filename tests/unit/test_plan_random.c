// Networks at random: every operator, tensors with several readers, fused and not, in every layout and type. What one
// lowering does to the buffers of others shows here.
#include "pass/pass.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

enum { NODES = 14, NEAR = 5 };

typedef struct maker {
  mf_graph *g;
  uint64_t seed;
  mf_tensor_id made[2 * NODES];
  int count;
} maker;

static mf_tensor_id recent(maker *m) {
  return m->made[m->count - 1 - pick(&m->seed, m->count < NEAR ? m->count : NEAR)];
}

// A recent tensor that fits `x` but for the dimension `axis` (-1: in all), x itself when there is no other.
static mf_tensor_id partner(maker *m, mf_tensor_id x, int axis) {
  for (int tries = 0; tries < 6; tries++) {
    const mf_tensor_id y = m->made[pick(&m->seed, m->count)];
    mf_shape a = m->g->tensors[x].shape, b = m->g->tensors[y].shape;
    if (axis >= 0 && axis < a.rank && axis < b.rank) a.dim[axis] = b.dim[axis];
    if (mf_shape_equal(&a, &b)) return y;
  }
  return x;
}

static mf_tensor_id add_convolutions(maker *m, const char *name, mf_tensor_id x) {
  const int64_t in = channels(m->g, x), kernel = PICK(&m->seed, 1, 3);
  const bool depthwise = pick(&m->seed, 4) == 0, strided = pick(&m->seed, 6) == 0;
  const int64_t groups = depthwise ? in : 1, out = depthwise ? in : pick(&m->seed, 3) ? in : PICK(&m->seed, 8, 17, 32);
  if (!strided || m->g->tensors[x].shape.dim[2] < 4)
    return fused_convolution(m->g, name, x, out, kernel, groups, NULL, 0, MF_NO_TENSOR);
  const mf_pooling half = {MF_POOLING_AVERAGE, {2, 2}, {2, 2}, {0, 0}, {0, 0}, false};
  return ADD(m->g, POOLING, name, A(.pooling = half), x);
}

static mf_tensor_id add_flat(maker *m, const char *name, mf_tensor_id x) {
  mf_error e;
  const mf_tensor_id flat = ADD(m->g, FLATTEN, join(m->g, name, "flat"), NONE, x);
  if (pick(&m->seed, 2)) return flat;
  const int64_t features = channels(m->g, flat);
  mf_tensor_id inputs[] = {flat, add_constant(m->g, join(m->g, name, "weight"), SHAPE(20, features), 0,
                                              sqrt(3.0 / (double)features))},
               id;
  OK(mf_graph_add_node(m->g, &(mf_node){.op = MF_OP_INNER_PRODUCT, .name = name, .inputs = inputs, .input_count = 2},
                       &id, &e));
  return id;
}

static mf_tensor_id add_one(maker *m, int i) {
  static const mf_eltwise eltwises[] = {
      {MF_ELTWISE_RELU, 0, 0}, {MF_ELTWISE_CLIP, 0, 1}, {MF_ELTWISE_SWISH, 1, 0}, {MF_ELTWISE_TANH, 0, 0}};
  mf_graph *g = m->g;
  const char *name = mf_arena_format(&g->arena, "n%d", i);
  const mf_tensor_id x = recent(m);
  const bool image = g->tensors[x].shape.rank == 4;
  switch (pick(&m->seed, 16)) {
  case 0:
  case 1:
  case 2:
    return ADD(g, ELTWISE, name, A(.eltwise = eltwises[pick(&m->seed, COUNT(eltwises))]), x);
  case 3:
    return add_bn(g, name, x);
  case 4:
  case 5:
  case 6:
    return add_sum(g, name, x, partner(m, x, -1));
  case 7:
    return ADD(g, SUM, name, NONE, x, partner(m, x, -1), partner(m, x, -1));
  case 8:
    return ADD(g, BINARY, name,
               A(.binary = {(mf_binary_kind)PICK(&m->seed, MF_BINARY_SUB, MF_BINARY_MUL, MF_BINARY_MAX)}), x,
               partner(m, x, -1));
  case 9:
    return ADD(g, CONCAT, name, A(.concat = {1}), x, partner(m, x, 1));
  case 10:
    return image ? add_max_pool(g, name, x, 3) : add_relu(g, name, x);
  case 11:
    return pick(&m->seed, 2) ? ADD(g, DROPOUT, name, NONE, x) : ADD(g, IDENTITY, name, NONE, x);
  case 12:
    return pick(&m->seed, 3) ? ADD(g, LRN, name, A(.lrn = {5, 1, 0.75f, 1}), x) : add_flat(m, name, x);
  default:
    return image ? add_convolutions(m, name, x) : add_flat(m, name, x);
  }
}

static mf_graph *random_graph(uint64_t seed) {
  maker m = {.g = new_graph(), .seed = seed};
  next_random(&m.seed);
  m.made[m.count++] = add_input(m.g, SHAPE(PICK(&m.seed, 1, 3), PICK(&m.seed, 3, 3, 17), 6, 5));
  for (int i = 0; i < NODES; i++) m.made[m.count++] = add_one(&m, i);
  // The latest ones are all read once more.
  mf_tensor_id out = m.made[m.count - 1];
  for (int k = 2; k < 6; k++) {
    const mf_tensor_id other = m.made[m.count - k];
    mf_shape a = m.g->tensors[out].shape, b = m.g->tensors[other].shape;
    a.dim[1] = b.dim[1];
    if (a.dim[1] < 200 && mf_shape_equal(&a, &b))
      out = ADD(m.g, CONCAT, mf_arena_format(&m.g->arena, "end%d", k), A(.concat = {1}), out, other);
  }
  m.g->output = out;
  return m.g;
}

typedef struct agreement {
  double error, sqnr; // at most, at least
} agreement;

typedef struct worst {
  double error, sqnr;
  int in_place;
} worst;

static void report(const worst *w) {
  print_message("worst relative error %.2g, %.1f dB; %d values in place\n", w->error, w->sqnr, w->in_place);
  assert_true(w->in_place > 0);
}

// `truth_graph`: what is run in double; the same graph, or the one before fusion.
static void check(const mf_graph *truth_graph, const mf_graph *g, const mf_plan_options *options, int threads,
                  const float *input, const char *label, agreement wanted, worst *w) {
  mf_error e;
  harness_engine engine;
  const mf_status status = harness_open(&engine, g, options, threads, &e);
  if (status != MF_OK) fail_msg("%s: %s", label, e.text);
  harness_check_memory(engine.plan, label);
  for (int v = 0; v < engine.plan->value_count; v++) w->in_place += engine.plan->values[v].alias >= 0;
  reference_tensor truth = harness_truth(truth_graph, options->activations, input), test = harness_run(&engine, input);
  const size_t count = reference_elements(&truth.shape);
  const double error = reference_relative_error(test.data, truth.data, count),
               sqnr = reference_sqnr_db(test.data, truth.data, count);
  if (!(error <= wanted.error && sqnr >= wanted.sqnr))
    fail_msg("%s: relative error %.3g, %.1f dB (expected %.3g, %.1f dB)", label, error, sqnr, wanted.error,
             wanted.sqnr);
  w->error = fmax(w->error, error);
  w->sqnr = fmin(w->sqnr, sqnr);
  reference_tensor_free(&truth);
  reference_tensor_free(&test);
  harness_close(&engine);
}

static mf_graph *passed(uint64_t id, bool fusion) {
  mf_error e;
  mf_graph *g = random_graph(id);
  OK(mf_pass_run_all(g, &(mf_pass_options){.fusion = fusion}, &e));
  return g;
}

static void test_f32(void **state) {
  (void)state;
  char label[80];
  worst w = {.sqnr = INFINITY};
  for (uint64_t id = 0; id < HARNESS_SAMPLES(600); id++) {
    mf_graph *g = random_graph(id), *fused = passed(id, true), *unfused = passed(id, false);
    float *input = random_input(g, id);
    const mf_layout layout = (mf_layout)(id % 4);
    const mf_plan_options options = {.layout = layout, .activations = MF_F32, .float_input = id / 4 % 2};
    const mf_graph *const graphs[] = {g, fused, unfused};
    for (int k = 0; k < 3; k++) {
      snprintf(label, sizeof label, "f32 graph %d, %s, layout %d", (int)id,
               ((const char *[]){"as made", "fused", "not fused"})[k], layout);
      check(g, graphs[k], &options, 1 + (int)(id / 8 % 2), input, label, (agreement){HARNESS_F32, 0}, &w);
    }
    mf_free(input);
    mf_graph_free(g);
    mf_graph_free(fused);
    mf_graph_free(unfused);
  }
  report(&w);
}

static void test_bf16(void **state) {
  (void)state;
  harness_need_bf16();
  char label[80];
  worst w = {.sqnr = INFINITY};
  for (uint64_t id = 1000; id < 1000 + HARNESS_SAMPLES(300); id++) {
    mf_graph *g = passed(id, id % 2);
    float *input = random_input(g, id);
    const mf_plan_options options = {
        .layout = (mf_layout)(id / 2 % 4), .activations = MF_BF16, .float_input = id / 4 % 2};
    snprintf(label, sizeof label, "bf16 graph %d", (int)id);
    check(g, g, &options, 1, input, label, (agreement){HARNESS_BF16, 0}, &w);
    mf_free(input);
    mf_graph_free(g);
  }
  report(&w);
}

// What some read as float and others as integers is rounded for the latter alone, which the truth does not know: so it
// is not the truth to the step.
static void test_int8(void **state) {
  (void)state;
  mf_error e;
  char label[80];
  worst w = {.sqnr = INFINITY};
  int floats = 0;
  for (uint64_t id = 2000; id < 2000 + HARNESS_SAMPLES(300); id++) {
    mf_graph *g = passed(id, id % 4);
    float *input = random_input(g, id);
    mf_observations ranges = harness_ranges(g, input);
    OK(harness_quantise(g, &ranges, "minmax", &e));
    mf_observations_free(&ranges);
    uint64_t seed = id;
    next_random(&seed);
    for (int n = 0; n < g->node_count && id % 3 == 0; n++) // layers in f32 among them, which their readers convert
      if (g->nodes[n].compute == MF_S8 && pick(&seed, 3) == 0) {
        g->nodes[n].compute = MF_F32;
        floats++;
      }
    harness_snap(g, input);
    const mf_plan_options options = {
        .layout = id % 2 ? MF_LAYOUT_NHWC : MF_LAYOUT_AUTO, .activations = MF_F32, .float_input = id / 4 % 2};
    snprintf(label, sizeof label, "int8 graph %d", (int)id);
    check(g, g, &options, 1, input, label, (agreement){INFINITY, 25}, &w);
    mf_free(input);
    mf_graph_free(g);
  }
  assert_true(floats > 0);
  report(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_f32), cmocka_unit_test(test_bf16),
                                     cmocka_unit_test(test_int8)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
