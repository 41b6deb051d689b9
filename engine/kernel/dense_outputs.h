INLINE void OF_BLOCK(JOIN(finish_, GROUPS, _))(const mf_dense_rows *d, int64_t x, int64_t count, __m512i sum[GROUPS][4],
                                               bool add) {
  const mask512 mask = mask_of_512(&d->output);
  const __m512i flip = _mm512_set1_epi8(d->sum_flip ? -128 : 0);
  _Pragma("GCC unroll 6") for (int64_t g = 0; g < GROUPS; g++) {
    const int64_t first = WIDE ? g : 2 * g, second = WIDE ? g : g + 1 < GROUPS ? 2 * g + 1 : count - 1;
    unsigned char *to = d->destination + d->to[x + first], *next = d->destination + d->to[x + second];
    __m512 numbers[4];
    for (int q = 0; q < 4; q++) numbers[q] = scaled_512(sum[g][q], &d->output, WIDE ? q : q % 2);
    if (add) {
      const __m512i held = _mm512_xor_si512(held_at(to, next, mask, WIDE), flip);
      for (int q = 0; q < 4; q++) numbers[q] = with_held(numbers[q], held, q, d->sum);
    }
    const __m512i low = narrow_512(numbers[0], numbers[1]), high = narrow_512(numbers[2], numbers[3]);
    store_at(to, next, mask, stored_512(low, high, &d->output), WIDE);
  }
}

// GROUPS groups of outputs, `count` outputs from x on. Included once for each number of them: each is a
// function of its own, with loops that are unrolled early, or compilers keep the sums in memory.
TARGET __attribute__((noinline)) static void OF_BLOCK(JOIN(compute_, GROUPS, _))(const mf_dense_rows *d, int64_t x,
                                                                                 int64_t count) {
  const __m512i sign = _mm512_set1_epi8(d->flip ? -128 : 0);
  const int64_t *from = d->from + x;
  if (d->destination_ahead)
    for (int64_t o = 0; o < count; o++) __builtin_prefetch(d->destination + d->to[x + o] + d->destination_ahead, 1);
  // Of a narrow block each group is two outputs. Where the last one's second is missing, its first is computed twice.
  __m512i sum[GROUPS][4];
  for (int64_t g = 0; g < GROUPS; g++) sum[g][0] = sum[g][1] = sum[g][2] = sum[g][3] = _mm512_setzero_si512();
  for (int r = 0; r < d->rows; r++) {
    const unsigned char *row = d->source + r * d->source_step;
    const signed char *weights = d->weights + r * d->weights_step;
    for (int i = 0; i < d->words;) {
      const int end = d->ahead && i + 16 < d->words ? i + 16 : d->words; // a cache line of each output's taps
      if (d->ahead)
        for (int64_t o = 0; o < GROUPS * (WIDE ? 1LL : 2LL); o++)
          _mm_prefetch((const char *)row + d->ahead + from[o < count ? o : count - 1], _MM_HINT_T0);
      for (; i < end; i++, row += 4, weights += WIDE ? 256 : 128) {
        const __m512i w0 = LOAD(weights), w1 = LOAD(weights + 64);
        const __m512i w2 = WIDE ? LOAD(weights + 128) : w0, w3 = WIDE ? LOAD(weights + 192) : w1;
        for (int64_t g = 0; g < GROUPS; g++) {
          const __m512i taps = taps_of(row + from[WIDE ? g : 2 * g], sign);
          const __m512i second = WIDE ? taps : taps_of(row + from[g + 1 < GROUPS ? 2 * g + 1 : count - 1], sign);
          sum[g][0] = _mm512_dpbusd_epi32(sum[g][0], taps, w0);
          sum[g][1] = _mm512_dpbusd_epi32(sum[g][1], taps, w1);
          sum[g][2] = _mm512_dpbusd_epi32(sum[g][2], second, w2);
          sum[g][3] = _mm512_dpbusd_epi32(sum[g][3], second, w3);
        }
      }
    }
  }
  if (d->sum == 0)
    OF_BLOCK(JOIN(finish_, GROUPS, _))(d, x, count, sum, false);
  else
    OF_BLOCK(JOIN(finish_, GROUPS, _))(d, x, count, sum, true);
}
