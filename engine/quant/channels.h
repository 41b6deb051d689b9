// What a network in f32 shows of every channel of its activations.
#ifndef MF_QUANT_CHANNELS_H
#define MF_QUANT_CHANNELS_H

#include "graph/graph.h"
#include "thread/pool.h"

typedef struct mf_channel {
  float largest;       // of |x|, over all finite values
  double sum, squares; // of all finite values
  int64_t count;
} mf_channel;

typedef struct mf_channels {
  mf_arena arena;
  mf_channel **tensors; // by tensor id of the graph: its channels (dimension 1); NULL for constants
} mf_channels;

mf_status mf_channels_create(mf_channels *out, const mf_graph *graph, mf_error *e);
void mf_channels_free(mf_channels *channels); // zero-initialised is allowed

// Add a tensor of one item, dense C,H,W or C. The same for any number of threads.
void mf_channels_add(mf_channels *channels, const mf_graph *graph, mf_tensor_id tensor, const float *data,
                     mf_pool *pool);

#endif
