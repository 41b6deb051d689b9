// The body of shallow_rows.c, included once for each length of vectors.
#include "kernel/int8_lanes.h"

// `offsets`: of the outputs' taps; the last ones may be the same.
INLINE void NAME(compute_some_)(const mf_shallow_rows *d, int64_t x, const int64_t offsets[MF_SHALLOW_OUTPUTS],
                                bool flip, NAME(mask) mask, int64_t count) {
  const VECTOR sign = OP(set1_epi8)(-128);
  const signed char *weights = d->weights;
  VECTOR sum[MF_SHALLOW_OUTPUTS][4];
  for (int o = 0; o < MF_SHALLOW_OUTPUTS; o++)
    for (int q = 0; q < 4; q++) sum[o][q] = WHOLE(setzero)();
  for (int r = 0; r < d->rows; r++) {
    const unsigned char *row = d->source[r] + x * d->source_step;
    for (int i = 0; i < d->words; i++, row += 4, weights += 4 * BYTES) {
      const VECTOR w0 = LOAD(weights), w1 = LOAD(weights + BYTES);
      const VECTOR w2 = LOAD(weights + 2 * BYTES), w3 = LOAD(weights + 3 * BYTES);
      for (int o = 0; o < MF_SHALLOW_OUTPUTS; o++) {
        int32_t word;
        memcpy(&word, row + offsets[o], sizeof word);
        VECTOR taps = OP(set1_epi32)(word);
        if (flip) taps = WHOLE(xor)(taps, sign);
        sum[o][0] = OP(dpbusd_epi32)(sum[o][0], taps, w0);
        sum[o][1] = OP(dpbusd_epi32)(sum[o][1], taps, w1);
        sum[o][2] = OP(dpbusd_epi32)(sum[o][2], taps, w2);
        sum[o][3] = OP(dpbusd_epi32)(sum[o][3], taps, w3);
      }
    }
  }
  unsigned char *to = d->destination + x * d->destination_step;
  for (int o = 0; o < MF_SHALLOW_OUTPUTS; o++, to += d->destination_step) {
    if (o == count) return;
    NAME(write_)
    (to, mask, NAME(narrow_)(sum[o][0], sum[o][1], &d->output, 0), NAME(narrow_)(sum[o][2], sum[o][3], &d->output, 2),
     &d->output);
  }
}

INLINE void NAME(compute_)(const mf_shallow_rows *rows, bool flip) {
  const mf_shallow_rows own = *rows; // which no store can change
  const NAME(mask) mask = NAME(mask_of_)(&own.output);
  for (int64_t x = 0; x < own.count; x += MF_SHALLOW_OUTPUTS) {
    const int64_t left = own.count - x;
    int64_t offsets[MF_SHALLOW_OUTPUTS];
    for (int o = 0; o < MF_SHALLOW_OUTPUTS; o++) offsets[o] = own.source_step * (o < left ? o : left - 1);
    NAME(compute_some_)(&own, x, offsets, flip, mask, left);
  }
}

TARGET static void NAME(compute_unsigned_)(const mf_shallow_rows *rows) {
  NAME(compute_)(rows, false);
}
TARGET static void NAME(compute_signed_)(const mf_shallow_rows *rows) {
  NAME(compute_)(rows, true);
}
