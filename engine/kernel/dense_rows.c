#include "kernel/dense_rows.h"

#if defined(__x86_64__)
#include "kernel/int8_vectors.h"
#include <string.h>

#define LANES 512
#include "kernel/int8_lanes.h"

#define OF_BLOCK(name) JOIN(name, BLOCK, )

INLINE __m512i taps_of(const unsigned char *source, __m512i sign) {
  int32_t word;
  memcpy(&word, source, sizeof word);
  return _mm512_xor_si512(_mm512_set1_epi32(word), sign);
}

// Two outputs of a narrow block, whose channels lie in its vectors by fours (mf_int8_place).
INLINE void write_two(unsigned char *first, unsigned char *second, mask256 mask, __m512i a, __m512i b,
                      const mf_int8_output *y) {
  const __m512i order = _mm512_setr_epi32(0, 8, 1, 9, 4, 12, 5, 13, 2, 10, 3, 11, 6, 14, 7, 15);
  const __m512i both = _mm512_permutexvar_epi32(order, stored_512(a, b, y));
  _mm256_mask_storeu_epi8(first, mask, _mm512_castsi512_si256(both));
  _mm256_mask_storeu_epi8(second, mask, _mm512_extracti64x4_epi64(both, 1));
}

#define WIDE 1
#define BLOCK wide
#include "kernel/dense_block.h"
#undef WIDE
#undef BLOCK
#define WIDE 0
#define BLOCK narrow
#include "kernel/dense_block.h"

mf_dense_compute mf_dense_compute_for(dnnl_cpu_isa_t isa, bool wide) {
  if ((isa & dnnl_cpu_isa_avx512_core_vnni) != dnnl_cpu_isa_avx512_core_vnni) return NULL;
  return wide ? compute_wide : compute_narrow;
}
#else
mf_dense_compute mf_dense_compute_for(dnnl_cpu_isa_t isa, bool wide) {
  (void)isa, (void)wide;
  return NULL;
}
#endif
