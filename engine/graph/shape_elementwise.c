// Shape rules of the operators whose output has the shape of their first input.
#include "graph/shape.h"
#include <inttypes.h>
#include <math.h>

static mf_status like_input(const mf_graph *g, const mf_node *node, mf_shape *out) {
  *out = g->tensors[node->inputs[0]].shape;
  return MF_OK;
}

static mf_status expect_channels(const mf_node *node, const mf_shape *x, mf_error *e) {
  if (x->rank >= 2) return MF_OK;
  return mf_fail(e, MF_ERR_FILE, "%s: input is %s (expected a batch and channels)", node->name, mf_shape_print(x).text);
}

mf_status mf_shape_rule_batch_normalization(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  static const char *const names[] = {"input", "weight", "bias", "mean", "variance"};
  const mf_shape *x = &g->tensors[node->inputs[0]].shape;
  MF_TRY(expect_channels(node, x, e));
  for (int i = 1; i < 5; i++) MF_TRY(mf_shape_expect_vector(g, node, i, names[i], x->dim[1], e));
  double epsilon = node->attributes.batch_normalization.epsilon;
  if (!(epsilon >= 0) || isinf(epsilon)) {
    return mf_fail(e, MF_ERR_FILE, "%s: epsilon is %g (expected at least 0)", node->name, epsilon);
  }
  return like_input(g, node, out);
}

mf_status mf_shape_rule_eltwise(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  const mf_eltwise *a = &node->attributes.eltwise;
  if ((unsigned)a->kind > MF_ELTWISE_LINEAR) {
    return mf_fail(e, MF_ERR_FILE, "%s: eltwise of kind %d does not exist", node->name, (int)a->kind);
  }
  if (isnan(a->alpha) || isnan(a->beta) || (a->kind == MF_ELTWISE_CLIP && a->alpha > a->beta)) {
    return mf_fail(e, MF_ERR_FILE, "%s: alpha is %g and beta %g (expected numbers, for clip in this order)", node->name,
                   (double)a->alpha, (double)a->beta);
  }
  return like_input(g, node, out);
}

mf_status mf_shape_rule_binary(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  const mf_shape *x = &g->tensors[node->inputs[0]].shape;
  const mf_shape *y = &g->tensors[node->inputs[1]].shape;
  if ((unsigned)node->attributes.binary.kind > MF_BINARY_MIN) {
    return mf_fail(e, MF_ERR_FILE, "%s: binary of kind %d does not exist", node->name,
                   (int)node->attributes.binary.kind);
  }
  bool fits = x->rank == y->rank;
  for (int i = 0; i < x->rank && fits; i++) fits = y->dim[i] == x->dim[i] || y->dim[i] == 1;
  if (!fits) {
    return mf_fail(e, MF_ERR_FILE, "%s: second operand is %s (expected %s, or 1 in place of a dimension)", node->name,
                   mf_shape_print(y).text, mf_shape_print(x).text);
  }
  return like_input(g, node, out);
}

mf_status mf_shape_rule_sum(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  const mf_shape *x = &g->tensors[node->inputs[0]].shape;
  for (int i = 1; i < node->input_count; i++) {
    const mf_shape *y = &g->tensors[node->inputs[i]].shape;
    if (!mf_shape_equal(x, y)) {
      return mf_fail(e, MF_ERR_FILE, "%s: operand %d is %s (expected %s like the first)", node->name, i,
                     mf_shape_print(y).text, mf_shape_print(x).text);
    }
  }
  return like_input(g, node, out);
}

mf_status mf_shape_rule_softmax(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  MF_TRY(mf_shape_expect_axis(node, &g->tensors[node->inputs[0]].shape, node->attributes.softmax.axis, e));
  return like_input(g, node, out);
}

mf_status mf_shape_rule_lrn(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  const mf_lrn *a = &node->attributes.lrn;
  MF_TRY(expect_channels(node, &g->tensors[node->inputs[0]].shape, e));
  if (a->size < 1 || a->size >= MF_MAX_DIM || a->size % 2 == 0) { // an even window has no middle
    return mf_fail(e, MF_ERR_FILE, "%s: size is %" PRId64 " (expected an odd number of channels)", node->name, a->size);
  }
  if (!isfinite(a->alpha) || !isfinite(a->beta) || !isfinite(a->k)) {
    return mf_fail(e, MF_ERR_FILE, "%s: alpha, beta or k is not a finite number", node->name);
  }
  return like_input(g, node, out);
}

mf_status mf_shape_rule_dropout(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  (void)e;
  return like_input(g, node, out);
}

mf_status mf_shape_rule_identity(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  (void)e;
  return like_input(g, node, out);
}
