#include "kernel/gemv_block.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define WORD ((int64_t)MF_GEMV_BLOCK * 4) // bytes of the weights of a word
#define PIECE 256 // words that are added up before they are added to the others: with long sums the error grows

// A loop for each type of source; `multiply_add` gives sums + word * weights for 16 outputs.
// The number of images is written out: only then do compilers keep the sums in registers.
#define SUM(images, name, features, vector, zero, add, multiply_add, flip)                                             \
  __attribute__((target(features))) static void name##_##images(const mf_gemv_block *b) {                              \
    const char *weights = b->weights;                                                                                  \
    memset(b->sums, 0, sizeof *b->sums *images);                                                                       \
    for (int64_t begin = 0; begin < b->words; begin += PIECE) {                                                        \
      const int64_t end = begin + PIECE < b->words ? begin + PIECE : b->words;                                         \
      vector sum[images][4];                                                                                           \
      for (int n = 0; n < images; n++)                                                                                 \
        for (int q = 0; q < 4; q++) sum[n][q] = zero();                                                                \
      for (int64_t i = begin; i < end; i++, weights += WORD) {                                                         \
        const __m512i w0 = _mm512_load_si512(weights), w1 = _mm512_load_si512(weights + 64);                           \
        const __m512i w2 = _mm512_load_si512(weights + 128), w3 = _mm512_load_si512(weights + 192);                    \
        for (int n = 0; n < images; n++) {                                                                             \
          uint32_t word;                                                                                               \
          memcpy(&word, b->source + n * b->step + i * 4, sizeof word);                                                 \
          const __m512i x = _mm512_set1_epi32((int)(word ^ (flip)));                                                   \
          sum[n][0] = multiply_add(sum[n][0], x, w0);                                                                  \
          sum[n][1] = multiply_add(sum[n][1], x, w1);                                                                  \
          sum[n][2] = multiply_add(sum[n][2], x, w2);                                                                  \
          sum[n][3] = multiply_add(sum[n][3], x, w3);                                                                  \
        }                                                                                                              \
      }                                                                                                                \
      for (int n = 0; n < images; n++)                                                                                 \
        for (int64_t q = 0; q < 4; q++) {                                                                              \
          vector *to = (vector *)(void *)&b->sums[n][16 * q];                                                          \
          *to = add(*to, sum[n][q]);                                                                                   \
        }                                                                                                              \
    }                                                                                                                  \
  }

#define SUMS(...)                                                                                                      \
  SUM(1, __VA_ARGS__)                                                                                                  \
  SUM(2, __VA_ARGS__)                                                                                                  \
  SUM(3, __VA_ARGS__)                                                                                                  \
  SUM(4, __VA_ARGS__)

#define F32(sum, x, w) _mm512_fmadd_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(w), sum)
#define BF16(sum, x, w) _mm512_dpbf16_ps(sum, (__m512bh)(x), (__m512bh)(w))
#define SIGNS 0x80808080u

SUMS(sum_f32, "avx512f", __m512, _mm512_setzero_ps, _mm512_add_ps, F32, 0)
SUMS(sum_bf16, "avx512f,avx512bf16", __m512, _mm512_setzero_ps, _mm512_add_ps, BF16, 0)
SUMS(sum_u8, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512, _mm512_add_epi32, _mm512_dpbusd_epi32, 0)
SUMS(sum_s8, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512, _mm512_add_epi32, _mm512_dpbusd_epi32, SIGNS)

#define VARIANTS(name)                                                                                                 \
  { name##_1, name##_2, name##_3, name##_4 }

mf_gemv_compute mf_gemv_compute_for(dnnl_cpu_isa_t isa, dnnl_data_type_t source, int images) {
  static const struct {
    dnnl_data_type_t source;
    dnnl_cpu_isa_t isa;
    mf_gemv_compute compute[MF_GEMV_IMAGES];
  } variants[] = {{dnnl_f32, dnnl_cpu_isa_avx512_core, VARIANTS(sum_f32)},
                  {dnnl_bf16, dnnl_cpu_isa_avx512_core_bf16, VARIANTS(sum_bf16)},
                  {dnnl_u8, dnnl_cpu_isa_avx512_core_vnni, VARIANTS(sum_u8)},
                  {dnnl_s8, dnnl_cpu_isa_avx512_core_vnni, VARIANTS(sum_s8)}};
  for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
    if (variants[i].source == source && (isa & variants[i].isa) == variants[i].isa)
      return variants[i].compute[images - 1];
  return NULL;
}
#else
mf_gemv_compute mf_gemv_compute_for(dnnl_cpu_isa_t isa, dnnl_data_type_t source, int images) {
  (void)isa, (void)source, (void)images;
  return NULL;
}
#endif
