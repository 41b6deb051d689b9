#include "base/clock.h"
#include "plan/lower.h"
#include <string.h>

const_dnnl_memory_desc_t mf_emit_source(const mf_emit *emit) {
  return emit->kernel ? emit->kernel->source : dnnl_primitive_desc_query_md(emit->pd, dnnl_query_src_md, 0);
}

const_dnnl_memory_desc_t mf_emit_weights(const mf_emit *emit) {
  return emit->kernel ? emit->kernel->weights : dnnl_primitive_desc_query_md(emit->pd, dnnl_query_weights_md, 0);
}

const_dnnl_memory_desc_t mf_emit_destination(const mf_emit *emit) {
  return emit->kernel ? emit->kernel->destination : dnnl_primitive_desc_query_md(emit->pd, dnnl_query_dst_md, 0);
}

void mf_emit_drop(mf_emit *emit) {
  mf_kernel_free(emit->kernel);
  if (emit->pd) dnnl_primitive_desc_destroy(emit->pd);
  emit->kernel = NULL;
  emit->pd = NULL;
}

void mf_emit_value(mf_emit *emit, int dnnl, int value) {
  emit->arguments[emit->argument_count++] = (mf_step_argument){dnnl, MF_FROM_VALUE, value};
}

void mf_emit_constant(mf_emit *emit, int dnnl, int constant) {
  emit->arguments[emit->argument_count++] = (mf_step_argument){dnnl, MF_FROM_CONSTANT, constant};
}

static mf_status integer_constant(mf_lowering *lw, int32_t value, int *constant, mf_error *e) {
  // Packing copies bit patterns between equal descriptors, so an s32 travels in a float's clothes.
  float bits;
  memcpy(&bits, &value, sizeof bits);
  MF_TRY(mf_lower_vector(lw, &bits, 1, constant, e));
  mf_shape shape = {1, {1}};
  dnnl_memory_desc_t md = NULL;
  MF_TRY(mf_onednn_md(&md, &shape, MF_S32, dnnl_a, e));
  dnnl_memory_desc_destroy(lw->plan->constants[*constant].md);
  lw->plan->constants[*constant].md = md;
  return MF_OK;
}

mf_status mf_emit_quantization(mf_lowering *lw, mf_emit *emit, int dnnl, const mf_quantization *quantization,
                               mf_error *e) {
  if (!quantization || !quantization->set) return MF_OK;
  int constant = 0;
  MF_TRY(mf_lower_vector(lw, &quantization->scale, 1, &constant, e));
  mf_emit_constant(emit, DNNL_ARG_ATTR_SCALES | dnnl, constant);
  if (quantization->zero_point) {
    MF_TRY(integer_constant(lw, quantization->zero_point, &constant, e));
    mf_emit_constant(emit, DNNL_ARG_ATTR_ZERO_POINTS | dnnl, constant);
  }
  return MF_OK;
}

static mf_status describe(mf_lowering *lw, const mf_emit *emit, mf_step_info *info, mf_error *e) {
  mf_arena *arena = &lw->plan->arena;
  const mf_layer *layer = lw->plan->layer_count ? &lw->plan->layers[lw->plan->layer_count - 1] : NULL;
  const_dnnl_memory_desc_t source = mf_emit_source(emit), weights = mf_emit_weights(emit);
  const_dnnl_memory_desc_t destination = mf_emit_destination(emit), bias = NULL;
  size_t scratchpad_bytes;
  if (emit->kernel)
    scratchpad_bytes = emit->kernel->scratch_bytes;
  else
    scratchpad_bytes = dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(emit->pd, dnnl_query_scratchpad_md, 0));
  for (int i = 0; i < emit->argument_count; i++)
    if (emit->arguments[i].dnnl == DNNL_ARG_BIAS) bias = lw->plan->constants[emit->arguments[i].index].md;
  *info = (mf_step_info){.kind = emit->kind,
                         .name = emit->name ? emit->name
                                 : layer    ? layer->name
                                            : "",
                         .impl = mf_arena_copy(arena, emit->kernel ? emit->kernel->impl : mf_select_impl(emit->pd)),
                         .problem = mf_arena_copy(arena, emit->problem ? emit->problem : ""),
                         .post_ops = mf_arena_copy(arena, emit->post_ops ? emit->post_ops : ""),
                         .from = emit->from ? emit->from : "",
                         .to = emit->to ? emit->to : "",
                         .reason = emit->reason ? emit->reason : "",
                         .scratchpad_bytes = scratchpad_bytes,
                         .flops = emit->flops};
  info->source.format = emit->source_letters ? mf_onednn_format(arena, source, emit->source_letters) : "";
  info->weights.format = emit->weights_letters ? mf_onednn_format(arena, weights, emit->weights_letters) : "";
  info->destination.format =
      emit->destination_letters ? mf_onednn_format(arena, destination, emit->destination_letters) : "";
  info->bias.format = bias ? "x" : "";
  if (!info->impl || !info->problem || !info->post_ops || !info->source.format || !info->weights.format ||
      !info->destination.format)
    return mf_fail_memory(e, 64);
  info->source.dtype = emit->source_letters ? mf_onednn_dtype_name(source) : "";
  info->weights.dtype = emit->weights_letters ? mf_onednn_dtype_name(weights) : "";
  info->destination.dtype = emit->destination_letters ? mf_onednn_dtype_name(destination) : "";
  info->bias.dtype = bias ? mf_onednn_dtype_name(bias) : "";
  // oneDNN's plain-nchw convolution on AVX-512 blocks its operands inside the primitive, where no reorder shows.
  if (strstr(info->impl, "ncsp_convolution") && !emit->is_reorder)
    info->reason = "converts inside: plain nchw through a blocked kernel";

  const mf_plan *plan = lw->plan;
  for (int i = 0; i < emit->argument_count; i++) {
    const mf_step_argument *a = &emit->arguments[i];
    size_t bytes = a->source == MF_FROM_VALUE ? plan->values[a->index].bytes : plan->constants[a->index].bytes;
    if (a->dnnl == DNNL_ARG_DST) {
      info->bytes_written += bytes;
      if (strstr(info->post_ops, "sum")) info->bytes_read += bytes; // the summand lies in the destination
    } else
      info->bytes_read += bytes;
  }
  return MF_OK;
}

