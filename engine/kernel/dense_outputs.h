// OUTPUTS of a row from x on. Included once for each number of them: each is a function of its own, with loops that are
// unrolled early, or compilers keep the sums in memory.
TARGET __attribute__((noinline)) static void NAME(JOIN(compute_, OUTPUTS, _))(const mf_dense_rows *d, int64_t x) {
  const VECTOR sign = OP(set1_epi8)(d->flip ? -128 : 0);
  const signed char *weights = d->weights;
  VECTOR sum[OUTPUTS][4];
  for (int o = 0; o < OUTPUTS; o++) sum[o][0] = sum[o][1] = sum[o][2] = sum[o][3] = WHOLE(setzero)();
  for (int r = 0; r < d->rows; r++) {
    const unsigned char *row = d->source[r] + x * d->source_step;
    for (int i = 0; i < d->words; i++, row += 4, weights += 4 * BYTES) {
      const VECTOR w0 = LOAD(weights), w1 = LOAD(weights + BYTES);
      const VECTOR w2 = LOAD(weights + 2 * BYTES), w3 = LOAD(weights + 3 * BYTES);
      for (int o = 0; o < OUTPUTS; o++) {
        int32_t word;
        memcpy(&word, row + o * d->source_step, sizeof word);
        const VECTOR taps = WHOLE(xor)(OP(set1_epi32)(word), sign);
        sum[o][0] = OP(dpbusd_epi32)(sum[o][0], taps, w0);
        sum[o][1] = OP(dpbusd_epi32)(sum[o][1], taps, w1);
        sum[o][2] = OP(dpbusd_epi32)(sum[o][2], taps, w2);
        sum[o][3] = OP(dpbusd_epi32)(sum[o][3], taps, w3);
      }
    }
  }
  const NAME(mask) mask = NAME(mask_of_)(&d->output);
  unsigned char *to = d->destination + x * d->destination_step;
  _Pragma("GCC unroll 6") for (int o = 0; o < OUTPUTS; o++, to += d->destination_step)
      NAME(write_)(to, mask, NAME(narrow_)(sum[o][0], sum[o][1], &d->output, 0),
                   NAME(narrow_)(sum[o][2], sum[o][3], &d->output, 2), &d->output);
}
