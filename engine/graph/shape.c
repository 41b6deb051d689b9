// The table of operators: names, arities and shape rules.
#include "graph/shape.h"
#include "graph/edit.h"
#include <inttypes.h>

static const struct {
  const char *name;
  int low, high; // inputs
  mf_status (*rule)(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e);
} ops[MF_OP_COUNT] = {
#define MF_OP(constant, name, low, high, attributes) [MF_OP_##constant] = {#name, low, high, mf_shape_rule_##name},
#include "graph/op.def"
#undef MF_OP
};

const char *mf_op_name(mf_op op) {
  return ops[op].name;
}

mf_status mf_graph_shape(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  if ((unsigned)node->op >= MF_OP_COUNT) {
    return mf_fail(e, MF_ERR_FILE, "%s: operator number %d does not exist", node->name, (int)node->op);
  }
  int count = mf_node_operands(node);
  int low = ops[node->op].low, high = ops[node->op].high;
  if (count < low || count > high) {
    return mf_fail(e, MF_ERR_FILE, "%s: %s has %d inputs (expected %d to %d)", node->name, ops[node->op].name, count,
                   low, high);
  }
  for (int i = 0; i < node->input_count; i++) {
    if (node->inputs[i] < 0 || node->inputs[i] >= g->tensor_count) {
      return mf_fail(e, MF_ERR_FILE, "%s: input %d does not exist", node->name, i);
    }
  }
  mf_shape shape = {0};
  MF_TRY(ops[node->op].rule(g, node, &shape, e));
  size_t elements;
  if (!mf_shape_elements(&shape, &elements)) {
    return mf_fail(e, MF_ERR_FILE, "%s: the output would be %s (dimensions from 1 to 2147483647)", node->name,
                   mf_shape_print(&shape).text);
  }
  *out = shape;
  return MF_OK;
}

mf_status mf_shape_expect_vector(const mf_graph *g, const mf_node *node, int input, const char *what, int64_t length,
                                 mf_error *e) {
  const mf_shape *shape = &g->tensors[node->inputs[input]].shape;
  if (shape->rank == 1 && shape->dim[0] == length) return MF_OK;
  return mf_fail(e, MF_ERR_FILE, "%s: %s is %s (expected %" PRId64 ")", node->name, what, mf_shape_print(shape).text,
                 length);
}

mf_status mf_shape_expect_axis(const mf_node *node, const mf_shape *x, int axis, mf_error *e) {
  if (axis >= 0 && axis < x->rank) return MF_OK;
  return mf_fail(e, MF_ERR_FILE, "%s: axis %d of an input of shape %s (expected 0 to %d)", node->name, axis,
                 mf_shape_print(x).text, x->rank - 1);
}
