#include "models/family.h"
#include <string.h>

// Recipes that published weights share: torchvision's, TensorFlow's pixels in -1..1, and torchvision's GoogLeNet
// and Inception, which turn ImageNet's normalisation into pixels in -1..1 inside the network (transform_input).
#define IMAGENET(size)                                                                                                 \
  { {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}, size, size, 256, MF_BILINEAR, false, 1e-5, 1 }
#define TENSORFLOW(size, resize, interpolation, same, epsilon)                                                         \
  { {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}, size, size, resize, interpolation, same, epsilon, 1 }
#define GOOGLENET TENSORFLOW(224, 256, MF_BILINEAR, false, 1e-3)
#define INCEPTION TENSORFLOW(299, 342, MF_BILINEAR, false, 1e-3)

#define MF_NETWORK(name, build, variant, recipe, multiplier, summary, weights)                                         \
  {#name, summary, weights, multiplier, recipe, build, variant},
const mf_network mf_networks[] = {
#include "models/zoo.def"
};
#undef MF_NETWORK
const int mf_network_count = (int)(sizeof mf_networks / sizeof *mf_networks);

const mf_network *mf_network_find(const char *name) {
  for (int i = 0; i < mf_network_count; i++)
    if (strcmp(mf_networks[i].name, name) == 0) return &mf_networks[i];
  return NULL;
}
