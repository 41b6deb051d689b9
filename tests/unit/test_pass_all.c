// All passes in their order: on graphs made at random, on a whole network, with memory refused.
#include "graph/builder.h"
#include "pass/pass.h"
#include "reference/support.h"
#include "unit/graph_interpreter.h"

static mf_status run_all(mf_graph *g, mf_error *e) {
  return mf_pass_run_all(g, &(mf_pass_options){.fusion = true}, e);
}

static mf_status run_without_fusion(mf_graph *g, mf_error *e) {
  return mf_pass_run_all(g, &(mf_pass_options){.fusion = false}, e);
}

static int pick(uint64_t *seed, int count) {
  return (int)((next_random(seed) + 1) / 2 * count);
}

// A dozen nodes over tensors of one shape, each reading some of the latest tensors.
static mf_graph *random_graph(uint64_t seed) {
  enum { NODES = 12, SIDE = 3, CHANNELS = 4, NEAR = 4 };
  mf_graph *g = new_graph();
  mf_shape shape = SHAPE(1, CHANNELS, SIDE, SIDE);
  mf_tensor_id made[NODES + 2] = {add_input(g, shape), add_constant(g, "constant", shape, 0, 1)};
  int count = 2;
  for (int i = 0; i < NODES; i++) {
    const char *name = mf_arena_format(&g->arena, "n%d", i);
    mf_tensor_id from[3];
    for (int k = 0; k < 3; k++) from[k] = made[count - 1 - pick(&seed, count < NEAR ? count : NEAR)];
    mf_tensor_id y;
    switch (pick(&seed, 14)) {
    case 0:
    case 1:
      y = add_relu(g, name, from[0]);
      break;
    case 2:
      y = ADD(g, ELTWISE, name, A(.eltwise = {MF_ELTWISE_CLIP, -1, 1}), from[0]);
      break;
    case 3:
      y = add_bn(g, name, from[0]);
      break;
    case 4:
    case 5:
    case 6:
      y = add_sum(g, name, from[0], from[1]);
      break;
    case 7:
      y = ADD(g, SUM, name, NONE, from[0], from[1], from[2]);
      break;
    case 8:
      y = add_max_pool(g, name, from[0], 3);
      break;
    case 9:
      y = ADD(g, DROPOUT, name, NONE, from[0]);
      break;
    case 10: {
      mf_tensor_id both = ADD(g, CONCAT, join(g, name, "cat"), A(.concat = {1}), from[0], from[1]);
      y = add_conv(g, name, both, CHANNELS, 1, true);
      break;
    }
    default:
      y = add_conv(g, name, from[0], CHANNELS, pick(&seed, 2) ? 3 : 1, pick(&seed, 2) == 0);
    }
    made[count++] = y;
  }
  g->output = made[count - 1];
  return g;
}

static void test_random_graphs_keep_their_output(void **state) {
  (void)state;
  enum { GRAPHS = 2000 };
  int not_zero = 0, sums = 0, fused_sums = 0, folded = 0;
  for (uint64_t seed = 0; seed < GRAPHS; seed++) {
    mf_graph *g = random_graph(seed);
    check_same_output(g, run_without_fusion);
    for (int i = 0; i < g->node_count; i++) assert_int_equal(g->nodes[i].post_count, 0);
    int norms = count_ops(g, MF_OP_BATCH_NORMALIZATION);
    sums += count_ops(g, MF_OP_SUM);
    not_zero += check_same_output(g, run_all) > 0;
    folded += norms - count_ops(g, MF_OP_BATCH_NORMALIZATION);
    for (int i = 0; i < g->node_count; i++) {
      for (int p = 0; p < g->nodes[i].post_count; p++) fused_sums += g->nodes[i].posts[p].kind == MF_POST_SUM;
    }
    mf_graph_free(g);
  }
  assert_true(not_zero > GRAPHS * 9 / 10 && folded > 100 && fused_sums > 100 &&
              fused_sums < sums); // each case was there
}

typedef struct observed {
  const char *names[16];
  int count;
} observed;

static void observe(const char *pass, uint64_t ns, void *context) {
  observed *seen = context;
  assert_true(ns < UINT64_MAX / 2 && seen->count < COUNT(seen->names));
  seen->names[seen->count++] = pass;
}

