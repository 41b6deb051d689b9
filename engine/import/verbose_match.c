#include "import/verbose_match.h"
#include <string.h>

typedef enum key_kind { KEY_NONE, KEY_CONVOLUTION, KEY_INNER_PRODUCT, KEY_POOLING, KEY_CONCAT, KEY_OTHER } key_kind;
typedef struct key {
  key_kind kind;
  const char *name; // KEY_OTHER: oneDNN's word
  int64_t groups, ic, oc, ih, iw, oh, ow, kh, kw;
} key;

// ---- keys of the graph's layers and of the log's primitives

static key key_of_node(const mf_graph *g, const mf_node *n) {
  const mf_shape *in = &g->tensors[n->inputs[0]].shape, *out = &g->tensors[n->output].shape;
  key k = {.groups = 1, .ic = in->dim[1], .oc = out->dim[1], .ih = 1, .iw = 1, .oh = 1, .ow = 1, .kh = 1, .kw = 1};
  if (in->rank == 4) {
    k.ih = in->dim[2];
    k.iw = in->dim[3];
  }
  if (out->rank == 4) {
    k.oh = out->dim[2];
    k.ow = out->dim[3];
  }
  switch (n->op) {
  case MF_OP_CONVOLUTION:
    k.kind = KEY_CONVOLUTION;
    k.groups = n->attributes.convolution.groups;
    k.kh = g->tensors[n->inputs[1]].shape.dim[2];
    k.kw = g->tensors[n->inputs[1]].shape.dim[3];
    break;
  case MF_OP_INNER_PRODUCT:
    k.kind = KEY_INNER_PRODUCT;
    k.ic *= k.ih * k.iw;
    break;
  case MF_OP_POOLING:
    k.kind = KEY_POOLING;
    break;
  case MF_OP_CONCAT:
    k.kind = KEY_CONCAT;
    break;
  case MF_OP_LRN:
  case MF_OP_SOFTMAX:
    k.kind = KEY_OTHER;
    k.name = mf_op_name(n->op);
    break;
  default:
    break;
  }
  return k;
}

static key key_of_primitive(const mf_verbose_primitive *p) {
  const mf_verbose_problem *q = &p->parsed;
  key k = {.groups = q->groups,
           .ic = q->in_channels,
           .oc = q->out_channels,
           .ih = q->in_height,
           .iw = q->in_width,
           .oh = q->out_height,
           .ow = q->out_width,
           .kh = q->kernel[1],
           .kw = q->kernel[2]};
  if (strncmp(p->prop, "backward", 8) == 0) return k;
  if (strcmp(p->label, "convolution") == 0) k.kind = KEY_CONVOLUTION;
  if (strcmp(p->label, "pooling") == 0 || strcmp(p->label, "reduction") == 0) k.kind = KEY_POOLING;
  if (strcmp(p->label, "concat") == 0) k.kind = KEY_CONCAT;
  if (strcmp(p->label, "lrn") == 0 || strcmp(p->label, "softmax") == 0) {
    k.kind = KEY_OTHER;
    k.name = p->label;
  }
  if (strcmp(p->label, "inner_product") == 0 || strcmp(p->label, "matmul") == 0) {
    k.kind = KEY_INNER_PRODUCT;
    k.ic *= q->in[1] * q->in[2];
  }
  return k;
}

// `loosely`: the maps' sizes may differ (another input size, other padding, the stride in another place), and an inner
// product's outputs (another number of classes).
static bool fits(const key *layer, const key *line, bool loosely) {
  const bool map = layer->ih == line->ih && layer->iw == line->iw && layer->oh == line->oh && layer->ow == line->ow;
  if (layer->kind == KEY_INNER_PRODUCT && line->kind == KEY_CONVOLUTION) // as a convolution of one pixel
    return line->ih * line->iw * line->kh * line->kw == 1 && layer->ic == line->ic &&
           (loosely || layer->oc == line->oc);
  if (layer->kind != line->kind) return false;
  switch (layer->kind) {
  case KEY_CONVOLUTION:
    return layer->groups == line->groups && layer->ic == line->ic && layer->oc == line->oc && layer->kh == line->kh &&
           layer->kw == line->kw && (map || loosely);
  case KEY_INNER_PRODUCT:
    return layer->ic == line->ic && (layer->oc == line->oc || loosely);
  case KEY_POOLING:
    return layer->ic == line->ic && (map || loosely);
  case KEY_CONCAT:
    return layer->oc == line->oc && (map || loosely);
  case KEY_OTHER:
    return strcmp(layer->name, line->name) == 0 && layer->ic == line->ic && (map || loosely);
  default:
    return false;
  }
}

