// What belongs to a network's weights rather than to its architecture: how images become its input, and how it was
// padded. A weights file overrides a network's defaults with its metadata: minfer.mean, minfer.std, minfer.size,
// minfer.resize, minfer.interpolation (bilinear, bicubic), minfer.padding (torch, same), minfer.bn_eps, minfer.width.
#ifndef MF_GRAPH_RECIPE_H
#define MF_GRAPH_RECIPE_H

#include <stdbool.h>

typedef enum mf_interpolation { MF_BILINEAR, MF_BICUBIC } mf_interpolation;

typedef struct mf_recipe {
  float mean[3], std[3]; // of pixels / 255, RGB
  int height, width;     // of the input, in pixels
  int resize;            // short side before the centre crop
  mf_interpolation interpolation;
  bool same_padding; // TensorFlow's SAME instead of torch's symmetric padding
  double bn_epsilon; // of every BatchNorm
  double multiplier; // channel multiplier (--width)
} mf_recipe;

#endif