// A network with something for every pass, and deep enough for the graph's tables to grow several times.
static mf_tensor_id build_network(mf_builder *b) {
  mf_tensor_id x = mf_build_input(b, 1, 3, 8, 8);
  mf_conv_spec conv = {.out = 4, .kernel = {3, 3}, .pad = {1, 1}};
  x = mf_build_relu(b, mf_build_convolution(b, x, "stem", conv), "stem.relu");
  for (int i = 0; i < 40; i++) {
    mf_tensor_id y = mf_build_convolution(b, x, MF_NAME(b, "layer%d.conv1", i), conv);
    y = mf_build_relu(b, mf_build_batch_norm(b, y, MF_NAME(b, "layer%d.bn1", i), 1e-5), MF_NAME(b, "layer%d.relu1", i));
    y = mf_build_convolution(b, y, MF_NAME(b, "layer%d.conv2", i), conv);
    y = mf_build_batch_norm(b, y, MF_NAME(b, "layer%d.bn2", i), 1e-5);
    x = mf_build_relu(b, mf_build_sum(b, y, x, MF_NAME(b, "layer%d.add", i)), MF_NAME(b, "layer%d.relu2", i));
  }
  mf_build_relu(b, x, "unread");
  x = mf_build_concat(b, (mf_tensor_id[]){x, mf_build_max_pool(b, x, "pool", 3, 1, 1, false)}, 2, "cat");
  x = mf_build_dropout(b, mf_build_flatten(b, x, "flatten"), "dropout");
  return mf_build_softmax(b, mf_build_linear(b, x, "fc", 10), "softmax");
}

static mf_status build(mf_weights *weights, mf_graph **g, mf_error *e) {
  mf_builder *b;
  MF_TRY(mf_builder_create(&b, "net", weights, e));
  mf_status status = mf_builder_finish(b, build_network(b), g, e);
  mf_builder_free(b);
  return status;
}

static void test_a_whole_network(void **state) {
  (void)state;
  static const char *const passes[] = {"remove_identity", "fold_constants",  "absorb_flatten", "dead_code",
                                       "fold_batch_norm", "fuse_activation", "fuse_sum",       "fuse_activation"};
  for (int fusion = 0; fusion < 2; fusion++) {
    mf_error e;
    mf_graph *g = NULL;
    fake_weights w = new_weights();
    OK(build(&w.weights, &g, &e));
    observed seen = {.count = 0};
    assert_non_null(g);
    mf_pass_options options = {.fusion = fusion, .observe = observe, .context = &seen};
    OK(mf_pass_run_all(g, &options, &e));
    OK(mf_graph_verify(g, &e));
    assert_int_equal(seen.count, fusion ? 8 : 4);
    for (int i = 0; i < seen.count; i++) assert_string_equal(seen.names[i], passes[i]);
    assert_int_equal(count_ops(g, MF_OP_CONVOLUTION), 81);
    assert_int_equal(count_ops(g, MF_OP_BATCH_NORMALIZATION), fusion ? 0 : 80);
    assert_int_equal(count_ops(g, MF_OP_ELTWISE), fusion ? 0 : 81);
    assert_int_equal(count_ops(g, MF_OP_SUM), fusion ? 0 : 40);
    assert_int_equal(g->node_count, 81 + 4 + (fusion ? 0 : 80 + 81 + 40)); // pool, cat, fc, softmax
    assert_int_equal(mf_graph_find(g, "unread"), MF_NO_TENSOR);
    mf_graph_free(g);
    mf_arena_free(&w.arena);
  }
}

static mf_status build_and_run(void *context, mf_error *e) {
  int *runs = context;
  mf_graph *g = NULL;
  fake_weights w = new_weights();
  mf_status status = build(&w.weights, &g, e);
  if (status == MF_OK) {
    ++*runs;
    status = run_all(g, e);
  }
  mf_graph_free(g);
  mf_arena_free(&w.arena);
  return status;
}

static void test_every_allocation_may_be_refused(void **state) {
  (void)state;
  int runs = 0; // of the passes: one succeeds
  const int refusals = support_refuse_allocations(build_and_run, &runs);
  assert_true(runs > 10 && refusals - runs > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_graphs_keep_their_output),
      cmocka_unit_test(test_a_whole_network),
      cmocka_unit_test(test_every_allocation_may_be_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
