#include "quant/quant.h"
#include <float.h>
#include <math.h>

mf_status mf_quant_observations_create(mf_observations *out, const mf_graph *graph, mf_error *e) {
  size_t bytes = (size_t)graph->tensor_count * sizeof *out->tensors;
  *out = (mf_observations){.tensors = mf_alloc_zero(bytes), .tensor_count = graph->tensor_count};
  return out->tensors ? MF_OK : mf_fail_memory(e, bytes);
}

void mf_quant_observations_free(mf_observations *observations) {
  mf_free(observations->tensors);
  *observations = (mf_observations){0};
}

static mf_status add(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  (void)e;
  mf_statistics *s = &((mf_observations *)context)->tensors[tensor];
  float low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < count; i++) { // infinities are passed over, and NaN fails every comparison
    low = data[i] < low && data[i] >= -FLT_MAX ? data[i] : low;
    high = data[i] > high && data[i] <= FLT_MAX ? data[i] : high;
  }
  if (!(low <= high)) return MF_OK;
  s->min = s->seen ? fminf(s->min, low) : low;
  s->max = s->seen ? fmaxf(s->max, high) : high;
  s->seen = true;
  return MF_OK;
}

mf_status mf_quant_observe(mf_observations *observations, mf_session *session, mf_error *e) {
  MF_TRY(mf_session_observe(session, add, observations, e));
  observations->samples++;
  return MF_OK;
}
