// The scale of activations under random weights of mean 0, so that synthetic weights can be given a spread that keeps
// every layer's output at unit variance. Per tensor: mean and second moment of its elements. Approximations: elements
// are normal, the two summands of a residual are uncorrelated but for their means, and pooling changes nothing.
#ifndef MF_GRAPH_ESTIMATE_H
#define MF_GRAPH_ESTIMATE_H

#include "graph/attributes.h"

typedef struct mf_estimate {
  double mean, moment; // E[x], E[x^2]
} mf_estimate;

// Standard deviations of the parameters that are not scaled by the layer.
#define MF_SPREAD_BIAS 0.05       // of layers and of BatchNorm; around 0
#define MF_SPREAD_MEAN 0.05       // BatchNorm's running mean, around 0
#define MF_SPREAD_GAIN 0.1155     // BatchNorm's weight: 1 +- 0.2, uniform
#define MF_SPREAD_VARIANCE 0.1155 // BatchNorm's running variance, likewise

double mf_estimate_spread(mf_estimate x, double fan_in); // of weights: 1 / sqrt(fan_in E[x^2])
mf_estimate mf_estimate_layer(void); // after a convolution or inner product with that spread, with bias or not
mf_estimate mf_estimate_batch_norm(mf_estimate x);
mf_estimate mf_estimate_eltwise(mf_estimate x,
                                const mf_eltwise *f); // of a normal x; relu: half the moment when the mean is 0
mf_estimate mf_estimate_sum(mf_estimate x, mf_estimate y);

#endif
