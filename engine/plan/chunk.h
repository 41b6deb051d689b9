// How many images of a batch go through the network at once when nobody says so.
#ifndef MF_PLAN_CHUNK_H
#define MF_PLAN_CHUNK_H

#include "graph/graph.h"

// Multiply-adds times two for each number that an operator which multiplies writes: from 700 on for the networks of
// models/ that are made of plain convolutions, 90 to 270 for MobileNet, EfficientNet-Lite and SqueezeNet.
double mf_plan_intensity(const mf_graph *graph);

// The largest divisor of the batch up to 32: more images at once only take more memory (bench/NOTES.md: the time of an
// image is level from 16 on, and fewer read the weights too often). Fewer where a network waits for memory, so that
// more of its activations stay in the caches: up to 4 in f32 where the intensity is low, and up to 8 in smaller types
// there or with AMX, which is so fast. A batch that has no such divisor of half of that or more stays whole.
int mf_plan_chunk(int batch, bool f32, bool amx, double intensity);

#endif
