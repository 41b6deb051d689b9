// Small graphs for the tests of graph/ and pass/: shorthands that fail the test, and weights of seeded numbers.
#ifndef TESTS_UNIT_GRAPH_FIXTURE_H
#define TESTS_UNIT_GRAPH_FIXTURE_H

// cmocka.h needs the four before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "graph/edit.h"
#include "graph/weights.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHAPE(...) ((mf_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#define OK(call) check_ok((call), &e, __FILE__, __LINE__) // wants a local `mf_error e`
static inline void check_ok(mf_status status, const mf_error *e, const char *file, int line) {
  if (status != MF_OK) {
    print_error("%s\n", e->text);
    _assert_true(0, "MF_OK", file, line);
    abort(); // never reached: cmocka does not declare that its failures do not return
  }
}

static inline void check_fails(mf_status status, mf_status expected, const mf_error *e, const char *fragment) {
  assert_int_equal(status, expected);
  if (!strstr(e->text, fragment)) fail_msg("\"%s\" does not contain \"%s\"", e->text, fragment);
}

// Uniform in [-1, 1), the same sequence for a seed everywhere.
static inline double next_random(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(*seed >> 11) * 0x1p-52 - 1;
}

static inline mf_graph *new_graph(void) {
  mf_graph *g;
  mf_error e;
  OK(mf_graph_create(&g, "test", &e));
  return g;
}

static inline mf_tensor_id add_input(mf_graph *g, mf_shape shape) {
  mf_error e;
  OK(mf_graph_add_tensor(g, "input", &shape, NULL, &g->input, &e));
  return g->input;
}

// A constant of numbers around `centre`, in the graph's memory.
static inline mf_tensor_id add_constant(mf_graph *g, const char *name, mf_shape shape, double centre, double spread) {
  mf_error e;
  size_t count = 0;
  assert_true(mf_shape_elements(&shape, &count));
  float *data = mf_arena_alloc(&g->arena, count * sizeof *data);
  assert_non_null(data);
  uint64_t seed = 1 + (uint64_t)g->tensor_count;
  for (size_t i = 0; i < count; i++) data[i] = (float)(centre + spread * next_random(&seed));
  mf_tensor_id id;
  OK(mf_graph_add_tensor(g, name, &shape, data, &id, &e));
  return id;
}

