#include "plan/kernels.h"
#include <string.h>

int mf_lower_operand(const mf_lowering *lw, int input) {
  return lw->value_of[lw->node->inputs[input]];
}

const mf_shape *mf_lower_operand_shape(const mf_lowering *lw, int input) {
  return &lw->graph->tensors[lw->node->inputs[input]].shape;
}

mf_dtype mf_lower_output_dtype(const mf_lowering *lw) {
  const mf_tensor *out = &lw->graph->tensors[lw->node->output];
  if (out->quantization.set && lw->node->compute == MF_S8) return out->quantization.dtype;
  return lw->node->output == lw->graph->output ? MF_F32 : lw->plan->options.activations;
}

const mf_quantization *mf_lower_summand_quantization(const mf_lowering *lw, int input) {
  const mf_quantization *stored = &lw->plan->values[mf_lower_operand(lw, input)].quantization;
  const mf_quantization *annotated = &lw->graph->tensors[lw->node->inputs[input]].quantization;
  return stored->set ? stored : annotated->set ? annotated : &lw->graph->tensors[lw->node->output].quantization;
}

static int root(const mf_plan *plan, int value) {
  while (plan->values[value].alias >= 0) value = plan->values[value].alias;
  return value;
}

bool mf_lower_needed_later(const mf_lowering *lw, int value) {
  int buffer = root(lw->plan, value);
  int output = lw->value_of[lw->graph->output];
  if (output >= 0 && root(lw->plan, output) == buffer) return true;
  for (int n = lw->node_index + 1; n < lw->graph->node_count; n++) {
    const mf_node *node = &lw->graph->nodes[n];
    for (int i = 0; i < node->input_count; i++) {
      int other = lw->value_of[node->inputs[i]];
      if (other >= 0 && root(lw->plan, other) == buffer) return true;
    }
  }
  return false;
}

void mf_lower_overwrite(mf_lowering *lw, int value) {
  int buffer = root(lw->plan, value);
  for (int v = 0; v < lw->plan->value_count; v++)
    if (root(lw->plan, v) == buffer) lw->plan->values[v].overwritten = true;
}

mf_status mf_lower_value(mf_lowering *lw, mf_tensor_id tensor, dnnl_memory_desc_t md,
                         const mf_quantization *quantization, int alias, int *out, mf_error *e) {
  mf_plan *plan = lw->plan;
  if (plan->value_count == plan->value_capacity) {
    int capacity = plan->value_capacity ? plan->value_capacity * 2 : 64;
    mf_value *grown =
        mf_grow(plan->values, (size_t)plan->value_count * sizeof *grown, (size_t)capacity * sizeof *grown);
    if (!grown) {
      dnnl_memory_desc_destroy(md);
      return mf_fail_memory(e, (size_t)capacity * sizeof *grown);
    }
    plan->values = grown;
    plan->value_capacity = capacity;
  }
  mf_value *value = &plan->values[plan->value_count];
  *value = (mf_value){.name = lw->graph->tensors[tensor].name,
                      .tensor = tensor,
                      .producer = plan->layer_count ? plan->layers[plan->layer_count - 1].name : "input",
                      .layer = plan->layer_count - 1,
                      .md = md,
                      .bytes = dnnl_memory_desc_get_size(md),
                      .first = plan->step_count,
                      .last = plan->step_count,
                      .alias = alias};
  if (quantization) value->quantization = *quantization;
  *out = plan->value_count++;
  return MF_OK;
}

static bool same_quantization(const mf_quantization *a, const mf_quantization *b) {
  if (a->set != b->set) return false;
  return !a->set || (a->dtype == b->dtype && a->scale == b->scale && a->zero_point == b->zero_point);
}

// Activations are blocked over channels only.
static dnnl_format_tag_t blocked_tag(int64_t block) {
  switch (block) {
  case 4:
    return dnnl_nChw4c;
  case 8:
    return dnnl_nChw8c;
  case 16:
    return dnnl_nChw16c;
  case 32:
    return dnnl_nChw32c;
  default:
    return dnnl_format_tag_undef;
  }
}

