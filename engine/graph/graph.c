#include "graph/graph.h"
#include "base/text.h"
#include "graph/edit.h"
#include <string.h>

#define MAX_NAME 400 // keeps room for the reason in a line that begins with a name

// What is behind every mf_graph *: the graph, and a hash table over tensor names (id + 1, 0 for an empty slot; a power
// of two of slots, at least twice the tensors).
typedef struct named_graph {
  mf_graph graph;
  int32_t *slots;
  size_t slot_count;
} named_graph;

static uint64_t hash_name(const char *name) {
  return mf_text_hash(name, strlen(name), 0);
}

mf_tensor_id mf_graph_find(const mf_graph *g, const char *name) {
  const named_graph *named = (const named_graph *)g;
  if (named->slot_count == 0) return MF_NO_TENSOR;
  size_t mask = named->slot_count - 1;
  for (size_t i = hash_name(name) & mask; named->slots[i] != 0; i = (i + 1) & mask) {
    mf_tensor_id id = named->slots[i] - 1;
    if (strcmp(g->tensors[id].name, name) == 0) return id;
  }
  return MF_NO_TENSOR;
}

static void enter_name(named_graph *named, mf_tensor_id id) {
  size_t mask = named->slot_count - 1;
  size_t i = hash_name(named->graph.tensors[id].name) & mask;
  while (named->slots[i] != 0) i = (i + 1) & mask;
  named->slots[i] = id + 1;
}

mf_status mf_graph_create(mf_graph **out, const char *name, mf_error *e) {
  *out = NULL;
  named_graph *named = mf_alloc_zero(sizeof *named);
  if (!named) return mf_fail_memory(e, sizeof *named);
  mf_graph *g = &named->graph;
  g->input = g->output = MF_NO_TENSOR;
  g->name = mf_arena_copy(&g->arena, name);
  if (!g->name) {
    mf_graph_free(g);
    return mf_fail_memory(e, strlen(name) + 1);
  }
  *out = g;
  return MF_OK;
}

void mf_graph_free(mf_graph *graph) {
  if (!graph) return;
  mf_arena_free(&graph->arena);
  mf_free(graph);
}

// Old arrays stay in the arena: together they are no larger than the last one.
static mf_status enlarge(mf_graph *g, void **array, size_t element, int count, int *capacity, mf_error *e) {
  int larger = *capacity ? *capacity * 2 : 64;
  size_t bytes = (size_t)larger * element;
  void *block = mf_arena_alloc(&g->arena, bytes);
  if (!block) return mf_fail_memory(e, bytes);
  if (count > 0) memcpy(block, *array, (size_t)count * element);
  *array = block;
  *capacity = larger;
  return MF_OK;
}

static mf_status make_room_for_tensor(mf_graph *g, mf_error *e) {
  if (g->tensor_count < g->tensor_capacity) return MF_OK;
  if (g->tensor_capacity > INT32_MAX / 4) return mf_fail(e, MF_ERR_FILE, "%s: too many tensors", g->name);
  void *tensors = g->tensors;
  MF_TRY(enlarge(g, &tensors, sizeof *g->tensors, g->tensor_count, &g->tensor_capacity, e));
  g->tensors = tensors;
  named_graph *named = (named_graph *)g;
  size_t slot_count = (size_t)g->tensor_capacity * 2;
  int32_t *slots = mf_arena_alloc(&g->arena, slot_count * sizeof *slots);
  if (!slots) return mf_fail_memory(e, slot_count * sizeof *slots);
  named->slots = slots;
  named->slot_count = slot_count;
  for (int i = 0; i < g->tensor_count; i++) enter_name(named, i);
  return MF_OK;
}

mf_status mf_graph_add_tensor(mf_graph *g, const char *name, const mf_shape *shape, const float *data, mf_tensor_id *id,
                              mf_error *e) {
  *id = MF_NO_TENSOR;
  size_t length = strlen(name), elements;
  if (length == 0) return mf_fail(e, MF_ERR_FILE, "%s: a tensor has no name", g->name);
  if (length > MAX_NAME) {
    return mf_fail(e, MF_ERR_FILE, "%.60s...: a name of %zu bytes (at most %d)", name, length, MAX_NAME);
  }
  if (!mf_text_is_clean(name, length)) {
    return mf_fail(e, MF_ERR_FILE, "%s: a name with control characters or broken UTF-8", name);
  }
  if (!mf_shape_elements(shape, &elements)) {
    return mf_fail(e, MF_ERR_FILE, "%s: shape %s is out of range (dimensions from 1 to 2147483647)", name,
                   mf_shape_print(shape).text);
  }
  if (mf_graph_find(g, name) != MF_NO_TENSOR) return mf_fail(e, MF_ERR_FILE, "%s: the name is used twice", name);
  MF_TRY(make_room_for_tensor(g, e));
  mf_tensor tensor = {.data = data, .producer = -1};
  tensor.name = mf_arena_copy(&g->arena, name);
  if (!tensor.name) return mf_fail_memory(e, length + 1);
  tensor.shape.rank = shape->rank;
  for (int i = 0; i < shape->rank; i++) tensor.shape.dim[i] = shape->dim[i];
  *id = g->tensor_count;
  g->tensors[g->tensor_count++] = tensor;
  enter_name((named_graph *)g, *id);
  return MF_OK;
}

