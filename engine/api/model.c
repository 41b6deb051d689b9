// Opening a model: network, weights, recipe, class names.
#include "api/handles.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "load/recipe.h"
#include "load/safetensors.h"
#include "load/synthetic.h"
#include "plan/chunk.h"
#include <stdio.h>
#include <string.h>

void mf_api_retain(minfer_model *model) {
  atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
}

void mf_api_release(minfer_model *model) {
  if (!model || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) > 1) return;
  if (model->weights) model->weights->close(model->weights);
  mf_arena_free(&model->arena);
  mf_free(model);
}

static mf_status find_network(minfer_model *model, const char *name, mf_error *e) {
  if (!name || !*name) return mf_fail(e, MF_ERR_USAGE, "no network is named");
  size_t length = strlen(name);
  if (length > 5 && strcmp(name + length - 5, ".onnx") == 0)
    return mf_fail(e, MF_ERR_UNSUPPORTED, "%s: this build reads no ONNX networks", name);
  model->network = mf_network_find(name);
  if (!model->network) {
    mf_fail(e, MF_ERR_USAGE, "there is no network %s", name);
    return mf_hint(e, "minfer models lists them");
  }
  return MF_OK;
}

static mf_status open_synthetic(minfer_model *model, const char *spec, mf_error *e) {
  int64_t seed = 1;
  if (spec && spec[9] == ':' && !mf_text_to_int(spec + 10, 0, INT64_MAX, &seed))
    return mf_fail(e, MF_ERR_USAGE, "%s: the seed is not a number (expected synthetic:SEED with 0 or more)", spec);
  model->info.weights_source = "synthetic";
  model->info.weights_path = "";
  model->info.seed = (uint64_t)seed;
  return mf_synthetic_open(&model->weights, (uint64_t)seed, e);
}

static void note_part(minfer_model *model, const char *name, uint64_t start, uint64_t end) {
  model->opening_parts[model->opening_part_count++] = (mf_part){name, start, end - start};
}

static mf_status open_file(minfer_model *model, const char *path, bool fetched, mf_error *e) {
  model->info.weights_source = fetched ? "fetched" : "file";
  model->info.weights_path = mf_arena_copy(&model->arena, path);
  if (!model->info.weights_path) return mf_fail_memory(e, strlen(path));
  model->from_file = true;
  const uint64_t start = mf_now_ns();
  MF_TRY(mf_safetensors_open(&model->weights, path, e));
  const uint64_t mapped = start + mf_safetensors_mapping(model->weights);
  note_part(model, "map", start, mapped);
  note_part(model, "parse", mapped, mf_now_ns());
  return mf_recipe_from_metadata(&model->recipe, model->weights, path, e);
}

mf_status mf_api_open_weights(minfer_model *model, const minfer_model_options *options, mf_error *e) {
  MF_TRY(find_network(model, options->model, e));
  model->recipe = model->network->recipe;
  if (options->multiplier != 0 && !model->network->has_multiplier)
    return mf_fail(e, MF_ERR_USAGE, "%s has no width multiplier", model->network->name);
  if (!(options->multiplier >= 0 && options->multiplier <= 16))
    return mf_fail(e, MF_ERR_USAGE, "a width of %g is out of range (expected more than 0, at most 16)",
                   options->multiplier);
  const bool sized = options->height || options->width;
  if (sized && (options->height < 1 || options->height > 8192 || options->width < 1 || options->width > 8192))
    return mf_fail(e, MF_ERR_USAGE, "an input of %dx%d is out of range (expected 1 to 8192)", options->height,
                   options->width);
  const char *weights = options->weights;
  char path[4096];
  bool fetched = false;
  if (weights && (strcmp(weights, "synthetic") == 0 || strncmp(weights, "synthetic:", 10) == 0))
    MF_TRY(open_synthetic(model, weights[9] ? weights : NULL, e));
  else if (weights)
    MF_TRY(open_file(model, weights, false, e));
  else if (mf_api_find_weights(model->network, options->multiplier, path, sizeof path, &fetched))
    MF_TRY(open_file(model, path, fetched, e));
  else
    MF_TRY(open_synthetic(model, NULL, e));
  mf_recipe *r = &model->recipe;
  if (options->multiplier > 0) r->multiplier = options->multiplier;
  if (sized) {
    // The crop keeps its share of the resized picture.
    r->resize = (int)((int64_t)r->resize * (options->height > options->width ? options->height : options->width) /
                      (r->height > r->width ? r->height : r->width));
    r->height = options->height;
    r->width = options->width;
    int longest = r->height > r->width ? r->height : r->width;
    if (r->resize < longest) r->resize = longest;
  }
  return MF_OK;
}

mf_status mf_api_build(const minfer_model *model, int batch, mf_builder **builder, mf_graph **out, mf_error *e) {
  mf_builder *b = NULL;
  MF_TRY(mf_builder_create(&b, model->network->name, model->weights, e));
  mf_tensor_id image = mf_build_input(b, batch, 3, model->recipe.height, model->recipe.width);
  mf_tensor_id logits = model->network->build(b, image, &model->recipe, model->network->variant);
  mf_status status = mf_builder_finish(b, logits, out, e);
  if (status == MF_ERR_FILE && model->from_file) { // the builder does not know the file's name
    mf_error inner = *e;
    mf_fail(e, MF_ERR_FILE, "%s: %s", model->info.weights_path, inner.text);
    status = mf_hint(e, "minfer inspect --model %s --weights FILE --tensors lists them all", model->network->name);
  }
  if (builder)
    *builder = b;
  else
    mf_builder_free(b);
  return status;
}

