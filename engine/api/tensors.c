// The weights file against the network, for files that may not fit.
#include "api/handles.h"
#include "load/safetensors.h"
#include <stdio.h>
#include <string.h>

struct minfer_tensors {
  mf_arena arena;
  minfer_tensor *list;
  int count;
};

static const char *const states[] = {[MF_PARAM_OK] = "ok",
                                     [MF_PARAM_MISSING] = "missing",
                                     [MF_PARAM_WRONG_SHAPE] = "wrong shape",
                                     [MF_PARAM_WRONG_DTYPE] = "wrong dtype"};

static const mf_stored_tensor *stored(const minfer_model *model, const char *name) {
  size_t low = 0, high = model->from_file ? mf_safetensors_count(model->weights) : 0;
  while (low < high) { // sorted by name
    size_t middle = low + (high - low) / 2;
    const mf_stored_tensor *t = mf_safetensors_tensor(model->weights, middle);
    int order = strcmp(name, t->name);
    if (order == 0) return t;
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

static void print_shape(char text[96], const mf_shape *shape) {
  snprintf(text, 96, "%s", mf_shape_print(shape).text);
}

static mf_status add(minfer_tensors *tensors, const char *name, const char *state, const char *dtype,
                     minfer_tensor **out, mf_error *e) {
  minfer_tensor *t = &tensors->list[tensors->count++];
  t->name = mf_arena_copy(&tensors->arena, name);
  t->state = state;
  t->dtype = mf_arena_copy(&tensors->arena, dtype);
  *out = t;
  return t->name && t->dtype ? MF_OK : mf_fail_memory(e, strlen(name));
}

static mf_status fill(minfer_tensors *tensors, const minfer_model *model, mf_builder *b, mf_error *e) {
  int count = 0;
  const mf_param_record *params = mf_builder_params(b, &count);
  size_t in_file = model->from_file ? mf_safetensors_count(model->weights) : 0;
  tensors->list = mf_arena_alloc(&tensors->arena, ((size_t)count + in_file + 1) * sizeof *tensors->list);
  if (!tensors->list) return mf_fail_memory(e, (size_t)count + in_file);
  minfer_tensor *t;
  for (int i = 0; i < count; i++) {
    const mf_stored_tensor *there = stored(model, params[i].name);
    MF_TRY(add(tensors, params[i].name, states[params[i].state], there ? there->dtype : "", &t, e));
    print_shape(t->expected, &params[i].expected);
    if (there) print_shape(t->found, &there->shape);
  }
  for (size_t i = 0; i < in_file; i++) {
    const mf_stored_tensor *there = mf_safetensors_tensor(model->weights, i);
    bool asked = false;
    for (int p = 0; p < count && !asked; p++) asked = strcmp(params[p].name, there->name) == 0;
    if (asked) continue;
    MF_TRY(add(tensors, there->name, "extra", there->dtype, &t, e));
    print_shape(t->found, &there->shape);
  }
  return MF_OK;
}

static mf_status compare(minfer_tensors *tensors, minfer_model *model, const minfer_model_options *options,
                         mf_error *e) {
  minfer_model_options known;
  mf_builder *b = NULL;
  mf_graph *graph = NULL;
  mf_error misfit = {0};
  MF_TRY(mf_api_options(&known, sizeof known, options, "model", e));
  MF_TRY(mf_api_open_weights(model, &known, e));
  mf_status status = mf_api_build(model, 1, &b, &graph, &misfit);
  int count = 0;
  if (b) mf_builder_params(b, &count);
  if (b && count && status == MF_ERR_FILE) status = MF_OK; // a file that does not fit is what the list is for
  if (status == MF_OK)
    status = fill(tensors, model, b, e);
  else
    *e = misfit;
  mf_builder_free(b);
  mf_graph_free(graph);
  return status;
}

minfer_status minfer_tensors_compare(const minfer_model_options *options, minfer_tensors **out, minfer_error *error) {
  mf_error e = {0};
  mf_status status;
  minfer_model *model = mf_alloc_zero(sizeof *model);
  minfer_tensors *tensors = mf_alloc_zero(sizeof *tensors);
  if (model) atomic_init(&model->references, 1);
  if (model && tensors)
    status = compare(tensors, model, options, &e);
  else
    status = mf_fail_memory(&e, sizeof *model + sizeof *tensors);
  mf_api_release(model);
  if (status == MF_OK)
    *out = tensors;
  else
    minfer_tensors_free(tensors);
  return mf_api_report(error, &e, status);
}

const minfer_tensor *minfer_tensors_list(const minfer_tensors *tensors, int *count) {
  *count = tensors->count;
  return tensors->list;
}

void minfer_tensors_free(minfer_tensors *tensors) {
  if (!tensors) return;
  mf_arena_free(&tensors->arena);
  mf_free(tensors);
}
