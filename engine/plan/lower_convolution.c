// Convolution: weights in whatever order the kernel reads fastest, bias in f32, activation and residual sum as
// post-ops. The sum works in place: the destination is the summand's buffer. Where a kernel of our own fits and pays,
// it is taken instead of oneDNN's convolution.
#include "plan/kernels.h"

typedef struct convolution {
  const mf_convolution *attributes;
  mf_shape x, w, y; // logical shapes; w is OIHW with I per group
  mf_weighted weighted;
  dnnl_primitive_desc_t pd; // or
  mf_kernel *kernel;
} convolution;

static const char *problem_text(mf_arena *arena, const convolution *c) {
  const mf_convolution *a = c->attributes;
  long long n = c->x.dim[0], g = a->groups, ic = c->x.dim[1], oc = c->y.dim[1];
  char groups[24] = "";
  if (g > 1) snprintf(groups, sizeof groups, "g%lld", g);
  const char *height = mf_arena_format(arena, "mb%lld%sic%lldih%lldoc%lldoh%lldkh%lldsh%lldph%lld", n, groups, ic,
                                       (long long)c->x.dim[2], oc, (long long)c->y.dim[2], (long long)c->w.dim[2],
                                       (long long)a->stride[0], (long long)a->pad_begin[0]);
  if (height && a->dilation[0] > 1) height = mf_arena_format(arena, "%sdh%lld", height, (long long)a->dilation[0] - 1);
  bool square = c->x.dim[2] == c->x.dim[3] && c->w.dim[2] == c->w.dim[3] && a->stride[0] == a->stride[1] &&
                a->pad_begin[0] == a->pad_begin[1] && a->dilation[0] == a->dilation[1] && c->y.dim[2] == c->y.dim[3];
  if (!height || square) return height;
  const char *width =
      mf_arena_format(arena, "%siw%lldow%lldkw%lldsw%lldpw%lld", height, (long long)c->x.dim[3], (long long)c->y.dim[3],
                      (long long)c->w.dim[3], (long long)a->stride[1], (long long)a->pad_begin[1]);
  if (width && a->dilation[1] > 1) width = mf_arena_format(arena, "%sdw%lld", width, (long long)a->dilation[1] - 1);
  return width;
}

// One try: source and destination in the given formats.
static mf_status create(const mf_lowering *lw, convolution *c, dnnl_format_tag_t source_tag,
                        dnnl_format_tag_t destination_tag, bool *found, mf_error *e) {
  const mf_convolution *a = c->attributes;
  dnnl_memory_desc_t source = NULL, destination = NULL;
  mf_status status = mf_onednn_md(&source, &c->x, mf_weighted_source_dtype(lw, &c->weighted), source_tag, e);
  if (status == MF_OK) status = mf_onednn_md(&destination, &c->y, mf_lower_output_dtype(lw), destination_tag, e);
  *found = false;
  if (status == MF_OK) {
    dnnl_dims_t stride = {a->stride[0], a->stride[1]}, dilation = {a->dilation[0] - 1, a->dilation[1] - 1};
    dnnl_dims_t begin = {a->pad_begin[0], a->pad_begin[1]}, end = {a->pad_end[0], a->pad_end[1]};
    dnnl_status_t made = dnnl_convolution_forward_primitive_desc_create(
        &c->pd, lw->plan->engine, dnnl_forward_inference, dnnl_convolution_direct, source, c->weighted.weights,
        c->weighted.bias, destination, stride, dilation, begin, end, c->weighted.attr.attr);
    if (made == dnnl_success) {
      *found = mf_select(lw->plan, c->pd, true);
      if (!*found) dnnl_primitive_desc_destroy(c->pd);
    } else if (made != dnnl_unimplemented)
      status = mf_onednn_check(made, lw->node->name, e);
  }
  dnnl_memory_desc_destroy(source);
  dnnl_memory_desc_destroy(destination);
  return status;
}

// The layout's formats in turn. Reference kernels are taken only when nothing else is left.
static mf_status choose(const mf_lowering *lw, convolution *c, mf_error *e) {
  dnnl_format_tag_t from[MF_LAYOUT_CHOICES], to[MF_LAYOUT_CHOICES];
  int from_count = mf_select_formats(lw->plan, c->x.dim[1], from),
      to_count = mf_select_formats(lw->plan, c->y.dim[1], to);
  dnnl_primitive_desc_t reference = NULL;
  for (int s = 0; s < from_count; s++)
    for (int d = 0; d < to_count; d++) {
      bool found;
      mf_status status = create(lw, c, from[s], to[d], &found, e);
      if (status != MF_OK || (found && !mf_select_is_reference(c->pd))) {
        if (reference) dnnl_primitive_desc_destroy(reference);
        return status;
      }
      if (!found) continue;
      if (reference)
        dnnl_primitive_desc_destroy(c->pd);
      else
        reference = c->pd;
    }
  c->pd = reference;
  if (reference) return MF_OK;
  if (lw->plan->options.algorithm == MF_ALGORITHM_GEMM)
    return mf_fail(e, MF_ERR_UNSUPPORTED, "%s: oneDNN has no im2col convolution for this (%s)", lw->node->name,
                   mf_dtype_name(mf_lower_output_dtype(lw)));
  return mf_onednn_check(dnnl_unimplemented, lw->node->name, e);
}

