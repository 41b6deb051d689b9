// Calibrators: from what was observed of an activation to the interval that its integers cover.
#ifndef MF_QUANT_CALIBRATORS_H
#define MF_QUANT_CALIBRATORS_H

#include "quant/quant.h"

typedef struct mf_interval {
  float low, high;
} mf_interval;

struct mf_calibrator {
  const char *name;
  mf_interval (*choose)(const mf_statistics *statistics); // of a tensor that was seen
};

#endif
