// Layers that this machine runs slower in int8 than in f32.
#ifndef MF_QUANT_SLOWER_H
#define MF_QUANT_SLOWER_H

#include "quant/internal.h"

// Time the network in int8 and in f32 at the session's batch, in turns. Layers that took longer in int8 go to f32, as
// long as they and their neighbours, with the conversions that then stand between them, are faster so, and the whole
// network is. With any such layer *out and its quality in the report are replaced; mf_quant_fall_back keeps them.
mf_status mf_quant_find_slower(mf_quant_run *r, mf_calibration *out, mf_error *e);

// One step of that: of the nodes in `floats`, which are in f32 in the second of two plans, those leave that with the
// nodes around them do not take less time there. `before` and `now` are the nodes' times. True when any left.
bool mf_slower_drop(const mf_graph *graph, const double *before, const double *now, bool *floats);

#endif
