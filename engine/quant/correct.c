#include "quant/correct.h"
#include "graph/edit.h"
#include "plan/int8_weights.h"
#include <math.h>
#include <string.h>

typedef struct correction {
  mf_calibration *out;
  const mf_graph *graph;
  const mf_plan *plan;
  const mf_taps *reference;
  mf_taps *now;
  double follow;
  int64_t items;
  mf_pool *pool;
} correction;

typedef struct layer { // one node's weights, and what lies under them in f32 and now
  const float *weights, *scales;
  size_t channels, row; // output channels; weights of each
  size_t group;         // output channels that read the same inputs
  int multiple;         // 0: the weights are not rounded
  const double *expected, *actual;
  double expected_count, actual_count, follow;
  float *shift;
} layer;

#define PART 512

// What one output channel's rounded weights make of the taps.
static double rounded_dot(const layer *l, size_t channel, const double *taps) {
  const float *weights = l->weights + channel * l->row;
  double sum = 0;
  for (size_t begin = 0; begin < l->row; begin += PART) {
    const size_t count = l->row - begin < PART ? l->row - begin : PART;
    int8_t stored[PART];
    mf_int8_weights(weights + begin, count, l->scales[channel], l->multiple, stored);
    for (size_t i = 0; i < count; i++) sum += (double)stored[i] * taps[begin + i];
  }
  return sum * (double)l->scales[channel];
}

static double dot(const layer *l, size_t channel, const double *taps) {
  const float *weights = l->weights + channel * l->row;
  double sum = 0;
  for (size_t i = 0; i < l->row; i++) sum += (double)weights[i] * taps[i];
  return sum;
}

static double current_dot(const layer *l, size_t channel, const double *taps) {
  return l->multiple ? rounded_dot(l, channel, taps) : dot(l, channel, taps);
}

// Expected mean - actual mean of one output channel.
static double mean_shift(const layer *l, size_t channel) {
  const double *expected = l->expected + channel / l->group * l->row, *actual = l->actual + channel / l->group * l->row;
  const double wanted = dot(l, channel, expected) / l->expected_count;
  double got = 0;
  if (l->follow > 0) got += l->follow * current_dot(l, channel, actual) / l->actual_count;
  if (l->follow < 1) got += (1 - l->follow) * current_dot(l, channel, expected) / l->expected_count;
  return wanted - got;
}

static void shift_channels(int part, int parts, void *context) {
  const layer *l = context;
  for (size_t c = l->channels * (size_t)part / (size_t)parts; c < l->channels * ((size_t)part + 1) / (size_t)parts;
       c++) {
    const double shift = mean_shift(l, c);
    l->shift[c] = isfinite(shift) ? (float)shift : 0;
  }
}

static mf_status correct_node(const correction *c, int n, mf_error *e) {
  const mf_node *node = &c->graph->nodes[n];
  const mf_tensor *weights = &c->graph->tensors[node->inputs[1]], *bias = &c->graph->tensors[node->inputs[2]];
  size_t elements = 0;
  if (!c->reference->counts[n] || !mf_shape_elements(&weights->shape, &elements)) return MF_OK;
  const size_t channels = (size_t)weights->shape.dim[0];
  const size_t groups = node->op == MF_OP_CONVOLUTION ? (size_t)node->attributes.convolution.groups : 1;
  mf_calibration *out = c->out;
  float *scales = mf_alloc(channels * sizeof *scales), *stored = mf_alloc(channels * sizeof *stored);
  float *shift = mf_arena_alloc(&out->arena, channels * sizeof *shift);
  const char *name = mf_arena_copy(&out->arena, node->name);
  if (!scales || !stored || !shift || !name) {
    mf_free(scales);
    mf_free(stored);
    return mf_fail_memory(e, channels * sizeof *scales);
  }
  layer l = {.weights = weights->data,
             .scales = scales,
             .channels = channels,
             .row = elements / channels,
             .group = channels / groups,
             .expected = c->reference->sums[n],
             .expected_count = (double)c->reference->counts[n],
             .actual = c->now->sums[n],
             .actual_count = (double)c->now->counts[n],
             .follow = c->follow,
             .shift = shift};
  if (node->compute == MF_S8) mf_int8_weight_scales(c->graph, node, channels, l.row, scales, &l.multiple);
  mf_pool_run(c->pool, mf_pool_threads(c->pool), shift_channels, &l);
  mf_free(scales);
  for (size_t i = 0; i < channels; i++) stored[i] = bias->data[i] + shift[i];
  const bool is_set = mf_plan_set_bias(c->plan, n, stored);
  mf_free(stored);
  if (!is_set) return MF_OK;
  out->corrections[out->correction_count++] = (mf_bias_correction){name, shift, (int)channels};
  return MF_OK;
}

// An activation has just been written; those that multiply it have not run yet.
static mf_status look(mf_tensor_id tensor, const float *data, size_t count, void *context, mf_error *e) {
  const correction *c = context;
  (void)count;
  mf_taps_add(c->now, c->graph, tensor, data, c->items, c->pool);
  for (int n = 0; n < c->graph->node_count; n++) {
    const mf_node *node = &c->graph->nodes[n];
    if (mf_node_multiplies(node) && node->inputs[0] == tensor && mf_node_operands(node) > 2)
      MF_TRY(correct_node(c, n, e));
  }
  return MF_OK;
}

mf_status mf_quant_correct(mf_calibration *out, const mf_graph *graph, const mf_plan *plan, mf_session *session,
                           int64_t items, const mf_taps *reference, double follow, mf_pool *pool, mf_error *e) {
  mf_taps now = {0};
  correction c = {out, graph, plan, reference, &now, follow, items, pool};
  out->correction_count = 0;
  out->corrections = mf_arena_alloc(&out->arena, (size_t)graph->node_count * sizeof *out->corrections);
  mf_status status = out->corrections ? mf_taps_create(&now, graph, mf_pool_threads(pool), e)
                                      : mf_fail_memory(e, (size_t)graph->node_count);
  if (status == MF_OK) status = mf_session_observe(session, 0, look, &c, e);
  mf_taps_free(&now);
  return status;
}
