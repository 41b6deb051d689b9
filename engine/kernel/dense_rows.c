#include "kernel/dense_rows.h"

#if defined(__x86_64__)
#include "kernel/int8_vectors.h"
#include <string.h>

#define LANES 512
#include "kernel/dense_lanes.h"
#undef LANES
#define LANES 256
#include "kernel/dense_lanes.h"

mf_dense_compute mf_dense_compute_for(dnnl_cpu_isa_t isa, bool wide) {
  if ((isa & dnnl_cpu_isa_avx512_core_vnni) != dnnl_cpu_isa_avx512_core_vnni) return NULL;
  return wide ? compute_512 : compute_256;
}
#else
mf_dense_compute mf_dense_compute_for(dnnl_cpu_isa_t isa, bool wide) {
  (void)isa, (void)wide;
  return NULL;
}
#endif
