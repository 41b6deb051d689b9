// PIXELS pixels, with VECTORS vectors of channels: without VECTORS, one function for each number of them. Included once
// for each number of pixels; loops are unrolled early, or compilers keep the sums in memory.
#ifndef VECTORS
#define VECTORS 1
#include "kernel/pointwise_tile_body.h"
#undef VECTORS
#define VECTORS 2
#include "kernel/pointwise_tile_body.h"
#undef VECTORS
#define VECTORS 3
#include "kernel/pointwise_tile_body.h"
#undef VECTORS
#define VECTORS 4
#include "kernel/pointwise_tile_body.h"
#undef VECTORS
#else
TARGET static void NAME(compute_, PIXELS, VECTORS)(const mf_pointwise_tile *t) {
  __m512 sum[PIXELS][VECTORS];
  for (int64_t p = 0; p < PIXELS; p++)
    for (int64_t v = 0; v < VECTORS; v++) sum[p][v] = _mm512_load_ps(t->bias + 16 * v);
  if (t->destination_ahead)
    for (int64_t p = 0; p < PIXELS; p++)
      for (int64_t v = 0; v < VECTORS; v++)
        __builtin_prefetch(t->destination + p * t->outputs + t->destination_ahead + 16 * v, 1);
  const float *weights = t->weights;
  for (int64_t i = 0; i < t->inputs;) {
    const int64_t end = t->ahead && i + 16 < t->inputs ? i + 16 : t->inputs; // a cache line of each pixel
    if (t->ahead)
      for (int64_t p = 0; p < PIXELS; p++) __builtin_prefetch(t->source + (p + t->ahead) * t->inputs + i);
    for (; i < end; i++, weights += (int64_t)16 * VECTORS) {
      __m512 w[VECTORS];
      for (int64_t v = 0; v < VECTORS; v++) w[v] = _mm512_load_ps(weights + 16 * v);
      for (int64_t p = 0; p < PIXELS; p++) {
        const __m512 x = _mm512_set1_ps(t->source[p * t->inputs + i]);
        for (int64_t v = 0; v < VECTORS; v++) sum[p][v] = _mm512_fmadd_ps(x, w[v], sum[p][v]);
      }
    }
  }
  const __m512 low = _mm512_set1_ps(t->low), high = _mm512_set1_ps(t->high);
  _Pragma("GCC unroll 6") for (int64_t p = 0; p < PIXELS; p++) {
    float *to = t->destination + p * t->outputs;
    _Pragma("GCC unroll 4") for (int64_t v = 0; v < VECTORS; v++) {
      const __mmask16 mask = (__mmask16)((1u << (t->channels - 16 * v < 16 ? t->channels - 16 * v : 16)) - 1);
      __m512 y = sum[p][v];
      if (t->sum) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, to + 16 * v));
      // NaN stays: min and max give the second operand where one is NaN.
      _mm512_mask_storeu_ps(to + 16 * v, mask, _mm512_min_ps(high, _mm512_max_ps(low, y)));
    }
  }
}
#endif
