// The eltwise functions as numbers and names. Formulas stand at mf_eltwise_kind in attributes.h.
#ifndef MF_GRAPH_ELTWISE_H
#define MF_GRAPH_ELTWISE_H

#include "graph/attributes.h"

const char *mf_eltwise_name(mf_eltwise_kind kind); // "relu", "clip", ...
double mf_eltwise_value(const mf_eltwise *f, double x);

#endif
