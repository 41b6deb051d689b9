#include "quant/equalise.h"
#include "graph/edit.h"
#include "quant/taps.h"
#include <math.h>

#define MOST 32.0 // times that a channel is enlarged at most: images that were not seen may show more of it

#define PASSES 4 // factors set the steps of weights, and these the factors

// Activations that share their factors, by tensor id.
typedef struct groups {
  int *root;   // union-find
  bool *fixed; // by root: no factors
  float *clip; // by root: the least that something is clipped at
  bool *pays;  // by root: something that multiplies reads it
} groups;

static int find(const groups *s, int t) {
  while (s->root[t] != t) {
    s->root[t] = s->root[s->root[t]];
    t = s->root[t];
  }
  return t;
}

static void join(groups *s, int a, int b) {
  a = find(s, a);
  b = find(s, b);
  if (a > b) { // the earliest stands for all
    const int c = a;
    a = b;
    b = c;
  }
  s->root[b] = a;
  s->fixed[a] |= s->fixed[b];
  s->clip[a] = fminf(s->clip[a], s->clip[b]);
  s->pays[a] |= s->pays[b];
}

static void fix(groups *s, int t) {
  s->fixed[find(s, t)] = true;
}

// Parameters that no other layer reads.
static bool owns_parameters(const mf_graph *g, const mf_node *node) {
  for (int i = 1; i < mf_node_operands(node); i++)
    if (!g->tensors[node->inputs[i]].data || mf_graph_uses(g, node->inputs[i]) != 1) return false;
  return true;
}

// Whether the posts do to factor * x what they do to x, times the factor; a clip only where it is the last thing.
static bool posts_scale(const mf_node *node, float *clip) {
  for (int p = 0; p < node->post_count; p++) {
    const mf_eltwise *f = &node->posts[p].eltwise;
    if (node->posts[p].kind == MF_POST_SUM || f->kind == MF_ELTWISE_RELU) continue;
    if (f->kind != MF_ELTWISE_CLIP || f->alpha != 0 || p + 1 < node->post_count) return false;
    *clip = fminf(*clip, f->beta);
  }
  return true;
}

static void group_multiplication(const mf_graph *g, groups *s, const mf_node *node) {
  const int operands = mf_node_operands(node);
  float *clip = &s->clip[find(s, node->output)];
  if (!posts_scale(node, clip)) fix(s, node->output);
  s->pays[find(s, node->inputs[0])] = true;
  for (int i = operands; i < node->input_count; i++) join(s, node->inputs[i], node->output);
  if (owns_parameters(g, node)) return;
  fix(s, node->inputs[0]);
  fix(s, node->output);
}

static bool keeps_channels(const mf_graph *g, const mf_node *node) {
  const mf_shape *x = &g->tensors[node->inputs[0]].shape;
  switch (node->op) {
  case MF_OP_FLATTEN:
    return x->rank < 4 || x->dim[2] * x->dim[3] == 1;
  case MF_OP_POOLING:
  case MF_OP_DROPOUT:
  case MF_OP_IDENTITY:
    return true;
  default:
    return false;
  }
}

static mf_status find_groups(const mf_graph *g, mf_arena *arena, groups *s, mf_error *e) {
  const size_t count = (size_t)g->tensor_count;
  *s = (groups){mf_arena_alloc(arena, count * sizeof *s->root), mf_arena_alloc(arena, count),
                mf_arena_alloc(arena, count * sizeof *s->clip), mf_arena_alloc(arena, count)};
  if (!s->root || !s->fixed || !s->clip || !s->pays) return mf_fail_memory(e, count * sizeof *s->root);
  for (int t = 0; t < g->tensor_count; t++) {
    s->root[t] = t;
    s->clip[t] = INFINITY;
  }
  fix(s, g->input);
  fix(s, g->output);
  for (int n = 0; n < g->node_count; n++) {
    const mf_node *node = &g->nodes[n];
    if (mf_node_multiplies(node)) {
      group_multiplication(g, s, node);
    } else if (keeps_channels(g, node)) {
      join(s, node->inputs[0], node->output);
    } else {
      for (int i = 0; i < node->input_count; i++) fix(s, node->inputs[i]);
      fix(s, node->output);
    }
  }
  return MF_OK;
}

static bool may_have_factors(const mf_graph *g, const groups *s, int t) {
  return !g->tensors[t].data && s->root[t] == t && !s->fixed[t] && s->pays[t];
}

// ---- choosing

typedef struct balance { // of one channel
  double weights;        // sum of squares of the weights that read the channel
  double rounding;       // sum of squares of the steps of their rows
} balance;

