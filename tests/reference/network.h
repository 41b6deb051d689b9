// The networks of the zoo for tests, with weights from a seed or a file.
#ifndef REFERENCE_NETWORK_H
#define REFERENCE_NETWORK_H

#include "models/zoo.h"

typedef struct network {
  const mf_network *zoo;
  mf_recipe recipe; // may be changed before network_graph
  mf_weights *weights;
} network;

void network_open(network *n, const char *name, double multiplier); // seeded weights; 0: the default width
void network_open_file(network *n, const char *path);               // the network its metadata name
void network_close(network *n);

// Left to builds without a sanitizer; its like is among the others.
bool network_costs_much(const mf_network *zoo);

// Built for a batch and passed. Fails the test when that is not possible. The network must outlive it.
mf_graph *network_graph(const network *n, int64_t batch, bool fusion);

// Annotates for int8 without calibration: every range is [-1, 1], or [0, 1] where the operators allow nothing negative.
// Gives the types of a real calibration, not its numbers.
void network_assume_ranges(mf_graph *g);

#endif
