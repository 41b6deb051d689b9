// The network in f32 over all images: what its activations hold, what it answers.
#include "base/log.h"
#include "graph/edit.h"
#include "quant/equalise.h"
#include "quant/internal.h"
#include <string.h>

#define CORRECTED_BYTES ((size_t)1 << 28) // fewer where activations are large: of the largest, in f32, over all of them

int mf_quant_spaced(int i, int wanted, int count) {
  return (int)((int64_t)i * count / wanted);
}

static int correction_count(const mf_graph *g, int samples) {
  size_t largest = 1;
  for (int t = 0; t < g->tensor_count; t++) {
    size_t elements = 0;
    if (!g->tensors[t].data && mf_shape_elements(&g->tensors[t].shape, &elements) && elements > largest)
      largest = elements;
  }
  size_t fit = CORRECTED_BYTES / (largest * sizeof(float));
  if (fit < 1) fit = 1;
  if (fit > MF_CORRECTED) fit = MF_CORRECTED;
  return (size_t)samples < fit ? samples : (int)fit;
}

// Fill image `index` in; false when it is one of those that are passed over.
static mf_status fill(mf_quant_run *r, const mf_quant_network *f32, int index, bool *filled, mf_error *e) {
  *filled = false;
  if (r->broken[index]) return MF_OK;
  const mf_status status = r->samples->fill(r->samples->context, f32->session, 0, index, e);
  if (status == MF_ERR_FILE && !r->samples->strict) {
    mf_log(MF_LOG_WARNING, "%s (passed over)", e->text);
    r->broken[index] = true;
    r->report->passed_over++;
    return MF_OK;
  }
  *filled = status == MF_OK;
  return status;
}

static void keep_output(const mf_quant_run *r, const mf_quant_network *f32, int index) {
  size_t count = 0;
  const float *output = mf_session_output(f32->session, &count);
  memcpy(r->outputs + (size_t)index * r->classes, output, r->classes * sizeof *output);
}

// ---- equalising

typedef struct channel_watch {
  const mf_quant_run *run;
  mf_channels channels;
} channel_watch;

static mf_status add_channels(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  channel_watch *w = context;
  (void)count;
  (void)e;
  mf_channels_add(&w->channels, w->run->graph, tensor, data, w->run->pool);
  return MF_OK;
}

static mf_status watch_channels(mf_quant_run *r, const mf_quant_network *f32, channel_watch *watch, mf_error *e) {
  const int every = r->options->equalise == MF_EQUALISE_AUTO ? 2 : 1;
  for (int i = 0; i < r->samples->count; i += every) {
    bool filled;
    MF_TRY(fill(r, f32, i, &filled, e));
    if (filled) {
      MF_TRY(mf_session_observe(f32->session, 0, add_channels, watch, e));
      keep_output(r, f32, i);
    }
    MF_TRY(mf_quant_tell(r, "channels", (size_t)i + 1, (size_t)r->samples->count, e));
  }
  return MF_OK;
}

mf_status mf_quant_find_factors(mf_quant_run *r, mf_error *e) {
  channel_watch watch = {.run = r};
  mf_quant_network f32;
  if (r->samples->count < MF_CORRECTION_IMAGES) return MF_OK;
  mf_quant_forget(r->graph);
  MF_TRY(mf_graph_rebatch(r->graph, 1, e));
  MF_TRY(mf_quant_open(r, 1, &f32, e));
  mf_status status = mf_channels_create(&watch.channels, r->graph, e);
  if (status == MF_OK) status = watch_channels(r, &f32, &watch, e);
  mf_quant_close(&f32);
  if (status == MF_OK) status = mf_equalise_choose(&r->equalisation, r->graph, &watch.channels, e);
  mf_channels_free(&watch.channels);
  return status;
}

mf_status mf_quant_equalise(mf_quant_run *r, mf_error *e) {
  const mf_graph *g = r->graph;
  r->parameters = mf_arena_alloc(&r->arena, (size_t)g->tensor_count * sizeof *r->parameters);
  if (!r->parameters) return mf_fail_memory(e, (size_t)g->tensor_count * sizeof *r->parameters);
  for (int t = 0; t < g->tensor_count; t++) r->parameters[t] = g->tensors[t].data;
  return mf_calibration_equalise(&r->equalisation, r->graph, &r->arena, e);
}

void mf_quant_undo_equalisation(mf_quant_run *r) {
  for (int t = 0; t < r->graph->tensor_count && r->parameters; t++) {
    r->graph->tensors[t].data = r->parameters[t];
    r->graph->tensors[t].factors = NULL;
  }
  r->parameters = NULL;
}

// ---- observing

static mf_status observe_one(mf_quant_run *r, const mf_quant_network *f32, int index, bool taps, mf_error *e) {
  bool filled;
  MF_TRY(fill(r, f32, index, &filled, e));
  if (!filled) return MF_OK;
  MF_TRY(mf_observations_add(&r->seen, r->graph, f32->session, r->pool, taps, e));
  if (!r->parameters) keep_output(r, f32, index);
  if (taps) r->correction_items[r->correction_item_count++] = index;
  return MF_OK;
}

static mf_status observe_all(mf_quant_run *r, const mf_quant_network *f32, mf_error *e) {
  const int count = r->samples->count, corrected = correction_count(r->graph, count);
  r->correction_items = mf_arena_alloc(&r->arena, (size_t)corrected * sizeof *r->correction_items);
  if (!r->correction_items) return mf_fail_memory(e, (size_t)corrected);
  for (int i = 0, next = 0; i < count; i++) {
    const bool taps = next < corrected && mf_quant_spaced(next, corrected, count) == i;
    MF_TRY(observe_one(r, f32, i, taps, e));
    next += taps;
    MF_TRY(mf_quant_tell(r, "calibrate", (size_t)i + 1, (size_t)count, e));
  }
  return MF_OK;
}

mf_status mf_quant_prepare(mf_quant_run *r, mf_error *e) {
  mf_quant_forget(r->graph);
  MF_TRY(mf_graph_rebatch(r->graph, 1, e));
  size_t bytes;
  if (!mf_shape_elements(&r->graph->tensors[r->graph->output].shape, &r->classes) ||
      !mf_mul((size_t)r->samples->count, r->classes * sizeof *r->outputs, &bytes))
    return mf_fail_memory(e, SIZE_MAX);
  r->outputs = mf_arena_alloc(&r->arena, bytes);
  r->broken = mf_arena_alloc(&r->arena, (size_t)r->samples->count);
  if (!r->outputs || !r->broken) return mf_fail_memory(e, bytes);
  return MF_OK;
}

mf_status mf_quant_observe(mf_quant_run *r, mf_error *e) {
  mf_quant_network f32;
  mf_quant_forget(r->graph);
  MF_TRY(mf_graph_rebatch(r->graph, 1, e));
  r->correction_item_count = 0;
  MF_TRY(mf_observations_create(&r->seen, r->graph, mf_pool_threads(r->pool), e));
  MF_TRY(mf_quant_open(r, 1, &f32, e));
  mf_status status = observe_all(r, &f32, e);
  mf_quant_close(&f32);
  if (status == MF_OK && !r->seen.samples)
    return mf_fail(e, MF_ERR_FILE, "none of %d pictures could be read", r->samples->count);
  return status;
}
