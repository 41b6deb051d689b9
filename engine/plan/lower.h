// What a lowering works with. One function per op (op.def), mf_lower_<name>: it reads the node, asks oneDNN for a
// primitive with `format any`, converts operands where the primitive's choice differs from what is there, and emits the
// step.
#ifndef MF_PLAN_LOWER_H
#define MF_PLAN_LOWER_H

#include "base/text.h"
#include "plan/onednn.h"
#include "plan/plan.h"

// Weights that still have to be written in the form their primitive reads (plan/pack.c).
typedef struct mf_pack {
  int constant;
  const float *data;        // dense, in the order of `plain`; lives until packing is done
  dnnl_memory_desc_t plain; // f32, or s8 when `scales` is set; owned by the job
  const mf_kernel *kernel;  // that writes them in its own form; NULL: oneDNN reorders
  const float *bias;        // for a kernel that packs it; NULL: there is none
  const float *scales;      // int8: real = scale * stored, one per output channel; NULL otherwise
  int multiple;             // int8: what is stored is a multiple of it, 1 or 2
  size_t channels;          // output channels (the outermost dimension, groups included)
} mf_pack;

typedef struct mf_lowering {
  mf_plan *plan;
  const mf_graph *graph;
  const mf_node *node; // being lowered
  int node_index;
  int *value_of; // per tensor of the graph: the value that holds it, or -1
  mf_pack *packs;
  int pack_count, pack_capacity;
} mf_lowering;

#define MF_OP(constant, name, low, high, attributes) mf_status mf_lower_##name(mf_lowering *lw, mf_error *e);
#include "graph/op.def"
#undef MF_OP

// ---- values (lower.c)
int mf_lower_operand(const mf_lowering *lw, int input); // the value that holds operand `input` now
const mf_shape *mf_lower_operand_shape(const mf_lowering *lw, int input);
// What a node that multiplies stores its output in: the quantised type when it computes in int8, f32 for the network's
// output, else the plan's activation type.
mf_dtype mf_lower_output_dtype(const mf_lowering *lw);
// How the summand `input` is stored where it is added to integers: as it lies there, else as annotated, else like the
// output.
const mf_quantization *mf_lower_summand_quantization(const mf_lowering *lw, int input);
bool mf_lower_needed_later(const mf_lowering *lw, int value); // by a node after this one, or as the network's output
void mf_lower_overwrite(mf_lowering *lw, int value);          // marks all that share its buffer
// A new value for `tensor`; takes md over (also on failure). `alias`: shares that value's buffer, or -1.
mf_status mf_lower_value(mf_lowering *lw, mf_tensor_id tensor, dnnl_memory_desc_t md,
                         const mf_quantization *quantization, int alias, int *out, mf_error *e);
// The operand as `want`, through a reorder when it is anything else. `reason` NULL: found out from what differs.
mf_status mf_lower_convert(mf_lowering *lw, int value, const_dnnl_memory_desc_t want,
                           const mf_quantization *quantization, const char *reason, int *out, mf_error *e);
// The operand in float (the plan's activation type), in the layout it has.
mf_status mf_lower_float(mf_lowering *lw, int value, int *out, mf_error *e);
// A descriptor like `like` with another dtype.
mf_status mf_lower_md_as(dnnl_memory_desc_t *out, const_dnnl_memory_desc_t like, mf_dtype dtype, mf_error *e);

// ---- constants
mf_status mf_lower_vector(mf_lowering *lw, const float *data, size_t count, int *constant,
                          mf_error *e); // f32, copied now
// A parameter in descriptor `want` (copied). `pack` says the rest, all but `constant`; its `plain` is taken over.
mf_status mf_lower_weights(mf_lowering *lw, const mf_pack *pack, const_dnnl_memory_desc_t want, int *constant,
                           mf_error *e);

// ---- attributes (attributes.c): scratchpad mode, scales, post-ops
typedef struct mf_lower_attributes {
  dnnl_primitive_attr_t attr; // destroy with dnnl_primitive_attr_destroy
  char text[96];              // the post-ops for people: "sum:0.05:u8+eltwise_relu"
  int summand;                // index into node->inputs, or -1
} mf_lower_attributes;
typedef struct mf_lower_scales {
  const mf_quantization *source, *destination; // NULL or not set: none
  int weights_mask;                            // -1: none
} mf_lower_scales;
// oneDNN's algorithm and its name ("relu") for an eltwise attribute.
mf_status mf_lower_eltwise_kind(const mf_eltwise *eltwise, dnnl_alg_kind_t *kind, const char **name, mf_error *e);
mf_status mf_lower_make_attributes(const mf_lowering *lw, const mf_lower_scales *scales, mf_lower_attributes *out,
                                   mf_error *e);

// ---- steps (emit.c)
typedef struct mf_emit {
  dnnl_primitive_desc_t pd; // taken over, also on failure; or, NULL,
  mf_kernel *kernel;        // likewise
  const char *kind, *problem, *post_ops;
  const char *source_letters, *weights_letters, *destination_letters; // for format names; NULL: no such argument
  mf_step_argument arguments[MF_STEP_ARGUMENTS];
  int argument_count;
  double flops;
  // reorders
  bool is_reorder;
  const char *name, *from, *to, *reason;
} mf_emit;
const_dnnl_memory_desc_t mf_emit_source(const mf_emit *emit);
const_dnnl_memory_desc_t mf_emit_weights(const mf_emit *emit);
const_dnnl_memory_desc_t mf_emit_destination(const mf_emit *emit);
void mf_emit_drop(mf_emit *emit); // frees what it had taken over
void mf_emit_value(mf_emit *emit, int dnnl, int value);
void mf_emit_constant(mf_emit *emit, int dnnl, int constant);
// Scales (and zero points) as runtime arguments for one side of an int8 primitive; nothing when `quantization` is not
// set.
mf_status mf_emit_quantization(mf_lowering *lw, mf_emit *emit, int dnnl, const mf_quantization *quantization,
                               mf_error *e);
mf_status mf_lower_emit(mf_lowering *lw, mf_emit *emit, mf_error *e);
// A step that reads value `source` and writes a new value for the node's output in the descriptor the primitive chose.
mf_status mf_emit_output(mf_lowering *lw, mf_emit *emit, int alias, mf_error *e);

// ---- selection (select.c)
// Moves pd on to the first implementation the plan's algorithm accepts; false when there is none.
bool mf_select(const mf_plan *plan, dnnl_primitive_desc_t pd, bool is_convolution);
const char *mf_select_impl(const_dnnl_primitive_desc_t pd);
bool mf_select_is_reference(const_dnnl_primitive_desc_t pd);
// Activation formats to try in turn for `channels`, by the plan's layout; returns how many.
#define MF_LAYOUT_CHOICES 3
int mf_select_formats(const mf_plan *plan, int64_t channels, dnnl_format_tag_t tags[MF_LAYOUT_CHOICES]);

#endif
