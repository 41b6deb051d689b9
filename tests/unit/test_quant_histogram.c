// Histograms of activations, against counts in plain loops over double.
#include "quant/histogram.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"
#include <float.h>

enum { HALF = MF_HISTOGRAM_BINS / 2, MOST = 5000, LEAST_EXPONENT = -100 };

typedef struct counts {
  float min, max;
  int exponent; // of the smallest power of two above all magnitudes
  uint64_t bins[MF_HISTOGRAM_BINS], all;
} counts;

// Bin by bin from the header's definition: magnitudes in steps of 2^exponent / HALF, zero among the positive ones.
static void count_naively(counts *c, const float *data, size_t count) {
  *c = (counts){.min = INFINITY, .max = -INFINITY, .exponent = LEAST_EXPONENT};
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(data[i])) continue;
    if (data[i] < c->min) c->min = data[i];
    if (data[i] > c->max) c->max = data[i];
    while (fabs((double)data[i]) >= ldexp(1, c->exponent)) c->exponent++;
  }
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(data[i])) continue;
    const int steps = (int)floor(fabs((double)data[i]) / ldexp(1, c->exponent) * HALF);
    c->bins[data[i] < 0 ? HALF - 1 - steps : HALF + steps]++;
    c->all++;
  }
}

static void expect_counts(const mf_histogram *h, const float *data, size_t count) {
  static counts c;
  count_naively(&c, data, count);
  assert_int_equal(mf_histogram_seen(h), c.all > 0);
  assert_int_equal(mf_histogram_count(h), c.all);
  if (!c.all) return;
  assert_true(h->min == c.min && h->max == c.max);
  assert_int_equal(h->exponent, c.exponent);
  for (int i = 0; i < MF_HISTOGRAM_BINS; i++)
    if (h->bins[i] != c.bins[i])
      fail_msg("bin %d holds %llu values (expected %llu)", i, (unsigned long long)h->bins[i],
               (unsigned long long)c.bins[i]);
}

// In parts of unlike size, in order or from the end, with that many workers.
static mf_histogram add_all(const float *data, size_t count, uint64_t parts_seed, bool backwards, int workers) {
  mf_error e;
  mf_histogram h = MF_HISTOGRAM_EMPTY;
  for (size_t done = 0; done < count;) {
    size_t now = parts_seed ? (size_t)pick(&parts_seed, count > 100 ? 700 : 3) + 1 : count;
    if (now > count - done) now = count - done;
    OK(mf_histogram_add(&h, data + (backwards ? count - done - now : done), now, harness_pool(workers), &e));
    done += now;
  }
  return h;
}

static void expect_any_way(const float *data, size_t count) {
  for (int workers = 1; workers <= 3; workers++)
    for (int way = 0; way < 4; way++) {
      mf_histogram h = add_all(data, count, way < 2 ? 0 : (uint64_t)(way * 10 + workers), way % 2, workers);
      expect_counts(&h, data, count);
      mf_histogram_free(&h);
      assert_false(mf_histogram_seen(&h));
      assert_int_equal(mf_histogram_count(&h), 0);
    }
}

typedef double (*distribution)(uint64_t *seed);
static double uniform(uint64_t *seed) {
  return 3.7 * next_random(seed);
}
static double positive(uint64_t *seed) {
  return fmax(0, next_random(seed));
}
static double bell(uint64_t *seed) {
  double sum = 0;
  for (int i = 0; i < 12; i++) sum += next_random(seed);
  return sum;
}
static double tails(uint64_t *seed) {
  return 1 / (next_random(seed) + 1e-7);
}
static double powers(uint64_t *seed) { // many powers of two, and halves of bins
  return (pick(seed, 2) ? -1.0 : 1.0) * ldexp(PICK(seed, 1, 1, 3), pick(seed, 20) - 10);
}
static double steep(uint64_t *seed) { // over all magnitudes that there are
  return next_random(seed) * ldexp(1, pick(seed, 270) - 145);
}

