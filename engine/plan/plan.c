#include "plan/plan.h"
#include "base/clock.h"
#include "graph/edit.h"
#include "plan/lower.h"
#include "plan/pack.h"
#include <string.h>

typedef mf_status (*lowering)(mf_lowering *lw, mf_error *e);
static const lowering lowerings[] = {
#define MF_OP(constant, name, low, high, attributes) mf_lower_##name,
#include "graph/op.def"
#undef MF_OP
};

// "layer1.0.conv1" and "layer1.0.bn1" read as "layer1.0.conv1+bn1".
static const char *joined_name(mf_arena *arena, const mf_node *node) {
  const char *first = node->sources[0], *dot = strrchr(first, '.');
  size_t prefix = dot ? (size_t)(dot - first) + 1 : 0;
  const char *name = first;
  for (int i = 1; name && i < node->source_count; i++) {
    const char *source = node->sources[i];
    bool same = prefix && strncmp(source, first, prefix) == 0;
    name = mf_arena_format(arena, "%s+%s", name, same ? source + prefix : source);
  }
  return name;
}

static const char *compute_name(const mf_plan *plan, const mf_graph *graph, const mf_node *node) {
  const mf_quantization *stored = &graph->tensors[node->output].quantization;
  return node->compute == MF_S8 || stored->set ? "int8" : mf_dtype_name(plan->options.activations);
}

// Weights, biases and BatchNorm's vectors are constants; everything else a node reads has been computed.
static mf_status check_inputs(const mf_lowering *lw, const mf_node *node, mf_error *e) {
  const bool has_parameters =
      node->op == MF_OP_CONVOLUTION || node->op == MF_OP_INNER_PRODUCT || node->op == MF_OP_BATCH_NORMALIZATION;
  const int parameters = has_parameters ? mf_node_operands(node) : 1;
  for (int i = 0; i < node->input_count; i++) {
    const mf_tensor *tensor = &lw->graph->tensors[node->inputs[i]];
    const bool is_parameter = i > 0 && i < parameters;
    if (is_parameter && !tensor->data)
      return mf_fail(e, MF_ERR_UNSUPPORTED,
                     "%s: %s is computed by the network, which is not supported (expected a constant)", node->name,
                     tensor->name);
    if (!is_parameter && lw->value_of[node->inputs[i]] < 0)
      return mf_fail(e, MF_ERR_UNSUPPORTED,
                     "%s: %s is a constant, which is not supported here (expected an activation)", node->name,
                     tensor->name);
  }
  return MF_OK;
}

static mf_status lower_node(mf_lowering *lw, int n, mf_error *e) {
  mf_plan *plan = lw->plan;
  const mf_node *node = &lw->graph->nodes[n];
  MF_TRY(check_inputs(lw, node, e));
  lw->node = node;
  lw->node_index = n;
  mf_layer *layer = &plan->layers[plan->layer_count];
  *layer = (mf_layer){.name = joined_name(&plan->arena, node),
                      .kind = mf_op_name(node->op),
                      .stage = node->stage,
                      .dtype = compute_name(plan, lw->graph, node),
                      .impl = "",
                      .sources = (const char *const *)node->sources,
                      .source_count = node->source_count,
                      .input = lw->graph->tensors[node->inputs[0]].shape,
                      .output = lw->graph->tensors[node->output].shape,
                      .node = n};
  if (!layer->name) return mf_fail_memory(e, 64);
  plan->layer_count++;
  int steps = plan->step_count;
  MF_TRY(lowerings[node->op](lw, e));
  if (!layer->step_count && plan->step_count == steps) plan->layer_count--; // a view
  return MF_OK;
}

// Until its first consumer has chosen a format, the input is nothing in particular (mf_lower_convert).
static mf_status make_input(mf_lowering *lw, mf_error *e) {
  mf_plan *plan = lw->plan;
  const mf_tensor *input = &lw->graph->tensors[lw->graph->input];
  static const dnnl_format_tag_t dense[] = {0, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd};
  if (input->shape.rank < 1 || input->shape.rank > 4)
    return mf_fail(e, MF_ERR_UNSUPPORTED, "an input of %d dimensions is not supported", input->shape.rank);
  bool quantised = input->quantization.set && !plan->options.float_input;
  mf_dtype dtype = plan->options.float_input ? MF_F32
                   : quantised               ? input->quantization.dtype
                                             : plan->options.activations;
  dnnl_memory_desc_t md = NULL;
  MF_TRY(mf_onednn_md(&md, &input->shape, dtype, dense[input->shape.rank], e));
  plan->input_is_open = !plan->options.float_input;
  MF_TRY(mf_lower_value(lw, lw->graph->input, md, quantised ? &input->quantization : NULL, -1, &plan->input, e));
  lw->value_of[lw->graph->input] = plan->input;
  return MF_OK;
}

static mf_status make_output(mf_lowering *lw, mf_error *e) {
  mf_plan *plan = lw->plan;
  lw->node = NULL;
  lw->node_index = lw->graph->node_count;
  int value = lw->value_of[lw->graph->output];
  const mf_shape *shape = &lw->graph->tensors[lw->graph->output].shape;
  static const dnnl_format_tag_t dense[] = {0, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd};
  if (shape->rank > 4)
    return mf_fail(e, MF_ERR_UNSUPPORTED, "an output of %d dimensions is not supported", shape->rank);
  dnnl_memory_desc_t want = NULL;
  MF_TRY(mf_onednn_md(&want, shape, MF_F32, dense[shape->rank], e));
  bool ready = dnnl_memory_desc_equal(plan->values[value].md, want);
  mf_status status = ready ? MF_OK : mf_lower_convert(lw, value, want, NULL, "output", &value, e);
  dnnl_memory_desc_destroy(want);
  plan->output = value;
  return status;
}

