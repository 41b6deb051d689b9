#include "plan/lower.h"
#include <string.h>

const char *mf_select_impl(const_dnnl_primitive_desc_t pd) {
  const char *name = NULL;
  return dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name) == dnnl_success && name ? name : "";
}

bool mf_select_is_reference(const_dnnl_primitive_desc_t pd) {
  return strncmp(mf_select_impl(pd), "ref", 3) == 0;
}

// oneDNN's im2col convolutions carry "gemm" in their names; so do the batch-reduce ones ("brgemm"), which are direct.
static bool is_gemm(const char *impl) {
  const char *found = strstr(impl, "gemm");
  return found && !(found - impl >= 2 && strncmp(found - 2, "br", 2) == 0);
}

static bool accepts(mf_algorithm algorithm, const char *impl) {
  switch (algorithm) {
  case MF_ALGORITHM_GEMM:
    return is_gemm(impl);
  case MF_ALGORITHM_DIRECT:
    return !is_gemm(impl);
  case MF_ALGORITHM_WINOGRAD:
  case MF_ALGORITHM_AUTO:
    break;
  }
  return true;
}

bool mf_select(const mf_plan *plan, dnnl_primitive_desc_t pd, bool is_convolution) {
  if (!is_convolution) return true;
  while (!accepts(plan->options.algorithm, mf_select_impl(pd)))
    if (dnnl_primitive_desc_next_impl(pd) != dnnl_success) return false;
  return true;
}

int mf_select_formats(const mf_plan *plan, int64_t channels, dnnl_format_tag_t tags[MF_LAYOUT_CHOICES]) {
  int count = 0;
  switch (plan->options.layout) {
  case MF_LAYOUT_NHWC:
    tags[count++] = dnnl_nhwc;
    break;
  case MF_LAYOUT_NCHW:
    tags[count++] = dnnl_nchw;
    break;
  case MF_LAYOUT_BLOCKED:
    // The older kernels read images as plain nchw and everything else in blocks of a vector's channels; where the
    // channels do not fill a block of 16 oneDNN may only have kernels for 8.
    if (channels < 8) {
      tags[count++] = dnnl_nchw;
      break;
    }
    if (dnnl_get_effective_cpu_isa() & 0x20) tags[count++] = dnnl_nChw16c;
    tags[count++] = dnnl_nChw8c;
    break;
  case MF_LAYOUT_AUTO:
    tags[count++] = dnnl_format_tag_any;
    break;
  }
  return count;
}
