// Weights from a seed: the same bytes on every machine. Values come from a counter-based generator (SplitMix64: Steele,
// Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014) keyed by the seed and the parameter's name.
#ifndef MF_LOAD_SYNTHETIC_H
#define MF_LOAD_SYNTHETIC_H

#include "graph/weights.h"

// Weights, biases and means are close to normal around 0 with the parameter's spread; gains and variances are uniform
// in 1 +- 0.2. Every parameter is there in the shape that is asked for; there is no metadata. Close with (*out)->close,
// which frees the values.
mf_status mf_synthetic_open(mf_weights **out, uint64_t seed, mf_error *e);

#endif
