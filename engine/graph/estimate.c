#include "graph/estimate.h"
#include "graph/eltwise.h"
#include <math.h>

// Rounded to ten bits: mathematical functions may differ in the last bit from machine to machine, and synthetic weights
// must not.
double mf_estimate_spread(mf_estimate x, double fan_in) {
  if (!(x.moment > 0) || !(fan_in > 0)) return 1;
  int exponent;
  double fraction = frexp(1 / sqrt(fan_in * x.moment), &exponent);
  return ldexp(round(fraction * 1024), exponent - 10);
}

mf_estimate mf_estimate_layer(void) {
  return (mf_estimate){0, 1};
}

mf_estimate mf_estimate_batch_norm(mf_estimate x) {
  double gain = 1 + MF_SPREAD_GAIN * MF_SPREAD_GAIN;            // E[gain^2]
  double inverse = 1 + MF_SPREAD_VARIANCE * MF_SPREAD_VARIANCE; // E[1 / variance], to second order
  double centred = x.moment + MF_SPREAD_MEAN * MF_SPREAD_MEAN;
  return (mf_estimate){x.mean, centred * gain * inverse + MF_SPREAD_BIAS * MF_SPREAD_BIAS};
}

// Midpoint rule over eight deviations to each side.
mf_estimate mf_estimate_eltwise(mf_estimate x, const mf_eltwise *f) {
  enum { STEPS = 256 };
  double deviation = sqrt(fmax(x.moment - x.mean * x.mean, 0));
  double weights = 0, mean = 0, moment = 0;
  for (int i = 0; i < STEPS; i++) {
    double t = 16 * (i + 0.5) / STEPS - 8;
    double weight = exp(-t * t / 2);
    double y = mf_eltwise_value(f, x.mean + deviation * t);
    weights += weight;
    mean += weight * y;
    moment += weight * y * y;
  }
  return (mf_estimate){mean / weights, moment / weights};
}

mf_estimate mf_estimate_sum(mf_estimate x, mf_estimate y) {
  return (mf_estimate){x.mean + y.mean, x.moment + y.moment + 2 * x.mean * y.mean};
}
