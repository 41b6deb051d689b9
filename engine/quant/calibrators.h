// Calibrators: from what was observed of an activation to the interval that its integers cover.
#ifndef MF_QUANT_CALIBRATORS_H
#define MF_QUANT_CALIBRATORS_H

#include "graph/graph.h"
#include "quant/histogram.h"

typedef struct mf_interval {
  float low, high;
  const char *calibrator; // that chose it
} mf_interval;

typedef struct mf_calibrator {
  const char *name, *summary;
  mf_interval (*choose)(const mf_histogram *histogram); // of a tensor that was seen
} mf_calibrator;

const mf_calibrator *mf_calibrator_at(int index); // NULL at the end
// By name. MF_ERR_USAGE lists them.
mf_status mf_calibrator_find(const mf_calibrator **out, const char *name, mf_error *e);

// The type and scale for an interval: u8 where it holds nothing negative, else s8; symmetric.
mf_quantization mf_interval_quantization(mf_interval interval);
// Mean square of what rounding and clipping changes.
double mf_interval_error(const mf_histogram *histogram, mf_interval interval);

#endif
