// Which convolutions are computed by Winograd's algorithm.
#ifndef MF_PLAN_WINOGRAD_H
#define MF_PLAN_WINOGRAD_H

#include "kernel/winograd.h"
#include "plan/lower.h"

// True when the convolution that is being lowered is to be: it can be, and the plan's algorithm asks for it, or leaves
// the choice and it is faster. Fills *problem.
bool mf_plan_winograd(const mf_lowering *lw, mf_winograd_problem *problem);

#endif
