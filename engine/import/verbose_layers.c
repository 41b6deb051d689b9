#include "import/verbose_layers.h"
#include "import/verbose_match.h"
#include <string.h>

enum { REACH = 1024 }; // positions that are looked at for the other end of an edge

typedef struct maker {
  mf_verbose_layers *out;
  mf_arena *arena;
  const mf_verbose_log *log;
  const int *sequence;
  int length;
  mf_verbose_match match;
  int *layer_of_group;
  int numbers[32]; // by kind, in the order of `names`
  int others;
} maker;

static const mf_verbose_primitive *at(const maker *m, int position) {
  return m->log->primitives[m->sequence[position]];
}

static bool is_reorder(const mf_verbose_primitive *p) {
  return strcmp(p->label, "reorder") == 0;
}

// ---- names

static const struct {
  const char *kind, *name;
} short_names[] = {{"convolution", "conv"},
                   {"inner_product", "fc"},
                   {"batch_normalization", "bn"},
                   {"deconvolution", "deconv"},
                   {"layer_normalization", "layernorm"},
                   {"pooling", "pooling"},
                   {"eltwise", "eltwise"},
                   {"matmul", "matmul"},
                   {"sum", "sum"},
                   {"binary", "binary"},
                   {"concat", "concat"},
                   {"lrn", "lrn"},
                   {"softmax", "softmax"},
                   {"rnn", "rnn"},
                   {"reduction", "reduction"},
                   {"resampling", "resampling"},
                   {"shuffle", "shuffle"},
                   {"prelu", "prelu"}};

// "conv3"; with a network, "conv3 (not in resnet50)".
static const char *numbered(maker *m, const char *kind) {
  const size_t count = sizeof short_names / sizeof *short_names;
  size_t i = 0;
  while (i < count && strcmp(short_names[i].kind, kind) != 0) i++;
  const char *name = i < count ? short_names[i].name : kind;
  const int number = i < count ? ++m->numbers[i] : ++m->others;
  if (m->match.graph) return mf_arena_format(m->arena, "%s%d (not in %s)", name, number, m->match.graph->name);
  return mf_arena_format(m->arena, "%s%d", name, number);
}

static bool leaves_no_trace(mf_op op) { // passes remove these
  return op == MF_OP_FLATTEN || op == MF_OP_DROPOUT || op == MF_OP_IDENTITY;
}

static bool alone_in_stage(const maker *m, int group) {
  const mf_graph *g = m->match.graph;
  const char *stage = g->nodes[m->match.groups[group].node].stage;
  int count = 0;
  for (int k = 0; k < m->match.group_count; k++) count += strcmp(g->nodes[m->match.groups[k].node].stage, stage) == 0;
  return stage[0] && count == 1;
}

static mf_status name_group(maker *m, int group, mf_verbose_layer *layer, mf_error *e) {
  const mf_graph *g = m->match.graph;
  const mf_node *first = &g->nodes[m->match.groups[group].node];
  layer->sources = mf_arena_alloc(m->arena, (size_t)g->node_count * sizeof *layer->sources);
  if (!layer->sources) return mf_fail_memory(e, (size_t)g->node_count * sizeof *layer->sources);
  for (int i = 0; i < g->node_count; i++) {
    int of = m->match.group_of_node[i];
    if (of >= 0 && m->match.groups[of].host >= 0) of = m->match.groups[of].host;
    if (of == group && !leaves_no_trace(g->nodes[i].op))
      layer->sources[layer->source_count++] = mf_arena_copy(m->arena, g->nodes[i].name);
  }
  layer->stage = mf_arena_copy(m->arena, first->stage);
  const char *name = first->name, *dot = strrchr(name, '.');
  const size_t prefix = dot ? (size_t)(dot - name) + 1 : 0;
  const char *joined = alone_in_stage(m, group) ? layer->stage : mf_arena_copy(m->arena, name);
  for (int i = 1; joined && joined != layer->stage && i < layer->source_count; i++) {
    const char *source = layer->sources[i];
    if (!source) break;
    const bool same = prefix && strncmp(source, name, prefix) == 0;
    joined = mf_arena_format(m->arena, "%s+%s", joined, same ? source + prefix : source);
  }
  for (int i = 0; i < layer->source_count; i++)
    if (!layer->sources[i]) return mf_fail_memory(e, 64);
  layer->name = joined;
  return joined && layer->stage ? MF_OK : mf_fail_memory(e, 64);
}

static mf_status add_layer(maker *m, int position, int group, mf_error *e) {
  mf_verbose_layer *layer = &m->out->layers[m->out->layer_count];
  *layer = (mf_verbose_layer){.kind = at(m, position)->label, .stage = "", .first = position};
  if (group >= 0) {
    MF_TRY(name_group(m, group, layer, e));
    m->layer_of_group[group] = m->out->layer_count;
  } else if (!(layer->name = numbered(m, layer->kind)))
    return mf_fail_memory(e, 64);
  m->out->places[position].layer = m->out->layer_count++;
  return MF_OK;
}

// ---- elementwise primitives that no layer was matched with

