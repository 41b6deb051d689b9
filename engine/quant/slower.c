#include "quant/slower.h"
#include "base/clock.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP 2
#define LEAST_ROUNDS 5
#define MOST_ROUNDS 31
#define BUDGET_NS 2000000000ull // of two networks in turns
#define MARGIN 1.05             // what is nearer than that may be chance

typedef struct timing { // of one network
  mf_quant_network network;
  mf_recorder *recorder;
  double *rounds; // by node and round, in ms, reorders in front of the node included
  double *node;   // by node: the median
  double total[MOST_ROUNDS];
} timing;

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, ascending);
  return values[count / 2];
}

static mf_status fill_batch(const mf_quant_run *r, mf_session *session, mf_error *e) {
  int item = 0;
  while (r->broken[item]) item++;
  for (int64_t at = 0; at < r->batch; at++) MF_TRY(r->samples->fill(r->samples->context, session, at, item, e));
  return MF_OK;
}

static mf_status open_timing(const mf_quant_run *r, timing *t, mf_error *e) {
  MF_TRY(mf_quant_open(r, r->batch, &t->network, e));
  MF_TRY(fill_batch(r, t->network.session, e));
  const size_t nodes = (size_t)r->graph->node_count, steps = (size_t)t->network.plan->step_count;
  t->rounds = mf_alloc_zero(nodes * MOST_ROUNDS * sizeof *t->rounds);
  t->node = mf_alloc_zero(nodes * sizeof *t->node);
  if (!t->rounds || !t->node) return mf_fail_memory(e, nodes * MOST_ROUNDS * sizeof *t->rounds);
  return mf_recorder_create(&t->recorder, 2 * (steps + nodes + 1), e);
}

static void close_timing(timing *t) {
  mf_quant_close(&t->network);
  mf_recorder_free(t->recorder);
  mf_free(t->rounds);
  mf_free(t->node);
  *t = (timing){0};
}

static mf_status run_round(timing *t, int round, mf_error *e) {
  const mf_plan *plan = t->network.plan;
  const uint32_t run = (uint32_t)(round + WARM_UP + 1);
  uint64_t duration = 0;
  MF_TRY(mf_session_run(t->network.session, t->recorder, MF_TRACE_PRIMITIVE, run, &duration, e));
  if (round < 0) return MF_OK;
  t->total[round] = (double)duration * 1e-6;
  for (size_t i = mf_recorder_count(t->recorder, NULL); i-- > 0;) {
    const mf_record *record = mf_recorder_at(t->recorder, i);
    if (record->run != run) break;
    if (record->kind != MF_SPAN_PRIMITIVE) continue;
    const int node = plan->layers[plan->steps[record->index].layer].node;
    t->rounds[node * MOST_ROUNDS + round] += (double)record->duration * 1e-6;
  }
  return MF_OK;
}

// In turns, so that what else goes on hits both. *ratio: the median of b's time over a's.
static mf_status run_rounds(const mf_quant_run *r, timing *a, timing *b, double *ratio, mf_error *e) {
  const uint64_t begin = mf_now_ns();
  double ratios[MOST_ROUNDS];
  int count = 0;
  for (int round = -WARM_UP; round < MOST_ROUNDS; round++) {
    if (round >= LEAST_ROUNDS && mf_now_ns() - begin > BUDGET_NS) break;
    MF_TRY(run_round(a, round, e));
    MF_TRY(run_round(b, round, e));
    MF_TRY(mf_quant_tell(r, "time layers", (size_t)(round + WARM_UP + 1), 0, e));
    if (round < 0) continue;
    ratios[count++] = b->total[round] / a->total[round];
  }
  *ratio = median(ratios, count);
  for (int n = 0; n < r->graph->node_count; n++) {
    a->node[n] = median(a->rounds + (size_t)n * MOST_ROUNDS, count);
    b->node[n] = median(b->rounds + (size_t)n * MOST_ROUNDS, count);
  }
  return MF_OK;
}

// The network as `c` has it against the same with `floats` in f32 (NULL: all).
static mf_status compare(const mf_quant_run *r, const mf_calibration *c, const bool *floats, double *before,
                         double *now, double *ratio, mf_error *e) {
  mf_graph *g = r->graph;
  timing a = {0}, b = {0};
  mf_status status = mf_calibration_annotate(c, g, e);
  if (status == MF_OK) status = open_timing(r, &a, e);
  if (!floats) mf_quant_forget(g);
  for (int n = 0; n < g->node_count && floats; n++)
    if (floats[n]) g->nodes[n].compute = MF_F32;
  if (status == MF_OK) status = open_timing(r, &b, e);
  if (status == MF_OK) status = run_rounds(r, &a, &b, ratio, e);
  for (int n = 0; n < g->node_count && status == MF_OK; n++) {
    before[n] = a.node[n];
    now[n] = b.node[n];
  }
  close_timing(&a);
  close_timing(&b);
  return status;
}

