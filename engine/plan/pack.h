// Packing: parameters written once, in parallel, in the form their primitives read.
#ifndef MF_PLAN_PACK_H
#define MF_PLAN_PACK_H

#include "plan/lower.h"

// Lays out the constants' slab and fills it.
mf_status mf_plan_pack(mf_plan *plan, const mf_pack *packs, int count, mf_pool *pool, mf_error *e);

#endif
