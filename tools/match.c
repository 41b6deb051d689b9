#include "match.h"
#include <stdlib.h>
#include <string.h>

// A layer that covers a source layer. Layers are numbered through: a's, then b's.
typedef struct cover {
  const char *source;
  int layer;
} cover;

static int by_source(const void *a, const void *b) {
  const cover *x = a, *y = b;
  const int order = strcmp(x->source, y->source);
  return order ? order : x->layer - y->layer;
}

static size_t list_covers(const minfer_plan *plan, int first, cover *out) {
  size_t count = 0;
  for (int i = 0; i < plan->layer_count; i++)
    for (int k = 0; k < plan->layers[i].source_count; k++, count++)
      if (out) out[count] = (cover){plan->layers[i].sources[k], first + i};
  return count;
}

// The lowest layer of a set is its root, and a layer's parent is never above it.
static int root_of(int *parents, int layer) {
  while (parents[layer] != layer) layer = parents[layer] = parents[parents[layer]];
  return layer;
}

static void unite(int *parents, int x, int y) {
  x = root_of(parents, x);
  y = root_of(parents, y);
  if (x < y)
    parents[y] = x;
  else
    parents[x] = y;
}

static void unite_covers(int *parents, cover *covers, size_t count) {
  if (count) qsort(covers, count, sizeof *covers, by_source);
  for (size_t i = 1; i < count; i++)
    if (strcmp(covers[i - 1].source, covers[i].source) == 0) unite(parents, covers[i - 1].layer, covers[i].layer);
}

// A set's root comes first of it, so groups are in the order of their roots.
static void list_groups(layer_groups *out, int *parents, int *group_of, int layers_a, int layers) {
  for (int i = 0; i < layers; i++) {
    const int root = root_of(parents, i);
    if (root == i) group_of[i] = (int)out->count++;
    group_of[i] = group_of[root];
    out->items[group_of[i]].counts[i >= layers_a]++;
  }
  int *to = out->storage;
  for (size_t k = 0; k < out->count; k++)
    for (int side = 0; side < 2; side++) {
      layer_group *g = &out->items[k];
      g->layers[side] = to;
      to += g->counts[side];
      g->counts[side] = 0;
    }
  for (int i = 0; i < layers; i++) {
    const int side = i >= layers_a;
    layer_group *g = &out->items[group_of[i]];
    out->storage[g->layers[side] - out->storage + g->counts[side]++] = side ? i - layers_a : i;
  }
}

bool match_layers(const minfer_plan *a, const minfer_plan *b, layer_groups *out) {
  const int layers = a->layer_count + b->layer_count;
  const size_t in_a = list_covers(a, 0, NULL), count = in_a + list_covers(b, 0, NULL);
  cover *covers = calloc(count + 1, sizeof *covers);
  int *parents = calloc((size_t)layers + 1, sizeof *parents), *group_of = calloc((size_t)layers + 1, sizeof *group_of);
  *out = (layer_groups){.items = calloc((size_t)layers + 1, sizeof *out->items),
                        .storage = calloc((size_t)layers + 1, sizeof *out->storage)};
  const bool done = covers && parents && group_of && out->items && out->storage;
  if (done) {
    for (int i = 0; i < layers; i++) parents[i] = i;
    list_covers(a, 0, covers);
    list_covers(b, a->layer_count, covers + in_a);
    unite_covers(parents, covers, count);
    list_groups(out, parents, group_of, a->layer_count, layers);
  }
  free(covers);
  free(parents);
  free(group_of);
  return done;
}

static bool has_layer(const layer_group *g, int side, int layer) {
  for (int i = 0; i < g->counts[side]; i++)
    if (g->layers[side][i] == layer) return true;
  return false;
}

static bool has_name(const layer_group *g, int side, const minfer_plan *plan, const char *name) {
  for (int i = 0; i < g->counts[side]; i++)
    if (strcmp(plan->layers[g->layers[side][i]].name, name) == 0) return true;
  return false;
}

group_part layer_group_part(const layer_group *g, int side, const minfer_plan *plan, int primitive) {
  const minfer_primitive *p = &plan->primitives[primitive];
  const bool reorder = strcmp(p->kind, "reorder") == 0;
  if (p->layer >= 0)
    return !has_layer(g, side, p->layer) ? GROUP_PART_NONE : reorder ? GROUP_PART_REORDER : GROUP_PART_LAYER;
  if (!reorder) return GROUP_PART_NONE;
  const bool reader = has_name(g, side, plan, p->to), output = strcmp(p->to, "output") == 0;
  return reader || (output && has_name(g, side, plan, p->from)) ? GROUP_PART_REORDER : GROUP_PART_NONE;
}

void layer_groups_free(layer_groups *g) {
  free(g->items);
  free(g->storage);
  *g = (layer_groups){0};
}
