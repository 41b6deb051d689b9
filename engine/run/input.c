// Filling the input: from pixels or floats straight into the format and type that the first primitive reads.
#include "plan/onednn.h"
#include "run/internal.h"
#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define GROUP 48 // bytes that are quantized together: whole pixels, whole vectors

typedef struct target { // the input value as strided memory
  char *bytes;
  mf_dtype dtype;
  mf_quantization quantization;
  size_t stride[4]; // in elements: N, C, H, W; of blocks of channels in a blocked format
  size_t block;     // channels that lie side by side as one of them; 1: not blocked
  size_t channels, height, width;
} target;

static mf_status open_target(mf_session *s, int64_t n, target *t, mf_error *e) {
  const mf_plan *plan = mf_session_plan(s);
  const mf_value *value = &plan->values[plan->input];
  int blocks = 0, rank = 0;
  const dnnl_dims_t *strides, *dims, *block, *blocked;
  dnnl_memory_desc_query(value->md, dnnl_query_inner_nblks_s32, &blocks);
  dnnl_memory_desc_query(value->md, dnnl_query_ndims_s32, &rank);
  dnnl_memory_desc_query(value->md, dnnl_query_strides, (void *)&strides);
  dnnl_memory_desc_query(value->md, dnnl_query_dims, (void *)&dims);
  dnnl_memory_desc_query(value->md, dnnl_query_inner_blks, (void *)&block);
  dnnl_memory_desc_query(value->md, dnnl_query_inner_idxs, (void *)&blocked);
  if (rank != 4 || blocks > 1 || (blocks == 1 && (*blocked)[0] != 1))
    return mf_fail(e, MF_ERR_UNSUPPORTED,
                   "the input cannot be filled (expected N,C,H,W, blocked over channels or not at all)");
  const int64_t each = (*dims)[0], batch = each * plan->chunks;
  if (n < 0 || n >= batch)
    return mf_fail(e, MF_ERR_USAGE, "item %lld is outside a batch of %lld", (long long)n, (long long)batch);
  for (int i = 0; i < 4; i++) t->stride[i] = (size_t)(*strides)[i];
  t->block = blocks ? (size_t)(*block)[0] : 1; // the rest of the last block stays zero, as the session made it
  t->channels = (size_t)(*dims)[1];
  t->height = (size_t)(*dims)[2];
  t->width = (size_t)(*dims)[3];
  t->dtype = mf_onednn_dtype_of(value->md);
  t->quantization = value->quantization;
  t->bytes = (char *)mf_session_input(s, (int)(n / each)) + (size_t)(n % each) * t->stride[0] * mf_dtype_size(t->dtype);
  return MF_OK;
}

// The nearest integer of the target's type; NaN: the lowest.
static uint8_t round_to(const target *t, float x) {
  const float low = t->dtype == MF_U8 ? 0 : -128, high = t->dtype == MF_U8 ? 255 : 127;
  x = rintf(x);
  return (uint8_t)(int)(x >= low ? x <= high ? x : high : low);
}

// One number in the target's type: up to four bytes, little end first.
static uint32_t encode(const target *t, float x) {
  uint32_t bits = 0;
  switch (t->dtype) {
  case MF_BF16:
    return mf_f32_to_bf16(x);
  case MF_F16:
    return mf_f32_to_f16(x);
  case MF_U8:
  case MF_S8:
    return round_to(t, x / t->quantization.scale + (float)t->quantization.zero_point);
  default:
    memcpy(&bits, &x, sizeof bits);
    return bits;
  }
}

static inline void store(const target *t, size_t c, size_t y, size_t x, uint32_t bits) {
  const size_t element = c / t->block * t->stride[1] + c % t->block + y * t->stride[2] + x * t->stride[3];
  switch (mf_dtype_size(t->dtype)) {
  case 1:
    ((uint8_t *)t->bytes)[element] = (uint8_t)bits;
    break;
  case 2:
    ((uint16_t *)t->bytes)[element] = (uint16_t)bits;
    break;
  default:
    ((uint32_t *)t->bytes)[element] = bits;
    break;
  }
}

typedef struct picture {
  const target *to;
  const uint8_t *rgb;
  uint32_t table[3][256];                          // what is stored for a pixel
  _Alignas(16) float factor[GROUP], addend[GROUP]; // the same of int8: the byte * factor + addend, rounded
} picture;

static void store_row(const picture *p, size_t y) {
  const uint8_t *from = p->rgb + y * p->to->width * 3;
  for (size_t x = 0; x < p->to->width; x++)
    for (size_t c = 0; c < 3; c++) store(p->to, c, y, x, p->table[c][*from++]);
}