// Moves what `node` points to into the graph's arena.
static mf_status own_node(mf_graph *g, mf_node *node, mf_error *e) {
  const char *const *sources = node->sources;
  size_t input_bytes = (size_t)node->input_count * sizeof *node->inputs;
  size_t source_bytes = (size_t)node->source_count * sizeof *node->sources;
  mf_tensor_id *inputs = mf_arena_alloc(&g->arena, input_bytes);
  const char **copies = mf_arena_alloc(&g->arena, source_bytes);
  node->name = mf_arena_copy(&g->arena, node->name);
  node->stage = mf_arena_copy(&g->arena, node->stage ? node->stage : "");
  if (!inputs || !copies || !node->name || !node->stage) return mf_fail_memory(e, input_bytes + source_bytes);
  memcpy(inputs, node->inputs, input_bytes);
  for (int i = 0; i < node->source_count; i++) {
    copies[i] = mf_arena_copy(&g->arena, sources[i]);
    if (!copies[i]) return mf_fail_memory(e, strlen(sources[i]) + 1);
  }
  node->inputs = inputs;
  node->sources = copies;
  return MF_OK;
}

mf_status mf_graph_add_node(mf_graph *g, const mf_node *prototype, mf_tensor_id *output, mf_error *e) {
  *output = MF_NO_TENSOR;
  mf_node node = *prototype;
  if (node.source_count == 0) {
    node.sources = &node.name;
    node.source_count = 1;
  }
  mf_shape shape;
  MF_TRY(mf_graph_shape(g, &node, &shape, e));
  if (g->node_count == g->node_capacity) {
    if (g->node_capacity > INT32_MAX / 4) return mf_fail(e, MF_ERR_FILE, "%s: too many nodes", g->name);
    void *nodes = g->nodes;
    MF_TRY(enlarge(g, &nodes, sizeof *g->nodes, g->node_count, &g->node_capacity, e));
    g->nodes = nodes;
  }
  MF_TRY(own_node(g, &node, e));
  MF_TRY(mf_graph_add_tensor(g, node.name, &shape, NULL, &node.output, e));
  g->tensors[node.output].producer = g->node_count;
  g->nodes[g->node_count++] = node;
  *output = node.output;
  return MF_OK;
}

int mf_node_operands(const mf_node *node) {
  int sums = 0;
  for (int i = 0; i < node->post_count; i++) sums += node->posts[i].kind == MF_POST_SUM;
  return node->input_count - sums;
}

int mf_graph_uses(const mf_graph *g, mf_tensor_id tensor) {
  int uses = g->output == tensor;
  for (int i = 0; i < g->node_count; i++) {
    for (int k = 0; k < g->nodes[i].input_count; k++) uses += g->nodes[i].inputs[k] == tensor;
  }
  return uses;
}

double mf_node_flops(const mf_graph *g, const mf_node *node) {
  if (node->op != MF_OP_CONVOLUTION && node->op != MF_OP_INNER_PRODUCT) return 0;
  const mf_shape *out = &g->tensors[node->output].shape;
  const mf_shape *weights = &g->tensors[node->inputs[1]].shape;
  double flops = 2;
  for (int i = 0; i < out->rank; i++) flops *= (double)out->dim[i];
  for (int i = 1; i < weights->rank; i++) flops *= (double)weights->dim[i]; // terms of one output element
  return flops;
}

mf_status mf_graph_sweep(mf_graph *g, mf_error *e) {
  size_t bytes = (size_t)g->tensor_count * sizeof(mf_tensor_id);
  mf_tensor_id *id = mf_alloc(bytes); // of tensors: 0 for those that go, then the new id
  if (!id) return mf_fail_memory(e, bytes);
  memset(id, 0, bytes);
  if (g->input != MF_NO_TENSOR) id[g->input] = 1;
  if (g->output != MF_NO_TENSOR) id[g->output] = 1;
  int nodes = 0;
  for (int i = 0; i < g->node_count; i++) {
    const mf_node *node = &g->nodes[i];
    if (node->output == MF_NO_TENSOR) continue;
    id[node->output] = 1;
    g->tensors[node->output].producer = nodes;
    for (int k = 0; k < node->input_count; k++) id[node->inputs[k]] = 1;
    g->nodes[nodes++] = *node;
  }
  g->node_count = nodes;

  named_graph *named = (named_graph *)g;
  int tensors = 0;
  for (int i = 0; i < g->tensor_count; i++) {
    if (!id[i]) continue;
    g->tensors[tensors] = g->tensors[i];
    id[i] = tensors++;
  }
  g->tensor_count = tensors;
  if (named->slot_count > 0) memset(named->slots, 0, named->slot_count * sizeof *named->slots);
  for (int i = 0; i < tensors; i++) enter_name(named, i);

  for (int i = 0; i < nodes; i++) {
    g->nodes[i].output = id[g->nodes[i].output];
    for (int k = 0; k < g->nodes[i].input_count; k++) g->nodes[i].inputs[k] = id[g->nodes[i].inputs[k]];
  }
  if (g->input != MF_NO_TENSOR) g->input = id[g->input];
  if (g->output != MF_NO_TENSOR) g->output = id[g->output];
  mf_free(id);
  return MF_OK;
}

mf_status mf_graph_rebatch(mf_graph *g, int64_t batch, mf_error *e) {
  g->tensors[g->input].shape.dim[0] = batch;
  for (int n = 0; n < g->node_count; n++)
    MF_TRY(mf_graph_shape(g, &g->nodes[n], &g->tensors[g->nodes[n].output].shape, e));
  return MF_OK;
}
