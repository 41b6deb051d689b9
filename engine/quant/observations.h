// What a network in f32 shows on images: the distribution of every activation, what lies under its weights, its
// answers. One pass, and memory that does not grow with the images but for the answers.
#ifndef MF_QUANT_OBSERVATIONS_H
#define MF_QUANT_OBSERVATIONS_H

#include "quant/histogram.h"
#include "quant/taps.h"
#include "run/session.h"

typedef struct mf_observations {
  mf_histogram *tensors; // by tensor id of the graph
  int tensor_count;
  mf_taps taps;
  int samples; // images observed
} mf_observations;
mf_status mf_observations_create(mf_observations *out, const mf_graph *graph, int workers, mf_error *e);
void mf_observations_free(mf_observations *observations); // zero-initialised is allowed

// Run the session, whose batch is 1, on what it was filled with and add what its activations hold; into the taps only
// where `taps` is set.
mf_status mf_observations_add(mf_observations *observations, const mf_graph *graph, mf_session *session, mf_pool *pool,
                              bool taps, mf_error *e);

#endif