#if defined(__x86_64__)
// Half of the time of looks into a table, or less (bench/NOTES.md). Conversions round to nearest even, and packing
// saturates; the minimum is there because numbers beyond int32, and NaN, become the lowest of all.
static inline __m128i quantize_4(__m128i bytes, const float *factor, const float *addend) {
  const __m128 x = _mm_add_ps(_mm_mul_ps(_mm_cvtepi32_ps(bytes), _mm_load_ps(factor)), _mm_load_ps(addend));
  return _mm_cvtps_epi32(_mm_min_ps(_mm_set1_ps(1e9f), x));
}

static inline void quantize_group(const picture *p, const uint8_t *from, uint8_t *to) {
  const __m128i zero = _mm_setzero_si128();
  const bool is_unsigned = p->to->dtype == MF_U8;
  for (size_t i = 0; i < GROUP; i += 16) {
    const float *factor = p->factor + i, *addend = p->addend + i;
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(from + i));
    const __m128i low = _mm_unpacklo_epi8(bytes, zero), high = _mm_unpackhi_epi8(bytes, zero);
    const __m128i first = _mm_packs_epi32(quantize_4(_mm_unpacklo_epi16(low, zero), factor, addend),
                                          quantize_4(_mm_unpackhi_epi16(low, zero), factor + 4, addend + 4));
    const __m128i last = _mm_packs_epi32(quantize_4(_mm_unpacklo_epi16(high, zero), factor + 8, addend + 8),
                                         quantize_4(_mm_unpackhi_epi16(high, zero), factor + 12, addend + 12));
    _mm_storeu_si128((__m128i *)(to + i), is_unsigned ? _mm_packus_epi16(first, last) : _mm_packs_epi16(first, last));
  }
}
#else
static void quantize_group(const picture *p, const uint8_t *from, uint8_t *to) {
  for (size_t i = 0; i < GROUP; i++) to[i] = round_to(p->to, (float)from[i] * p->factor[i] + p->addend[i]);
}
#endif

// int8 in nhwc: every pixel counts, since the run itself takes little longer.
static void store_row_of_bytes(const picture *p, size_t y) {
  const size_t n = p->to->width * 3, rest = n % GROUP;
  const uint8_t *from = p->rgb + y * n;
  uint8_t *to = (uint8_t *)p->to->bytes + y * p->to->stride[2], group[GROUP] = {0};
  for (size_t i = 0; i < n - rest; i += GROUP) quantize_group(p, from + i, to + i);
  if (!rest) return;
  memcpy(group, from + n - rest, rest);
  quantize_group(p, group, group);
  memcpy(to + n - rest, group, rest);
}

static bool is_row_of_bytes(const target *t) {
  return mf_dtype_size(t->dtype) == 1 && t->block == 1 && t->stride[1] == 1 && t->stride[3] == 3;
}

static void store_rows(int part, int parts, void *context) {
  const picture *p = context;
  const target *t = p->to;
  const bool bytes = is_row_of_bytes(t);
  for (size_t y = t->height * (size_t)part / (size_t)parts; y < t->height * ((size_t)part + 1) / (size_t)parts; y++)
    bytes ? store_row_of_bytes(p, y) : store_row(p, y);
}

static void prepare_table(picture *p, const float mean[3], const float std[3]) {
  for (int c = 0; c < 3; c++)
    for (int i = 0; i < 256; i++) p->table[c][i] = encode(p->to, ((float)i / 255.0f - mean[c]) / std[c]);
}

static void prepare_bytes(picture *p, const float mean[3], const float std[3]) {
  const mf_quantization *q = &p->to->quantization;
  for (int i = 0; i < GROUP; i++) {
    const double step = (double)std[i % 3] * (double)q->scale;
    p->factor[i] = (float)(1 / (255 * step));
    p->addend[i] = (float)(q->zero_point - (double)mean[i % 3] / step);
  }
}

mf_status mf_session_fill_pixels(mf_session *s, int64_t n, const uint8_t *rgb, const float mean[3], const float std[3],
                                 mf_error *e) {
  target t = {0};
  MF_TRY(open_target(s, n, &t, e));
  if (t.channels != 3) return mf_fail(e, MF_ERR_USAGE, "the network reads %zu channels (pictures have 3)", t.channels);
  picture p;
  p.to = &t;
  p.rgb = rgb;
  (is_row_of_bytes(&t) ? prepare_bytes : prepare_table)(&p, mean, std);
  mf_pool_run(mf_session_pool(s), mf_pool_threads(mf_session_pool(s)), store_rows, &p);
  return MF_OK;
}

mf_status mf_session_fill_floats(mf_session *s, int64_t n, const float *chw, mf_error *e) {
  target t = {0};
  MF_TRY(open_target(s, n, &t, e));
  for (size_t c = 0; c < t.channels; c++)
    for (size_t y = 0; y < t.height; y++)
      for (size_t x = 0; x < t.width; x++) store(&t, c, y, x, encode(&t, chw[(c * t.height + y) * t.width + x]));
  return MF_OK;
}
