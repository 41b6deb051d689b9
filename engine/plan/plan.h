// The plan: a graph as oneDNN primitives in execution order, with packed weights and a memory map. Read-only once made,
// and shared by any number of sessions of the same thread count.
#ifndef MF_PLAN_PLAN_H
#define MF_PLAN_PLAN_H

#include "graph/graph.h"
#include "kernel/kernel.h"
#include "thread/pool.h"
#include <oneapi/dnnl/dnnl.h>

typedef enum mf_layout { MF_LAYOUT_AUTO, MF_LAYOUT_BLOCKED, MF_LAYOUT_NHWC, MF_LAYOUT_NCHW } mf_layout;
typedef enum mf_algorithm {
  MF_ALGORITHM_AUTO,
  MF_ALGORITHM_DIRECT, // oneDNN's kernels alone
  MF_ALGORITHM_GEMM,
  MF_ALGORITHM_WINOGRAD // wherever it can be; otherwise as auto
} mf_algorithm;

typedef struct mf_plan_options {
  mf_layout layout;
  mf_algorithm algorithm;
  mf_dtype activations; // what float activations are stored in: MF_F32, MF_BF16, MF_F16
  bool float_input;     // the run begins with N,C,H,W float32; else the session fills the first consumer's own format
  int chunks;           // times that a run goes through the steps, each for the graph's batch; 0: 1
} mf_plan_options;

// An activation in memory.
typedef struct mf_value {
  const char *name; // of the tensor
  mf_tensor_id tensor;
  const char *producer; // name of the layer that wrote it; "input" for the network's input
  int layer;            // index of that layer, -1 for the input
  dnnl_memory_desc_t md;
  mf_quantization quantization; // as stored here
  size_t bytes, offset;         // in the slab
  size_t step;                  // input and output of several chunks: from one chunk's to the next; else 0, all use one
  int first, last;              // steps between which it must stay untouched, both included
  int alias;                    // value whose buffer it shares, or -1
  bool overwritten;             // a later value was computed in place over its buffer
} mf_value;

typedef enum mf_argument_source { MF_FROM_VALUE, MF_FROM_CONSTANT } mf_argument_source;
typedef struct mf_step_argument {
  int dnnl; // DNNL_ARG_...
  mf_argument_source source;
  int index; // into values or constants
} mf_step_argument;

// What a step is, for people: strings live in the plan's arena.
typedef struct mf_step_info {
  const char *kind, *name, *impl, *problem, *post_ops;
  struct {
    const char *format, *dtype;
  } source, weights, bias, destination;
  const char *from, *to, *reason; // reorders and primitives that convert inside; "" otherwise
  size_t scratchpad_bytes, bytes_read, bytes_written;
  double flops;      // that it executes: a Winograd convolution fewer than the op has
  uint64_t made_ns;  // when it was ready; what it took began when the step before it was
  const char *cache; // as in mf_plan_event
} mf_step_info;

#define MF_STEP_ARGUMENTS (MF_MAX_INPUTS + 8)
typedef struct mf_step {
  dnnl_primitive_t primitive; // or, NULL,
  mf_kernel *kernel;          // one of our own
  mf_step_argument *arguments;
  int argument_count;
  int layer; // index into layers; for a reorder the layer it serves
  bool is_reorder;
  mf_step_info info;
} mf_step;

typedef struct mf_layer {
  const char *name; // "layer1.0.conv1+bn1+relu"
  const char *kind, *stage, *dtype, *impl;
  const char *const *sources;
  int source_count;
  mf_shape input, output;
  double flops;
  int node;       // index into the graph's nodes
  int first_step; // its own steps, reorders in front of it excluded
  int step_count;
} mf_layer;

// A parameter in the form its primitive reads. Filled by packing.
typedef struct mf_constant {
  dnnl_memory_desc_t md;
  dnnl_memory_t memory;
  size_t bytes, offset; // in the constants' slab
} mf_constant;

typedef struct mf_plan {
  mf_arena arena;
  const mf_graph *graph; // borrowed: names, shapes
  mf_plan_options options;
  int threads;
  int chunks; // of a run, at least 1
  dnnl_engine_t engine;
  mf_value *values;
  int value_count, value_capacity;
  mf_constant *constants;
  int constant_count, constant_capacity;
  mf_step *steps;
  int step_count, step_capacity;
  mf_layer *layers;
  int layer_count;
  int input, output;  // values
  bool input_is_open; // while lowering: no consumer has chosen the input's format yet
  void *constant_slab;
  size_t constant_bytes;
  size_t activation_bytes, activation_bound_bytes; // slab of a session; the least any plan of these values needs
  size_t scratchpad_bytes;                         // the largest of all steps
} mf_plan;

// Each phase of planning, told when it ends: "primitives", "memory plan", "pack weights"; and before that its parts.
typedef struct mf_plan_event {
  const char *name;         // of the phase; of a part: the primitive that was made
  bool is_part;             // of the phase that is told next
  const char *cache;        // of primitives: "hit" or "miss" of oneDNN's cache of them, "" where it does not tell
  uint64_t start, duration; // ns
} mf_plan_event;
typedef void (*mf_plan_note)(const mf_plan_event *event, void *context);

// `note` may be NULL. `graph` must outlive the plan; its constants are copied, so the weights need not. Errors:
// MF_ERR_UNSUPPORTED when the machine or oneDNN cannot do what is asked.
mf_status mf_plan_create(mf_plan **out, const mf_graph *graph, const mf_plan_options *options, mf_pool *pool,
                         mf_plan_note note, void *context, mf_error *e);
void mf_plan_free(mf_plan *plan);

// Gives the primitive of a node of the graph another bias, one float an output channel; false when it has none. Only
// calibration does, before the plan is shared.
bool mf_plan_set_bias(const mf_plan *plan, int node, const float *bias);

// Offsets for values so that no two that live at once overlap (plan/memory.c). Sets offsets, steps and both sizes. Of
// several chunks only the input and the output are there at once, chunk behind chunk, beside what every chunk uses
// again.
mf_status mf_plan_memory(mf_plan *plan, mf_error *e);

#endif
