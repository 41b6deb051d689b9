// The builder's inside, shared by builder.c (parameters, errors, finish) and builder_layers.c (what each layer asks
// for).
#ifndef MF_GRAPH_BUILDER_CORE_H
#define MF_GRAPH_BUILDER_CORE_H

#include "graph/builder.h"
#include "graph/estimate.h"

struct mf_builder {
  mf_arena arena; // records and names
  mf_graph *graph;
  mf_weights *weights;
  const char *stage;
  mf_error error; // the first failure; its status is MF_OK before
  mf_param_record *params;
  int param_count, param_capacity;
  mf_estimate *estimates; // by tensor id
  int estimate_capacity;
};

// Each does nothing and returns MF_NO_TENSOR after a failure.
mf_tensor_id mf_builder_parameter(mf_builder *b, const char *layer, const char *suffix, mf_shape shape,
                                  mf_param_kind kind, double spread);
mf_tensor_id mf_builder_node(mf_builder *b, mf_op op, const char *name, const mf_tensor_id *inputs, int count,
                             const mf_attributes *attributes, mf_estimate output);
mf_estimate mf_builder_estimate(const mf_builder *b, mf_tensor_id x);

#endif