mf_status mf_lower_md_as(dnnl_memory_desc_t *out, const_dnnl_memory_desc_t like, mf_dtype dtype, mf_error *e) {
  if (mf_onednn_dtype_of(like) == dtype)
    return mf_onednn_check(dnnl_memory_desc_clone(out, like), "memory descriptor", e);
  int rank = 0, blocks = 0;
  const dnnl_dims_t *dims, *strides, *sizes, *indices;
  dnnl_memory_desc_query(like, dnnl_query_ndims_s32, &rank);
  dnnl_memory_desc_query(like, dnnl_query_dims, (void *)&dims);
  dnnl_memory_desc_query(like, dnnl_query_strides, (void *)&strides);
  dnnl_memory_desc_query(like, dnnl_query_inner_nblks_s32, &blocks);
  dnnl_data_type_t type = mf_onednn_dtype(dtype);
  if (blocks == 0)
    return mf_onednn_check(dnnl_memory_desc_create_with_strides(out, rank, *dims, type, *strides), "memory descriptor",
                           e);
  dnnl_memory_desc_query(like, dnnl_query_inner_blks, (void *)&sizes);
  dnnl_memory_desc_query(like, dnnl_query_inner_idxs, (void *)&indices);
  dnnl_format_tag_t tag =
      rank == 4 && blocks == 1 && (*indices)[0] == 1 ? blocked_tag((*sizes)[0]) : dnnl_format_tag_undef;
  if (tag == dnnl_format_tag_undef)
    return mf_fail(e, MF_ERR_UNSUPPORTED, "an activation lies in a layout that cannot change its type");
  return mf_onednn_check(dnnl_memory_desc_create_with_tag(out, rank, *dims, type, tag), "memory descriptor", e);
}

static const char *letters_of(const_dnnl_memory_desc_t md) {
  int rank = 0;
  dnnl_memory_desc_query(md, dnnl_query_ndims_s32, &rank);
  return rank == 1 ? "x" : rank == 2 ? "nc" : rank == 3 ? "ncw" : rank == 4 ? "nchw" : "ncdhw";
}

// Why a reorder is there, from what differs between its two sides.
static mf_status find_reason(mf_lowering *lw, int value, const char *have, const char *want_format, mf_dtype want_dtype,
                             const char *consumer, const char **reason, mf_error *e) {
  const mf_value *v = &lw->plan->values[value];
  bool dtype = mf_onednn_dtype_of(v->md) != want_dtype, format = strcmp(have, want_format) != 0;
  if (v->layer < 0 && v->tensor == lw->graph->input)
    *reason = "input format";
  else if (dtype && !format)
    *reason = "dtype";
  else if (!format)
    *reason = "scale"; // same type and layout, other quantisation
  else {
    *reason = mf_arena_format(&lw->plan->arena, "%sformat mismatch: %s wrote %s, %s's fastest reads %s",
                              dtype ? "dtype and " : "", v->producer, have, consumer, want_format);
    if (!*reason) return mf_fail_memory(e, 128);
  }
  return MF_OK;
}

static mf_status make_reorder(const mf_plan *plan, const mf_value *from, const mf_value *to, dnnl_primitive_desc_t *pd,
                              mf_error *e) {
  const mf_quantization *have = &from->quantization, *want = &to->quantization;
  dnnl_primitive_attr_t attr = NULL;
  MF_TRY(mf_onednn_check(dnnl_primitive_attr_create(&attr), "attributes", e));
  dnnl_status_t status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
  if (!status && have->set) status = dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_FROM, 0);
  if (!status && want->set) status = dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_TO, 0);
  if (!status && have->set && have->zero_point)
    status = dnnl_primitive_attr_set_zero_points_mask(attr, DNNL_ARG_FROM, 0);
  if (!status && want->set && want->zero_point) status = dnnl_primitive_attr_set_zero_points_mask(attr, DNNL_ARG_TO, 0);
  if (!status) status = dnnl_reorder_primitive_desc_create(pd, from->md, plan->engine, to->md, plan->engine, attr);
  dnnl_primitive_attr_destroy(attr);
  return mf_onednn_check(status, "reorder", e);
}