static bool is_elementwise(const mf_verbose_primitive *p) {
  static const char *const kinds[] = {"eltwise", "batch_normalization", "sum", "binary", "prelu"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(p->label, kinds[i]) == 0) return true;
  return false;
}

static bool same_map(const mf_verbose_problem *a, const mf_verbose_problem *b) {
  return a->out_channels * a->out_height * a->out_width == b->in_channels * b->in_height * b->in_width;
}

// The layer that wrote what the primitive reads: the nearest one in front of it with the right size.
static int layer_in_front(const maker *m, int position) {
  for (int i = position - 1; i >= 0 && i > position - REACH; i--) {
    if (m->out->places[i].layer < 0) continue;
    if (same_map(&at(m, i)->parsed, &at(m, position)->parsed)) return m->out->places[i].layer;
  }
  return -1;
}

// Sums in the log stand for the graph's in their order. Returns the group of the next one of that size, or -1.
static int group_of_sum(const maker *m, int position, bool *taken) {
  const mf_graph *g = m->match.graph;
  const mf_verbose_problem *p = &at(m, position)->parsed;
  for (int i = 0; i < g->node_count; i++) {
    const mf_shape *shape = &g->tensors[g->nodes[i].output].shape;
    if (g->nodes[i].op != MF_OP_SUM || taken[i] || shape->rank != 4 || shape->dim[1] != p->out_channels ||
        shape->dim[2] != p->out_height || shape->dim[3] != p->out_width)
      continue;
    taken[i] = true;
    return m->match.group_of_node[i];
  }
  return -1;
}

static mf_status place(maker *m, int position, bool *taken, mf_error *e) {
  const mf_verbose_primitive *p = at(m, position);
  mf_verbose_place *place = &m->out->places[position];
  if (is_reorder(p)) return MF_OK;
  const int group = m->match.graph ? m->match.group_at[position] : -1;
  if (group >= 0) return add_layer(m, position, group, e);
  if (m->match.graph && is_elementwise(p)) {
    const bool sum = strcmp(p->label, "sum") == 0 || strcmp(p->label, "binary") == 0;
    const int of = sum ? group_of_sum(m, position, taken) : -1;
    place->layer = of >= 0 ? m->layer_of_group[of] : layer_in_front(m, position);
    if (place->layer >= 0) return MF_OK;
  }
  return add_layer(m, position, -1, e);
}

// ---- reorders

static double elements_in(const mf_verbose_problem *p) {
  return (double)p->in_channels * (double)p->in_height * (double)p->in_width;
}

static double elements_out(const mf_verbose_problem *p) {
  return (double)p->out_channels * (double)p->out_height * (double)p->out_width;
}

// Weights of a convolution or inner product: as many numbers, and outputs in front.
static bool are_weights_of(const mf_verbose_problem *reorder, const mf_verbose_primitive *p) {
  const mf_verbose_problem *q = &p->parsed;
  if (reorder->operand_count == 0 || !p->parsed.weights.name[0] || q->oc == 0) return false;
  double count = 1, wanted = (double)q->oc * (double)q->ic / (double)q->groups;
  const mf_verbose_operand *o = &reorder->operands[0];
  for (int i = 0; i < o->rank; i++) count *= (double)o->dims[i];
  const bool convolution = strcmp(p->label, "inner_product") != 0;
  for (int i = 0; i < 3; i++) wanted *= (double)(convolution ? q->kernel[i] : q->in[i]);
  const bool outputs = o->dims[0] == q->oc || (o->rank > 4 && o->dims[0] == q->groups) ||
                       (strcmp(p->label, "matmul") == 0 && o->rank >= 2 && o->dims[o->rank - 1] == q->oc);
  return count >= wanted && count <= wanted && outputs;
}

static const char *layer_name(const maker *m, int position) {
  const int layer = m->out->places[position].layer;
  return layer >= 0 ? m->out->layers[layer].name : "";
}

typedef struct edge {
  int position, from, to; // positions, or -1
  bool weights;
} edge;

static edge find_edge(const maker *m, int position) {
  const mf_verbose_problem *p = &at(m, position)->parsed;
  edge found = {position, -1, -1, false};
  for (int i = position - 1; i >= 0 && i > position - REACH && found.from < 0; i--)
    if (!is_reorder(at(m, i)) && at(m, i)->parsed.mb == p->mb && elements_out(&at(m, i)->parsed) == elements_in(p))
      found.from = i;
  for (int i = position + 1; i < m->length && i < position + REACH && found.to < 0; i++) {
    const mf_verbose_problem *q = &at(m, i)->parsed;
    if (is_reorder(at(m, i))) continue;
    if (found.from < 0 && are_weights_of(p, at(m, i))) {
      found.to = i;
      found.weights = true;
    } else if (strcmp(at(m, i)->label, "concat") == 0) {
      for (int k = 0; k < q->operand_count && found.to < 0; k++)
        if (q->operands[k].rank > 1 && q->operands[k].dims[1] == p->in_channels && q->in_height == p->in_height)
          found.to = i;
    } else if (q->mb == p->mb && elements_in(q) == elements_in(p))
      found.to = i;
  }
  return found;
}

