// The builder but for its layers: start and finish, the latched error, parameters and their records.
#include "base/text.h"
#include "graph/builder_core.h"
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

mf_status mf_builder_create(mf_builder **out, const char *network, mf_weights *weights, mf_error *e) {
  *out = NULL;
  mf_builder *b = mf_alloc_zero(sizeof *b);
  if (!b) return mf_fail_memory(e, sizeof *b);
  mf_status status = mf_graph_create(&b->graph, network, e);
  if (status != MF_OK) {
    mf_free(b);
    return status;
  }
  b->weights = weights;
  b->stage = "";
  *out = b;
  return MF_OK;
}

void mf_builder_free(mf_builder *b) {
  if (!b) return;
  mf_graph_free(b->graph);
  mf_arena_free(&b->arena);
  mf_free(b);
}

static bool failed(const mf_builder *b) {
  return b->error.status != MF_OK;
}

const mf_param_record *mf_builder_params(const mf_builder *b, int *count) {
  *count = b->param_count;
  return b->params;
}

// Twice the room for an array of the builder; the old one stays in the arena.
static void *enlarge(mf_builder *b, const void *array, size_t element, int count, int capacity) {
  size_t bytes = (size_t)capacity * element;
  void *block = mf_arena_alloc(&b->arena, bytes);
  if (!block) {
    mf_fail_memory(&b->error, bytes);
  } else if (count > 0) {
    memcpy(block, array, (size_t)count * element);
  }
  return block;
}

static void set_estimate(mf_builder *b, mf_tensor_id x, mf_estimate estimate) {
  if (x >= b->estimate_capacity) {
    int capacity = b->graph->tensor_capacity;
    mf_estimate *estimates = enlarge(b, b->estimates, sizeof *estimates, b->estimate_capacity, capacity);
    if (!estimates) return;
    b->estimates = estimates;
    b->estimate_capacity = capacity;
  }
  b->estimates[x] = estimate;
}

mf_estimate mf_builder_estimate(const mf_builder *b, mf_tensor_id x) {
  if (failed(b) || x < 0 || x >= b->graph->tensor_count) return (mf_estimate){0, 1};
  return b->estimates[x];
}

static mf_tensor_id add_tensor(mf_builder *b, const char *name, const mf_shape *shape, const float *data) {
  mf_tensor_id id;
  if (mf_graph_add_tensor(b->graph, name, shape, data, &id, &b->error) != MF_OK) return MF_NO_TENSOR;
  set_estimate(b, id, (mf_estimate){0, 1});
  return failed(b) ? MF_NO_TENSOR : id;
}

static mf_param_record *add_record(mf_builder *b) {
  if (b->param_count == b->param_capacity) {
    int capacity = b->param_capacity ? b->param_capacity * 2 : 128;
    mf_param_record *params = enlarge(b, b->params, sizeof *params, b->param_count, capacity);
    if (!params) return NULL;
    b->params = params;
    b->param_capacity = capacity;
  }
  return &b->params[b->param_count];
}

mf_tensor_id mf_builder_parameter(mf_builder *b, const char *layer, const char *suffix, mf_shape shape,
                                  mf_param_kind kind, double spread) {
  if (failed(b)) return MF_NO_TENSOR;
  const char *name = mf_build_name(b, "%s.%s", layer, suffix);
  mf_param_record *record = add_record(b);
  if (failed(b)) return MF_NO_TENSOR;
  mf_param param = {.name = name, .shape = shape, .kind = kind, .spread = spread};
  *record = (mf_param_record){.name = name, .expected = shape, .state = MF_PARAM_OK};
  const float *data = NULL;
  if (b->weights->get(b->weights, &param, &data, &record->state, &record->found, &b->error) != MF_OK)
    return MF_NO_TENSOR;
  b->param_count++;
  return add_tensor(b, name, &shape, record->state == MF_PARAM_OK ? data : NULL);
}