mf_status mf_lower_convert(mf_lowering *lw, int value, const_dnnl_memory_desc_t want,
                           const mf_quantization *quantization, const char *reason, int *out, mf_error *e) {
  static const mf_quantization none = {0};
  if (!quantization) quantization = &none;
  mf_plan *plan = lw->plan;
  mf_tensor_id tensor = plan->values[value].tensor;
  if (value == plan->input && plan->input_is_open) { // whoever fills the input writes what the first consumer reads
    plan->input_is_open = false;
    if (want != plan->values[value].md) { // not asked for as it is
      dnnl_memory_desc_t md = NULL;
      MF_TRY(mf_onednn_check(dnnl_memory_desc_clone(&md, want), "memory descriptor", e));
      dnnl_memory_desc_destroy(plan->values[value].md);
      plan->values[value].md = md;
      plan->values[value].bytes = dnnl_memory_desc_get_size(md);
    }
    plan->values[value].quantization = *quantization;
  }
  bool copy = reason != NULL; // asked for by name: a copy even when nothing differs
  if (!copy)
    for (int v = 0; v < plan->value_count; v++) // this one, or a conversion that an earlier consumer needed
      if (plan->values[v].tensor == tensor && dnnl_memory_desc_equal(plan->values[v].md, want) &&
          same_quantization(&plan->values[v].quantization, quantization) && !plan->values[v].overwritten) {
        *out = v;
        return MF_OK;
      }
  dnnl_memory_desc_t md = NULL;
  MF_TRY(mf_onednn_check(dnnl_memory_desc_clone(&md, want), "memory descriptor", e));
  int result = 0;
  const char *consumer = lw->node ? plan->layers[plan->layer_count - 1].name : "output";
  MF_TRY(mf_lower_value(lw, tensor, md, quantization, -1, &result, e));
  // The converted copy still counts as written by the layer that made the data.
  plan->values[result].producer = plan->values[value].producer;
  plan->values[result].layer = plan->values[value].layer;
  const char *have = mf_onednn_format(&plan->arena, plan->values[value].md, letters_of(want));
  const char *wanted = mf_onednn_format(&plan->arena, want, letters_of(want));
  if (!have || !wanted) return mf_fail_memory(e, 64);
  if (!reason) MF_TRY(find_reason(lw, value, have, wanted, mf_onednn_dtype_of(want), consumer, &reason, e));

  const mf_quantization from = plan->values[value].quantization, to = *quantization;
  mf_emit emit = {
      .kind = "reorder", .is_reorder = true, .reason = reason, .to = consumer, .from = plan->values[value].producer};
  emit.source_letters = emit.destination_letters = letters_of(want);
  MF_TRY(mf_plan_interleave(lw, &plan->values[value], want, quantization, &emit.kernel, e));
  if (!emit.kernel) MF_TRY(make_reorder(plan, &plan->values[value], &plan->values[result], &emit.pd, e));
  emit.name = mf_arena_format(&plan->arena, "%s -> %s", emit.from, emit.to);
  mf_shape_text dims = mf_shape_print(&lw->graph->tensors[tensor].shape);
  emit.problem = mf_arena_copy(&plan->arena, dims.text);
  mf_emit_value(&emit, DNNL_ARG_FROM, value);
  mf_emit_value(&emit, DNNL_ARG_TO, result);
  mf_status made = emit.name && emit.problem ? MF_OK : mf_fail_memory(e, 64);
  if (made == MF_OK) made = mf_emit_quantization(lw, &emit, DNNL_ARG_FROM, &from, e);
  if (made == MF_OK) made = mf_emit_quantization(lw, &emit, DNNL_ARG_TO, &to, e);
  if (made != MF_OK) {
    mf_emit_drop(&emit);
    return made;
  }
  *out = result;
  return mf_lower_emit(lw, &emit, e);
}

