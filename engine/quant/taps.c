#include "quant/taps.h"
#include <string.h>

bool mf_node_multiplies(const mf_node *node) {
  return node->op == MF_OP_CONVOLUTION || node->op == MF_OP_INNER_PRODUCT;
}

typedef struct window { // one node's view of one tensor
  const mf_convolution *a;
  int64_t channels, height, width; // of the input
  int64_t out_height, out_width, kernel_height, kernel_width;
  const float *data;
  int64_t items;
  double *sums, *columns;
  size_t widest;
} window;

static size_t tap_count(const mf_graph *g, const mf_node *node) {
  const mf_shape *w = &g->tensors[node->inputs[1]].shape;
  if (node->op == MF_OP_INNER_PRODUCT) return (size_t)w->dim[1];
  return (size_t)(g->tensors[node->inputs[0]].shape.dim[1] * w->dim[2] * w->dim[3]);
}

mf_status mf_taps_create(mf_taps *taps, const mf_graph *g, int workers, mf_error *e) {
  taps->sums = mf_arena_alloc(&taps->arena, (size_t)g->node_count * sizeof *taps->sums);
  taps->counts = mf_arena_alloc(&taps->arena, (size_t)g->node_count * sizeof *taps->counts);
  if (!taps->sums || !taps->counts) return mf_fail_memory(e, (size_t)g->node_count);
  for (int n = 0; n < g->node_count; n++) {
    const mf_node *node = &g->nodes[n];
    if (!mf_node_multiplies(node)) continue;
    const mf_shape *x = &g->tensors[node->inputs[0]].shape;
    const size_t width = x->rank == 4 ? (size_t)x->dim[3] : 1;
    if (width > taps->widest) taps->widest = width;
    taps->sums[n] = mf_arena_alloc(&taps->arena, tap_count(g, node) * sizeof **taps->sums);
    if (!taps->sums[n]) return mf_fail_memory(e, tap_count(g, node) * sizeof **taps->sums);
  }
  taps->columns = mf_arena_alloc(&taps->arena, (size_t)workers * taps->widest * sizeof *taps->columns);
  return taps->columns ? MF_OK : mf_fail_memory(e, taps->widest);
}

void mf_taps_free(mf_taps *taps) {
  mf_arena_free(&taps->arena);
  *taps = (mf_taps){0};
}

// One kernel row: its input rows summed into one, then every tap's share of that.
static void add_kernel_row(const window *w, const float *plane, int64_t kh, double *columns, double *taps) {
  const mf_convolution *a = w->a;
  memset(columns, 0, (size_t)w->width * sizeof *columns);
  for (int64_t oh = 0; oh < w->out_height; oh++) {
    const int64_t y = oh * a->stride[0] + kh * a->dilation[0] - a->pad_begin[0];
    if (y < 0 || y >= w->height) continue;
    for (int64_t x = 0; x < w->width; x++) columns[x] += (double)plane[y * w->width + x];
  }
  for (int64_t kw = 0; kw < w->kernel_width; kw++)
    for (int64_t ow = 0; ow < w->out_width; ow++) {
      const int64_t x = ow * a->stride[1] + kw * a->dilation[1] - a->pad_begin[1];
      if (x >= 0 && x < w->width) taps[kw] += columns[x];
    }
}

static void add_channels(int part, int parts, void *context) {
  const window *w = context;
  double *columns = w->columns + (size_t)part * w->widest;
  for (int64_t c = w->channels * part / parts; c < w->channels * (part + 1) / parts; c++)
    for (int64_t n = 0; n < w->items; n++) {
      const float *plane = w->data + (n * w->channels + c) * w->height * w->width;
      for (int64_t kh = 0; kh < w->kernel_height; kh++)
        add_kernel_row(w, plane, kh, columns, w->sums + (c * w->kernel_height + kh) * w->kernel_width);
    }
}

static void add_convolution(mf_taps *taps, const mf_graph *g, int n, const float *data, int64_t items, mf_pool *pool) {
  const mf_node *node = &g->nodes[n];
  const int64_t *x = g->tensors[node->inputs[0]].shape.dim, *k = g->tensors[node->inputs[1]].shape.dim,
                *y = g->tensors[node->output].shape.dim;
  window w = {.a = &node->attributes.convolution,
              .channels = x[1],
              .height = x[2],
              .width = x[3],
              .out_height = y[2],
              .out_width = y[3],
              .kernel_height = k[2],
              .kernel_width = k[3],
              .data = data,
              .items = items,
              .sums = taps->sums[n],
              .columns = taps->columns,
              .widest = taps->widest};
  mf_pool_run(pool, mf_pool_threads(pool), add_channels, &w);
  taps->counts[n] += items * y[2] * y[3];
}

void mf_taps_add(mf_taps *taps, const mf_graph *g, mf_tensor_id tensor, const float *data, int64_t items,
                 mf_pool *pool) {
  for (int n = 0; n < g->node_count; n++) {
    const mf_node *node = &g->nodes[n];
    if (!mf_node_multiplies(node) || node->inputs[0] != tensor) continue;
    if (node->op == MF_OP_CONVOLUTION) {
      add_convolution(taps, g, n, data, items, pool);
      continue;
    }
    const size_t inputs = tap_count(g, node);
    for (int64_t i = 0; i < items; i++)
      for (size_t k = 0; k < inputs; k++) taps->sums[n][k] += (double)data[(size_t)i * inputs + k];
    taps->counts[n] += items;
  }
}