#define CLASS_NAME 1024 // bytes at most

static mf_status read_names(minfer_model *model, const mf_map *map, mf_error *e) {
  const char *line = (const char *)map->data, *end = line + map->size;
  for (int number = 1; line < end; number++) {
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    size_t length = (size_t)((stop ? stop : end) - line);
    if (length && line[length - 1] == '\r') length--;
    if (length > CLASS_NAME || !mf_text_is_clean(line, length))
      return mf_fail(e, MF_ERR_FILE, "%s: line %d is no class name (expected at most %d bytes of UTF-8)", map->path,
                     number, CLASS_NAME);
    char *copy = mf_arena_format(&model->arena, "%.*s", (int)length, line);
    if (!copy) return mf_fail_memory(e, length);
    model->classes[model->class_count++] = copy;
    line = stop ? stop + 1 : end;
  }
  return MF_OK;
}

static mf_status read_map(minfer_model *model, const mf_map *map, mf_error *e) {
  size_t lines = map->size && map->data[map->size - 1] != '\n'; // the last one may lack its end
  for (size_t i = 0; i < map->size; i++) lines += map->data[i] == '\n';
  if (lines != (size_t)model->info.classes)
    return mf_fail(e, MF_ERR_FILE, "%s: %zu class names (expected %d, one a line)", map->path, lines,
                   model->info.classes);
  model->classes = mf_arena_alloc(&model->arena, lines * sizeof *model->classes);
  if (!model->classes) return mf_fail_memory(e, lines * sizeof *model->classes);
  return read_names(model, map, e);
}

static mf_status read_classes(minfer_model *model, const char *path, mf_error *e) {
  mf_map map;
  mf_error shrunk;
  MF_TRY(mf_map_open(&map, path, e));
  mf_status status = read_map(model, &map, e);
  if (mf_map_check(&map, &shrunk) != MF_OK) { // the cause, whatever else was found
    *e = shrunk;
    status = shrunk.status;
  }
  mf_map_close(&map);
  return status;
}

// Builds once at batch 1: checks the weights and counts what they hold.
static mf_status check_network(minfer_model *model, mf_error *e) {
  mf_builder *b = NULL;
  mf_graph *graph = NULL;
  mf_status status = mf_api_build(model, 1, &b, &graph, e);
  if (status == MF_OK) {
    int count;
    const mf_param_record *params = mf_builder_params(b, &count);
    for (int i = 0; i < count; i++) {
      size_t elements = 0;
      if (mf_shape_elements(&params[i].expected, &elements)) model->info.parameters += (int64_t)elements;
    }
    const mf_shape *out = &graph->tensors[graph->output].shape;
    model->info.classes = (int)out->dim[out->rank - 1];
    model->intensity = mf_plan_intensity(graph);
  }
  mf_builder_free(b);
  mf_graph_free(graph);
  if (status != MF_OK || !model->from_file) return status;
  MF_TRY(mf_safetensors_check(model->weights, e));
  for (size_t i = 0; i < mf_safetensors_count(model->weights); i++)
    model->info.extra_tensors += !mf_safetensors_tensor(model->weights, i)->read;
  return MF_OK;
}

static mf_status open_model(minfer_model *model, const minfer_model_options *options, mf_error *e) {
  MF_TRY(mf_api_open_weights(model, options, e));
  const uint64_t start = mf_now_ns();
  MF_TRY(check_network(model, e));
  note_part(model, "check", start, mf_now_ns());
  const mf_recipe *r = &model->recipe;
  minfer_model_info *info = &model->info;
  info->name = model->network->name;
  info->height = r->height;
  info->width = r->width;
  info->multiplier = r->multiplier;
  memcpy(info->mean, r->mean, sizeof info->mean);
  memcpy(info->std, r->std, sizeof info->std);
  info->resize = r->resize;
  info->interpolation = r->interpolation == MF_BICUBIC ? "bicubic" : "bilinear";
  info->padding = r->same_padding ? "same" : "torch";
  info->bn_epsilon = r->bn_epsilon;
  return options->classes ? read_classes(model, options->classes, e) : MF_OK;
}

minfer_status minfer_model_open(const minfer_model_options *options, minfer_model **out, minfer_error *error) {
  mf_error e = {0};
  minfer_model_options known;
  const uint64_t start = mf_now_ns();
  minfer_model *model = mf_alloc_zero(sizeof *model);
  if (!model) return mf_api_report(error, &e, mf_fail_memory(&e, sizeof *model));
  atomic_init(&model->references, 1);
  mf_status status = mf_api_options(&known, sizeof known, options, "model", &e);
  if (status == MF_OK) status = open_model(model, &known, &e);
  model->opened = start;
  model->opening = mf_now_ns() - start;
  if (status == MF_OK)
    *out = model;
  else
    mf_api_release(model);
  return mf_api_report(error, &e, status);
}

void minfer_model_close(minfer_model *model) {
  mf_api_release(model);
}

const minfer_model_info *minfer_model_describe(const minfer_model *model) {
  return &model->info;
}

const char *minfer_model_class(const minfer_model *model, int index) {
  if (index >= 0 && index < model->class_count) return model->classes[index];
  if (index >= 0 && index < 1000 && !model->class_count && model->info.classes == 1000)
    return mf_imagenet_classes[index];
  static _Thread_local char text[32];
  snprintf(text, sizeof text, "class %d", index);
  return text;
}
