// The graph: tensors, and nodes in execution order. A value that passes edit and the plan reads.
#ifndef MF_GRAPH_GRAPH_H
#define MF_GRAPH_GRAPH_H

#include "base/alloc.h"
#include "graph/attributes.h"
#include "graph/dtype.h"
#include <stdio.h>

#define MF_MAX_INPUTS 64
#define MF_MAX_POSTS 4
#define MF_NO_TENSOR (-1)
typedef int32_t mf_tensor_id; // index into graph->tensors, or MF_NO_TENSOR

typedef enum mf_op {
#define MF_OP(constant, name, low, high, attributes) MF_OP_##constant,
#include "graph/op.def"
#undef MF_OP
  MF_OP_COUNT
} mf_op;
const char *mf_op_name(mf_op op);

typedef union mf_attributes {
#define MF_OP(constant, name, low, high, attributes) attributes name;
#include "graph/op.def"
#undef MF_OP
} mf_attributes;

// How an activation is stored when it is not float: real = scale * (stored - zero_point). Set by quant/, obeyed by
// plan/.
typedef struct mf_quantization {
  bool set;
  mf_dtype dtype; // MF_U8 or MF_S8
  float scale;    // > 0
  int32_t zero_point;
} mf_quantization;

typedef struct mf_tensor {
  const char *name; // unique in the graph
  mf_shape shape;
  const float *data; // constants: dense, row-major, 64-byte or file aligned to 4; NULL for activations
  int32_t producer;  // index of the node that writes it, or -1 for inputs and constants
  mf_quantization quantization;
  const float
      *factors; // of an equalised activation, one a channel (dimension 1): real = factor * what it holds; or NULL
} mf_tensor;

// What a fused node still does to its result before storing it, in order.
typedef enum mf_post_kind { MF_POST_ELTWISE, MF_POST_SUM } mf_post_kind;
typedef struct mf_post {
  mf_post_kind kind;
  mf_eltwise eltwise; // MF_POST_ELTWISE
  int input;          // MF_POST_SUM: index into node->inputs of the summand (same shape as the output)
} mf_post;

typedef struct mf_node {
  mf_op op;
  const char *name;  // of the first source layer: "layer1.0.conv1"
  const char *stage; // "conv2_x"; never NULL, may be ""
  mf_tensor_id *inputs;
  int input_count; // operands of the op, then summands of the post-ops
  mf_tensor_id output;
  mf_attributes attributes;
  mf_post posts[MF_MAX_POSTS];
  int post_count;
  const char **sources; // names of the source layers it covers, in their order: conv1, bn1, relu
  int source_count;
  mf_dtype compute; // what it multiplies in: MF_F32, MF_BF16, MF_F16 or MF_S8 (int8)
} mf_node;

typedef struct mf_graph {
  mf_arena arena; // owns everything below and what passes add; constants may point into a weights source that outlives
                  // the graph
  const char *name;
  mf_tensor *tensors;
  int tensor_count, tensor_capacity;
  mf_node *nodes; // execution order: a node comes after the producers of its inputs
  int node_count, node_capacity;
  mf_tensor_id input, output;
} mf_graph;

mf_status mf_graph_create(mf_graph **out, const char *name, mf_error *e);
void mf_graph_free(mf_graph *graph); // NULL is allowed

// Append; names are copied. The tensor or node returned stays valid until the next append.
mf_status mf_graph_add_tensor(mf_graph *g, const char *name, const mf_shape *shape, const float *data, mf_tensor_id *id,
                              mf_error *e);
// `prototype` gives op, name, stage, inputs, attributes; sources default to {name}; computes the output's shape by the
// op's rule and creates the output tensor, named after the node. MF_ERR_FILE when the shapes do not fit.
mf_status mf_graph_add_node(mf_graph *g, const mf_node *prototype, mf_tensor_id *output, mf_error *e);

// Shape rules, one per op (op.def). `node` has inputs and attributes; fills *out.
#define MF_OP(constant, name, low, high, attributes)                                                                   \
  mf_status mf_shape_rule_##name(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e);
#include "graph/op.def"
#undef MF_OP
mf_status mf_graph_shape(const mf_graph *g, const mf_node *node, mf_shape *out,
                         mf_error *e); // arity check, then the op's rule

int mf_graph_uses(const mf_graph *g, mf_tensor_id tensor); // times it is read (the graph's output counts once)
mf_status mf_graph_verify(const mf_graph *g,
                          mf_error *e); // every invariant above; MF_ERR_UNSUPPORTED names the first broken one
void mf_graph_print(const mf_graph *g, FILE *to); // a line a node, for people
// Multiply-adds of a node times two, 0 for ops that do not multiply.
double mf_node_flops(const mf_graph *g, const mf_node *node);

#endif
