// Runs a small graph in double precision by plain loops from the operators' definitions, to hold a graph after a pass
// against the one before. The summand of a fused sum is overwritten, as on the run path, so that a later reader shows.
#ifndef TESTS_UNIT_GRAPH_INTERPRETER_H
#define TESTS_UNIT_GRAPH_INTERPRETER_H

#include "unit/graph_fixture.h"
#include <stdlib.h>

typedef struct values {
  double **of; // by tensor id
  int count;
} values;

static inline size_t elements_of(const mf_tensor *t) {
  size_t count = 0;
  assert_true(mf_shape_elements(&t->shape, &count));
  return count;
}

static inline double apply_eltwise(const mf_eltwise *f, double x) {
  double a = (double)f->alpha, b = (double)f->beta;
  switch (f->kind) {
  case MF_ELTWISE_RELU:
    return x > 0 ? x : a * x;
  case MF_ELTWISE_CLIP:
    return fmin(fmax(x, a), b);
  case MF_ELTWISE_HARDSWISH:
    return x * fmin(fmax(a * x + b, 0), 1);
  case MF_ELTWISE_LOGISTIC:
    return 1 / (1 + exp(-x));
  case MF_ELTWISE_SWISH:
    return x / (1 + exp(-a * x));
  case MF_ELTWISE_TANH:
    return tanh(x);
  case MF_ELTWISE_LINEAR:
    return a * x + b;
  }
  return NAN;
}

static inline void run_convolution(const mf_graph *g, const mf_node *node, double **v, double *out) {
  const mf_convolution *a = &node->attributes.convolution;
  const int64_t *x = g->tensors[node->inputs[0]].shape.dim, *w = g->tensors[node->inputs[1]].shape.dim;
  const int64_t *y = g->tensors[node->output].shape.dim;
  bool bias = mf_node_operands(node) == 3;
  for (int64_t n = 0; n < y[0]; n++)
    for (int64_t o = 0; o < y[1]; o++)
      for (int64_t oh = 0; oh < y[2]; oh++)
        for (int64_t ow = 0; ow < y[3]; ow++) {
          double sum = bias ? v[node->inputs[2]][o] : 0;
          for (int64_t i = 0; i < w[1]; i++)
            for (int64_t kh = 0; kh < w[2]; kh++)
              for (int64_t kw = 0; kw < w[3]; kw++) {
                int64_t c = o / (y[1] / a->groups) * w[1] + i;
                int64_t h = oh * a->stride[0] - a->pad_begin[0] + kh * a->dilation[0];
                int64_t q = ow * a->stride[1] - a->pad_begin[1] + kw * a->dilation[1];
                if (h < 0 || h >= x[2] || q < 0 || q >= x[3]) continue;
                sum += v[node->inputs[0]][((n * x[1] + c) * x[2] + h) * x[3] + q] *
                       v[node->inputs[1]][((o * w[1] + i) * w[2] + kh) * w[3] + kw];
              }
          out[((n * y[1] + o) * y[2] + oh) * y[3] + ow] = sum;
        }
}

static inline void run_max_pool(const mf_graph *g, const mf_node *node, double **v, double *out) {
  const mf_pooling *a = &node->attributes.pooling;
  const int64_t *x = g->tensors[node->inputs[0]].shape.dim, *y = g->tensors[node->output].shape.dim;
  assert_int_equal(a->kind, MF_POOLING_MAX);
  for (int64_t nc = 0; nc < y[0] * y[1]; nc++)
    for (int64_t oh = 0; oh < y[2]; oh++)
      for (int64_t ow = 0; ow < y[3]; ow++) {
        double best = -INFINITY;
        for (int64_t kh = 0; kh < a->kernel[0]; kh++)
          for (int64_t kw = 0; kw < a->kernel[1]; kw++) {
            int64_t h = oh * a->stride[0] - a->pad_begin[0] + kh, w = ow * a->stride[1] - a->pad_begin[1] + kw;
            if (h >= 0 && h < x[2] && w >= 0 && w < x[3])
              best = fmax(best, v[node->inputs[0]][(nc * x[2] + h) * x[3] + w]);
          }
        out[(nc * y[2] + oh) * y[3] + ow] = best;
      }
}

static inline void run_inner_product(const mf_graph *g, const mf_node *node, double **v, double *out) {
  const int64_t *w = g->tensors[node->inputs[1]].shape.dim;
  for (int64_t n = 0; n < g->tensors[node->output].shape.dim[0]; n++)
    for (int64_t o = 0; o < w[0]; o++) {
      double sum = mf_node_operands(node) == 3 ? v[node->inputs[2]][o] : 0;
      for (int64_t i = 0; i < w[1]; i++) sum += v[node->inputs[0]][n * w[1] + i] * v[node->inputs[1]][o * w[1] + i];
      out[n * w[0] + o] = sum;
    }
}