static const char *reason_of(const maker *m, const mf_verbose_place *place, const mf_verbose_primitive *p, edge way) {
  const char *from = p->parsed.source.format, *to = p->parsed.destination.format;
  const char *before = p->parsed.source.dtype, *after = p->parsed.destination.dtype;
  const bool formats = strcmp(from, to) != 0, types = strcmp(before, after) != 0;
  const char *writer = place->from, *reader = place->to;
  for (int i = way.from + 1; way.from >= 0 && i < way.position; i++) // of a chain of reorders
    if (is_reorder(at(m, i)) && elements_in(&at(m, i)->parsed) == elements_in(&p->parsed))
      writer = "the reorder before";
  for (int i = way.position + 1; i < way.to; i++)
    if (is_reorder(at(m, i)) && elements_in(&at(m, i)->parsed) == elements_in(&p->parsed)) reader = "the next reorder";
  const char *text;
  if (way.weights)
    text = "weights";
  else if (way.from < 0 && way.to >= 0)
    text = "input format";
  else if (way.to < 0)
    text = "output";
  else if (strcmp(at(m, way.to)->label, "concat") == 0)
    text = "concat";
  else if (formats)
    text = mf_arena_format(m->arena, "format mismatch: %s wrote %s, %s reads %s", writer, from, reader, to);
  else
    text = types ? "dtype" : "copy: both sides have one format";
  if (!text || !types || strcmp(text, "dtype") == 0) return text;
  return mf_arena_format(m->arena, "%s; dtype %s to %s", text, before, after);
}

static mf_status find_reorders(maker *m, mf_error *e) {
  for (int i = 0; i < m->length; i++) {
    if (!is_reorder(at(m, i))) continue;
    mf_verbose_place *place = &m->out->places[i];
    const edge way = find_edge(m, i);
    place->from = way.weights ? "weights" : way.from < 0 ? "input" : layer_name(m, way.from);
    place->to = way.to < 0 ? "output" : layer_name(m, way.to);
    place->reason = reason_of(m, place, at(m, i), way);
    if (!place->reason) return mf_fail_memory(e, 128);
  }
  return MF_OK;
}

// ---- how far the network fits

static mf_status describe_match(maker *m, mf_error *e) {
  const mf_verbose_match *match = &m->match;
  const mf_graph *g = match->graph;
  m->out->found = match->found;
  m->out->expected = match->group_count;
  const int missing = match->first_missing, foreign = match->first_foreign;
  if (missing < 0 && foreign < 0 && match->loose == 0) return MF_OK;
  const char *note =
      mf_arena_format(m->arena, "%d of %s's %d layers are in the log", match->found, g->name, match->group_count);
  if (note && match->loose) note = mf_arena_format(m->arena, "%s, %d of them with other map sizes", note, match->loose);
  if (note && missing >= 0) {
    const mf_shape_text out = mf_shape_print(&g->tensors[g->nodes[match->groups[missing].node].output].shape);
    note = mf_arena_format(m->arena, "%s; the first that is not is %s (%s to %s)", note,
                           g->nodes[match->groups[missing].node].name,
                           mf_op_name(g->nodes[match->groups[missing].node].op), out.text);
  }
  if (note && foreign >= 0)
    note = mf_arena_format(m->arena, "%s; the first line that fits no layer is number %d of a run, %s %s", note,
                           foreign + 1, at(m, foreign)->label, at(m, foreign)->problem);
  m->out->note = note;
  return note ? MF_OK : mf_fail_memory(e, 256);
}

mf_status mf_verbose_layers_find(mf_verbose_layers *out, mf_arena *arena, const mf_verbose_log *log,
                                 const int *sequence, int length, const mf_graph *graph, mf_error *e) {
  *out = (mf_verbose_layers){.note = ""};
  maker m = {.out = out, .arena = arena, .log = log, .sequence = sequence, .length = length};
  const size_t nodes = graph ? (size_t)graph->node_count : 0;
  out->layers = mf_arena_alloc(arena, ((size_t)length + 1) * sizeof *out->layers);
  out->places = mf_arena_alloc(arena, ((size_t)length + 1) * sizeof *out->places);
  m.layer_of_group = mf_arena_alloc(arena, (nodes + 1) * sizeof *m.layer_of_group);
  bool *taken = mf_arena_alloc(arena, nodes + 1);
  if (!out->layers || !out->places || !m.layer_of_group || !taken)
    return mf_fail_memory(e, ((size_t)length + 1) * sizeof *out->layers);
  for (int i = 0; i < length; i++) out->places[i] = (mf_verbose_place){-1, "", "", ""};
  for (size_t i = 0; i < nodes; i++) m.layer_of_group[i] = -1;
  if (graph) MF_TRY(mf_verbose_match_graph(&m.match, arena, log, sequence, length, graph, e));
  for (int i = 0; i < length; i++) MF_TRY(place(&m, i, taken, e));
  MF_TRY(find_reorders(&m, e));
  return graph ? describe_match(&m, e) : MF_OK;
}
