#include "quant/histogram.h"
#include "base/alloc.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum { HALF = MF_HISTOGRAM_BINS / 2 };
#define SMALLEST (-100) // exponent of a tensor that holds nothing but zeros and dust

static void extend(mf_histogram *h, const float *data, size_t count) {
  float low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < count; i++) { // NaN fails every comparison
    low = data[i] < low && data[i] >= -FLT_MAX ? data[i] : low;
    high = data[i] > high && data[i] <= FLT_MAX ? data[i] : high;
  }
  if (!(low <= high)) return;
  const bool first = !mf_histogram_seen(h);
  h->min = first || low < h->min ? low : h->min;
  h->max = first || high > h->max ? high : h->max;
}

// Two neighbours become one.
static void widen(mf_histogram *h) {
  for (int i = HALF; i < HALF + HALF / 2; i++) h->bins[i] = h->bins[2 * i - HALF] + h->bins[2 * i - HALF + 1];
  for (int i = HALF - 1; i >= HALF / 2; i--) h->bins[i] = h->bins[2 * i - HALF] + h->bins[2 * i - HALF + 1];
  memset(h->bins, 0, HALF / 2 * sizeof *h->bins);
  memset(h->bins + HALF + HALF / 2, 0, HALF / 2 * sizeof *h->bins);
  h->exponent++;
}

static mf_status cover(mf_histogram *h, mf_error *e) {
  const float largest = fmaxf(fabsf(h->min), fabsf(h->max));
  int exponent;
  frexpf(largest, &exponent); // every value is below 2^exponent
  if (largest == 0 || exponent < SMALLEST) exponent = SMALLEST;
  if (!h->bins) {
    h->bins = mf_alloc_zero(MF_HISTOGRAM_BINS * sizeof *h->bins);
    if (!h->bins) return mf_fail_memory(e, MF_HISTOGRAM_BINS * sizeof *h->bins);
    h->exponent = exponent;
  }
  while (h->exponent < exponent) widen(h);
  return MF_OK;
}

typedef struct counting {
  const float *data;
  size_t count;
  float inverse;  // bins a unit
  uint32_t *bins; // a set a worker
} counting;

static void count_part(int i, int n, void *context) {
  const counting *c = context;
  uint32_t *bins = c->bins + (size_t)i * MF_HISTOGRAM_BINS;
  const size_t begin = c->count * (size_t)i / (size_t)n, end = c->count * ((size_t)i + 1) / (size_t)n;
  for (size_t k = begin; k < end; k++)
    if (fabsf(c->data[k]) <= FLT_MAX) bins[HALF + (int)(c->data[k] * c->inverse) - (c->data[k] < 0)]++;
}

// So many values at once that no 32-bit counter overflows.
static mf_status count_all(mf_histogram *h, const float *data, size_t count, mf_pool *pool, mf_error *e) {
  const int parts = mf_pool_threads(pool);
  const size_t bytes = (size_t)parts * MF_HISTOGRAM_BINS * sizeof(uint32_t);
  counting c = {.data = data, .count = count, .inverse = ldexpf(HALF, -h->exponent), .bins = mf_alloc_zero(bytes)};
  if (!c.bins) return mf_fail_memory(e, bytes);
  mf_pool_run(pool, parts, count_part, &c);
  for (size_t i = 0; i < (size_t)parts * MF_HISTOGRAM_BINS; i++) h->bins[i % MF_HISTOGRAM_BINS] += c.bins[i];
  mf_free(c.bins);
  return MF_OK;
}

mf_status mf_histogram_add(mf_histogram *h, const float *data, size_t count, mf_pool *pool, mf_error *e) {
  extend(h, data, count);
  if (!mf_histogram_seen(h)) return MF_OK;
  MF_TRY(cover(h, e));
  for (size_t done = 0; done < count;) {
    const size_t now = count - done < UINT32_MAX ? count - done : UINT32_MAX;
    MF_TRY(count_all(h, data + done, now, pool, e));
    done += now;
  }
  return MF_OK;
}

void mf_histogram_free(mf_histogram *h) {
  mf_free(h->bins);
  *h = MF_HISTOGRAM_EMPTY;
}

bool mf_histogram_seen(const mf_histogram *h) {
  return h->min <= h->max;
}

double mf_histogram_centre(const mf_histogram *h, int bin) {
  return ldexp((double)(bin - HALF) + 0.5, h->exponent + 1) / MF_HISTOGRAM_BINS;
}

uint64_t mf_histogram_count(const mf_histogram *h) {
  uint64_t count = 0;
  for (int i = 0; i < MF_HISTOGRAM_BINS && h->bins; i++) count += h->bins[i];
  return count;
}
