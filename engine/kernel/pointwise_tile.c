#include "kernel/pointwise_tile.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f"), noinline))
#define JOIN(a, b, c) a##b##_##c
#define NAME(a, b, c) JOIN(a, b, c)

#define PIXELS 1
#include "kernel/pointwise_tile_body.h"
#undef PIXELS
#define PIXELS 2
#include "kernel/pointwise_tile_body.h"
#undef PIXELS
#define PIXELS 3
#include "kernel/pointwise_tile_body.h"
#undef PIXELS
#define PIXELS 4
#include "kernel/pointwise_tile_body.h"
#undef PIXELS
#define PIXELS 5
#include "kernel/pointwise_tile_body.h"
#undef PIXELS
#define PIXELS 6
#include "kernel/pointwise_tile_body.h"
#undef PIXELS

#define VARIANTS(pixels)                                                                                               \
  { compute_##pixels##_1, compute_##pixels##_2, compute_##pixels##_3, compute_##pixels##_4 }

mf_pointwise_compute mf_pointwise_compute_for(dnnl_cpu_isa_t isa, int64_t pixels, int64_t vectors) {
  static const mf_pointwise_compute variants[MF_POINTWISE_PIXELS][MF_POINTWISE_BLOCK / 16] = {
      VARIANTS(1), VARIANTS(2), VARIANTS(3), VARIANTS(4), VARIANTS(5), VARIANTS(6)};
  return (isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core ? variants[pixels - 1][vectors - 1] : NULL;
}
#else
mf_pointwise_compute mf_pointwise_compute_for(dnnl_cpu_isa_t isa, int64_t pixels, int64_t vectors) {
  (void)isa, (void)pixels, (void)vectors;
  return NULL;
}
#endif
