// Where a network's parameters come from: a file, or a seeded generator. The builder asks; load/ answers.
#ifndef MF_GRAPH_WEIGHTS_H
#define MF_GRAPH_WEIGHTS_H

#include "base/error.h"
#include "graph/dtype.h"

typedef enum mf_param_kind {
  MF_PARAM_WEIGHT,
  MF_PARAM_BIAS,
  MF_PARAM_GAIN,
  MF_PARAM_MEAN,
  MF_PARAM_VARIANCE
} mf_param_kind;

typedef struct mf_param {
  const char *name; // "layer1.0.conv1.weight"
  mf_shape shape;   // what the network expects
  mf_param_kind kind;
  double spread; // standard deviation that keeps activations at unit variance; only generators look at it
} mf_param;

typedef enum mf_param_state {
  MF_PARAM_OK,
  MF_PARAM_MISSING,
  MF_PARAM_WRONG_SHAPE,
  MF_PARAM_WRONG_DTYPE
} mf_param_state;

typedef struct mf_weights mf_weights;
struct mf_weights {
  // Find one parameter. MF_OK with *state MF_PARAM_OK: *data is dense row-major f32 that lives as long as the source.
  // Otherwise *data is NULL and *found (MF_PARAM_WRONG_SHAPE) the shape there is. An error status only for a broken
  // source or no memory.
  mf_status (*get)(mf_weights *self, const mf_param *param, const float **data, mf_param_state *state, mf_shape *found,
                   mf_error *e);
  // Shape of a tensor by name; false when there is none (a generator has none).
  bool (*shape)(const mf_weights *self, const char *name, mf_shape *out);
  // Value of a metadata key ("minfer.mean"), or NULL.
  const char *(*metadata)(const mf_weights *self, const char *key);
  void (*close)(mf_weights *self); // frees the source
};

#endif
