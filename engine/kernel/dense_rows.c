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

// What a vector holds of stored numbers: of a wide block one output, of a narrow one two, whose channels lie among each
// other by fours (mf_int8_place).
INLINE __m512i held_at(const unsigned char *first, const unsigned char *second, mask512 mask, bool wide) {
  if (wide) return _mm512_maskz_loadu_epi8(mask, first);
  const __m512i order = _mm512_setr_epi32(0, 2, 8, 10, 4, 6, 12, 14, 1, 3, 9, 11, 5, 7, 13, 15);
  const __m512i low = _mm512_castsi256_si512(_mm256_maskz_loadu_epi8((mask256)mask, first));
  const __m512i both = _mm512_inserti64x4(low, _mm256_maskz_loadu_epi8((mask256)mask, second), 1);
  return _mm512_permutexvar_epi32(order, both);
}

INLINE void store_at(unsigned char *first, unsigned char *second, mask512 mask, __m512i numbers, bool wide) {
  if (wide) {
    _mm512_mask_storeu_epi8(first, mask, numbers);
    return;
  }
  const __m512i order = _mm512_setr_epi32(0, 8, 1, 9, 4, 12, 5, 13, 2, 10, 3, 11, 6, 14, 7, 15);
  const __m512i both = _mm512_permutexvar_epi32(order, numbers);
  _mm256_mask_storeu_epi8(first, (mask256)mask, _mm512_castsi512_si256(both));
  _mm256_mask_storeu_epi8(second, (mask256)mask, _mm512_extracti64x4_epi64(both, 1));
}

// And `factor` times what the destination holds: of each 16 bytes of it four belong to a quarter.
INLINE __m512 with_held(__m512 numbers, __m512i held, int quarter, float factor) {
  const int first = 4 * quarter;
  const __m128i bytes = _mm_setr_epi8((char)first, -1, -1, -1, (char)(first + 1), -1, -1, -1, (char)(first + 2), -1, -1,
                                      -1, (char)(first + 3), -1, -1, -1);
  const __m512i words = _mm512_shuffle_epi8(held, _mm512_broadcast_i32x4(bytes));
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(words), _mm512_set1_ps(factor), numbers);
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
