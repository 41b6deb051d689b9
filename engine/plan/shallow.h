// Which convolutions are computed by the kernel of our own for few products.
#ifndef MF_PLAN_SHALLOW_H
#define MF_PLAN_SHALLOW_H

#include "kernel/shallow.h"
#include "plan/weighted.h"

// True when the convolution that is being lowered is to be. Fills *problem.
bool mf_plan_shallow(const mf_lowering *lw, const mf_weighted *weighted, mf_shallow_problem *problem);

#endif
