// The transforms of F(4x4, 3x3), for channels that lie side by side.
#ifndef MF_KERNEL_WINOGRAD_TILES_H
#define MF_KERNEL_WINOGRAD_TILES_H

#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>

#define MF_WINOGRAD_IN 6        // rows and columns of a tile of the source
#define MF_WINOGRAD_OUT 4       // of the destination
#define MF_WINOGRAD_POINTS 36   // the numbers of a tile of the source
#define MF_WINOGRAD_CHANNELS 16 // channels come in multiples of it

// Where the numbers of a tile are: row by row, each the first of `channels`; of a transformed one, `stride` floats from
// one to the next.
typedef void (*mf_winograd_in)(const float *const source[MF_WINOGRAD_POINTS], size_t channels, float *tile,
                               size_t stride);

// What is done to the destination's numbers: cut[low, high](x + bias + what is there).
typedef struct mf_winograd_finish {
  const float *bias; // one a channel
  bool sum;
  float low, high;
} mf_winograd_finish;

// Destination: `row` floats from one row to the next; of the tile's outputs, `height` x `width` are there.
typedef void (*mf_winograd_out)(const float *tile, size_t stride, size_t channels, const mf_winograd_finish *finish,
                                float *destination, size_t row, int height, int width);

typedef struct mf_winograd_transforms {
  mf_winograd_in in;
  mf_winograd_out out;
} mf_winograd_transforms;

// For the instruction set that oneDNN may use (dnnl_get_effective_cpu_isa).
mf_winograd_transforms mf_winograd_transforms_for(dnnl_cpu_isa_t isa);

// A 3x3 kernel, and its 36 numbers `stride` floats apart.
void mf_winograd_transform_kernel(const float kernel[9], float *out, size_t stride);

#endif