static bool reads(const mf_node *node, mf_tensor_id tensor) {
  for (int i = 0; i < node->input_count; i++)
    if (node->inputs[i] == tensor) return true;
  return false;
}

// What a node and those that write its inputs or read its output gain.
static double gain(const mf_graph *g, int at, const double *before, const double *now) {
  double sum = 0;
  for (int n = 0; n < g->node_count; n++)
    if (n == at || reads(&g->nodes[at], g->nodes[n].output) || reads(&g->nodes[n], g->nodes[at].output))
      sum += before[n] - now[n];
  return sum;
}

bool mf_slower_drop(const mf_graph *g, const double *before, const double *now, bool *floats) {
  bool dropped = false;
  for (int n = 0; n < g->node_count; n++) {
    if (!floats[n] || gain(g, n, before, now) > 0) continue;
    floats[n] = false;
    dropped = true;
  }
  return dropped;
}

static int count_of(const bool *floats, int nodes) {
  int count = 0;
  for (int n = 0; n < nodes; n++) count += floats[n];
  return count;
}

typedef struct search { // by node
  double *int8, *f32, *before, *now;
  bool *floats;
} search;

static mf_status find(const mf_quant_run *r, const mf_calibration *c, search *s, mf_error *e) {
  const mf_graph *g = r->graph;
  double ratio = 0;
  MF_TRY(compare(r, c, NULL, s->int8, s->f32, &ratio, e));
  for (int n = 0; n < g->node_count; n++)
    s->floats[n] = mf_node_multiplies(&g->nodes[n]) && s->int8[n] > MARGIN * s->f32[n];
  for (bool again = true; again && count_of(s->floats, g->node_count);) {
    MF_TRY(compare(r, c, s->floats, s->before, s->now, &ratio, e));
    again = mf_slower_drop(g, s->before, s->now, s->floats);
    if (!again && ratio >= 1) memset(s->floats, 0, (size_t)g->node_count);
  }
  return MF_OK;
}

static mf_status name_layers(mf_quant_run *r, const search *s, int count, mf_error *e) {
  r->slow = mf_arena_alloc(&r->arena, (size_t)count * sizeof *r->slow);
  if (!r->slow) return mf_fail_memory(e, (size_t)count * sizeof *r->slow);
  for (int n = 0; n < r->graph->node_count; n++) {
    if (!s->floats[n]) continue;
    mf_float_layer *layer = &r->slow[r->slow_count++];
    layer->layer = mf_arena_copy(&r->arena, r->graph->nodes[n].name);
    layer->reason = mf_arena_format(&r->arena, "slower in int8: %.3g against %.3g ms", s->int8[n], s->f32[n]);
    if (!layer->layer || !layer->reason) return mf_fail_memory(e, 64);
  }
  return MF_OK;
}

static mf_status take(mf_quant_run *r, mf_calibration *out, mf_error *e) {
  mf_calibration one = {.calibrator = r->calibrator->name};
  return mf_quant_take(r, mf_quant_name_floats(r, &one, 0, e), &one, out, e);
}

mf_status mf_quant_find_slower(mf_quant_run *r, mf_calibration *out, mf_error *e) {
  const size_t nodes = (size_t)r->graph->node_count;
  mf_arena arena = {0};
  search s = {mf_arena_alloc(&arena, nodes * sizeof *s.int8), mf_arena_alloc(&arena, nodes * sizeof *s.f32),
              mf_arena_alloc(&arena, nodes * sizeof *s.before), mf_arena_alloc(&arena, nodes * sizeof *s.now),
              mf_arena_alloc(&arena, nodes)};
  mf_status status = s.int8 && s.f32 && s.before && s.now && s.floats ? find(r, out, &s, e)
                                                                      : mf_fail_memory(e, nodes * sizeof *s.int8);
  const int count = status == MF_OK ? count_of(s.floats, r->graph->node_count) : 0;
  if (count) status = name_layers(r, &s, count, e);
  mf_arena_free(&arena);
  return status == MF_OK && count ? take(r, out, e) : status;
}
