// The body of depthwise_rows.c, included once for each length of vectors.
#include "kernel/int8_lanes.h"

// Source columns as elements for the dot product: for each column and group of rows four vectors.
INLINE void NAME(order_)(const mf_depthwise_rows *d, int kernel, int stride, NAME(mask) mask, char *to) {
  const int rows = MF_DEPTHWISE_IN(kernel, stride), groups = MF_DEPTHWISE_GROUPS(kernel, stride);
  const int64_t columns = (d->count - 1) * stride + kernel + stride; // outputs are computed by twos
  const VECTOR flip = OP(set1_epi8)(d->source_signed ? -128 : 0);
  for (int64_t i = 0; i < columns; i++) {
    const int64_t x = d->first + i;
    const bool inside = x >= 0 && x < d->width;
    for (int g = 0; g < groups; g++, to += 4 * BYTES) {
      VECTOR row[4];
      for (int k = 0; k < 4; k++) {
        const int y = g * 4 + k;
        row[k] = WHOLE(setzero)();
        if (y >= rows) continue;
        if (inside) row[k] = OP(maskz_loadu_epi8)(mask, d->source[y] + x * d->source_step[y]);
        if (inside && y >= rows - MF_DEPTHWISE_OUT(kernel, stride) * stride)
          _mm_prefetch((const char *)d->source[y] + x * d->source_step[y] + d->ahead, _MM_HINT_T0);
        row[k] = WHOLE(xor)(row[k], flip);
      }
      const VECTOR a = OP(unpacklo_epi8)(row[0], row[1]), b = OP(unpackhi_epi8)(row[0], row[1]);
      const VECTOR c = OP(unpacklo_epi8)(row[2], row[3]), e = OP(unpackhi_epi8)(row[2], row[3]);
      STORE(to, OP(unpacklo_epi16)(a, c));
      STORE(to + BYTES, OP(unpackhi_epi16)(a, c));
      STORE(to + 2 * BYTES, OP(unpacklo_epi16)(b, e));
      STORE(to + 3 * BYTES, OP(unpackhi_epi16)(b, e));
    }
  }
}

// Sums of two outputs beside each other, of each row: a quarter of the channels.
INLINE void NAME(multiply_)(const char *from, const mf_depthwise_rows *d, int quarter, int kernel, int stride,
                            VECTOR sum[MF_DEPTHWISE_ROWS][2]) {
  const int rows = MF_DEPTHWISE_OUT(kernel, stride), groups = MF_DEPTHWISE_GROUPS(kernel, stride);
  const signed char *weights = d->weights + BYTES * quarter * kernel * groups * rows;
  for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = WHOLE(setzero)();
  for (int k = 0; k < kernel; k++)
    for (int g = 0; g < groups; g++)
      for (int r = 0; r < rows; r++) {
        const VECTOR weight = LOAD(weights + BYTES * ((k * groups + g) * rows + r));
        for (int o = 0; o < 2; o++)
          sum[r][o] =
              OP(dpbusd_epi32)(sum[r][o], LOAD(from + BYTES * (((o * stride + k) * groups + g) * 4 + quarter)), weight);
      }
}

// Two quarters, as integers of 16 bits.
INLINE void NAME(multiply_half_)(const char *from, const mf_depthwise_rows *d, int quarter, int kernel, int stride,
                                 VECTOR out[MF_DEPTHWISE_ROWS][2]) {
  VECTOR a[MF_DEPTHWISE_ROWS][2], b[MF_DEPTHWISE_ROWS][2];
  NAME(multiply_)(from, d, quarter, kernel, stride, a);
  NAME(multiply_)(from, d, quarter + 1, kernel, stride, b);
  for (int r = 0; r < MF_DEPTHWISE_OUT(kernel, stride); r++)
    for (int o = 0; o < 2; o++)
      out[r][o] =
          NAME(narrow_)(NAME(scaled_)(a[r][o], &d->output, quarter), NAME(scaled_)(b[r][o], &d->output, quarter + 1));
  // Else the compiler loads the other half's weights first, and has no registers left for them.
  __asm__ volatile("" ::: "memory");
}

INLINE void NAME(compute_)(const mf_depthwise_rows *d, int kernel, int stride) {
  const int rows = MF_DEPTHWISE_OUT(kernel, stride), groups = MF_DEPTHWISE_GROUPS(kernel, stride);
  const NAME(mask) mask = NAME(mask_of_)(&d->output);
  _Alignas(64) char ordered[BYTES * 4 * groups * ((MF_DEPTHWISE_COUNT(kernel) - 1) * stride + kernel + stride)];
  const mf_depthwise_rows own = *d; // which no store can change
  NAME(order_)(&own, kernel, stride, mask, ordered);
  for (int64_t x = 0; x < own.count; x += 2) {
    const char *from = ordered + BYTES * 4 * groups * stride * x;
    VECTOR a[MF_DEPTHWISE_ROWS][2], b[MF_DEPTHWISE_ROWS][2];
    NAME(multiply_half_)(from, &own, 0, kernel, stride, a);
    NAME(multiply_half_)(from, &own, 2, kernel, stride, b);
    for (int r = 0; r < rows; r++)
      for (int o = 0; o < 2; o++) {
        if (x + o == own.count) continue;
        NAME(write_)(own.destination[r] + (x + o) * own.destination_step[r], mask, a[r][o], b[r][o], &own.output);
      }
  }
}

TARGET static void NAME(compute_31_)(const mf_depthwise_rows *d) {
  NAME(compute_)(d, 3, 1);
}
TARGET static void NAME(compute_32_)(const mf_depthwise_rows *d) {
  NAME(compute_)(d, 3, 2);
}
TARGET static void NAME(compute_51_)(const mf_depthwise_rows *d) {
  NAME(compute_)(d, 5, 1);
}
TARGET static void NAME(compute_52_)(const mf_depthwise_rows *d) {
  NAME(compute_)(d, 5, 2);
}
