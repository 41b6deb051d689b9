// What lies under each weight of a convolution or inner product on the average: for every input channel and kernel
// position the sum of the numbers that it is multiplied with, over all positions of the output. The mean output of a
// channel, before activation, follows from these alone: bias + sum of weight * mean tap.
#ifndef MF_QUANT_TAPS_H
#define MF_QUANT_TAPS_H

#include "graph/graph.h"
#include "thread/pool.h"

typedef struct mf_taps {
  mf_arena arena;
  double **sums;   // by node of the graph: input channels x kernel height x kernel width; NULL where nothing multiplies
  int64_t *counts; // by node: output positions summed over
  double *columns; // scratch, a row of the widest input a worker
  size_t widest;
} mf_taps;

// Zero-initialise; `workers`: threads of the pool that mf_taps_add is called with.
mf_status mf_taps_create(mf_taps *taps, const mf_graph *graph, int workers, mf_error *e);
void mf_taps_free(mf_taps *taps);

// Add what the first `items` items of a tensor, dense N,C,H,W or N,C, hold for every node that multiplies it.
void mf_taps_add(mf_taps *taps, const mf_graph *graph, mf_tensor_id tensor, const float *data, int64_t items,
                 mf_pool *pool);

bool mf_node_multiplies(const mf_node *node); // convolution or inner product

#endif
