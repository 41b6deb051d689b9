// Shape rules of the operators that slide a window over height and width: convolution and pooling.
#include "graph/edit.h"
#include "graph/shape.h"
#include <inttypes.h>

static const char *const axes[2] = {"height", "width"};

typedef struct window {
  int64_t kernel, stride, dilation, pad_begin, pad_end;
} window;

// With every figure below MF_MAX_DIM (2^31), no sum or product of two of them leaves int64.
static bool in_range(int64_t value, int64_t low) {
  return value >= low && value < MF_MAX_DIM;
}

static mf_status check_window(const mf_node *node, int axis, window w, mf_error *e) {
  if (!in_range(w.stride, 1)) {
    return mf_fail(e, MF_ERR_FILE, "%s: %s stride is %" PRId64 " (expected at least 1)", node->name, axes[axis],
                   w.stride);
  }
  if (!in_range(w.dilation, 1)) {
    return mf_fail(e, MF_ERR_FILE, "%s: %s dilation is %" PRId64 " (expected at least 1)", node->name, axes[axis],
                   w.dilation);
  }
  if (!in_range(w.kernel, 1)) {
    return mf_fail(e, MF_ERR_FILE, "%s: %s of the kernel is %" PRId64 " (expected at least 1)", node->name, axes[axis],
                   w.kernel);
  }
  if (!in_range(w.pad_begin, 0) || !in_range(w.pad_end, 0)) {
    return mf_fail(e, MF_ERR_FILE, "%s: %s padding is %" PRId64 " and %" PRId64 " (expected at least 0)", node->name,
                   axes[axis], w.pad_begin, w.pad_end);
  }
  return MF_OK;
}

static mf_status too_small(const mf_node *node, int axis, int64_t in, window w, mf_error *e) {
  return mf_fail(e, MF_ERR_FILE, "%s: %s of the input is %" PRId64 " with padding (the window covers %" PRId64 ")",
                 node->name, axes[axis], in + w.pad_begin + w.pad_end, w.dilation * (w.kernel - 1) + 1);
}

static mf_status expect_image(const mf_node *node, const mf_shape *x, mf_error *e) {
  if (x->rank == 4) return MF_OK;
  return mf_fail(e, MF_ERR_FILE, "%s: input is %s (expected NxCxHxW)", node->name, mf_shape_print(x).text);
}

mf_status mf_shape_rule_convolution(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  const mf_convolution *a = &node->attributes.convolution;
  const mf_shape *x = &g->tensors[node->inputs[0]].shape;
  const mf_shape *weights = &g->tensors[node->inputs[1]].shape;
  MF_TRY(expect_image(node, x, e));
  if (weights->rank != 4) {
    return mf_fail(e, MF_ERR_FILE, "%s: weights are %s (expected OxIxHxW)", node->name, mf_shape_print(weights).text);
  }
  if (!in_range(a->groups, 1) || weights->dim[0] % a->groups != 0) {
    return mf_fail(e, MF_ERR_FILE, "%s: %" PRId64 " output channels do not divide into %" PRId64 " groups", node->name,
                   weights->dim[0], a->groups);
  }
  if (x->dim[1] != weights->dim[1] * a->groups) {
    return mf_fail(e, MF_ERR_FILE,
                   "%s: input has %" PRId64 " channels (weights want %" PRId64 " in %" PRId64 " group%s)", node->name,
                   x->dim[1], weights->dim[1] * a->groups, a->groups, a->groups == 1 ? "" : "s");
  }
  if (mf_node_operands(node) > 2) MF_TRY(mf_shape_expect_vector(g, node, 2, "bias", weights->dim[0], e));
  *out = (mf_shape){4, {x->dim[0], weights->dim[0], 0, 0}};
  for (int i = 0; i < 2; i++) {
    window w = {weights->dim[2 + i], a->stride[i], a->dilation[i], a->pad_begin[i], a->pad_end[i]};
    MF_TRY(check_window(node, i, w, e));
    int64_t in = x->dim[2 + i];
    int64_t slack = in + w.pad_begin + w.pad_end - w.dilation * (w.kernel - 1) - 1;
    if (slack < 0) return too_small(node, i, in, w, e);
    out->dim[2 + i] = slack / w.stride + 1;
  }
  return MF_OK;
}

mf_status mf_shape_rule_pooling(const mf_graph *g, const mf_node *node, mf_shape *out, mf_error *e) {
  const mf_pooling *a = &node->attributes.pooling;
  const mf_shape *x = &g->tensors[node->inputs[0]].shape;
  MF_TRY(expect_image(node, x, e));
  if ((unsigned)a->kind > MF_POOLING_AVERAGE_PADDED) {
    return mf_fail(e, MF_ERR_FILE, "%s: pooling of kind %d does not exist", node->name, (int)a->kind);
  }
  *out = (mf_shape){4, {x->dim[0], x->dim[1], 0, 0}};
  for (int i = 0; i < 2; i++) {
    window w = {a->kernel[i], a->stride[i], 1, a->pad_begin[i], a->pad_end[i]};
    MF_TRY(check_window(node, i, w, e));
    // Smaller than the kernel: then no window lies in the padding alone, where there is nothing to take the maximum of.
    if (w.pad_begin >= w.kernel || w.pad_end >= w.kernel) {
      return mf_fail(e, MF_ERR_FILE,
                     "%s: %s padding is %" PRId64 " and %" PRId64 " (expected less than the kernel's %" PRId64 ")",
                     node->name, axes[i], w.pad_begin, w.pad_end, w.kernel);
    }
    int64_t in = x->dim[2 + i];
    int64_t slack = in + w.pad_begin + w.pad_end - w.kernel + (a->ceil ? w.stride - 1 : 0);
    if (slack < 0) return too_small(node, i, in, w, e);
    int64_t size = slack / w.stride + 1;
    if (a->ceil && (size - 1) * w.stride >= in + w.pad_begin) size--;
    out->dim[2 + i] = size;
  }
  return MF_OK;
}
