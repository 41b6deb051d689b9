// Shape rules of inner product, concat and flatten.
#include "graph/edit.h"
#include "graph/shape.h"
#include <inttypes.h>

// Elements of one image. Dimensions are below 2^31, so that the product saturates at MF_MAX_DIM before it leaves int64.
static int64_t features(const mf_shape *x) {
  int64_t product = 1;
  for (int i = 1; i < x->rank && product < MF_MAX_DIM; i++) product *= x->dim[i];
  return product;
}

mf_status mf_shape_rule_inner_product(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  const mf_shape *x = &g->tensors[node->inputs[0]].shape;
  const mf_shape *weights = &g->tensors[node->inputs[1]].shape;
  if (x->rank != 2 && x->rank != 4) {
    return mf_fail(e, MF_ERR_FILE, "%s: input is %s (expected NxC or NxCxHxW)", node->name, mf_shape_print(x).text);
  }
  if (weights->rank != 2) {
    return mf_fail(e, MF_ERR_FILE, "%s: weights are %s (expected OxI)", node->name, mf_shape_print(weights).text);
  }
  if (features(x) != weights->dim[1]) {
    return mf_fail(e, MF_ERR_FILE, "%s: input is %s (weights want %" PRId64 " features)", node->name,
                   mf_shape_print(x).text, weights->dim[1]);
  }
  if (mf_node_operands(node) > 2) MF_TRY(mf_shape_expect_vector(g, node, 2, "bias", weights->dim[0], e));
  *out = (mf_shape){2, {x->dim[0], weights->dim[0]}};
  return MF_OK;
}

mf_status mf_shape_rule_concat(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  int axis = node->attributes.concat.axis;
  const mf_shape *x = &g->tensors[node->inputs[0]].shape;
  MF_TRY(mf_shape_expect_axis(node, x, axis, e));
  mf_shape sum = *x;
  for (int i = 1; i < node->input_count; i++) {
    const mf_shape *y = &g->tensors[node->inputs[i]].shape;
    mf_shape same = *x;
    if (y->rank == x->rank) same.dim[axis] = y->dim[axis];
    if (!mf_shape_equal(&same, y)) {
      return mf_fail(e, MF_ERR_FILE, "%s: operand %d is %s (expected %s but for dimension %d)", node->name, i,
                     mf_shape_print(y).text, mf_shape_print(x).text, axis);
    }
    sum.dim[axis] += y->dim[axis]; // at most MF_MAX_INPUTS terms below 2^31
  }
  *out = sum;
  return MF_OK;
}

mf_status mf_shape_rule_flatten(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  const mf_shape *x = &g->tensors[node->inputs[0]].shape;
  if (x->rank < 2) {
    return mf_fail(e, MF_ERR_FILE, "%s: input is %s (expected a batch and more)", node->name, mf_shape_print(x).text);
  }
  *out = (mf_shape){2, {x->dim[0], features(x)}}; // too large a product is refused by mf_graph_shape
  return MF_OK;
}
