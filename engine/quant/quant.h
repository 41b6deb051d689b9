// Quantisation: what was seen of every activation becomes a type and a scale for it, written into the graph, which the
// plan obeys.
#ifndef MF_QUANT_QUANT_H
#define MF_QUANT_QUANT_H

#include "run/session.h"

// What is known of one activation.
typedef struct mf_statistics {
  bool seen;
  float min, max; // of all finite values
} mf_statistics;

typedef struct mf_observations {
  mf_statistics *tensors; // by tensor id of the graph
  int tensor_count;
  int samples; // items observed
} mf_observations;
mf_status mf_quant_observations_create(mf_observations *out, const mf_graph *graph, mf_error *e);
void mf_quant_observations_free(mf_observations *observations); // zero-initialised is allowed

// Run the session on what it was filled with and add what its activations hold.
mf_status mf_quant_observe(mf_observations *observations, mf_session *session, mf_error *e);

// Calibrators by name (calibrator.def). MF_ERR_USAGE lists them.
typedef struct mf_calibrator mf_calibrator;
mf_status mf_quant_calibrator(const mf_calibrator **out, const char *name, mf_error *e);
const char *mf_quant_calibrator_name(const mf_calibrator *calibrator);

// Decide for the whole graph: convolutions and inner products compute in int8, and every activation that one of them
// reads is stored as u8 (nothing negative was seen) or s8, symmetric. Pooling, concat and views share one scale between
// their ends.
mf_status mf_quant_assign(mf_graph *graph, const mf_observations *observations, const mf_calibrator *calibrator,
                          mf_error *e);

#endif