#define ADD(g, op, name, attributes, ...)                                                                              \
  add_node((g), MF_OP_##op, (name), (attributes), (mf_tensor_id[]){__VA_ARGS__}, COUNT(((mf_tensor_id[]){__VA_ARGS__})))
#define A(...) ((mf_attributes){__VA_ARGS__}) // attributes: A(.concat = {1})
#define NONE A(.dropout = {0})
static inline mf_tensor_id add_node(mf_graph *g, mf_op op, const char *name, mf_attributes a, mf_tensor_id *inputs,
                                    int count) {
  mf_error e;
  mf_node node = {.op = op, .name = name, .inputs = inputs, .input_count = count, .attributes = a};
  mf_tensor_id id;
  OK(mf_graph_add_node(g, &node, &id, &e));
  return id;
}

static inline int64_t channels(const mf_graph *g, mf_tensor_id x) {
  return g->tensors[x].shape.dim[1];
}

static inline const char *join(mf_graph *g, const char *a, const char *b) {
  const char *name = mf_arena_format(&g->arena, "%s.%s", a, b);
  assert_non_null(name);
  return name;
}

// A square convolution that keeps height and width (odd kernel, stride 1).
static inline mf_tensor_id add_conv(mf_graph *g, const char *name, mf_tensor_id x, int64_t out, int64_t kernel,
                                    bool bias) {
  int64_t pad = kernel / 2;
  mf_attributes a = {.convolution = {{1, 1}, {1, 1}, {pad, pad}, {pad, pad}, 1}};
  double spread = 1 / sqrt((double)(channels(g, x) * kernel * kernel));
  mf_tensor_id inputs[3] = {x};
  inputs[1] = add_constant(g, join(g, name, "weight"), SHAPE(out, channels(g, x), kernel, kernel), 0, spread);
  if (bias) inputs[2] = add_constant(g, join(g, name, "bias"), SHAPE(out), 0, 0.5);
  return add_node(g, MF_OP_CONVOLUTION, name, a, inputs, bias ? 3 : 2);
}

static inline mf_tensor_id add_bn(mf_graph *g, const char *name, mf_tensor_id x) {
  mf_shape c = SHAPE(channels(g, x));
  mf_tensor_id inputs[5] = {x};
  inputs[1] = add_constant(g, join(g, name, "weight"), c, 1, 0.7);
  inputs[2] = add_constant(g, join(g, name, "bias"), c, 0, 0.5);
  inputs[3] = add_constant(g, join(g, name, "mean"), c, 0, 0.5);
  inputs[4] = add_constant(g, join(g, name, "variance"), c, 1, 0.9);
  return add_node(g, MF_OP_BATCH_NORMALIZATION, name, (mf_attributes){.batch_normalization = {1e-3}}, inputs, 5);
}

static inline mf_tensor_id add_relu(mf_graph *g, const char *name, mf_tensor_id x) {
  return ADD(g, ELTWISE, name, A(.eltwise = {.kind = MF_ELTWISE_RELU}), x);
}

static inline mf_tensor_id add_sum(mf_graph *g, const char *name, mf_tensor_id x, mf_tensor_id y) {
  return ADD(g, SUM, name, NONE, x, y);
}

static inline mf_tensor_id add_max_pool(mf_graph *g, const char *name, mf_tensor_id x, int64_t kernel) {
  int64_t pad = kernel / 2;
  mf_pooling p = {MF_POOLING_MAX, {kernel, kernel}, {1, 1}, {pad, pad}, {pad, pad}, false};
  return ADD(g, POOLING, name, A(.pooling = p), x);
}

static inline const mf_node *find_node(const mf_graph *g, const char *name) {
  for (int i = 0; i < g->node_count; i++) {
    if (strcmp(g->nodes[i].name, name) == 0) return &g->nodes[i];
  }
  return NULL;
}

static inline int count_ops(const mf_graph *g, mf_op op) {
  int count = 0;
  for (int i = 0; i < g->node_count; i++) count += g->nodes[i].op == op;
  return count;
}

// Weights made when asked for: uniform with the wanted spread, around 1 for gains and variances. `missing`, `reshaped`
// and `retyped` are names that are answered so, NULL for none.
typedef struct fake_weights {
  mf_weights weights;
  mf_arena arena;
  mf_param last; // what was asked last
  const char *missing, *reshaped, *retyped;
} fake_weights;

static inline mf_status fake_get(mf_weights *self, const mf_param *p, const float **data, mf_param_state *state,
                                 mf_shape *found, mf_error *e) {
  fake_weights *w = (fake_weights *)self;
  w->last = *p;
  *data = NULL;
  *state = MF_PARAM_OK;
  if (w->missing && strstr(p->name, w->missing)) *state = MF_PARAM_MISSING;
  if (w->retyped && strstr(p->name, w->retyped)) *state = MF_PARAM_WRONG_DTYPE;
  if (w->reshaped && strstr(p->name, w->reshaped)) {
    *state = MF_PARAM_WRONG_SHAPE;
    *found = SHAPE(10, 512);
  }
  size_t count;
  if (*state != MF_PARAM_OK || !mf_shape_elements(&p->shape, &count)) return MF_OK;
  float *made = mf_arena_alloc(&w->arena, count * sizeof *made);
  if (!made) return mf_fail_memory(e, count * sizeof *made);
  double centre = p->kind == MF_PARAM_GAIN || p->kind == MF_PARAM_VARIANCE ? 1 : 0;
  uint64_t seed = 1;
  for (const char *c = p->name; *c; c++) seed = seed * 31 + (uint64_t)*c;
  for (size_t i = 0; i < count; i++) made[i] = (float)(centre + p->spread * sqrt(3) * next_random(&seed));
  *data = made;
  return MF_OK;
}

static inline bool fake_shape(const mf_weights *self, const char *name, mf_shape *out) {
  (void)self;
  if (strcmp(name, "fc.weight") != 0) return false;
  *out = SHAPE(17, 64);
  return true;
}

static inline fake_weights new_weights(void) {
  return (fake_weights){.weights = {.get = fake_get, .shape = fake_shape}};
}

#endif
