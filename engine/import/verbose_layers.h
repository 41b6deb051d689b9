// Layers of a log: of a network when one is given, else numbered by kind. Reorders belong to none; they have an edge.
#ifndef MF_IMPORT_VERBOSE_LAYERS_H
#define MF_IMPORT_VERBOSE_LAYERS_H

#include "graph/graph.h"
#include "import/verbose_log.h"

typedef struct mf_verbose_layer {
  const char *name;  // "conv1" where a stage has one layer, else "layer1.0.conv1+bn1+relu"; without a network "conv1"
  const char *kind;  // of its first primitive
  const char *stage; // "conv2_x"; "" without a network, and for what is not of it
  const char **sources; // layers of the network that it covers
  int source_count;
  int first; // position
} mf_verbose_layer;

typedef struct mf_verbose_place { // of a position in the run
  int layer;                      // -1: a reorder
  const char *from, *to, *reason; // of a reorder: layers, "input", "output", "weights"; "" for the rest
} mf_verbose_place;

typedef struct mf_verbose_layers {
  mf_verbose_layer *layers; // in the order of their first primitives
  int layer_count;
  mf_verbose_place *places;
  int found, expected; // layers of the network that the log has, and all of them; 0 without a network
  const char *note;    // what does not fit the network, one line; "" when everything does
} mf_verbose_layers;

// `graph` NULL: no network. Everything is in the arena.
mf_status mf_verbose_layers_find(mf_verbose_layers *out, mf_arena *arena, const mf_verbose_log *log,
                                 const int *sequence, int length, const mf_graph *graph, mf_error *e);

#endif