typedef struct view { // of the weights of a node: each output channel reads `inputs` channels through `plane` weights
  const float *data;
  size_t outputs, inputs, plane;
  size_t group; // output channels that read the same inputs
} view;

static view view_weights(const mf_graph *g, const mf_node *node) {
  const mf_tensor *w = &g->tensors[node->inputs[1]];
  view v = {.data = w->data, .outputs = (size_t)w->shape.dim[0], .group = (size_t)w->shape.dim[0], .plane = 1};
  if (node->op == MF_OP_CONVOLUTION) {
    v.inputs = (size_t)w->shape.dim[1];
    v.plane = (size_t)(w->shape.dim[2] * w->shape.dim[3]);
    v.group /= (size_t)node->attributes.convolution.groups;
  } else {
    v.inputs = (size_t)g->tensors[node->inputs[0]].shape.dim[1];
    v.plane = (size_t)w->shape.dim[1] / v.inputs;
  }
  return v;
}

static void add_reader(const mf_graph *g, const mf_node *node, const float *factors, balance *channels) {
  const view v = view_weights(g, node);
  const float *w = v.data;
  for (size_t o = 0; o < v.outputs; o++) {
    const size_t first = o / v.group * v.inputs;
    double largest = 0;
    for (size_t i = first; i < first + v.inputs; i++)
      for (size_t k = 0; k < v.plane; k++, w++) {
        channels[i].weights += (double)*w * (double)*w;
        largest = fmax(largest, fabs((double)*w) * (double)factors[i]);
      }
    const double step = largest / 127;
    // one input channel: the scale of the row takes up any factor
    for (size_t i = first; i < first + v.inputs && v.inputs > 1; i++)
      channels[i].rounding += step * step * (double)v.plane;
  }
}

// What a channel holds is rounded to steps of the activation, times the factor; what reads it is rounded to steps of
// its row's weights, over the factor. The sum of both noises is least where factor^4 = (variance * rounding) /
// (weights * step^2): bias correction takes the mean away.
static void choose_factors(const mf_graph *g, const groups *s, int root, const mf_channel *seen, float range,
                           float *factors, balance *channels, size_t count) {
  const double step = (double)range / 255;
  for (size_t c = 0; c < count; c++) factors[c] = 1;
  for (int pass = 0; pass < PASSES; pass++) {
    for (size_t c = 0; c < count; c++) channels[c] = (balance){0, 0};
    for (int n = 0; n < g->node_count; n++)
      if (mf_node_multiplies(&g->nodes[n]) && find(s, g->nodes[n].inputs[0]) == root)
        add_reader(g, &g->nodes[n], factors, channels);
    for (size_t c = 0; c < count; c++) {
      const double n = (double)seen[c].count, mean = seen[c].sum / n, variance = seen[c].squares / n - mean * mean;
      const double least = fmax((double)seen[c].largest / (double)range, 1 / MOST);
      const double best = pow(fmax(variance, 0) * channels[c].rounding / (channels[c].weights * step * step), 0.25);
      factors[c] = !(seen[c].largest > 0) || !isfinite(best) ? 1 : (float)fmin(fmax(best, least), 1);
    }
  }
}

static void merge(const mf_graph *g, const groups *s, int root, const mf_channels *seen, mf_channel *out,
                  size_t count) {
  for (int t = root; t < g->tensor_count; t++) {
    if (g->tensors[t].data || find(s, t) != root) continue;
    for (size_t c = 0; c < count; c++) {
      const mf_channel *one = &seen->tensors[t][c];
      out[c].largest = fmaxf(out[c].largest, one->largest);
      out[c].sum += one->sum;
      out[c].squares += one->squares;
      out[c].count += one->count;
    }
  }
}

static mf_status choose_group(mf_calibration *out, const mf_graph *g, const groups *s, int root,
                              const mf_channels *seen, mf_arena *arena, mf_error *e) {
  const size_t count = (size_t)g->tensors[root].shape.dim[1];
  mf_channel *channels = mf_arena_alloc(arena, count * sizeof *channels);
  balance *balances = mf_arena_alloc(arena, count * sizeof *balances);
  float *factors = mf_arena_alloc(&out->arena, count * sizeof *factors), range = 0;
  const char *name = mf_arena_copy(&out->arena, g->tensors[root].name);
  if (!channels || !balances || !factors || !name) return mf_fail_memory(e, count * sizeof *balances);
  merge(g, s, root, seen, channels, count);
  for (size_t c = 0; c < count; c++) range = fmaxf(range, channels[c].largest);
  range = fminf(range, s->clip[root]);
  if (!(range > 0)) return MF_OK;
  choose_factors(g, s, root, channels, range, factors, balances, count);
  out->equalisations[out->equalisation_count++] = (mf_equalisation){name, factors, (int)count};
  return MF_OK;
}

