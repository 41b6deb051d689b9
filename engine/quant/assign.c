#include "quant/calibrators.h"
#include <math.h>

static bool multiplies(const mf_node *node) {
  return node->op == MF_OP_CONVOLUTION || node->op == MF_OP_INNER_PRODUCT;
}

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
  bool *wanted;          // somebody reads it as integers
  int *group;            // union-find over tensors that share a scale
  mf_interval *interval; // by group root
  bool *known;           // by group root
} assignment;

static int find(const assignment *a, int t) {
  while (a->group[t] != t) {
    a->group[t] = a->group[a->group[t]];
    t = a->group[t];
  }
  return t;
}

// From the end to the beginning: a tensor is wanted in integers when a multiplication reads it, or an op that carries
// it there does, or when it is summed in place into something stored in integers.
static void find_wanted(const mf_graph *g, assignment *a) {
  for (int n = g->node_count - 1; n >= 0; n--) {
    const mf_node *node = &g->nodes[n];
    if (multiplies(node)) {
      a->wanted[node->inputs[0]] = true;
      for (int p = 0; p < node->post_count; p++)
        if (node->posts[p].kind == MF_POST_SUM && a->wanted[node->output])
          a->wanted[node->inputs[node->posts[p].input]] = true;
    } else if (carries(node) && a->wanted[node->output])
      for (int i = 0; i < node->input_count; i++) {
        a->wanted[node->inputs[i]] = true;
        a->group[find(a, node->inputs[i])] = find(a, node->output);
      }
  }
}

static void find_intervals(const mf_graph *g, assignment *a, const mf_observations *seen,
                           const mf_calibrator *calibrator) {
  for (int t = 0; t < g->tensor_count; t++) {
    if (!a->wanted[t] || !seen->tensors[t].seen) continue;
    mf_interval one = calibrator->choose(&seen->tensors[t]);
    int root = find(a, t);
    mf_interval *all = &a->interval[root];
    *all = a->known[root] ? (mf_interval){fminf(all->low, one.low), fmaxf(all->high, one.high)} : one;
    a->known[root] = true;
  }
}

static mf_quantization quantization(mf_interval interval) {
  bool is_unsigned = interval.low >= 0;
  float reach = fmaxf(fabsf(interval.low), fabsf(interval.high));
  float scale = reach / (is_unsigned ? 255.0f : 127.0f);
  if (!(scale > 1e-30f)) scale = 1.0f; // nothing but zeros was seen
  return (mf_quantization){.set = true, .dtype = is_unsigned ? MF_U8 : MF_S8, .scale = scale};
}

static mf_status assign(mf_graph *g, assignment *a, const mf_observations *seen, const mf_calibrator *calibrator,
                        mf_error *e) {
  for (int t = 0; t < g->tensor_count; t++) a->group[t] = t;
  find_wanted(g, a);
  a->wanted[g->output] = false; // the answer stays float
  find_intervals(g, a, seen, calibrator);
  for (int t = 0; t < g->tensor_count; t++) {
    g->tensors[t].quantization = (mf_quantization){0};
    if (!a->wanted[t]) continue;
    if (!a->known[find(a, t)])
      return mf_fail(e, MF_ERR_FILE, "calibration saw no number in the output of %s", g->tensors[t].name);
    g->tensors[t].quantization = quantization(a->interval[find(a, t)]);
  }
  for (int n = 0; n < g->node_count; n++)
    if (multiplies(&g->nodes[n])) g->nodes[n].compute = MF_S8;
  return MF_OK;
}

mf_status mf_quant_assign(mf_graph *g, const mf_observations *observations, const mf_calibrator *calibrator,
                          mf_error *e) {
  if (observations->tensor_count != g->tensor_count)
    return mf_fail(e, MF_ERR_USAGE, "the calibration is of a graph with %d tensors (this one has %d)",
                   observations->tensor_count, g->tensor_count);
  mf_arena arena = {0};
  size_t count = (size_t)g->tensor_count;
  assignment a = {.wanted = mf_arena_alloc(&arena, count * sizeof *a.wanted),
                  .group = mf_arena_alloc(&arena, count * sizeof *a.group),
                  .interval = mf_arena_alloc(&arena, count * sizeof *a.interval),
                  .known = mf_arena_alloc(&arena, count * sizeof *a.known)};
  mf_status status = a.wanted && a.group && a.interval && a.known ? assign(g, &a, observations, calibrator, e)
                                                                  : mf_fail_memory(e, count);
  mf_arena_free(&arena);
  return status;
}
