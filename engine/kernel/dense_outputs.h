// GROUPS groups of outputs of a row, `count` outputs from x on. Included once for each number of them: each is a
// function of its own, with loops that are unrolled early, or compilers keep the sums in memory.
TARGET __attribute__((noinline)) static void OF_BLOCK(JOIN(compute_, GROUPS, _))(const mf_dense_rows *d, int64_t x,
                                                                                 int64_t count) {
  const __m512i sign = _mm512_set1_epi8(d->flip ? -128 : 0);
  const signed char *weights = d->weights;
  // Of a narrow block each group is two outputs. Where the last one's second is missing, its first is computed twice.
  __m512i sum[GROUPS][4];
  for (int64_t g = 0; g < GROUPS; g++) sum[g][0] = sum[g][1] = sum[g][2] = sum[g][3] = _mm512_setzero_si512();
  for (int r = 0; r < d->rows; r++) {
    const unsigned char *row = d->source[r] + x * d->source_step;
    for (int i = 0; i < d->words;) {
      const int end = i + 16 < d->words ? i + 16 : d->words; // a cache line of each output's taps
      if (d->ahead)
        for (int64_t o = 0; o < GROUPS * (WIDE ? 1 : 2); o++)
          _mm_prefetch((const char *)row + d->ahead + o * d->source_step, _MM_HINT_T0);
      for (; i < end; i++, row += 4, weights += WIDE ? 256 : 128) {
        const __m512i w0 = LOAD(weights), w1 = LOAD(weights + 64);
        const __m512i w2 = WIDE ? LOAD(weights + 128) : w0, w3 = WIDE ? LOAD(weights + 192) : w1;
        for (int64_t g = 0; g < GROUPS; g++) {
          const __m512i taps = taps_of(row + (WIDE ? g : 2 * g) * d->source_step, sign);
          const __m512i second =
              WIDE ? taps : taps_of(row + (g + 1 < GROUPS ? 2 * g + 1 : count - 1) * d->source_step, sign);
          sum[g][0] = _mm512_dpbusd_epi32(sum[g][0], taps, w0);
          sum[g][1] = _mm512_dpbusd_epi32(sum[g][1], taps, w1);
          sum[g][2] = _mm512_dpbusd_epi32(sum[g][2], second, w2);
          sum[g][3] = _mm512_dpbusd_epi32(sum[g][3], second, w3);
        }
      }
    }
  }
  const mask512 mask = mask_of_512(&d->output);
  unsigned char *to = d->destination + x * d->destination_step;
  _Pragma("GCC unroll 6") for (int64_t g = 0; g < GROUPS; g++) {
    const __m512i low = narrow_512(sum[g][0], sum[g][1], &d->output, 0);
    const __m512i high = narrow_512(sum[g][2], sum[g][3], &d->output, WIDE ? 2 : 0);
    if (WIDE)
      write_512(to + g * d->destination_step, mask, low, high, &d->output);
    else
      write_two(to + 2 * g * d->destination_step, to + (g + 1 < GROUPS ? 2 * g + 1 : count - 1) * d->destination_step,
                (mask256)mask, low, high, &d->output);
  }
}