mf_status mf_equalise_choose(mf_calibration *out, const mf_graph *g, const mf_channels *seen, mf_error *e) {
  mf_arena arena = {0};
  groups s;
  mf_status status = find_groups(g, &arena, &s, e);
  out->equalisation_count = 0;
  out->equalisations = mf_arena_alloc(&out->arena, (size_t)g->tensor_count * sizeof *out->equalisations);
  if (status == MF_OK && !out->equalisations) status = mf_fail_memory(e, (size_t)g->tensor_count);
  for (int t = 0; t < g->tensor_count && status == MF_OK; t++)
    if (may_have_factors(g, &s, t)) status = choose_group(out, g, &s, t, seen, &arena, e);
  mf_arena_free(&arena);
  return status;
}

// ---- applying

static mf_status scale_parameters(mf_graph *g, const mf_node *node, mf_arena *arena, mf_error *e) {
  const float *in = g->tensors[node->inputs[0]].factors, *to = g->tensors[node->output].factors;
  mf_tensor *weights = &g->tensors[node->inputs[1]];
  size_t elements = 0, bytes;
  if (!in && !to) return MF_OK;
  if (!mf_shape_elements(&weights->shape, &elements) || !mf_mul(elements, sizeof(float), &bytes)) bytes = SIZE_MAX;
  const view v = view_weights(g, node);
  const float *w = v.data;
  float *scaled = mf_arena_alloc(arena, bytes), *next = scaled;
  if (!scaled) return mf_fail_memory(e, bytes);
  for (size_t o = 0; o < v.outputs; o++)
    for (size_t i = 0; i < v.inputs; i++) {
      const double factor = (in ? (double)in[o / v.group * v.inputs + i] : 1) / (to ? (double)to[o] : 1);
      for (size_t k = 0; k < v.plane; k++) *next++ = (float)((double)*w++ * factor);
    }
  weights->data = scaled;
  if (!to || mf_node_operands(node) < 3) return MF_OK;
  mf_tensor *bias = &g->tensors[node->inputs[2]];
  float *shifts = mf_arena_alloc(arena, v.outputs * sizeof *shifts);
  if (!shifts) return mf_fail_memory(e, v.outputs * sizeof *shifts);
  for (size_t o = 0; o < v.outputs; o++) shifts[o] = bias->data[o] / to[o];
  bias->data = shifts;
  return MF_OK;
}

static mf_status give_factors(mf_graph *g, const groups *s, const mf_equalisation *from, mf_arena *arena, mf_error *e) {
  const mf_tensor_id id = mf_graph_find(g, from->tensor);
  if (id == MF_NO_TENSOR || !may_have_factors(g, s, id) || g->tensors[id].factors)
    return mf_fail(e, MF_ERR_FILE, "the calibration is of another network: %s has no activation %s to equalise",
                   g->name, from->tensor);
  if (g->tensors[id].shape.dim[1] != from->channels)
    return mf_fail(e, MF_ERR_FILE, "the calibration is of another network: %s has %lld channels (not %d)", from->tensor,
                   (long long)g->tensors[id].shape.dim[1], from->channels);
  float *factors = mf_arena_alloc(arena, (size_t)from->channels * sizeof *factors);
  if (!factors) return mf_fail_memory(e, (size_t)from->channels * sizeof *factors);
  for (int c = 0; c < from->channels; c++) factors[c] = from->factors[c];
  for (int t = id; t < g->tensor_count; t++)
    if (!g->tensors[t].data && find(s, t) == id) g->tensors[t].factors = factors;
  return MF_OK;
}

mf_status mf_calibration_equalise(const mf_calibration *c, mf_graph *g, mf_arena *arena, mf_error *e) {
  mf_arena scratch = {0};
  groups s;
  mf_status status = find_groups(g, &scratch, &s, e);
  for (int i = 0; i < c->equalisation_count && status == MF_OK; i++)
    status = give_factors(g, &s, &c->equalisations[i], arena, e);
  for (int n = 0; n < g->node_count && status == MF_OK; n++)
    if (mf_node_multiplies(&g->nodes[n])) status = scale_parameters(g, &g->nodes[n], arena, e);
  mf_arena_free(&scratch);
  return status;
}
