#include "kernel/depthwise_rows.h"

#if defined(__x86_64__)
#include "kernel/int8_vectors.h"

#define LANES 512
#include "kernel/depthwise_lanes.h"
#undef LANES
#define LANES 256
#include "kernel/depthwise_lanes.h"

mf_depthwise_compute mf_depthwise_compute_for(dnnl_cpu_isa_t isa, int kernel, int stride, bool wide) {
  static const mf_depthwise_compute variants[2][2][2] = {
      {{compute_31_256, compute_31_512}, {compute_32_256, compute_32_512}},
      {{compute_51_256, compute_51_512}, {compute_52_256, compute_52_512}}};
  if ((isa & dnnl_cpu_isa_avx512_core_vnni) != dnnl_cpu_isa_avx512_core_vnni) return NULL;
  return variants[kernel == 5][stride == 2][wide];
}
#else
mf_depthwise_compute mf_depthwise_compute_for(dnnl_cpu_isa_t isa, int kernel, int stride, bool wide) {
  (void)isa, (void)kernel, (void)stride, (void)wide;
  return NULL;
}
#endif
