// How often an activation takes which values. Bins have a power of two as their width and double when the range grows,
// so that the counts do not depend on the order in which numbers came.
#ifndef MF_QUANT_HISTOGRAM_H
#define MF_QUANT_HISTOGRAM_H

#include "thread/pool.h"
#include <stddef.h>

#define MF_HISTOGRAM_BINS 8192

typedef struct mf_histogram {
  float min, max; // of all finite values; min > max: none was seen
  int exponent;   // bin BINS / 2 + i counts values from i * width to below (i + 1) * width, bin BINS / 2 - 1 - i their
                  // negatives but for 0; width = 2^(exponent + 1) / BINS
  uint64_t *bins; // NULL until a finite value was seen
} mf_histogram;

#define MF_HISTOGRAM_EMPTY ((mf_histogram){.min = 1, .max = 0})

// Infinities and NaN are passed over.
mf_status mf_histogram_add(mf_histogram *h, const float *data, size_t count, mf_pool *pool, mf_error *e);
void mf_histogram_free(mf_histogram *h);

bool mf_histogram_seen(const mf_histogram *h);
double mf_histogram_centre(const mf_histogram *h, int bin); // the middle of a bin
uint64_t mf_histogram_count(const mf_histogram *h);

#endif
