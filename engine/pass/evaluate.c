#include "pass/evaluate.h"
#include "graph/eltwise.h"
#include <math.h>

static const mf_tensor *operand(const mf_graph *g, const mf_node *node, int input) {
  return &g->tensors[node->inputs[input]];
}

static double eltwise_element(const mf_graph *g, const mf_node *node, size_t i) {
  return mf_eltwise_value(&node->attributes.eltwise, (double)operand(g, node, 0)->data[i]);
}

// Where element i of the first operand meets the second, which repeats along dimensions of 1.
static size_t broadcast_index(const mf_shape *x, const mf_shape *y, size_t i) {
  size_t index = 0, stride = 1;
  for (int d = x->rank - 1; d >= 0; d--) {
    size_t place = i % (size_t)x->dim[d];
    i /= (size_t)x->dim[d];
    if (y->dim[d] != 1) index += place * stride;
    stride *= (size_t)y->dim[d];
  }
  return index;
}

static double binary_element(const mf_graph *g, const mf_node *node, size_t i) {
  const mf_tensor *first = operand(g, node, 0), *second = operand(g, node, 1);
  double x = (double)first->data[i];
  double y = (double)second->data[broadcast_index(&first->shape, &second->shape, i)];
  switch (node->attributes.binary.kind) {
  case MF_BINARY_ADD:
    return x + y;
  case MF_BINARY_SUB:
    return x - y;
  case MF_BINARY_MUL:
    return x * y;
  case MF_BINARY_DIV:
    return x / y;
  case MF_BINARY_MAX:
    return fmax(x, y);
  case MF_BINARY_MIN:
    return fmin(x, y);
  }
  return x;
}

static double sum_element(const mf_graph *g, const mf_node *node, size_t i) {
  double sum = 0;
  for (int k = 0; k < node->input_count; k++) sum += (double)operand(g, node, k)->data[i];
  return sum;
}

static double same_element(const mf_graph *g, const mf_node *node, size_t i) {
  return (double)operand(g, node, 0)->data[i];
}

// To fold another operator, give it a row: one element of its output, in row-major order.
static double (*const elements[MF_OP_COUNT])(const mf_graph *g, const mf_node *node, size_t i) = {
    [MF_OP_ELTWISE] = eltwise_element, [MF_OP_BINARY] = binary_element, [MF_OP_SUM] = sum_element,
    [MF_OP_FLATTEN] = same_element,    [MF_OP_IDENTITY] = same_element, [MF_OP_DROPOUT] = same_element,
};

bool mf_pass_can_evaluate(mf_op op) {
  return elements[op] != NULL;
}

void mf_pass_evaluate(const mf_graph *g, const mf_node *node, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) out[i] = (float)elements[node->op](g, node, i);
}