mf_tensor_id mf_builder_node(mf_builder *b, mf_op op, const char *name, const mf_tensor_id *inputs, int count,
                             const mf_attributes *attributes, mf_estimate output) {
  if (failed(b)) return MF_NO_TENSOR;
  mf_node node = {.op = op, .name = name, .stage = b->stage, .input_count = count};
  mf_tensor_id copies[MF_MAX_INPUTS];
  if (count > MF_MAX_INPUTS) {
    mf_fail(&b->error, MF_ERR_UNSUPPORTED, "%s: %d inputs (at most %d)", name, count, MF_MAX_INPUTS);
    return MF_NO_TENSOR;
  }
  memcpy(copies, inputs, (size_t)count * sizeof *inputs);
  node.inputs = copies;
  if (attributes) node.attributes = *attributes;
  mf_tensor_id id;
  if (mf_graph_add_node(b->graph, &node, &id, &b->error) != MF_OK) return MF_NO_TENSOR;
  set_estimate(b, id, output);
  return failed(b) ? MF_NO_TENSOR : id;
}

// "NAME is missing (expected SHAPE)"
static void describe(mf_text *text, const mf_param_record *p) {
  mf_shape_text expected = mf_shape_print(&p->expected);
  switch (p->state) {
  case MF_PARAM_OK:
    break;
  case MF_PARAM_MISSING:
    mf_text_format(text, "%s is missing (expected %s)", p->name, expected.text);
    break;
  case MF_PARAM_WRONG_SHAPE:
    mf_text_format(text, "%s is %s (expected %s)", p->name, mf_shape_print(&p->found).text, expected.text);
    break;
  case MF_PARAM_WRONG_DTYPE:
    mf_text_format(text, "%s has the wrong dtype (expected %s of f32, f16 or bf16)", p->name, expected.text);
    break;
  }
}

static mf_status report_params(const mf_builder *b, mf_error *e) {
  mf_text text = {0};
  int count = 0;
  for (int i = 0; i < b->param_count; i++) {
    if (b->params[i].state == MF_PARAM_OK || ++count > 3) continue;
    if (count > 1) mf_text_format(&text, ", ");
    describe(&text, &b->params[i]);
  }
  if (count > 3) mf_text_format(&text, " and %d more", count - 3);
  mf_status status = MF_OK;
  if (text.failed) {
    status = mf_fail_memory(e, text.length);
  } else if (count > 0) {
    status = mf_fail(e, MF_ERR_FILE, "%s", text.data);
  }
  mf_text_free(&text);
  return status;
}

mf_status mf_builder_finish(mf_builder *b, mf_tensor_id output, mf_graph **out, mf_error *e) {
  *out = NULL;
  if (failed(b)) {
    *e = b->error;
    return e->status;
  }
  MF_TRY(report_params(b, e));
  b->graph->output = output;
  MF_TRY(mf_graph_verify(b->graph, e));
  *out = b->graph;
  b->graph = NULL;
  return MF_OK;
}

void mf_build_refuse(mf_builder *b, const char *format, ...) {
  if (failed(b)) return;
  char text[sizeof b->error.text];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  mf_fail(&b->error, MF_ERR_USAGE, "%s", text);
}

mf_tensor_id mf_build_input(mf_builder *b, int64_t n, int64_t c, int64_t h, int64_t w) {
  if (failed(b)) return MF_NO_TENSOR;
  b->graph->input = add_tensor(b, "input", &(mf_shape){4, {n, c, h, w}}, NULL);
  return b->graph->input;
}

void mf_build_stage(mf_builder *b, const char *stage) {
  if (failed(b)) return;
  const char *copy = mf_build_name(b, "%s", stage);
  if (!failed(b)) b->stage = copy;
}

const mf_shape *mf_build_shape(const mf_builder *b, mf_tensor_id x) {
  static const mf_shape none;
  if (failed(b) || x < 0 || x >= b->graph->tensor_count) return &none;
  return &b->graph->tensors[x].shape;
}

int64_t mf_build_classes(mf_builder *b, const char *parameter) {
  mf_shape shape;
  bool found = b->weights->shape(b->weights, parameter, &shape);
  return found && shape.rank > 0 && shape.dim[0] > 0 ? shape.dim[0] : 1000;
}

const char *mf_build_name(mf_builder *b, const char *format, ...) {
  if (failed(b)) return "";
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  size_t bytes = length < 0 ? 0 : (size_t)length + 1;
  char *name = mf_arena_alloc(&b->arena, bytes);
  if (name) {
    vsnprintf(name, bytes, format, again);
  } else {
    mf_fail_memory(&b->error, bytes);
  }
  va_end(again);
  return name ? name : "";
}