// ---- groups

static bool begins_group(const mf_node *n) {
  return n->op == MF_OP_CONVOLUTION || n->op == MF_OP_INNER_PRODUCT || n->op == MF_OP_POOLING ||
         n->op == MF_OP_CONCAT || n->op == MF_OP_LRN || n->op == MF_OP_SOFTMAX;
}

static int group_of_tensor(const mf_verbose_match *m, mf_tensor_id id) {
  const int producer = m->graph->tensors[id].producer;
  return producer < 0 ? -1 : m->group_of_node[producer];
}

static mf_status make_groups(mf_verbose_match *m, mf_arena *arena, mf_error *e) {
  const size_t count = (size_t)m->graph->node_count + 1;
  m->groups = mf_arena_alloc(arena, count * sizeof *m->groups);
  m->group_of_node = mf_arena_alloc(arena, count * sizeof *m->group_of_node);
  m->group_at = mf_arena_alloc(arena, ((size_t)m->length + 1) * sizeof *m->group_at);
  if (!m->groups || !m->group_of_node || !m->group_at) return mf_fail_memory(e, count * sizeof *m->groups);
  for (int i = 0; i < m->graph->node_count; i++) {
    m->group_of_node[i] = -1;
    if (!begins_group(&m->graph->nodes[i])) continue;
    m->groups[m->group_count] = (mf_verbose_group){.node = i, .position = -1, .host = -1};
    m->group_of_node[i] = m->group_count++;
  }
  for (int i = 0; i < m->length; i++) m->group_at[i] = -1;
  return MF_OK;
}

// ---- matching

static void assign(mf_verbose_match *m, const mf_verbose_log *log, const int *sequence, bool loosely) {
  for (int i = 0; i < m->length; i++) {
    if (m->group_at[i] >= 0) continue;
    const key line = key_of_primitive(log->primitives[sequence[i]]);
    if (line.kind == KEY_NONE) continue;
    for (int k = 0; k < m->group_count; k++) {
      mf_verbose_group *group = &m->groups[k];
      if (group->position >= 0) continue;
      const key layer = key_of_node(m->graph, &m->graph->nodes[group->node]);
      if (!fits(&layer, &line, loosely)) continue;
      group->position = i;
      group->loose = loosely;
      m->group_at[i] = k;
      break;
    }
  }
}

typedef struct branches { // of a residual sum: the main one and the convolution around it
  int main, shortcut;
  bool equal; // in sizes
} branches;

static bool find_branches(const mf_verbose_match *m, const mf_node *sum, branches *out) {
  const mf_graph *g = m->graph;
  if (sum->op != MF_OP_SUM || sum->input_count != 2) return false;
  *out = (branches){.main = group_of_tensor(m, sum->inputs[0]), .shortcut = group_of_tensor(m, sum->inputs[1])};
  if (out->main < 0 || out->shortcut < 0 || out->main == out->shortcut) return false;
  const mf_verbose_group *a = &m->groups[out->main], *b = &m->groups[out->shortcut];
  const mf_node *an = &g->nodes[a->node], *bn = &g->nodes[b->node];
  if (a->position < 0 || b->position < 0 || an->op != MF_OP_CONVOLUTION || bn->op != MF_OP_CONVOLUTION) return false;
  // Both ends of a block without a convolution around it are the block's result and that of the block before.
  for (int t = bn->inputs[0], up = an->inputs[0]; up >= 0;) {
    if (up == t) {
      const key ka = key_of_node(g, an), kb = key_of_node(g, bn);
      out->equal = fits(&ka, &kb, false);
      return true;
    }
    const int producer = g->tensors[up].producer;
    if (producer < 0 || g->nodes[producer].op == MF_OP_SUM || m->group_of_node[producer] == out->shortcut) break;
    up = g->nodes[producer].inputs[0];
  }
  return false;
}

