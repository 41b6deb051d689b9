#include "graph/edit.h"
#include "graph/eltwise.h"
#include <inttypes.h>

static void print_pair(FILE *to, const char *what, const int64_t pair[2], int64_t usual) {
  if (pair[0] == usual && pair[1] == usual) return;
  fprintf(to, " %s %" PRId64, what, pair[0]);
  if (pair[1] != pair[0]) fprintf(to, "x%" PRId64, pair[1]);
}

static void print_pads(FILE *to, const int64_t begin[2], const int64_t end[2]) {
  if (begin[0] == end[0] && begin[1] == end[1]) {
    print_pair(to, "pad", begin, 0);
  } else {
    fprintf(to, " pad %" PRId64 "x%" PRId64 ":%" PRId64 "x%" PRId64, begin[0], begin[1], end[0], end[1]);
  }
}

static void print_eltwise(FILE *to, const mf_eltwise *f) {
  fprintf(to, " %s", mf_eltwise_name(f->kind));
  if (f->kind == MF_ELTWISE_CLIP) fprintf(to, "(%g, %g)", (double)f->alpha, (double)f->beta);
}

static void print_attributes(const mf_graph *g, const mf_node *node, FILE *to) {
  static const char *const poolings[] = {"max", "average", "average with padding"};
  static const char *const binaries[] = {"add", "sub", "mul", "div", "max", "min"};
  const mf_convolution *c = &node->attributes.convolution;
  const mf_pooling *p = &node->attributes.pooling;
  switch (node->op) {
  case MF_OP_CONVOLUTION: {
    const mf_shape *weights = &g->tensors[node->inputs[1]].shape;
    fprintf(to, " %" PRId64 "x%" PRId64, weights->dim[2], weights->dim[3]);
    print_pair(to, "stride", c->stride, 1);
    print_pads(to, c->pad_begin, c->pad_end);
    print_pair(to, "dilation", c->dilation, 1);
    if (c->groups != 1) fprintf(to, " groups %" PRId64, c->groups);
    break;
  }
  case MF_OP_POOLING:
    fprintf(to, " %s %" PRId64 "x%" PRId64, poolings[p->kind], p->kernel[0], p->kernel[1]);
    print_pair(to, "stride", p->stride, 1);
    print_pads(to, p->pad_begin, p->pad_end);
    if (p->ceil) fputs(" ceil", to);
    break;
  case MF_OP_ELTWISE:
    print_eltwise(to, &node->attributes.eltwise);
    break;
  case MF_OP_BINARY:
    fprintf(to, " %s", binaries[node->attributes.binary.kind]);
    break;
  case MF_OP_CONCAT:
    fprintf(to, " axis %d", node->attributes.concat.axis);
    break;
  case MF_OP_SOFTMAX:
    fprintf(to, " axis %d", node->attributes.softmax.axis);
    break;
  case MF_OP_LRN:
    fprintf(to, " size %" PRId64, node->attributes.lrn.size);
    break;
  default:
    break;
  }
}

static void print_posts(const mf_graph *g, const mf_node *node, FILE *to) {
  for (int i = 0; i < node->post_count; i++) {
    fputs(" +", to);
    if (node->posts[i].kind == MF_POST_SUM) {
      fprintf(to, " sum(%s)", g->tensors[node->inputs[node->posts[i].input]].name);
    } else {
      print_eltwise(to, &node->posts[i].eltwise);
    }
  }
}

void mf_graph_print(const mf_graph *g, FILE *to) {
  fprintf(to, "%s: %d nodes, %d tensors\n", g->name, g->node_count, g->tensor_count);
  for (int i = 0; i < g->node_count; i++) {
    const mf_node *node = &g->nodes[i];
    fprintf(to, "%4d %-19s %-28s %-14s -> %-14s %-4s", i, mf_op_name(node->op), node->name,
            mf_shape_print(&g->tensors[node->inputs[0]].shape).text,
            mf_shape_print(&g->tensors[node->output].shape).text, mf_dtype_name(node->compute));
    print_attributes(g, node, to);
    print_posts(g, node, to);
    if (node->source_count > 1) {
      fputs(" [", to);
      for (int k = 0; k < node->source_count; k++) fprintf(to, "%s%s", k ? "+" : "", node->sources[k]);
      fputc(']', to);
    }
    fputc('\n', to);
  }
}
