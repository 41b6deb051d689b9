#ifndef MF_QUANT_CORRECT_H
#define MF_QUANT_CORRECT_H

#include "quant/calibration.h"
#include "quant/taps.h"
#include "run/session.h"

// Bias correction. Rounded weights shift the mean output of every channel, and so do inputs that are shifted
// themselves; the bias takes that back: layer by layer in order, each with all earlier corrections in it, it grows by
// the difference of the channel's mean output before activation between the f32 network and this one (Nagel et al.,
// Data-Free Quantization Through Weight Equalization and Bias Correction, 2019, section 4.2, with means from images).
// `follow` is the share of the inputs' shift that is taken back: with 1 the means are equal, with 0 only what the
// rounded weights do to inputs as f32 has them is repaired. Noise lifts the mean behind a ReLU mostly where nothing is
// seen, so taking all of it back can cost more than it gives.
// The session, over a plan of `graph` in int8, was filled with `items` images; `reference` is what f32 showed on the
// same. Writes the plan's biases, and what was added into `out`.
mf_status mf_quant_correct(mf_calibration *out, const mf_graph *graph, const mf_plan *plan, mf_session *session,
                           int64_t items, const mf_taps *reference, double follow, mf_pool *pool, mf_error *e);

#endif
