#include "quant/calibration.h"
#include "base/hash.h"
#include "graph/edit.h"
#include "quant/taps.h"
#include <string.h>

void mf_calibration_free(mf_calibration *c) {
  mf_arena_free(&c->arena);
  *c = (mf_calibration){0};
}

static mf_node *find_node(const mf_graph *g, const char *name) {
  for (int n = 0; n < g->node_count; n++)
    if (strcmp(g->nodes[n].name, name) == 0) return &g->nodes[n];
  return NULL;
}

static mf_status check_complete(const mf_graph *g, mf_error *e) {
  for (int n = 0; n < g->node_count; n++) {
    const mf_node *node = &g->nodes[n];
    if (node->compute == MF_S8 && !g->tensors[node->inputs[0]].quantization.set)
      return mf_fail(e, MF_ERR_FILE, "the calibration has no scale for %s, which %s reads in int8",
                     g->tensors[node->inputs[0]].name, node->name);
  }
  return MF_OK;
}

mf_status mf_calibration_annotate(const mf_calibration *c, mf_graph *g, mf_error *e) {
  for (int t = 0; t < g->tensor_count; t++) g->tensors[t].quantization = (mf_quantization){0};
  for (int n = 0; n < g->node_count; n++) g->nodes[n].compute = mf_node_multiplies(&g->nodes[n]) ? MF_S8 : MF_F32;
  for (int i = 0; i < c->tensor_count; i++) {
    const mf_tensor_id id = mf_graph_find(g, c->tensors[i].name);
    if (id == MF_NO_TENSOR || g->tensors[id].data)
      return mf_fail(e, MF_ERR_FILE, "the calibration is of another network: %s has no activation %s", g->name,
                     c->tensors[i].name);
    g->tensors[id].quantization = c->tensors[i].quantization;
  }
  for (int i = 0; i < c->float_count; i++) {
    mf_node *node = find_node(g, c->floats[i].layer);
    if (!node)
      return mf_fail(e, MF_ERR_FILE, "the calibration is of another network: %s has no layer %s", g->name,
                     c->floats[i].layer);
    node->compute = MF_F32;
  }
  return check_complete(g, e);
}

static mf_status correct(mf_graph *g, const mf_bias_correction *correction, mf_error *e) {
  mf_node *node = find_node(g, correction->layer);
  if (!node || !mf_node_multiplies(node) || mf_node_operands(node) < 3)
    return mf_fail(e, MF_ERR_FILE, "the calibration is of another network: %s has no layer %s with a bias", g->name,
                   correction->layer);
  const mf_tensor *bias = &g->tensors[node->inputs[2]];
  if (bias->shape.dim[0] != correction->channels)
    return mf_fail(e, MF_ERR_FILE, "the calibration is of another network: %s has %lld channels (not %d)",
                   correction->layer, (long long)bias->shape.dim[0], correction->channels);
  const mf_shape shape = bias->shape; // the tensors move when one is added
  const float *from = bias->data;
  float *to = mf_arena_alloc(&g->arena, (size_t)correction->channels * sizeof *to);
  const char *name = mf_arena_format(&g->arena, "%s.corrected_bias", node->name);
  if (!to || !name) return mf_fail_memory(e, (size_t)correction->channels * sizeof *to);
  for (int i = 0; i < correction->channels; i++) to[i] = from[i] + correction->shift[i];
  return mf_graph_add_tensor(g, name, &shape, to, &node->inputs[2], e);
}

mf_status mf_calibration_correct(const mf_calibration *c, mf_graph *g, mf_error *e) {
  for (int i = 0; i < c->correction_count; i++) MF_TRY(correct(g, &c->corrections[i], e));
  return mf_graph_sweep(g, e); // biases that nobody reads any more
}

