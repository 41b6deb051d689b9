// Which convolutions are computed by the depthwise kernel of our own.
#ifndef MF_PLAN_DEPTHWISE_H
#define MF_PLAN_DEPTHWISE_H

#include "kernel/depthwise.h"
#include "plan/weighted.h"

// True when the convolution that is being lowered is to be. Fills *problem.
bool mf_plan_depthwise(const mf_lowering *lw, const mf_weighted *weighted, mf_depthwise_problem *problem);

#endif
