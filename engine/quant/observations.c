#include "quant/observations.h"

mf_status mf_observations_create(mf_observations *out, const mf_graph *graph, int workers, mf_error *e) {
  const size_t bytes = (size_t)graph->tensor_count * sizeof *out->tensors;
  *out = (mf_observations){.tensors = mf_alloc(bytes), .tensor_count = graph->tensor_count};
  if (!out->tensors) return mf_fail_memory(e, bytes);
  for (int t = 0; t < out->tensor_count; t++) out->tensors[t] = MF_HISTOGRAM_EMPTY;
  return mf_taps_create(&out->taps, graph, workers, e);
}

void mf_observations_free(mf_observations *o) {
  for (int t = 0; t < o->tensor_count && o->tensors; t++) mf_histogram_free(&o->tensors[t]);
  mf_free(o->tensors);
  mf_taps_free(&o->taps);
  *o = (mf_observations){0};
}

typedef struct observing {
  mf_observations *observations;
  const mf_graph *graph;
  mf_pool *pool;
  bool taps;
} observing;

static mf_status add(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  const observing *o = context;
  if (o->taps) mf_taps_add(&o->observations->taps, o->graph, tensor, data, 1, o->pool);
  return mf_histogram_add(&o->observations->tensors[tensor], data, count, o->pool, e);
}

mf_status mf_observations_add(mf_observations *observations, const mf_graph *graph, mf_session *session, mf_pool *pool,
                              bool taps, mf_error *e) {
  observing o = {observations, graph, pool, taps};
  MF_TRY(mf_session_observe(session, 0, add, &o, e));
  observations->samples++;
  return MF_OK;
}
