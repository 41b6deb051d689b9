#include "kernel/winograd.h"
#include "plan/kernels.h"

static bool fits_kernel(const mf_convolution *a, const mf_shape *w) {
  for (int i = 0; i < 2; i++)
    if (w->dim[2 + i] != 3 || a->stride[i] != 1 || a->dilation[i] != 1) return false;
  return a->groups == 1 && w->dim[0] % MF_WINOGRAD_CHANNELS == 0 && w->dim[1] % MF_WINOGRAD_CHANNELS == 0;
}

static bool fits(const mf_lowering *lw, mf_winograd_problem *p) {
  const mf_node *node = lw->node;
  const mf_tensor *tensors = lw->graph->tensors;
  const mf_convolution *a = &node->attributes.convolution;
  const mf_shape *x = &tensors[node->inputs[0]].shape, *w = &tensors[node->inputs[1]].shape;
  const mf_shape *y = &tensors[node->output].shape;
  *p = (mf_winograd_problem){.batch = x->dim[0],
                             .channels_in = x->dim[1],
                             .channels_out = y->dim[1],
                             .height = x->dim[2],
                             .width = x->dim[3],
                             .out_height = y->dim[2],
                             .out_width = y->dim[3],
                             .pad_top = a->pad_begin[0],
                             .pad_left = a->pad_begin[1]};
  return fits_kernel(a, w) && mf_plan_float_kernel(lw, &p->sum, &p->low, &p->high);
}

// Transformed weights are four times as large. With few tiles to multiply them with, reading them takes longer than is
// saved: of networks on a processor with two cores, layers of 4 tiles lost 6 to 29 %, of 16 tiles they won 27 to 92 %.
#define TILES_LEAST 16

static bool pays(const mf_lowering *lw, const mf_winograd_problem *p) {
  const int64_t tiles = mf_winograd_tiles(p);
  const double executed = mf_winograd_flops(p), direct = mf_node_flops(lw->graph, lw->node);
  return tiles >= TILES_LEAST && executed < direct / 2; // small images leave much of their tiles empty
}

mf_status mf_plan_winograd(const mf_lowering *lw, const mf_weighted *weighted, mf_kernel **out, mf_error *e) {
  (void)weighted;
  mf_winograd_problem problem;
  if (!fits(lw, &problem)) return MF_OK;
  if (lw->plan->options.algorithm == MF_ALGORITHM_AUTO && !pays(lw, &problem)) return MF_OK;
  return mf_winograd_create(out, &problem, lw->plan->engine, e);
}
