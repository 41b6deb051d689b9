#include "quant/channels.h"
#include <float.h>
#include <math.h>

mf_status mf_channels_create(mf_channels *out, const mf_graph *g, mf_error *e) {
  *out = (mf_channels){0};
  out->tensors = mf_arena_alloc(&out->arena, (size_t)g->tensor_count * sizeof *out->tensors);
  if (!out->tensors) return mf_fail_memory(e, (size_t)g->tensor_count * sizeof *out->tensors);
  for (int t = 0; t < g->tensor_count; t++) {
    if (g->tensors[t].data) continue;
    const size_t bytes = (size_t)g->tensors[t].shape.dim[1] * sizeof **out->tensors;
    out->tensors[t] = mf_arena_alloc(&out->arena, bytes);
    if (!out->tensors[t]) return mf_fail_memory(e, bytes);
  }
  return MF_OK;
}

void mf_channels_free(mf_channels *c) {
  mf_arena_free(&c->arena);
  *c = (mf_channels){0};
}

typedef struct adding {
  mf_channel *to;
  const float *data;
  size_t channels, plane; // numbers of a channel
} adding;

static void add_plane(mf_channel *to, const float *data, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float size = fabsf(data[i]);
    if (!(size <= FLT_MAX)) continue;
    if (size > to->largest) to->largest = size;
    to->sum += (double)data[i];
    to->squares += (double)data[i] * (double)data[i];
    to->count++;
  }
}

static void add_part(int part, int parts, void *context) {
  const adding *a = context;
  const size_t begin = a->channels * (size_t)part / (size_t)parts;
  const size_t end = a->channels * ((size_t)part + 1) / (size_t)parts;
  for (size_t c = begin; c < end; c++) add_plane(&a->to[c], a->data + c * a->plane, a->plane);
}

void mf_channels_add(mf_channels *channels, const mf_graph *g, mf_tensor_id tensor, const float *data, mf_pool *pool) {
  const mf_shape *shape = &g->tensors[tensor].shape;
  adding a = {channels->tensors[tensor], data, (size_t)shape->dim[1], 1};
  for (int i = 2; i < shape->rank; i++) a.plane *= (size_t)shape->dim[i];
  mf_pool_run(pool, mf_pool_threads(pool), add_part, &a);
}