static mf_status create(mf_step *step, mf_emit *emit, mf_error *e) {
  step->kernel = emit->kernel;
  emit->kernel = NULL;
  step->info.cache = "";
  if (step->kernel) return MF_OK;
  const int cached = mf_onednn_cached();
  MF_TRY(mf_onednn_check(dnnl_primitive_create(&step->primitive, emit->pd), step->info.name, e));
  const int then = mf_onednn_cached();
  if (cached >= 0 && then >= 0) step->info.cache = then > cached ? "miss" : "hit";
  return MF_OK;
}

static mf_status add_step(mf_lowering *lw, mf_emit *emit, mf_error *e) {
  mf_plan *plan = lw->plan;
  if (plan->step_count == plan->step_capacity) {
    int capacity = plan->step_capacity ? plan->step_capacity * 2 : 128;
    mf_step *grown = mf_grow(plan->steps, (size_t)plan->step_count * sizeof *grown, (size_t)capacity * sizeof *grown);
    if (!grown) return mf_fail_memory(e, (size_t)capacity * sizeof *grown);
    plan->steps = grown;
    plan->step_capacity = capacity;
  }
  mf_step step = {
      .layer = plan->layer_count - 1, .is_reorder = emit->is_reorder, .argument_count = emit->argument_count};
  MF_TRY(describe(lw, emit, &step.info, e));
  step.arguments = mf_arena_alloc(&plan->arena, (size_t)emit->argument_count * sizeof *step.arguments + 1);
  if (!step.arguments) return mf_fail_memory(e, sizeof emit->arguments);
  memcpy(step.arguments, emit->arguments, (size_t)emit->argument_count * sizeof *step.arguments);
  MF_TRY(create(&step, emit, e));
  step.info.made_ns = mf_now_ns();
  if (step.info.scratchpad_bytes > plan->scratchpad_bytes) plan->scratchpad_bytes = step.info.scratchpad_bytes;

  int index = plan->step_count;
  for (int i = 0; i < step.argument_count; i++)
    if (step.arguments[i].source == MF_FROM_VALUE) {
      mf_value *value = &plan->values[step.arguments[i].index];
      if (step.arguments[i].dnnl == DNNL_ARG_DST) value->first = index;
      if (value->last < index) value->last = index;
      if (step.arguments[i].index == plan->input)
        plan->input_is_open = false; // read as it is now: it must not change any more
    }
  mf_layer *layer = plan->layer_count ? &plan->layers[plan->layer_count - 1] : NULL;
  if (layer && !emit->is_reorder) {
    if (!layer->step_count) {
      layer->first_step = index;
      layer->kind = step.info.kind;
      layer->impl = step.info.impl;
    }
    layer->step_count++;
    layer->flops += emit->flops;
  }
  plan->steps[plan->step_count++] = step;
  return MF_OK;
}

mf_status mf_lower_emit(mf_lowering *lw, mf_emit *emit, mf_error *e) {
  mf_status status = add_step(lw, emit, e);
  mf_emit_drop(emit);
  return status;
}

mf_status mf_emit_output(mf_lowering *lw, mf_emit *emit, int alias, mf_error *e) {
  const mf_tensor *tensor = &lw->graph->tensors[lw->node->output];
  dnnl_memory_desc_t md = NULL;
  int value = 0;
  mf_status status = mf_onednn_check(dnnl_memory_desc_clone(&md, mf_emit_destination(emit)), "destination", e);
  // What an op could only write as floats stays float here; whoever wants integers converts.
  mf_dtype stored = status == MF_OK ? mf_onednn_dtype_of(md) : MF_F32;
  const mf_quantization *quantization = stored == MF_U8 || stored == MF_S8 ? &tensor->quantization : NULL;
  if (alias >= 0) mf_lower_overwrite(lw, alias);
  if (status == MF_OK) status = mf_lower_value(lw, lw->node->output, md, quantization, alias, &value, e);
  if (status == MF_OK) {
    lw->value_of[lw->node->output] = value;
    mf_emit_value(emit, DNNL_ARG_DST, value);
    return mf_lower_emit(lw, emit, e);
  }
  mf_emit_drop(emit);
  return status;
}
