#ifndef MF_QUANT_FALLBACK_H
#define MF_QUANT_FALLBACK_H

#include "quant/internal.h"

// Until the wanted share of images agrees with f32, layers go back to f32: those first that add most noise to what
// comes in, and no more of them than needed. Replaces *out, whose quality stands in the report.
mf_status mf_quant_fall_back(mf_quant_run *r, mf_calibration *out, mf_error *e);

#endif
