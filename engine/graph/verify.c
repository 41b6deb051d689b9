// The invariants of graph.h, checked one after the other.
#include "graph/edit.h"
#include <math.h>
#include <string.h>

#define BROKEN(e, ...) mf_fail((e), MF_ERR_UNSUPPORTED, "graph check: " __VA_ARGS__)

static mf_status verify_tensor(const mf_graph *g, mf_tensor_id id, mf_error *e) {
  const mf_tensor *t = &g->tensors[id];
  size_t elements;
  if (!t->name || !t->name[0]) return BROKEN(e, "tensor %d has no name", id);
  if (mf_graph_find(g, t->name) != id) return BROKEN(e, "%s: the tensor's name was changed or is used twice", t->name);
  if (!mf_shape_elements(&t->shape, &elements)) {
    return BROKEN(e, "%s: shape %s is out of range", t->name, mf_shape_print(&t->shape).text);
  }
  if (t->producer < -1 || t->producer >= g->node_count)
    return BROKEN(e, "%s: node %d does not exist", t->name, t->producer);
  if (t->data && (t->producer >= 0 || id == g->input)) return BROKEN(e, "%s: a constant is written or fed", t->name);
  if (!t->data && t->producer < 0 && id != g->input) return BROKEN(e, "%s: nobody writes the tensor", t->name);
  if (t->producer >= 0 && g->nodes[t->producer].output != id) {
    return BROKEN(e, "%s: its node %s writes another tensor", t->name, g->nodes[t->producer].name);
  }
  const mf_quantization *q = &t->quantization;
  if (q->set && (!(q->scale > 0) || isinf(q->scale) || (q->dtype != MF_U8 && q->dtype != MF_S8))) {
    return BROKEN(e, "%s: quantization to %s by a scale of %g", t->name, mf_dtype_name(q->dtype), (double)q->scale);
  }
  return MF_OK;
}

static mf_status verify_names(const mf_graph *g, const mf_node *node, int index, mf_error *e) {
  if (!node->name || !node->name[0]) return BROKEN(e, "node %d of %s has no name", index, g->name);
  if (!node->stage) return BROKEN(e, "%s: the stage is missing", node->name);
  if (node->source_count < 1) return BROKEN(e, "%s: no source layer", node->name);
  for (int i = 0; i < node->source_count; i++) {
    if (!node->sources[i]) return BROKEN(e, "%s: source layer %d has no name", node->name, i);
  }
  if (strcmp(node->name, node->sources[0]) != 0) {
    return BROKEN(e, "%s: the first source layer is %s", node->name, node->sources[0]);
  }
  return MF_OK;
}

static mf_status verify_posts(const mf_graph *g, const mf_node *node, mf_error *e) {
  if (node->post_count > 0 && node->op != MF_OP_CONVOLUTION && node->op != MF_OP_INNER_PRODUCT) {
    return BROKEN(e, "%s: posts on %s", node->name, mf_op_name(node->op));
  }
  int summand = mf_node_operands(node);
  for (int i = 0; i < node->post_count; i++) {
    const mf_post *post = &node->posts[i];
    if (post->kind == MF_POST_ELTWISE) {
      if ((unsigned)post->eltwise.kind > MF_ELTWISE_LINEAR)
        return BROKEN(e, "%s: post %d is no eltwise", node->name, i);
    } else if (post->kind == MF_POST_SUM) {
      if (post->input != summand)
        return BROKEN(e, "%s: post %d adds input %d (expected %d)", node->name, i, post->input, summand);
      const mf_tensor *t = &g->tensors[node->inputs[summand++]];
      if (!mf_shape_equal(&t->shape, &g->tensors[node->output].shape)) {
        return BROKEN(e, "%s: post %d adds %s of shape %s", node->name, i, t->name, mf_shape_print(&t->shape).text);
      }
    } else {
      return BROKEN(e, "%s: post %d is of kind %d", node->name, i, (int)post->kind);
    }
  }
  return MF_OK;
}

static mf_status verify_node(const mf_graph *g, int index, mf_error *e) {
  const mf_node *node = &g->nodes[index];
  MF_TRY(verify_names(g, node, index, e));
  if (node->output < 0 || node->output >= g->tensor_count || g->tensors[node->output].producer != index) {
    return BROKEN(e, "%s: its output is not its own", node->name);
  }
  if (node->compute != MF_F32 && node->compute != MF_BF16 && node->compute != MF_F16 && node->compute != MF_S8) {
    return BROKEN(e, "%s: computes in %d", node->name, (int)node->compute);
  }
  if (node->post_count < 0 || node->post_count > MF_MAX_POSTS) {
    return BROKEN(e, "%s: %d posts (at most %d)", node->name, node->post_count, MF_MAX_POSTS);
  }
  mf_shape shape;
  mf_error why;
  if (mf_graph_shape(g, node, &shape, &why) != MF_OK) return BROKEN(e, "%s", why.text);
  if (!mf_shape_equal(&shape, &g->tensors[node->output].shape)) {
    return BROKEN(e, "%s: the output is %s (expected %s)", node->name,
                  mf_shape_print(&g->tensors[node->output].shape).text, mf_shape_print(&shape).text);
  }
  for (int i = 0; i < node->input_count; i++) {
    const mf_tensor *t = &g->tensors[node->inputs[i]];
    if (t->producer >= index) return BROKEN(e, "%s: reads %s, which a later node writes", node->name, t->name);
  }
  return verify_posts(g, node, e);
}

mf_status mf_graph_verify(const mf_graph *g, mf_error *e) {
  if (g->input < 0 || g->input >= g->tensor_count) return BROKEN(e, "%s: there is no input", g->name);
  if (g->output < 0 || g->output >= g->tensor_count) return BROKEN(e, "%s: there is no output", g->name);
  if (g->tensors[g->input].producer >= 0) return BROKEN(e, "%s: a node writes the input", g->name);
  for (int i = 0; i < g->tensor_count; i++) MF_TRY(verify_tensor(g, i, e));
  for (int i = 0; i < g->node_count; i++) MF_TRY(verify_node(g, i, e));
  return MF_OK;
}
