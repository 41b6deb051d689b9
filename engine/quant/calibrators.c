#include "quant/calibrators.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum { HALF = MF_HISTOGRAM_BINS / 2 };

static double width_of(const mf_histogram *h) {
  return ldexp(1.0 / HALF, h->exponent);
}

// Everything up to a magnitude, as far as it was seen.
static mf_interval within(const mf_histogram *h, double magnitude, const char *calibrator) {
  return (mf_interval){fmaxf(h->min, -(float)magnitude), fminf(h->max, (float)magnitude), calibrator};
}

// Values at least i and less than i + 1 bins from zero, on both sides.
static uint64_t at_magnitude(const mf_histogram *h, int i) {
  return h->bins[HALF + i] + h->bins[HALF - 1 - i];
}

static mf_interval minmax(const mf_histogram *h) {
  return (mf_interval){h->min, h->max, "minmax"};
}

static mf_interval percentile(const mf_histogram *h, double share, const char *name) {
  const double wanted = share * (double)mf_histogram_count(h);
  double below = 0;
  int i = 0;
  while (i < HALF && below < wanted) below += (double)at_magnitude(h, i++);
  return within(h, i * width_of(h), name);
}

static mf_interval percentile_999(const mf_histogram *h) {
  return percentile(h, 0.999, "percentile-99.9");
}

static mf_interval percentile_9999(const mf_histogram *h) {
  return percentile(h, 0.9999, "percentile-99.99");
}

static mf_interval percentile_99999(const mf_histogram *h) {
  return percentile(h, 0.99999, "percentile-99.999");
}

// ---- entropy: the distribution of magnitudes, cut at a threshold with what is above it on the last bin, against the
// same in `levels` steps spread back over the bins that are not empty (Migacz, 8-bit inference with TensorRT, 2017).
// Zeros need no level of their own and are left out.

enum { ENTROPY_BINS = 2048, MERGED = HALF / ENTROPY_BINS }; // bins of the histogram in each

typedef struct magnitudes {
  double count[ENTROPY_BINS];
  // Sums over the bins below i.
  double below[ENTROPY_BINS + 1], filled[ENTROPY_BINS + 1], entropy[ENTROPY_BINS + 1];
  int used; // bins up to the last that is not empty
} magnitudes;

static double times_log(double x) {
  return x > 0 ? x * log(x) : 0;
}

static void measure_magnitudes(magnitudes *m, const mf_histogram *h) {
  *m = (magnitudes){.used = 0};
  for (int i = 1; i < HALF; i++) { // the first bin holds the zeros
    m->count[i / MERGED] += (double)at_magnitude(h, i);
    if (at_magnitude(h, i)) m->used = i / MERGED + 1;
  }
  for (int i = 0; i < ENTROPY_BINS; i++) {
    m->below[i + 1] = m->below[i] + m->count[i];
    m->filled[i + 1] = m->filled[i] + (m->count[i] > 0);
    m->entropy[i + 1] = m->entropy[i] + times_log(m->count[i]);
  }
}

// Kullback-Leibler divergence of keeping the first `kept` bins in `levels` steps.
static double divergence(const magnitudes *m, int kept, int levels) {
  const double total = m->below[m->used], coarse = m->below[kept], outside = total - coarse, last = m->count[kept - 1];
  if (!(coarse > 0) || (outside > 0 && !(last > 0))) return INFINITY; // nothing stands for what is cut off
  double sum = m->entropy[kept - 1] + times_log(last + outside) - times_log(total);
  for (int level = 0; level < levels; level++) {
    const int begin = (int)((int64_t)kept * level / levels), end = (int)((int64_t)kept * (level + 1) / levels);
    const double count = m->below[end] - m->below[begin];
    if (count > 0)
      sum -= (count + (end == kept ? outside : 0)) * log(count / (m->filled[end] - m->filled[begin]) / coarse);
  }
  return sum / total;
}

static mf_interval entropy(const mf_histogram *h) {
  const int levels = h->min >= 0 ? 255 : 127;
  magnitudes m;
  measure_magnitudes(&m, h);
  double least = INFINITY;
  int best = m.used;
  for (int kept = m.used; kept > levels; kept--) {
    const double d = divergence(&m, kept, levels);
    if (d < least) {
      least = d;
      best = kept;
    }
  }
  if (best == m.used) return (mf_interval){h->min, h->max, "entropy"};
  return within(h, best * width_of(h) * MERGED, "entropy");
}

static mf_interval mse(const mf_histogram *h) {
  const double largest = fmax(fabs((double)h->min), fabs((double)h->max));
  mf_interval best = {h->min, h->max, "mse"};
  double least = mf_interval_error(h, best);
  for (int percent = 99; percent >= 20; percent--) {
    const mf_interval one = within(h, largest * percent / 100, "mse");
    const double error = mf_interval_error(h, one);
    if (error < least) {
      least = error;
      best = one;
    }
  }
  return best;
}

static mf_interval least_error(const mf_histogram *h) {
  mf_interval best = minmax(h);
  double least = mf_interval_error(h, best);
  for (int i = 0; mf_calibrator_at(i)->choose != least_error; i++) {
    const mf_interval one = mf_calibrator_at(i)->choose(h);
    const double error = mf_interval_error(h, one);
    if (error < least) {
      least = error;
      best = one;
    }
  }
  return best;
}

mf_quantization mf_interval_quantization(mf_interval interval) {
  const bool is_unsigned = interval.low >= 0;
  const float reach = fmaxf(fabsf(interval.low), fabsf(interval.high));
  float scale = reach / (is_unsigned ? 255.0f : 127.0f);
  if (!(scale > 1e-30f)) scale = 1.0f; // nothing but zeros was seen
  return (mf_quantization){.set = true, .dtype = is_unsigned ? MF_U8 : MF_S8, .scale = scale};
}

double mf_interval_error(const mf_histogram *h, mf_interval interval) {
  const mf_quantization q = mf_interval_quantization(interval);
  const double scale = (double)q.scale, low = q.dtype == MF_U8 ? 0 : -128, high = q.dtype == MF_U8 ? 255 : 127;
  double sum = 0, count = 0;
  for (int i = 0; i < MF_HISTOGRAM_BINS; i++) {
    if (!h->bins[i]) continue;
    const double x = mf_histogram_centre(h, i), stored = rint(x / scale);
    const double error = scale * fmin(fmax(stored, low), high) - x;
    sum += (double)h->bins[i] * error * error;
    count += (double)h->bins[i];
  }
  return sum / count;
}

static const mf_calibrator calibrators[] = {
#define MF_CALIBRATOR(function, name, summary) {name, summary, function},
#include "quant/calibrator.def"
#undef MF_CALIBRATOR
};
#define COUNT ((int)(sizeof calibrators / sizeof *calibrators))

const mf_calibrator *mf_calibrator_at(int index) {
  return index >= 0 && index < COUNT ? &calibrators[index] : NULL;
}

mf_status mf_calibrator_find(const mf_calibrator **out, const char *name, mf_error *e) {
  char names[256] = "";
  for (int i = 0; i < COUNT; i++) {
    if (strcmp(calibrators[i].name, name) == 0) {
      *out = &calibrators[i];
      return MF_OK;
    }
    const size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s, ", calibrators[i].name);
  }
  return mf_fail(e, MF_ERR_USAGE, "there is no calibrator %s (expected %sauto)", name, names);
}