// The summand in the destination's layout, in a buffer that may be overwritten.
static mf_status place_summand(mf_lowering *lw, const convolution *c, const_dnnl_memory_desc_t destination, int *alias,
                               mf_error *e) {
  *alias = -1;
  if (c->weighted.attr.summand < 0) return MF_OK;
  int value = mf_lower_operand(lw, c->weighted.attr.summand);
  mf_quantization quantization = *mf_lower_summand_quantization(lw, c->weighted.attr.summand);
  const mf_dtype stored = mf_lower_output_dtype(lw);
  if (stored != MF_U8 && stored != MF_S8) quantization.set = false; // a float destination adds floats
  dnnl_memory_desc_t want = NULL;
  MF_TRY(
      mf_lower_md_as(&want, destination, quantization.set ? quantization.dtype : mf_onednn_dtype_of(destination), e));
  int placed = value;
  mf_status status = mf_lower_convert(lw, value, want, &quantization, NULL, &placed, e);
  bool is_source = lw->node->inputs[0] == lw->node->inputs[c->weighted.attr.summand];
  bool is_input = lw->plan->values[placed].layer < 0;
  if (status == MF_OK && (is_source || is_input || mf_lower_needed_later(lw, placed)))
    status = mf_lower_convert(lw, placed, want, &quantization, "residual sum: the summand is still needed", &placed, e);
  dnnl_memory_desc_destroy(want);
  *alias = placed;
  return status;
}

static mf_status emit(mf_lowering *lw, convolution *c, mf_error *e) {
  bool grouped = c->attributes->groups > 1;
  mf_emit step = {.pd = c->pd,
                  .kernel = c->kernel,
                  .kind = "convolution",
                  .problem = problem_text(&lw->plan->arena, c),
                  .source_letters = "nchw",
                  .weights_letters = c->kernel ? c->kernel->weights_letters
                                     : grouped ? "goihw"
                                               : "oihw",
                  .destination_letters = "nchw"};
  int alias = -1;
  mf_status status =
      step.problem ? place_summand(lw, c, mf_emit_destination(&step), &alias, e) : mf_fail_memory(e, 128);
  if (status == MF_OK) return mf_weighted_emit(lw, &c->weighted, &step, alias, e);
  mf_emit_drop(&step);
  return status;
}

static mf_status prepare(mf_lowering *lw, convolution *c, mf_error *e) {
  int64_t groups = c->attributes->groups;
  if (groups == 1) return mf_weighted_prepare(lw, &c->w, dnnl_oihw, 1, &c->weighted, e);
  mf_shape grouped = {5, {groups, c->w.dim[0] / groups, c->w.dim[1], c->w.dim[2], c->w.dim[3]}};
  return mf_weighted_prepare(lw, &grouped, dnnl_goihw, 3, &c->weighted, e); // a scale for each group and channel in it
}

static mf_plan_kernel *const kernels[] = {mf_plan_winograd, mf_plan_pointwise, mf_plan_depthwise, mf_plan_dense};

mf_status mf_lower_convolution(mf_lowering *lw, mf_error *e) {
  const mf_node *node = lw->node;
  const mf_tensor *tensors = lw->graph->tensors;
  convolution c = {.attributes = &node->attributes.convolution,
                   .x = tensors[node->inputs[0]].shape,
                   .w = tensors[node->inputs[1]].shape,
                   .y = tensors[node->output].shape};
  if (node->compute == MF_S8 && lw->plan->options.layout != MF_LAYOUT_AUTO &&
      lw->plan->options.layout != MF_LAYOUT_NHWC)
    return mf_fail(e, MF_ERR_UNSUPPORTED,
                   "int8 in nchw or nChw16c is oneDNN's reference code (use --layout auto or nhwc)");
  mf_status status = prepare(lw, &c, e);
  if (status == MF_OK)
    status = mf_plan_find_kernel(lw, &c.weighted, kernels, sizeof kernels / sizeof *kernels, &c.kernel, e);
  if (status == MF_OK && !c.kernel) status = choose(lw, &c, e);
  if (status == MF_OK) status = emit(lw, &c, e);
  mf_weighted_free(&c.weighted);
  return status;
}
