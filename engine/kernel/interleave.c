#include "kernel/interleave.h"
#include "base/alloc.h"
#include <string.h>

#define CHANNELS MF_INTERLEAVE_CHANNELS
#define PIXELS 16 // that are written together

typedef struct interleave {
  mf_kernel kernel;
  mf_interleave_problem problem;
} interleave;

typedef struct work {
  const float *source;
  unsigned char *destination;
  int64_t images, pixels; // of an image
  float inverse, low, high;
} work;

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))

bool mf_interleave_available(void) {
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
}

// Of one plane: numbers of 8 bits, each in the lowest byte of an element.
TARGET static inline __m512i stored(const float *plane, __mmask16 mask, const work *w) {
  const __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, plane), _mm512_set1_ps(w->inverse));
  // Cut off before: what integers cannot hold is no number. Of NaN max gives the second operand.
  const __m512 cut = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(w->low)), _mm512_set1_ps(w->high));
  return _mm512_and_si512(_mm512_cvtps_epi32(cut), _mm512_set1_epi32(255));
}

// `count` pixels of an image from `first` on.
TARGET static void write_pixels(const work *w, const float *image, int64_t first, int64_t count, unsigned char *to) {
  // The first three bytes of each four, in quarters of a vector and then of the whole.
  const __m512i bytes = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
  const __m512i words = _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
  for (int64_t i = 0; i < count; i += PIXELS) {
    const int64_t left = count - i < PIXELS ? count - i : PIXELS;
    const __mmask16 mask = (__mmask16)((1u << left) - 1);
    const float *from = image + first + i;
    const __m512i a = stored(from, mask, w), b = stored(from + w->pixels, mask, w);
    const __m512i c = stored(from + 2 * w->pixels, mask, w);
    const __m512i pixels = _mm512_or_si512(a, _mm512_or_si512(_mm512_slli_epi32(b, 8), _mm512_slli_epi32(c, 16)));
    const __m512i packed = _mm512_permutexvar_epi32(words, _mm512_shuffle_epi8(pixels, bytes));
    _mm512_mask_storeu_epi8(to + CHANNELS * i, ((__mmask64)1 << CHANNELS * left) - 1, packed);
  }
}
#else
bool mf_interleave_available(void) {
  return false;
}

static void write_pixels(const work *w, const float *image, int64_t first, int64_t count, unsigned char *to) {
  (void)w, (void)image, (void)first, (void)count, (void)to;
}
#endif

static void compute(int part, int parts, void *context) {
  const work *w = context;
  const int64_t groups = (w->pixels + PIXELS - 1) / PIXELS, items = w->images * groups;
  const int64_t end = items * (part + 1) / parts;
  for (int64_t i = items * part / parts; i < end;) { // image by image
    const int64_t image = i / groups, stop = (image + 1) * groups < end ? (image + 1) * groups : end;
    const int64_t first = (i - image * groups) * PIXELS, behind = (stop - image * groups) * PIXELS;
    const int64_t count = (behind < w->pixels ? behind : w->pixels) - first;
    write_pixels(w, w->source + image * CHANNELS * w->pixels, first, count,
                 w->destination + (image * w->pixels + first) * CHANNELS);
    i = stop;
  }
}

static dnnl_status_t execute(const mf_kernel *kernel, const mf_kernel_run *run) {
  const mf_interleave_problem *p = &((const interleave *)kernel)->problem;
  const float *scale = mf_kernel_argument(run, DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST);
  work w = {.source = mf_kernel_argument(run, DNNL_ARG_SRC),
            .destination = mf_kernel_argument(run, DNNL_ARG_DST),
            .images = p->batch,
            .pixels = p->height * p->width,
            .inverse = 1 / *scale,
            .low = p->is_signed ? -128 : 0,
            .high = p->is_signed ? 127 : 255};
  mf_pool_run(run->pool, mf_pool_threads(run->pool), compute, &w);
  return dnnl_success;
}

static void free_interleave(mf_kernel *kernel) {
  mf_free(kernel);
}

static const mf_kernel_type type = {.free = free_interleave, .execute = execute};

mf_status mf_interleave_create(mf_kernel **out, const mf_interleave_problem *problem, mf_error *e) {
  interleave *d = mf_alloc_zero(sizeof *d);
  if (!d) return mf_fail_memory(e, sizeof *d);
  mf_kernel *k = &d->kernel;
  k->type = &type;
  d->problem = *problem;
  strcpy(k->impl, "interleave:avx512_core");
  const dnnl_dims_t dims = {problem->batch, CHANNELS, problem->height, problem->width};
  const dnnl_data_type_t to = problem->is_signed ? dnnl_s8 : dnnl_u8;
  dnnl_status_t status = dnnl_memory_desc_create_with_tag(&k->source, 4, dims, dnnl_f32, dnnl_nchw);
  if (!status) status = dnnl_memory_desc_create_with_tag(&k->destination, 4, dims, to, dnnl_nhwc);
  if (status != dnnl_success) {
    mf_kernel_free(k);
    return mf_fail(e, MF_ERR_UNSUPPORTED, "not enough memory for a reorder");
  }
  *out = k;
  return MF_OK;
}