static void test_distributions(void **state) {
  (void)state;
  static const distribution all[] = {uniform, positive, bell, tails, powers, steep};
  static float data[MOST];
  for (int d = 0; d < COUNT(all); d++)
    for (int size = 0; size < 4; size++) {
      const size_t count = ((size_t[]){1, 2, 77, MOST})[size];
      uint64_t seed = (uint64_t)d * 4 + (uint64_t)size + 1;
      for (size_t i = 0; i < count; i++) data[i] = (float)all[d](&seed);
      expect_any_way(data, count);
    }
}

static void test_growth(void **state) {
  (void)state;
  float data[300];
  uint64_t seed = 5;
  for (int i = 0; i < COUNT(data); i++) // -140 is denormal
    data[i] = (float)ldexp(next_random(&seed) < 0 ? -1.37 : 1.37, i * 267 / COUNT(data) - 140);
  expect_any_way(data, COUNT(data));
}

static void test_special_values(void **state) {
  (void)state;
  static const float zeros[] = {0, -0.0f, 0}, zeros_and_more[] = {0, 0, 0, 0, -1e-9f, 1e-8f},
                     nothing[] = {NAN, INFINITY, -INFINITY}, mixed[] = {NAN, 1, INFINITY, -2, -INFINITY, 0, NAN},
                     dust[] = {FLT_TRUE_MIN, -FLT_TRUE_MIN, 1e-40f, -1e-40f, FLT_MIN, -FLT_MIN},
                     dust_and_more[] = {-FLT_TRUE_MIN, FLT_TRUE_MIN, -1e-40f, -FLT_MIN, -1e-20f, 1e30f, 0},
                     ends[] = {FLT_MAX, -FLT_MAX, 1},
                     edges[] = {1, -1, 2, -2, 0.5f, -0.5f, 4, -4, 0x1.fffffep1f, -0x1.fffffep1f, 0x1p-10f, -0x1p-10f},
                     one[] = {-1};
  expect_any_way(zeros, COUNT(zeros));
  expect_any_way(zeros_and_more, COUNT(zeros_and_more));
  expect_any_way(nothing, COUNT(nothing));
  expect_any_way(mixed, COUNT(mixed));
  expect_any_way(dust, COUNT(dust));
  expect_any_way(dust_and_more, COUNT(dust_and_more));
  expect_any_way(ends, COUNT(ends));
  expect_any_way(edges, COUNT(edges));
  expect_any_way(one, 1);
}

static void test_nothing_added(void **state) {
  (void)state;
  mf_error e;
  mf_histogram h = MF_HISTOGRAM_EMPTY;
  OK(mf_histogram_add(&h, NULL, 0, harness_pool(1), &e));
  assert_false(mf_histogram_seen(&h));
  assert_int_equal(mf_histogram_count(&h), 0);
  mf_histogram_free(&h);
}

// The centre of a value's bin is at most half a bin from it.
static void test_centres(void **state) {
  (void)state;
  mf_error e;
  uint64_t seed = 9;
  for (int i = 0; i < 200; i++) {
    const float value = (float)steep(&seed);
    mf_histogram h = MF_HISTOGRAM_EMPTY;
    OK(mf_histogram_add(&h, &value, 1, harness_pool(1), &e));
    const double width = ldexp(2, h.exponent) / MF_HISTOGRAM_BINS;
    for (int bin = 0; bin < MF_HISTOGRAM_BINS; bin++)
      if (h.bins[bin]) assert_true(fabs(mf_histogram_centre(&h, bin) - (double)value) <= width / 2);
    assert_true(mf_histogram_centre(&h, HALF) == width / 2 && mf_histogram_centre(&h, 0) == -(HALF - 0.5) * width);
    mf_histogram_free(&h);
  }
}

static mf_status attempt(void *context, mf_error *e) {
  mf_histogram h = MF_HISTOGRAM_EMPTY;
  const mf_status status = mf_histogram_add(&h, (const float[]){1, 2, 3}, 3, context, e);
  mf_histogram_free(&h);
  return status;
}

static void test_refused_memory(void **state) {
  (void)state;
  assert_int_equal(support_refuse_allocations(attempt, harness_pool(2)), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_distributions), cmocka_unit_test(test_growth),  cmocka_unit_test(test_special_values),
      cmocka_unit_test(test_nothing_added), cmocka_unit_test(test_centres), cmocka_unit_test(test_refused_memory),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