mf_status mf_lower_float(mf_lowering *lw, int value, int *out, mf_error *e) {
  dnnl_memory_desc_t md = NULL;
  mf_dtype dtype = lw->plan->options.activations;
  if (!lw->plan->values[value].quantization.set && mf_onednn_dtype_of(lw->plan->values[value].md) == dtype) {
    *out = value;
    return MF_OK;
  }
  MF_TRY(mf_lower_md_as(&md, lw->plan->values[value].md, dtype, e));
  mf_status status = mf_lower_convert(lw, value, md, NULL, NULL, out, e);
  dnnl_memory_desc_destroy(md);
  return status;
}

// ---- constants

static mf_status add_constant(mf_lowering *lw, dnnl_memory_desc_t md, int *out, mf_error *e) {
  mf_plan *plan = lw->plan;
  if (plan->constant_count == plan->constant_capacity) {
    int capacity = plan->constant_capacity ? plan->constant_capacity * 2 : 256;
    mf_constant *grown =
        mf_grow(plan->constants, (size_t)plan->constant_count * sizeof *grown, (size_t)capacity * sizeof *grown);
    if (!grown) {
      dnnl_memory_desc_destroy(md);
      return mf_fail_memory(e, (size_t)capacity * sizeof *grown);
    }
    plan->constants = grown;
    plan->constant_capacity = capacity;
  }
  plan->constants[plan->constant_count] = (mf_constant){.md = md, .bytes = dnnl_memory_desc_get_size(md)};
  *out = plan->constant_count++;
  return MF_OK;
}

static mf_status add_pack(mf_lowering *lw, const mf_pack *pack, mf_error *e) {
  if (lw->pack_count == lw->pack_capacity) {
    int capacity = lw->pack_capacity ? lw->pack_capacity * 2 : 256;
    mf_pack *grown = mf_grow(lw->packs, (size_t)lw->pack_count * sizeof *grown, (size_t)capacity * sizeof *grown);
    if (!grown) return mf_fail_memory(e, (size_t)capacity * sizeof *grown);
    lw->packs = grown;
    lw->pack_capacity = capacity;
  }
  lw->packs[lw->pack_count++] = *pack;
  return MF_OK;
}

mf_status mf_lower_weights(mf_lowering *lw, const mf_pack *pack, const_dnnl_memory_desc_t want, int *constant,
                           mf_error *e) {
  dnnl_memory_desc_t md = NULL;
  mf_pack job = *pack;
  mf_status status = mf_onednn_check(dnnl_memory_desc_clone(&md, want), "memory descriptor", e);
  if (status == MF_OK) status = add_constant(lw, md, constant, e);
  job.constant = *constant;
  if (status == MF_OK) status = add_pack(lw, &job, e);
  if (status != MF_OK) dnnl_memory_desc_destroy(job.plain);
  return status;
}

mf_status mf_lower_vector(mf_lowering *lw, const float *data, size_t count, int *constant, mf_error *e) {
  float *copy = mf_arena_alloc(&lw->plan->arena, count * sizeof *copy);
  if (!copy) return mf_fail_memory(e, count * sizeof *copy);
  memcpy(copy, data, count * sizeof *copy);
  mf_shape shape = {1, {(int64_t)count}};
  dnnl_memory_desc_t md = NULL, plain = NULL;
  MF_TRY(mf_onednn_md(&md, &shape, MF_F32, dnnl_a, e));
  mf_status status = mf_onednn_check(dnnl_memory_desc_clone(&plain, md), "memory descriptor", e);
  if (status == MF_OK) status = mf_lower_weights(lw, &(mf_pack){.data = copy, .plain = plain}, md, constant, e);
  dnnl_memory_desc_destroy(md);
  return status;
}
