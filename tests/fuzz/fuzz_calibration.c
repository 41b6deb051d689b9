// Any bytes: a calibration that a graph takes or refuses, or one line that names the file.
#include "quant/equalise.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float numbers[64];

static mf_tensor_id add_tensor(mf_graph *g, const char *name, mf_shape shape, const float *data) {
  mf_error e;
  mf_tensor_id id;
  if (mf_graph_add_tensor(g, name, &shape, data, &id, &e) != MF_OK) abort();
  return id;
}

// input -> a (with bias) -> pool -> b (without) -> fc (with bias)
static mf_graph *make_graph(void) {
  mf_error e;
  mf_graph *g;
  if (mf_graph_create(&g, "small", &e) != MF_OK) abort();
  mf_tensor_id x = g->input = add_tensor(g, "input", (mf_shape){4, {1, 2, 3, 3}}, NULL);
  mf_tensor_id a[] = {x, add_tensor(g, "a.weight", (mf_shape){4, {3, 2, 1, 1}}, numbers),
                      add_tensor(g, "a.bias", (mf_shape){1, {3}}, numbers)};
  mf_tensor_id pool[] = {x};
  const mf_convolution point = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
  mf_node nodes[] = {
      {.op = MF_OP_CONVOLUTION, .name = "a", .inputs = a, .input_count = 3, .attributes.convolution = point},
      {.op = MF_OP_POOLING,
       .name = "pool",
       .inputs = pool,
       .input_count = 1,
       .attributes.pooling = {MF_POOLING_AVERAGE, {3, 3}, {1, 1}, {0, 0}, {0, 0}, false}},
      {.op = MF_OP_CONVOLUTION, .name = "b", .input_count = 2, .attributes.convolution = point},
      {.op = MF_OP_INNER_PRODUCT, .name = "fc", .input_count = 3}};
  mf_tensor_id b[] = {x, add_tensor(g, "b.weight", (mf_shape){4, {2, 3, 1, 1}}, numbers)};
  mf_tensor_id fc[] = {x, add_tensor(g, "fc.weight", (mf_shape){2, {5, 2}}, numbers),
                       add_tensor(g, "fc.bias", (mf_shape){1, {5}}, numbers)};
  nodes[2].inputs = b;
  nodes[3].inputs = fc;
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
    nodes[i].inputs[0] = x;
    if (mf_graph_add_node(g, &nodes[i], &x, &e) != MF_OK) abort();
  }
  g->output = x;
  return g;
}

static void check_status(mf_status status, const mf_error *e) {
  if (status != MF_OK && (status != MF_ERR_FILE || !e->text[0] || strchr(e->text, '\n'))) abort();
}

static void apply(const mf_calibration *c) {
  mf_error e = {0};
  mf_graph *g = make_graph();
  mf_status status = mf_calibration_equalise(c, g, &g->arena, &e);
  check_status(status, &e);
  if (status == MF_OK) status = mf_calibration_annotate(c, g, &e);
  check_status(status, &e);
  if (status == MF_OK) status = mf_calibration_correct(c, g, &e);
  check_status(status, &e);
  if (status == MF_OK && mf_graph_verify(g, &e) != MF_OK) abort();
  mf_graph_free(g);
}

static void check(const mf_calibration *c, size_t size) {
  if (c->samples < 1 || !c->model[0] || !c->calibrator[0]) abort();
  size_t count = (size_t)c->tensor_count + (size_t)c->float_count + (size_t)c->correction_count;
  for (int i = 0; i < c->tensor_count; i++) {
    const mf_calibrated_tensor *t = &c->tensors[i];
    if (!t->quantization.set || !(t->quantization.scale > 0) || !isfinite(t->quantization.scale)) abort();
    if (!isfinite(t->min) || !isfinite(t->max) || !t->name[0] || !t->calibrator[0]) abort();
  }
  for (int i = 0; i < c->correction_count; i++) {
    count += (size_t)c->corrections[i].channels;
    for (int k = 0; k < c->corrections[i].channels; k++)
      if (!isfinite(c->corrections[i].shift[k])) abort();
  }
  for (int i = 0; i < c->equalisation_count; i++) {
    count += 1 + (size_t)c->equalisations[i].channels;
    for (int k = 0; k < c->equalisations[i].channels; k++)
      if (!(c->equalisations[i].factors[k] > 0) || !isfinite(c->equalisations[i].factors[k])) abort();
  }
  if (count > size) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  mf_calibration c;
  mf_error e = {0};
  const mf_status status = mf_calibration_parse(&c, (const char *)bytes, size, "c.json", &e);
  check_status(status, &e);
  if (status == MF_OK) {
    check(&c, size);
    apply(&c);
  } else if (strncmp(e.text, "c.json: ", 8) != 0 || c.arena.blocks)
    abort();
  mf_calibration_free(&c);
  return 0;
}
