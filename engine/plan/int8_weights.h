// Weights in int8: symmetric, a scale an output channel, real = scale * stored.
#ifndef MF_PLAN_INT8_WEIGHTS_H
#define MF_PLAN_INT8_WEIGHTS_H

#include "graph/graph.h"

// Where pairs of products saturate in 16 bits (no VNNI) weights have 7 bits: scales are max|w| / 63, or, for primitives
// that halve their weights themselves, even numbers up to 126 (*multiple is 2). Else max|w| / 127. Rows of few weights,
// as depthwise layers have, get the scale up to a quarter above that which rounds them best. `scales` has one number an
// output channel of the node, whose weights are `channels` rows of `row` numbers.
void mf_int8_weight_scales(const mf_graph *g, const mf_node *node, size_t channels, size_t row, float *scales,
                           int *multiple);

// What is stored for `count` weights of one channel: nearest, ties to even, saturating; NaN becomes 0.
void mf_int8_weights(const float *weights, size_t count, float scale, int multiple, int8_t *out);

#endif
