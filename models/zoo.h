// The networks as code. zoo.def lists them; a family is one file that builds its members with graph/builder.h.
#ifndef MF_MODELS_ZOO_H
#define MF_MODELS_ZOO_H

#include "graph/builder.h"
#include "graph/recipe.h"

typedef struct mf_network {
  const char *name;    // "resnet50"
  const char *summary; // one line: parameters, paper, year
  const char *weights; // which file of which public hub fits (by name, no address)
  bool has_multiplier; // whether --width makes sense
  mf_recipe recipe;    // defaults
  // Builds from `image` (N,3,H,W) and returns the logits (N,classes). `variant` is the table's number: the depth of a
  // ResNet.
  mf_tensor_id (*build)(mf_builder *b, mf_tensor_id image, const mf_recipe *recipe, int variant);
  int variant;
} mf_network;

extern const mf_network mf_networks[];
extern const int mf_network_count;
const mf_network *mf_network_find(const char *name); // NULL when there is none

extern const char *const mf_imagenet_classes[1000]; // names of the 1000 classes of ImageNet-1k, in index order

#endif
