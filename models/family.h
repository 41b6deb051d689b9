// The families' build functions, one a file, declared from the table.
#ifndef MF_MODELS_FAMILY_H
#define MF_MODELS_FAMILY_H

#include "models/zoo.h"

#define MF_NETWORK(name, build, variant, recipe, multiplier, summary, weights)                                         \
  mf_tensor_id build(mf_builder *, mf_tensor_id, const mf_recipe *, int);
#include "models/zoo.def"
#undef MF_NETWORK

#endif
