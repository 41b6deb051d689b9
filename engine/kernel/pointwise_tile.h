// Pixels that lie side by side, up to 64 of their output channels: a number of the source at a time is spread over a
// vector and multiplied with the weights of 16 channels.
#ifndef MF_KERNEL_POINTWISE_TILE_H
#define MF_KERNEL_POINTWISE_TILE_H

#include "kernel/pointwise.h"

#define MF_POINTWISE_PIXELS 6 // that are computed together
#define MF_POINTWISE_BLOCK 64 // channels

typedef struct mf_pointwise_tile {
  const float *source;  // the first pixel
  int64_t inputs;       // channels of the source
  const float *weights; // for each input those of the channels, filled up to whole vectors; 64-byte aligned
  const float *bias;    // of as many; 64-byte aligned
  float *destination;
  int64_t outputs;                  // from a pixel of the destination to the next one
  int64_t ahead, destination_ahead; // what is fetched meanwhile: pixels on, numbers on; 0: nothing
  int channels;                     // that there are
  bool sum;
  float low, high;
} mf_pointwise_tile;

typedef void (*mf_pointwise_compute)(const mf_pointwise_tile *tile);

// For so many pixels and vectors of channels (1 to 4). NULL: the instruction set (dnnl_get_effective_cpu_isa) does not
// have what it takes.
mf_pointwise_compute mf_pointwise_compute_for(dnnl_cpu_isa_t isa, int64_t pixels, int64_t vectors);

#endif
