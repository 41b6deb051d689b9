#include "kernel/shallow_rows.h"

#if defined(__x86_64__)
#include "kernel/int8_vectors.h"
#include <string.h>

#define LANES 512
#include "kernel/shallow_lanes.h"
#undef LANES
#define LANES 256
#include "kernel/shallow_lanes.h"

mf_shallow_compute mf_shallow_compute_for(dnnl_cpu_isa_t isa, bool flip, bool wide) {
  static const mf_shallow_compute variants[2][2] = {{compute_unsigned_256, compute_unsigned_512},
                                                    {compute_signed_256, compute_signed_512}};
  if ((isa & dnnl_cpu_isa_avx512_core_vnni) != dnnl_cpu_isa_avx512_core_vnni) return NULL;
  return variants[flip][wide];
}
#else
mf_shallow_compute mf_shallow_compute_for(dnnl_cpu_isa_t isa, bool flip, bool wide) {
  (void)isa, (void)flip, (void)wide;
  return NULL;
}
#endif