static mf_status lower_all(const mf_graph *graph, mf_lowering *lw, mf_error *e) {
  MF_TRY(make_input(lw, e));
  for (int n = 0; n < graph->node_count; n++) MF_TRY(lower_node(lw, n, e));
  return make_output(lw, e);
}

static void note_phase(mf_plan_note note, void *context, const char *phase, uint64_t *start) {
  uint64_t now = mf_now_ns();
  if (note) note(&(mf_plan_event){.name = phase, .cache = "", .start = *start, .duration = now - *start}, context);
  *start = now;
}

// Each primitive took the time since the one before it: its descriptor, the choice of an implementation, its code.
static void note_primitives(const mf_plan *plan, mf_plan_note note, void *context, uint64_t start) {
  for (int i = 0; note && i < plan->step_count; i++) {
    const mf_step_info *info = &plan->steps[i].info;
    note(&(mf_plan_event){info->name, true, info->cache, start, info->made_ns - start}, context);
    start = info->made_ns;
  }
}

static mf_status build(mf_plan *plan, mf_pool *pool, mf_plan_note note, void *context, mf_error *e) {
  const mf_graph *graph = plan->graph;
  uint64_t start = mf_now_ns();
  mf_pool_bind_caller(pool);
  MF_TRY(mf_onednn_check(dnnl_engine_create(&plan->engine, dnnl_cpu, 0), "engine", e));
  plan->layers = mf_arena_alloc(&plan->arena, ((size_t)graph->node_count + 1) * sizeof *plan->layers);
  mf_lowering lw = {.plan = plan, .graph = graph};
  lw.value_of = mf_arena_alloc(&plan->arena, ((size_t)graph->tensor_count + 1) * sizeof *lw.value_of);
  if (!plan->layers || !lw.value_of) return mf_fail_memory(e, (size_t)graph->node_count * sizeof *plan->layers);
  for (int t = 0; t < graph->tensor_count; t++) lw.value_of[t] = -1;
  mf_status status = lower_all(graph, &lw, e);
  note_primitives(plan, note, context, start);
  note_phase(note, context, "primitives", &start);
  if (status == MF_OK) status = mf_plan_memory(plan, e);
  note_phase(note, context, "memory plan", &start);
  if (status == MF_OK) status = mf_plan_pack(plan, lw.packs, lw.pack_count, pool, e);
  note_phase(note, context, "pack weights", &start);
  for (int i = 0; i < lw.pack_count; i++) dnnl_memory_desc_destroy(lw.packs[i].plain);
  mf_free(lw.packs);
  return status;
}

mf_status mf_plan_create(mf_plan **out, const mf_graph *graph, const mf_plan_options *options, mf_pool *pool,
                         mf_plan_note note, void *context, mf_error *e) {
  mf_plan *plan = mf_alloc_zero(sizeof *plan);
  if (!plan) return mf_fail_memory(e, sizeof *plan);
  plan->graph = graph;
  plan->options = *options;
  plan->threads = mf_pool_threads(pool);
  plan->chunks = options->chunks ? options->chunks : 1;
  mf_status status = build(plan, pool, note, context, e);
  if (status != MF_OK) {
    mf_plan_free(plan);
    return status;
  }
  *out = plan;
  return MF_OK;
}

void mf_plan_free(mf_plan *plan) {
  if (!plan) return;
  for (int i = 0; i < plan->step_count; i++) {
    if (plan->steps[i].primitive) dnnl_primitive_destroy(plan->steps[i].primitive);
    mf_kernel_free(plan->steps[i].kernel);
  }
  for (int i = 0; i < plan->constant_count; i++) {
    if (plan->constants[i].memory) dnnl_memory_destroy(plan->constants[i].memory);
    dnnl_memory_desc_destroy(plan->constants[i].md);
  }
  for (int i = 0; i < plan->value_count; i++) dnnl_memory_desc_destroy(plan->values[i].md);
  if (plan->engine) dnnl_engine_destroy(plan->engine);
  mf_free(plan->steps);
  mf_free(plan->constants);
  mf_free(plan->values);
  mf_free(plan->constant_slab);
  mf_arena_free(&plan->arena);
  mf_free(plan);
}

static bool set_bias(const mf_plan *plan, const mf_step *step, const float *bias) {
  const bool packed = step->kernel && mf_kernel_packs_bias(step->kernel);
  for (int a = 0; a < step->argument_count; a++) {
    if (step->arguments[a].source != MF_FROM_CONSTANT) continue;
    const mf_constant *constant = &plan->constants[step->arguments[a].index];
    if (packed && step->arguments[a].dnnl == DNNL_ARG_WEIGHTS) {
      mf_kernel_set_bias(step->kernel, bias, constant->memory);
      return true;
    }
    if (step->arguments[a].dnnl == DNNL_ARG_BIAS) {
      memcpy((char *)plan->constant_slab + constant->offset, bias, constant->bytes);
      return true;
    }
  }
  return false;
}

bool mf_plan_set_bias(const mf_plan *plan, int node, const float *bias) {
  for (int l = 0; l < plan->layer_count; l++) {
    const mf_layer *layer = &plan->layers[l];
    if (layer->node != node) continue;
    for (int i = layer->first_step; i < layer->first_step + layer->step_count; i++)
      if (set_bias(plan, &plan->steps[i], bias)) return true;
  }
  return false;
}