mf_status mf_calibration_take_corrections(mf_calibration *to, const mf_calibration *from, mf_error *e) {
  to->correction_count = 0;
  to->corrections = mf_arena_alloc(&to->arena, ((size_t)from->correction_count + 1) * sizeof *to->corrections);
  if (!to->corrections) return mf_fail_memory(e, (size_t)from->correction_count);
  for (int i = 0; i < from->correction_count; i++) {
    const mf_bias_correction *one = &from->corrections[i];
    const size_t bytes = (size_t)one->channels * sizeof *one->shift;
    mf_bias_correction copy = {mf_arena_copy(&to->arena, one->layer), mf_arena_alloc(&to->arena, bytes), one->channels};
    if (!copy.layer || !copy.shift) return mf_fail_memory(e, bytes);
    memcpy(copy.shift, one->shift, bytes);
    to->corrections[to->correction_count++] = copy;
  }
  return MF_OK;
}

mf_status mf_calibration_take_equalisations(mf_calibration *to, const mf_calibration *from, mf_error *e) {
  to->equalisation_count = 0;
  to->equalisations = mf_arena_alloc(&to->arena, ((size_t)from->equalisation_count + 1) * sizeof *to->equalisations);
  if (!to->equalisations) return mf_fail_memory(e, (size_t)from->equalisation_count);
  for (int i = 0; i < from->equalisation_count; i++) {
    const mf_equalisation *one = &from->equalisations[i];
    const size_t bytes = (size_t)one->channels * sizeof *one->factors;
    float *factors = mf_arena_alloc(&to->arena, bytes);
    const char *tensor = mf_arena_copy(&to->arena, one->tensor);
    if (!tensor || !factors) return mf_fail_memory(e, bytes);
    memcpy(factors, one->factors, bytes);
    to->equalisations[to->equalisation_count++] = (mf_equalisation){tensor, factors, one->channels};
  }
  return MF_OK;
}

mf_status mf_calibration_copy(mf_calibration *out, const mf_calibration *from, mf_error *e) {
  const size_t tensors = ((size_t)from->tensor_count + 1) * sizeof *out->tensors,
               floats = ((size_t)from->float_count + 1) * sizeof *out->floats;
  *out = *from;
  out->arena = (mf_arena){0};
  out->model = mf_arena_copy(&out->arena, from->model);
  out->calibrator = mf_arena_copy(&out->arena, from->calibrator);
  out->tensors = mf_arena_alloc(&out->arena, tensors);
  out->floats = mf_arena_alloc(&out->arena, floats);
  bool whole = out->model && out->calibrator && out->tensors && out->floats;
  for (int i = 0; i < from->tensor_count && whole; i++) {
    mf_calibrated_tensor *t = &out->tensors[i];
    *t = from->tensors[i];
    t->name = mf_arena_copy(&out->arena, t->name);
    t->calibrator = mf_arena_copy(&out->arena, t->calibrator);
    whole = t->name && t->calibrator;
  }
  for (int i = 0; i < from->float_count && whole; i++) {
    mf_float_layer *f = &out->floats[i];
    f->layer = mf_arena_copy(&out->arena, from->floats[i].layer);
    f->reason = mf_arena_copy(&out->arena, from->floats[i].reason);
    whole = f->layer && f->reason;
  }
  if (!whole) return mf_fail_memory(e, tensors + floats);
  MF_TRY(mf_calibration_take_equalisations(out, from, e));
  return mf_calibration_take_corrections(out, from, e);
}

uint64_t mf_calibration_weights_hash(const mf_graph *g) {
  uint64_t hash = 0;
  for (int t = 0; t < g->tensor_count; t++) {
    const mf_tensor *tensor = &g->tensors[t];
    size_t elements = 0;
    if (!tensor->data || !mf_shape_elements(&tensor->shape, &elements)) continue;
    hash = mf_hash(tensor->name, strlen(tensor->name), hash);
    hash = mf_hash(tensor->shape.dim, (size_t)tensor->shape.rank * sizeof *tensor->shape.dim, hash);
    hash = mf_hash(tensor->data, elements * sizeof *tensor->data, hash);
  }
  return hash;
}
