#include "quant/assign.h"
#include <math.h>
#include <string.h>

// Ops that move integers without computing with them: input and output share one scale.
static bool carries(const mf_node *node) {
  switch (node->op) {
  case MF_OP_POOLING:
  case MF_OP_CONCAT:
  case MF_OP_FLATTEN:
  case MF_OP_DROPOUT:
  case MF_OP_IDENTITY:
    return true;
  default:
    return false;
  }
}

typedef struct assignment {
  const mf_calibration *calibration;
  bool *wanted;          // somebody reads it as integers
  int *group;            // union-find over tensors that share a scale
  mf_interval *interval; // by group root
  bool *known;           // by group root
  bool *own_scale;       // by node: its output has another scale than its input
} assignment;

static bool multiplies_integers(const assignment *a, const mf_node *node) {
  for (int i = 0; i < a->calibration->float_count; i++)
    if (strcmp(a->calibration->floats[i].layer, node->name) == 0) return false;
  return mf_node_multiplies(node);
}

static int find(const assignment *a, int t) {
  while (a->group[t] != t) {
    a->group[t] = a->group[a->group[t]];
    t = a->group[t];
  }
  return t;
}

// Averages lie closer together than what they are made of, and a mean over many numbers needs a finer scale than each
// of them: average pooling has one of its own, unless its output shares one with others already.
static bool rescales(const mf_graph *g, const assignment *a, const mf_node *node) {
  if (node->op != MF_OP_POOLING || node->attributes.pooling.kind == MF_POOLING_MAX) return false;
  for (int t = 0; t < g->tensor_count; t++)
    if (t != node->output && find(a, t) == find(a, node->output)) return false;
  return true;
}

// From the end to the beginning: a tensor is wanted in integers when a multiplication reads it, or an op that carries
// it there does, or when it is summed in place into something stored in integers.
static void find_wanted(const mf_graph *g, assignment *a) {
  for (int n = g->node_count - 1; n >= 0; n--) {
    const mf_node *node = &g->nodes[n];
    if (multiplies_integers(a, node)) {
      a->wanted[node->inputs[0]] = true;
      for (int p = 0; p < node->post_count; p++)
        if (node->posts[p].kind == MF_POST_SUM && a->wanted[node->output])
          a->wanted[node->inputs[node->posts[p].input]] = true;
    } else if (carries(node) && a->wanted[node->output]) {
      a->own_scale[n] = rescales(g, a, node);
      for (int i = 0; i < node->input_count; i++) {
        a->wanted[node->inputs[i]] = true;
        if (!a->own_scale[n]) a->group[find(a, node->inputs[i])] = find(a, node->output);
      }
    }
  }
}

static void find_intervals(const mf_graph *g, assignment *a, const mf_observations *seen,
                           const mf_calibrator *calibrator) {
  for (int t = 0; t < g->tensor_count; t++) {
    if (!a->wanted[t] || !mf_histogram_seen(&seen->tensors[t])) continue;
    const mf_interval one = calibrator->choose(&seen->tensors[t]);
    const int root = find(a, t);
    mf_interval *all = &a->interval[root];
    *all = a->known[root] ? (mf_interval){fminf(all->low, one.low), fmaxf(all->high, one.high), all->calibrator} : one;
    a->known[root] = true;
  }
}

// Pooling keeps the type: averages of signed integers are signed.
static void keep_signs(const mf_graph *g, assignment *a) {
  for (int n = 0; n < g->node_count; n++) {
    if (!a->own_scale[n]) continue;
    const mf_interval *in = &a->interval[find(a, g->nodes[n].inputs[0])];
    mf_interval *out = &a->interval[find(a, g->nodes[n].output)];
    if (in->low < 0 && out->low >= 0) out->low = -out->high;
  }
}

static mf_status record(mf_calibration *out, const mf_graph *g, const assignment *a, const mf_observations *seen,
                        mf_error *e) {
  out->tensors = mf_arena_alloc(&out->arena, (size_t)g->tensor_count * sizeof *out->tensors);
  if (!out->tensors) return mf_fail_memory(e, (size_t)g->tensor_count * sizeof *out->tensors);
  for (int t = 0; t < g->tensor_count; t++) {
    if (!a->wanted[t]) continue;
    const int root = find(a, t);
    if (!a->known[root])
      return mf_fail(e, MF_ERR_FILE, "calibration saw no number in the output of %s", g->tensors[t].name);
    const bool shown = mf_histogram_seen(&seen->tensors[t]); // views are not: they have their group's range
    out->tensors[out->tensor_count++] =
        (mf_calibrated_tensor){.name = mf_arena_copy(&out->arena, g->tensors[t].name),
                               .quantization = mf_interval_quantization(a->interval[root]),
                               .min = shown ? seen->tensors[t].min : a->interval[root].low,
                               .max = shown ? seen->tensors[t].max : a->interval[root].high,
                               .calibrator = a->interval[root].calibrator};
    if (!out->tensors[out->tensor_count - 1].name) return mf_fail_memory(e, strlen(g->tensors[t].name));
  }
  return MF_OK;
}

static mf_status assign(mf_calibration *out, const mf_graph *g, assignment *a, const mf_observations *seen,
                        const mf_calibrator *calibrator, mf_error *e) {
  for (int t = 0; t < g->tensor_count; t++) a->group[t] = t;
  find_wanted(g, a);
  a->wanted[g->output] = false; // the answer stays float
  find_intervals(g, a, seen, calibrator);
  keep_signs(g, a);
  return record(out, g, a, seen, e);
}

mf_status mf_quant_assign(mf_calibration *out, const mf_graph *g, const mf_observations *observations,
                          const mf_calibrator *calibrator, mf_error *e) {
  if (observations->tensor_count != g->tensor_count)
    return mf_fail(e, MF_ERR_USAGE, "the calibration is of a graph with %d tensors (this one has %d)",
                   observations->tensor_count, g->tensor_count);
  mf_arena arena = {0};
  size_t count = (size_t)g->tensor_count;
  assignment a = {.calibration = out,
                  .wanted = mf_arena_alloc(&arena, count * sizeof *a.wanted),
                  .group = mf_arena_alloc(&arena, count * sizeof *a.group),
                  .interval = mf_arena_alloc(&arena, count * sizeof *a.interval),
                  .known = mf_arena_alloc(&arena, count * sizeof *a.known),
                  .own_scale = mf_arena_alloc(&arena, (size_t)g->node_count * sizeof *a.own_scale)};
  mf_status status = a.wanted && a.group && a.interval && a.known && a.own_scale
                         ? assign(out, g, &a, observations, calibrator, e)
                         : mf_fail_memory(e, count);
  mf_arena_free(&arena);
  return status;
}
