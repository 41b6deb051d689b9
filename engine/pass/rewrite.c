#include "pass/rewrite.h"
#include <string.h>

mf_status mf_rewrite_count_uses(const mf_graph *g, int **uses, mf_error *e) {
  size_t bytes = (size_t)g->tensor_count * sizeof **uses;
  *uses = mf_alloc_zero(bytes);
  if (!*uses) return mf_fail_memory(e, bytes);
  if (g->output != MF_NO_TENSOR) (*uses)[g->output]++;
  for (int i = 0; i < g->node_count; i++) {
    for (int k = 0; k < g->nodes[i].input_count; k++) (*uses)[g->nodes[i].inputs[k]]++;
  }
  return MF_OK;
}

mf_status mf_rewrite_absorb(mf_graph *g, int into, int next, mf_error *e) {
  mf_node *a = &g->nodes[into], *b = &g->nodes[next];
  int count = a->source_count + b->source_count;
  size_t bytes = (size_t)count * sizeof *a->sources;
  const char **sources = mf_arena_alloc(&g->arena, bytes);
  if (!sources) return mf_fail_memory(e, bytes);
  memcpy(sources, a->sources, (size_t)a->source_count * sizeof *sources);
  memcpy(sources + a->source_count, b->sources, (size_t)b->source_count * sizeof *sources);
  a->sources = sources;
  a->source_count = count;
  g->tensors[a->output].producer = -1;
  a->output = b->output;
  g->tensors[a->output].producer = into;
  b->output = MF_NO_TENSOR;
  return MF_OK;
}

mf_status mf_rewrite_append_input(mf_graph *g, mf_node *node, mf_tensor_id input, mf_error *e) {
  size_t bytes = (size_t)(node->input_count + 1) * sizeof *node->inputs;
  mf_tensor_id *inputs = mf_arena_alloc(&g->arena, bytes);
  if (!inputs) return mf_fail_memory(e, bytes);
  memcpy(inputs, node->inputs, (size_t)node->input_count * sizeof *inputs);
  inputs[node->input_count++] = input;
  node->inputs = inputs;
  return MF_OK;
}
