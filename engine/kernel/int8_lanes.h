// Sums as stored numbers (int8_channels.h). Included once for each length of vectors.

INLINE NAME(mask) NAME(mask_of_)(const mf_int8_output *y) {
  return (NAME(mask))(y->channels < BYTES ? ((uint64_t)1 << y->channels) - 1 : UINT64_MAX);
}

// A quarter of a block's channels, in the destination's numbers.
INLINE FLOATS NAME(scaled_)(VECTOR sum, const mf_int8_output *y, int quarter) {
  const float *scale = y->scale + BYTES / 4 * quarter, *bias = y->bias + BYTES / 4 * quarter;
  return OP(fmadd_ps)(OP(cvtepi32_ps)(sum), OP(load_ps)(scale), OP(load_ps)(bias));
}

// Two quarters, as integers of 16 bits.
INLINE VECTOR NAME(narrow_)(FLOATS a, FLOATS b) {
  return OP(packs_epi32)(OP(cvtps_epi32)(a), OP(cvtps_epi32)(b));
}

// Both halves, as stored.
INLINE VECTOR NAME(stored_)(VECTOR a, VECTOR b, const mf_int8_output *y) {
  const VECTOR low = OP(set1_epi8)((char)y->stored.low), high = OP(set1_epi8)((char)y->stored.high);
  if (y->stored.is_signed) return OP(max_epi8)(OP(min_epi8)(OP(packs_epi16)(a, b), high), low);
  return OP(max_epu8)(OP(min_epu8)(OP(packus_epi16)(a, b), high), low);
}

INLINE void NAME(write_)(unsigned char *to, NAME(mask) mask, VECTOR a, VECTOR b, const mf_int8_output *y) {
  OP(mask_storeu_epi8)(to, mask, NAME(stored_)(a, b, y));
}