// Nodes behind a group's first one belong to it. A sum of two branches goes to the one that has it as a post-op, in a
// log without such to the main one; a sum with an earlier block's result to what is computed last.
static void spread(mf_verbose_match *m, const mf_verbose_log *log, const int *sequence) {
  const mf_graph *g = m->graph;
  for (int i = 0; i < g->node_count; i++) {
    const mf_node *n = &g->nodes[i];
    if (begins_group(n)) continue;
    m->group_of_node[i] = group_of_tensor(m, n->inputs[0]);
    if ((n->op != MF_OP_SUM && n->op != MF_OP_BINARY) || n->input_count < 2) continue;
    const int other = group_of_tensor(m, n->inputs[1]);
    branches of;
    if (!find_branches(m, n, &of)) {
      if (other > m->group_of_node[i]) m->group_of_node[i] = other;
      continue;
    }
    const mf_verbose_group *a = &m->groups[of.main], *b = &m->groups[of.shortcut];
    const bool main_adds = mf_verbose_adds(log->primitives[sequence[a->position]]->attributes);
    const bool other_adds = mf_verbose_adds(log->primitives[sequence[b->position]]->attributes);
    m->group_of_node[i] = other_adds && !main_adds ? of.shortcut : of.main;
  }
}

// Where main branch and shortcut have equal sizes, the other blocks say which of them adds, or which runs first.
static void part_branches(mf_verbose_match *m, const mf_verbose_log *log, const int *sequence) {
  int main_adds = 0, main_first = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < m->graph->node_count; i++) {
      branches of;
      if (!find_branches(m, &m->graph->nodes[i], &of) || of.equal != (pass == 1)) continue;
      mf_verbose_group *a = &m->groups[of.main], *b = &m->groups[of.shortcut];
      const bool a_adds = mf_verbose_adds(log->primitives[sequence[a->position]]->attributes);
      const bool b_adds = mf_verbose_adds(log->primitives[sequence[b->position]]->attributes);
      const bool a_first = a->position < b->position;
      if (pass == 0) {
        main_adds += a_adds - b_adds;
        main_first += a_first ? 1 : -1;
        continue;
      }
      if (a_adds != b_adds ? a_adds == (main_adds >= 0) : main_first == 0 || a_first == (main_first > 0)) continue;
      const int position = a->position;
      a->position = b->position;
      b->position = position;
      m->group_at[a->position] = of.main;
      m->group_at[b->position] = of.shortcut;
    }
  }
}

// A depthwise convolution as a post-op of the 1x1 in front of it.
static void find_hosts(mf_verbose_match *m, const mf_verbose_log *log, const int *sequence) {
  for (int k = 0; k < m->group_count; k++) {
    mf_verbose_group *group = &m->groups[k];
    const mf_node *n = &m->graph->nodes[group->node];
    if (group->position >= 0 || n->op != MF_OP_CONVOLUTION || n->attributes.convolution.groups == 1) continue;
    const int before = group_of_tensor(m, n->inputs[0]);
    if (before < 0 || m->groups[before].position < 0) continue;
    const char *attributes = log->primitives[sequence[m->groups[before].position]]->attributes;
    if (strstr(attributes, "dw_k") || strstr(attributes, "dw:")) group->host = before;
  }
}

mf_status mf_verbose_match_graph(mf_verbose_match *m, mf_arena *arena, const mf_verbose_log *log, const int *sequence,
                                 int length, const mf_graph *graph, mf_error *e) {
  *m = (mf_verbose_match){.graph = graph, .length = length, .first_missing = -1, .first_foreign = -1};
  MF_TRY(make_groups(m, arena, e));
  spread(m, log, sequence);
  assign(m, log, sequence, false);
  assign(m, log, sequence, true);
  part_branches(m, log, sequence);
  spread(m, log, sequence);
  find_hosts(m, log, sequence);
  for (int k = 0; k < m->group_count; k++) {
    const mf_verbose_group *group = &m->groups[k];
    m->found += group->position >= 0 || group->host >= 0;
    m->loose += group->loose;
    if (group->position < 0 && group->host < 0 && m->first_missing < 0) m->first_missing = k;
  }
  for (int i = 0; i < length && m->first_foreign < 0; i++) {
    const key_kind kind = key_of_primitive(log->primitives[sequence[i]]).kind;
    if (m->group_at[i] < 0 && (kind == KEY_CONVOLUTION || kind == KEY_INNER_PRODUCT)) m->first_foreign = i;
  }
  return MF_OK;
}

bool mf_verbose_first_convolution(const mf_verbose_log *log, const int *sequence, int length, int64_t *height,
                                  int64_t *width, int64_t *out_channels) {
  for (int i = 0; i < length; i++) {
    const key k = key_of_primitive(log->primitives[sequence[i]]);
    if (k.kind != KEY_CONVOLUTION) continue;
    *height = k.ih;
    *width = k.iw;
    *out_channels = k.oc;
    return true;
  }
  return false;
}
