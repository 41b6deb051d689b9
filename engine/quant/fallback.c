#include "quant/fallback.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEASURED 8 // images that the noise of layers is measured on

typedef struct tensor_noise {
  float *f32; // of the image at hand
  double signal, noise;
} tensor_noise;

typedef struct rank {
  int node;
  double added, sqnr_db; // noise over signal, of the output less the input's; SQNR of the output
} rank;

static mf_status keep(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  tensor_noise *t = &((tensor_noise *)context)[tensor];
  if (!t->f32) t->f32 = mf_alloc(count * sizeof *t->f32);
  if (!t->f32) return mf_fail_memory(e, count * sizeof *t->f32);
  memcpy(t->f32, data, count * sizeof *t->f32);
  return MF_OK;
}

static mf_status subtract(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  tensor_noise *t = &((tensor_noise *)context)[tensor];
  (void)e;
  for (size_t i = 0; i < count && t->f32; i++) {
    const double was = (double)t->f32[i], difference = was - (double)data[i];
    t->signal += was * was;
    t->noise += difference * difference;
  }
  return MF_OK;
}

static mf_status measure_images(const mf_quant_run *r, const mf_quant_network *f32, const mf_quant_network *int8,
                                tensor_noise *tensors, mf_error *e) {
  const int count = r->correction_item_count < MEASURED ? r->correction_item_count : MEASURED;
  for (int i = 0; i < count; i++) {
    const int item = r->correction_items[(int64_t)i * r->correction_item_count / count];
    MF_TRY(r->samples->fill(r->samples->context, f32->session, 0, item, e));
    MF_TRY(mf_session_observe(f32->session, 0, keep, tensors, e));
    MF_TRY(r->samples->fill(r->samples->context, int8->session, 0, item, e));
    MF_TRY(mf_session_observe(int8->session, 0, subtract, tensors, e));
    MF_TRY(mf_quant_tell(r, "layer noise", (size_t)i + 1, (size_t)count, e));
  }
  return MF_OK;
}

static mf_status measure(const mf_quant_run *r, const mf_calibration *c, tensor_noise *tensors, mf_error *e) {
  mf_quant_network f32, int8;
  MF_TRY(mf_calibration_annotate(c, r->graph, e)); // both at batch 1, so they may be open at once
  MF_TRY(mf_quant_open(r, 1, &int8, e));
  mf_quant_forget(r->graph);
  mf_status status = mf_quant_open(r, 1, &f32, e);
  if (status == MF_OK) {
    status = measure_images(r, &f32, &int8, tensors, e);
    mf_quant_close(&f32);
  }
  mf_quant_close(&int8);
  return status;
}

static double noise_of(const tensor_noise *t) {
  return t->signal > 0 ? t->noise / t->signal : 0;
}

static int more_noise(const void *a, const void *b) {
  const rank *x = a, *y = b;
  if (x->added != y->added) return x->added > y->added ? -1 : 1;
  return x->node - y->node;
}

static bool is_slow(const mf_quant_run *r, const mf_node *node) {
  for (int i = 0; i < r->slow_count; i++)
    if (strcmp(r->slow[i].layer, node->name) == 0) return true;
  return false;
}

static mf_status rank_layers(const mf_quant_run *r, const mf_calibration *c, rank *ranks, int *count, mf_error *e) {
  const mf_graph *g = r->graph;
  const size_t bytes = (size_t)g->tensor_count * sizeof(tensor_noise);
  tensor_noise *tensors = mf_alloc_zero(bytes);
  if (!tensors) return mf_fail_memory(e, bytes);
  mf_status status = measure(r, c, tensors, e);
  *count = 0;
  for (int n = 0; n < g->node_count && status == MF_OK; n++) {
    if (!mf_node_multiplies(&g->nodes[n]) || is_slow(r, &g->nodes[n])) continue;
    const double in = noise_of(&tensors[g->nodes[n].inputs[0]]), to = noise_of(&tensors[g->nodes[n].output]);
    ranks[(*count)++] = (rank){n, to - in, -10 * log10(to)};
  }
  for (int t = 0; t < g->tensor_count; t++) mf_free(tensors[t].f32);
  mf_free(tensors);
  if (status == MF_OK) qsort(ranks, (size_t)*count, sizeof *ranks, more_noise);
  return status;
}

mf_status mf_quant_name_floats(const mf_quant_run *r, mf_calibration *out, int more, mf_error *e) {
  const size_t bytes = ((size_t)r->slow_count + (size_t)more) * sizeof *out->floats;
  out->floats = mf_arena_alloc(&out->arena, bytes);
  if (!out->floats) return mf_fail_memory(e, bytes);
  for (int i = 0; i < r->slow_count; i++) {
    mf_float_layer *f = &out->floats[out->float_count++];
    *f = (mf_float_layer){mf_arena_copy(&out->arena, r->slow[i].layer), mf_arena_copy(&out->arena, r->slow[i].reason)};
    if (!f->layer || !f->reason) return mf_fail_memory(e, 64);
  }
  return MF_OK;
}

static mf_status name_floats(const mf_quant_run *r, mf_calibration *out, const rank *ranks, int count, mf_error *e) {
  const mf_graph *g = r->graph;
  MF_TRY(mf_quant_name_floats(r, out, count, e));
  for (int i = 0; i < count; i++) {
    mf_float_layer *f = &out->floats[out->float_count++];
    f->layer = mf_arena_copy(&out->arena, g->nodes[ranks[i].node].name);
    f->reason =
        mf_arena_format(&out->arena, "adds the most noise but %d (its output in int8: %.1f dB)", i, ranks[i].sqnr_db);
    if (!f->layer || !f->reason) return mf_fail_memory(e, 64);
  }
  return MF_OK;
}

// With the first `count` layers in f32.
static mf_status try_floats(mf_quant_run *r, const rank *ranks, int count, mf_calibration *out, mf_error *e) {
  mf_calibration one = {.calibrator = r->calibrator->name};
  MF_TRY(mf_quant_take(r, name_floats(r, &one, ranks, count, e), &one, out, e));
  return mf_quant_tell(r, "layers in f32", (size_t)count, 0, e);
}

// Doubles the number until it is enough, then halves the gap.
static mf_status search(mf_quant_run *r, const rank *ranks, int count, mf_calibration *out, mf_error *e) {
  const double target = r->options->accuracy_target;
  int too_few = 0, enough = count, tried = 0;
  for (int floats = 1; floats < count; floats *= 2) {
    MF_TRY(try_floats(r, ranks, tried = floats, out, e));
    if (r->report->quality.agreement >= target) {
      enough = floats;
      break;
    }
    too_few = floats;
  }
  while (enough - too_few > 1) {
    const int floats = (enough + too_few) / 2;
    MF_TRY(try_floats(r, ranks, tried = floats, out, e));
    if (r->report->quality.agreement >= target)
      enough = floats;
    else
      too_few = floats;
  }
  return tried == enough ? MF_OK : try_floats(r, ranks, enough, out, e);
}

mf_status mf_quant_fall_back(mf_quant_run *r, mf_calibration *out, mf_error *e) {
  if (r->report->quality.agreement >= r->options->accuracy_target) return MF_OK;
  const size_t bytes = (size_t)r->graph->node_count * sizeof(rank);
  rank *ranks = mf_alloc(bytes);
  if (!ranks) return mf_fail_memory(e, bytes);
  int count = 0;
  mf_status status = rank_layers(r, out, ranks, &count, e);
  if (status == MF_OK && count) status = search(r, ranks, count, out, e);
  mf_free(ranks);
  return status;
}
