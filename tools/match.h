// Layers of two plans of one network, matched by the layers of the network that they cover.
#ifndef TOOLS_MATCH_H
#define TOOLS_MATCH_H

#include <minfer.h>

// The fewest layers of both sides that cover the same source layers: one of each when both were fused alike, else as
// many as it takes.
typedef struct layer_group {
  const int *layers[2]; // indices into the plans' layers, in their order
  int counts[2];        // 0: that side has none of these source layers
} layer_group;

// In a's order, then what only b has. Free with layer_groups_free.
typedef struct layer_groups {
  layer_group *items;
  size_t count;
  int *storage;
} layer_groups;

// What a primitive of a side's plan is to a group: one of its layers' own, a reorder in front of them (of the network's
// output: behind), or neither. Every reorder belongs to one group at most.
typedef enum group_part { GROUP_PART_NONE, GROUP_PART_LAYER, GROUP_PART_REORDER } group_part;
group_part layer_group_part(const layer_group *g, int side, const minfer_plan *plan, int primitive);

bool match_layers(const minfer_plan *a, const minfer_plan *b, layer_groups *out); // false: no memory
void layer_groups_free(layer_groups *g);

#endif
