#include "plan/chunk.h"

#define LOW_INTENSITY 300

double mf_plan_intensity(const mf_graph *g) {
  double flops = 0, numbers = 0;
  for (int n = 0; n < g->node_count; n++) {
    const double own = mf_node_flops(g, &g->nodes[n]);
    size_t written = 0;
    if (own <= 0 || !mf_shape_elements(&g->tensors[g->nodes[n].output].shape, &written)) continue;
    flops += own;
    numbers += (double)written;
  }
  return numbers > 0 ? flops / numbers : 0;
}

int mf_plan_chunk(int batch, bool f32, bool amx, double intensity) {
  const bool waits = intensity < LOW_INTENSITY || (amx && !f32); // for memory
  const int most = !waits ? 32 : f32 ? 4 : 8;
  if (batch <= most) return batch;
  for (int chunk = most; chunk >= most / 2; chunk--)
    if (batch % chunk == 0) return chunk;
  return batch;
}
