#ifndef MF_QUANT_ASSIGN_H
#define MF_QUANT_ASSIGN_H

#include "quant/calibration.h"
#include "quant/calibrators.h"
#include "quant/observations.h"

// Decide for the whole graph: convolutions and inner products compute in int8, but for those in out->floats, and every
// activation that one of them reads is stored as u8 (nothing negative was seen) or s8, symmetric. Pooling, concat and
// views share one scale between their ends. Fills the tensors of `out`.
mf_status mf_quant_assign(mf_calibration *out, const mf_graph *graph, const mf_observations *observations,
                          const mf_calibrator *calibrator, mf_error *e);

#endif
