// A whole graph, node after node, in execution order.
#include "graph/edit.h"
#include "reference.h"
#include <math.h>

typedef struct runner {
  const mf_graph *g;
  const reference_options *options;
  reference_tensor *values; // of each of the graph's tensors, as long as it is needed
  int *last;                // the last node that reads it; node_count for the graph's output
} runner;

static void dispatch(const mf_node *node, const reference_tensor *inputs, int count, const reference_options *options,
                     reference_tensor *output) {
  switch (node->op) {
#define MF_OP(constant, name, low, high, attributes_type)                                                              \
  case MF_OP_##constant:                                                                                               \
    reference_##name(&node->attributes.name, inputs, count, options, output);                                          \
    break;
#include "graph/op.def"
#undef MF_OP
  case MF_OP_COUNT:
    break;
  }
}

static void to_float(const runner *r, reference_tensor *value) {
  if (!r->options->accumulate_f32) return;
  const size_t count = reference_elements(&value->shape);
  for (size_t i = 0; i < count; i++) value->data[i] = (double)(float)value->data[i];
}

static void apply_posts(const runner *r, const mf_node *node, reference_tensor *value) {
  for (int p = 0; p < node->post_count; p++) {
    const mf_post *post = &node->posts[p];
    if (post->kind == MF_POST_SUM) {
      const reference_tensor operands[2] = {*value, r->values[node->inputs[post->input]]};
      reference_sum(&(mf_no_attributes){0}, operands, 2, r->options, value);
    } else {
      reference_eltwise(&post->eltwise, value, 1, r->options, value);
    }
    to_float(r, value);
  }
}

static void finish(const runner *r, mf_tensor_id id) {
  const mf_tensor *tensor = &r->g->tensors[id];
  reference_tensor *value = &r->values[id];
  if (r->options->round) r->options->round(r->options->context, tensor, value->data, reference_elements(&value->shape));
  if (r->options->observe) r->options->observe(r->options->context, tensor, value);
}

// Constants are converted for each node that reads them, so that no more than one node's are there in double.
static mf_status load_constant(const runner *r, const mf_node *node, int input, mf_error *e) {
  const mf_tensor *tensor = &r->g->tensors[node->inputs[input]];
  reference_tensor *value = &r->values[node->inputs[input]];
  if (!tensor->data || value->data) return MF_OK;
  MF_TRY(reference_tensor_from_f32(value, &tensor->shape, tensor->data, e));
  const bool weights = (node->op == MF_OP_CONVOLUTION || node->op == MF_OP_INNER_PRODUCT) && input == 1;
  if (weights && r->options->round)
    r->options->round(r->options->context, tensor, value->data, reference_elements(&value->shape));
  return MF_OK;
}

static mf_status run_node(const runner *r, int index, mf_error *e) {
  const mf_node *node = &r->g->nodes[index];
  reference_tensor operands[MF_MAX_INPUTS], *output = &r->values[node->output];
  const int operand_count = mf_node_operands(node);
  for (int i = 0; i < node->input_count; i++) {
    MF_TRY(load_constant(r, node, i, e));
    if (i < operand_count) operands[i] = r->values[node->inputs[i]];
  }
  MF_TRY(reference_tensor_create(output, &r->g->tensors[node->output].shape, e));
  dispatch(node, operands, operand_count, r->options, output);
  to_float(r, output);
  apply_posts(r, node, output);
  finish(r, node->output);
  for (int i = 0; i < node->input_count; i++) {
    const mf_tensor_id id = node->inputs[i];
    if (r->g->tensors[id].data || r->last[id] == index) reference_tensor_free(&r->values[id]);
  }
  return MF_OK;
}

static mf_status run(const runner *r, const float *input, mf_error *e) {
  const mf_graph *g = r->g;
  for (int n = 0; n < g->node_count; n++)
    for (int i = 0; i < g->nodes[n].input_count; i++) r->last[g->nodes[n].inputs[i]] = n;
  r->last[g->output] = g->node_count;
  MF_TRY(reference_tensor_from_f32(&r->values[g->input], &g->tensors[g->input].shape, input, e));
  finish(r, g->input);
  for (int n = 0; n < g->node_count; n++) MF_TRY(run_node(r, n, e));
  return MF_OK;
}

mf_status reference_graph_run(const mf_graph *g, const float *input, const reference_options *options,
                              reference_tensor *output, mf_error *e) {
  static const reference_options plain = {0};
  const size_t count = (size_t)g->tensor_count, bytes = count * (sizeof(reference_tensor) + sizeof(int));
  mf_arena arena = {0};
  runner r = {g, options ? options : &plain, mf_arena_alloc(&arena, count * sizeof *r.values),
              mf_arena_alloc(&arena, count * sizeof *r.last)};
  *output = (reference_tensor){0};
  const mf_status status = r.values && r.last ? run(&r, input, e) : mf_fail_memory(e, bytes);
  if (status == MF_OK) {
    *output = r.values[g->output];
    r.values[g->output] = (reference_tensor){0};
  }
  for (size_t i = 0; r.values && i < count; i++) reference_tensor_free(&r.values[i]);
  mf_arena_free(&arena);
  return status;
}