// Operators that work element by element; channel vectors and the second operand of binary are looked up.
static inline double element(const mf_graph *g, const mf_node *node, double **v, size_t i) {
  const mf_shape *s = &g->tensors[node->inputs[0]].shape;
  double x = v[node->inputs[0]][i];
  switch (node->op) {
  case MF_OP_ELTWISE:
    return apply_eltwise(&node->attributes.eltwise, x);
  case MF_OP_BATCH_NORMALIZATION: {
    size_t plane = 1;
    for (int d = 2; d < s->rank; d++) plane *= (size_t)s->dim[d];
    size_t c = i / plane % (size_t)s->dim[1];
    double deviation = sqrt(v[node->inputs[4]][c] + node->attributes.batch_normalization.epsilon);
    return (x - v[node->inputs[3]][c]) / deviation * v[node->inputs[1]][c] + v[node->inputs[2]][c];
  }
  case MF_OP_BINARY: {
    assert_true(mf_shape_equal(s, &g->tensors[node->inputs[1]].shape));
    assert_int_equal(node->attributes.binary.kind, MF_BINARY_MUL);
    return x * v[node->inputs[1]][i];
  }
  case MF_OP_SUM:
    for (int k = 1; k < node->input_count; k++) x += v[node->inputs[k]][i];
    return x;
  case MF_OP_FLATTEN:
  case MF_OP_DROPOUT:
  case MF_OP_IDENTITY:
    return x;
  default:
    fail_msg("the interpreter does not know %s", mf_op_name(node->op));
    return NAN;
  }
}

static inline void run_concat(const mf_graph *g, const mf_node *node, double **v, double *out) {
  const mf_shape *y = &g->tensors[node->output].shape;
  assert_int_equal(node->attributes.concat.axis, 1);
  size_t all = elements_of(&g->tensors[node->output]) / (size_t)y->dim[0], place = 0;
  for (int k = 0; k < node->input_count; k++) {
    size_t part = elements_of(&g->tensors[node->inputs[k]]) / (size_t)y->dim[0];
    for (size_t n = 0; n < (size_t)y->dim[0]; n++)
      for (size_t i = 0; i < part; i++) out[n * all + place + i] = v[node->inputs[k]][n * part + i];
    place += part;
  }
}

static inline void run_node(const mf_graph *g, const mf_node *node, double **v) {
  size_t count = elements_of(&g->tensors[node->output]);
  double *out = v[node->output];
  switch (node->op) {
  case MF_OP_CONVOLUTION:
    run_convolution(g, node, v, out);
    break;
  case MF_OP_POOLING:
    run_max_pool(g, node, v, out);
    break;
  case MF_OP_INNER_PRODUCT:
    run_inner_product(g, node, v, out);
    break;
  case MF_OP_CONCAT:
    run_concat(g, node, v, out);
    break;
  default:
    for (size_t i = 0; i < count; i++) out[i] = element(g, node, v, i);
  }
  for (int p = 0; p < node->post_count; p++) {
    const mf_post *post = &node->posts[p];
    double *summand = post->kind == MF_POST_SUM ? v[node->inputs[post->input]] : NULL;
    for (size_t i = 0; i < count; i++) {
      out[i] = summand ? out[i] + summand[i] : apply_eltwise(&post->eltwise, out[i]);
      if (summand) summand[i] = NAN;
    }
  }
}

// The output for an input of seeded numbers of variance 1; *count its elements. Free with free.
static inline double *run_graph(const mf_graph *g, size_t *count) {
  double **v = calloc((size_t)g->tensor_count, sizeof *v);
  assert_non_null(v);
  uint64_t seed = 7;
  for (int t = 0; t < g->tensor_count; t++) {
    size_t n = elements_of(&g->tensors[t]);
    v[t] = calloc(n, sizeof **v);
    assert_non_null(v[t]);
    for (size_t i = 0; i < n; i++) {
      if (g->tensors[t].data) v[t][i] = (double)g->tensors[t].data[i];
      if (t == g->input) v[t][i] = sqrt(3) * next_random(&seed);
    }
  }
  for (int i = 0; i < g->node_count; i++) run_node(g, &g->nodes[i], v);
  double *out = v[g->output];
  *count = elements_of(&g->tensors[g->output]);
  for (int t = 0; t < g->tensor_count; t++) {
    if (t != g->output) free(v[t]);
  }
  free(v);
  return out;
}

// Runs `change` on the graph; the output has to stay within 1e-6 of its largest value (folded weights are rounded to
// f32 once: 6e-8 each), and the graph intact. Returns that value.
static inline double check_same_output(mf_graph *g, mf_status (*change)(mf_graph *g, mf_error *e)) {
  mf_error e;
  OK(mf_graph_verify(g, &e));
  size_t before_count, after_count;
  double *before = run_graph(g, &before_count);
  OK(change(g, &e));
  OK(mf_graph_verify(g, &e));
  double *after = run_graph(g, &after_count);
  assert_int_equal(before_count, after_count);
  double largest = 0;
  for (size_t i = 0; i < before_count; i++) largest = fmax(largest, fabs(before[i]));
  assert_true(isfinite(largest));
  for (size_t i = 0; i < before_count; i++) {
    if (!(fabs(before[i] - after[i]) <= 1e-6 * largest)) fail_msg("output %zu: %g was %g", i, after[i], before[i]);
  }
  free(before);
  free(after);
  return largest;
}

#endif
