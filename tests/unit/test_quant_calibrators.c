// Calibrators: each against its definition, computed from the numbers themselves.
#include "quant/calibrators.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

enum { MOST = 30007, HALF = MF_HISTOGRAM_BINS / 2 };

typedef struct sample {
  const char *name;
  float data[MOST];
  size_t count;
  mf_histogram histogram;
  double width; // of a bin
} sample;

static double bell(uint64_t *seed) {
  double sum = 0;
  for (int i = 0; i < 12; i++) sum += next_random(seed);
  return sum / 2;
}

static double draw(int kind, uint64_t *seed) {
  switch (kind) {
  case 0:
    return 3 * next_random(seed);
  case 1:
    return bell(seed);
  case 2:
    return fmax(0, bell(seed)); // relu
  case 3:                       // long tails
    return pow(bell(seed), 3);
  case 4:
    return fabs(pow(bell(seed), 3));
  case 5: // few far away
    return pick(seed, 3000) ? bell(seed) : 40 * next_random(seed);
  case 6:
    return fmin(fmax(bell(seed), 0), 1) * 6; // heaps at both ends
  default:
    return -fabs(bell(seed)) - 1;
  }
}
static const char *const kinds[] = {"uniform",        "bell",     "relu",    "tails",
                                    "positive tails", "far away", "cut off", "negative"};

static sample *make_sample(int kind, size_t count) {
  mf_error e;
  sample *s = test_malloc(sizeof *s);
  *s = (sample){.name = kinds[kind], .count = count, .histogram = MF_HISTOGRAM_EMPTY};
  uint64_t seed = (uint64_t)kind + 1;
  for (size_t i = 0; i < count; i++) s->data[i] = (float)draw(kind, &seed);
  OK(mf_histogram_add(&s->histogram, s->data, count, harness_pool(1), &e));
  s->width = ldexp(1, s->histogram.exponent) / HALF;
  return s;
}

static void free_sample(sample *s) {
  mf_histogram_free(&s->histogram);
  test_free(s);
}

static const mf_calibrator *find(const char *name) {
  mf_error e;
  const mf_calibrator *c = NULL;
  OK(mf_calibrator_find(&c, name, &e));
  assert_string_equal(c->name, name);
  return c;
}

static mf_interval choose(const sample *s, const char *name) {
  return find(name)->choose(&s->histogram);
}

static float smallest(const sample *s) {
  float x = s->data[0];
  for (size_t i = 0; i < s->count; i++) x = fminf(x, s->data[i]);
  return x;
}

static float largest(const sample *s) {
  float x = s->data[0];
  for (size_t i = 0; i < s->count; i++) x = fmaxf(x, s->data[i]);
  return x;
}

static double reach(mf_interval i) {
  return fmax(fabs((double)i.low), fabs((double)i.high));
}

// Everything up to a magnitude, as far as the data go.
static mf_interval cut(const sample *s, double magnitude) {
  return (mf_interval){fmaxf(smallest(s), -(float)magnitude), fminf(largest(s), (float)magnitude), "test"};
}

// ---- names

static void test_names(void **state) {
  (void)state;
  mf_error e;
  const mf_calibrator *calibrator = NULL;
  static const char *const names[] = {"minmax", "percentile-99.9", "percentile-99.99", "percentile-99.999", "entropy",
                                      "mse",    "tournament"};
  for (int i = 0; i < COUNT(names); i++) {
    assert_ptr_equal(mf_calibrator_at(i), find(names[i]));
    assert_true(strlen(mf_calibrator_at(i)->summary) > 10);
  }
  assert_null(mf_calibrator_at(COUNT(names)));
  assert_null(mf_calibrator_at(-1));
  check_fails(mf_calibrator_find(&calibrator, "maxmin", &e), MF_ERR_USAGE, &e, "there is no calibrator maxmin");
  for (int i = 0; i < COUNT(names); i++) assert_non_null(strstr(e.text, names[i])); // what there is
  assert_non_null(strstr(e.text, "auto"));
  assert_int_equal(mf_calibrator_find(&calibrator, "", &e), MF_ERR_USAGE);
  assert_null(calibrator);
}

// ---- scales

static void test_quantization(void **state) {
  (void)state;
  static const struct {
    float low, high;
    mf_dtype dtype;
    double scale;
  } rows[] = {{0, 2.55f, MF_U8, 0.01},       {1, 5.1f, MF_U8, 0.02},  {-0.0f, 255, MF_U8, 1},
              {-1, 0.5f, MF_S8, 1 / 127.0},  {-1, 12.7f, MF_S8, 0.1}, {-1e-6f, 1.27f, MF_S8, 0.01},
              {-3, -2, MF_S8, 3 / 127.0},    {0, 0, MF_U8, 1},        {-1e-35f, 1e-35f, MF_S8, 1},
              {-3e38f, 1, MF_S8, 3e38 / 127}};
  for (int i = 0; i < COUNT(rows); i++) {
    const mf_quantization q = mf_interval_quantization((mf_interval){rows[i].low, rows[i].high, "test"});
    assert_true(q.set && q.dtype == rows[i].dtype && q.zero_point == 0);
    assert_true(fabs((double)q.scale - rows[i].scale) <= 1e-6 * rows[i].scale);
  }
}

// Rounding and clipping each number: u8 0 to 255 where nothing in the interval is negative, else s8 -128 to 127.
static double direct_error(const sample *s, mf_interval interval) {
  const bool positive = interval.low >= 0;
  const double scale = reach(interval) / (positive ? 255 : 127), low = positive ? 0 : -128, high = positive ? 255 : 127;
  double sum = 0;
  for (size_t i = 0; i < s->count; i++) {
    const double x = (double)s->data[i], stored = fmin(fmax(rint(x / scale), low), high);
    sum += (stored * scale - x) * (stored * scale - x);
  }
  return sum / (double)s->count;
}

// A value lies at most half a bin from the centre that stands for it, and its error moves by no more than that.
static void test_interval_error(void **state) {
  (void)state;
  static const double parts[] = {1, 0.9, 0.5, 0.1};
  for (int k = 0; k < COUNT(kinds); k++) {
    sample *s = make_sample(k, MOST);
    for (int p = 0; p < COUNT(parts); p++) {
      const mf_interval interval = cut(s, parts[p] * fmax(fabs((double)smallest(s)), fabs((double)largest(s))));
      if (interval.low > interval.high) continue; // of values that are all far from zero
      const double test = sqrt(mf_interval_error(&s->histogram, interval)), truth = sqrt(direct_error(s, interval));
      if (!(fabs(test - truth) <= s->width / 2 && fabs(test - truth) <= 0.1 * truth))
        fail_msg("%s to %g: %g (expected %g)", s->name, parts[p], test, truth);
    }
    free_sample(s);
  }
}

// ---- minmax and percentiles

static void test_minmax(void **state) {
  (void)state;
  for (int k = 0; k < COUNT(kinds); k++) {
    sample *s = make_sample(k, 501);
    const mf_interval i = choose(s, "minmax");
    assert_true(i.low == smallest(s) && i.high == largest(s));
    assert_string_equal(i.calibrator, "minmax");
    free_sample(s);
  }
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// The magnitude that so large a share of all magnitudes does not exceed, up to the bin's end.
static void check_percentile(const sample *s, const char *name, double share) {
  double *sorted = test_malloc(s->count * sizeof *sorted);
  for (size_t i = 0; i < s->count; i++) sorted[i] = fabs((double)s->data[i]);
  qsort(sorted, s->count, sizeof *sorted, by_size);
  const double exact = sorted[(size_t)ceil(share * (double)s->count) - 1];
  test_free(sorted);
  const mf_interval i = choose(s, name), least = cut(s, exact), most = cut(s, exact + 1.001 * s->width);
  if (!(i.high >= least.high && i.high <= most.high && i.low <= least.low && i.low >= most.low))
    fail_msg("%s of %s: %g to %g (expected %g to %g)", name, s->name, (double)i.low, (double)i.high, (double)least.low,
             (double)least.high);
  assert_string_equal(i.calibrator, name);
}

static void test_percentiles(void **state) {
  (void)state;
  static const size_t counts[] = {1, 10, 1003, MOST};
  for (int k = 0; k < COUNT(kinds); k++)
    for (int c = 0; c < COUNT(counts); c++) {
      sample *s = make_sample(k, counts[c]);
      check_percentile(s, "percentile-99.9", 0.999);
      check_percentile(s, "percentile-99.99", 0.9999);
      check_percentile(s, "percentile-99.999", 0.99999);
      free_sample(s);
    }
}

// ---- mse: no interval from a fifth of the largest magnitude on is much better, by the data themselves.

static void test_mse(void **state) {
  (void)state;
  int cuts = 0;
  for (int k = 0; k < COUNT(kinds); k++) {
    sample *s = make_sample(k, MOST);
    const mf_interval test = choose(s, "mse");
    const double all = fmax(fabs((double)smallest(s)), fabs((double)largest(s)));
    double least = INFINITY;
    for (int permille = 200; permille <= 1000; permille += 5) {
      const mf_interval one = cut(s, all * permille / 1000);
      if (one.low <= one.high) least = fmin(least, direct_error(s, one));
    }
    if (!(direct_error(s, test) <= 1.05 * least))
      fail_msg("%s: error %g (the least is %g)", s->name, direct_error(s, test), least);
    cuts += reach(test) < 0.95 * all;
    assert_string_equal(test.calibrator, "mse");
    free_sample(s);
  }
  assert_true(cuts >= 3); // the tails, and what is far away
}

// ---- entropy: Kullback-Leibler divergence as it is defined, of distributions written out bin by bin

enum { BINS = 2048 };

typedef struct magnitudes {
  double count[BINS];
  int used;
} magnitudes;

// Steps of twice a bin's width. What is less than one bin from zero is left out.
static void count_magnitudes(const sample *s, magnitudes *m) {
  *m = (magnitudes){.used = 0};
  for (size_t i = 0; i < s->count; i++) {
    const int fine = (int)floor(fabs((double)s->data[i]) / s->width), bin = fine / 2;
    if (fine == 0) continue;
    m->count[bin]++;
    if (bin + 1 > m->used) m->used = bin + 1;
  }
}

static double divergence(const magnitudes *m, int kept, int levels) {
  static double p[BINS], q[BINS];
  double p_sum = 0, q_sum = 0, sum = 0;
  for (int i = 0; i < kept; i++) p[i] = m->count[i];
  for (int i = kept; i < m->used; i++) p[kept - 1] += m->count[i];
  for (int level = 0; level < levels; level++) {
    const int begin = kept * level / levels, end = kept * (level + 1) / levels;
    double all = 0, filled = 0;
    for (int i = begin; i < end; i++) {
      all += m->count[i];
      filled += m->count[i] > 0;
    }
    for (int i = begin; i < end; i++) q[i] = m->count[i] > 0 ? all / filled : 0;
  }
  for (int i = 0; i < kept; i++) {
    p_sum += p[i];
    q_sum += q[i];
  }
  for (int i = 0; i < kept; i++)
    if (p[i] > 0) sum += p[i] / p_sum * log(p[i] / p_sum / (q[i] / q_sum)); // infinite where q is 0
  return sum;
}

static void test_entropy(void **state) {
  (void)state;
  static magnitudes m;
  int cuts = 0;
  for (int k = 0; k < COUNT(kinds); k++) {
    sample *s = make_sample(k, MOST);
    const int levels = smallest(s) >= 0 ? 255 : 127;
    count_magnitudes(s, &m);
    double least = INFINITY;
    for (int kept = m.used; kept > levels; kept--) least = fmin(least, divergence(&m, kept, levels));
    const mf_interval test = choose(s, "entropy");
    const bool whole = test.low == smallest(s) && test.high == largest(s);
    const int kept = whole ? m.used : (int)lround(reach(test) / (2 * s->width));
    if (!whole) assert_true(fabs(reach(test) - kept * 2 * s->width) <= 1e-6 * s->width);
    if (!(divergence(&m, kept, levels) <= least + 1e-9))
      fail_msg("%s: %g at %d bins (the least is %g)", s->name, divergence(&m, kept, levels), kept, least);
    cuts += !whole;
    assert_string_equal(test.calibrator, "entropy");
    free_sample(s);
  }
  assert_true(cuts >= 3);
}

// ---- tournament

static void test_tournament(void **state) {
  (void)state;
  for (int k = 0; k < COUNT(kinds); k++) {
    sample *s = make_sample(k, MOST);
    const mf_interval test = choose(s, "tournament");
    const double error = mf_interval_error(&s->histogram, test);
    bool named = false;
    for (int i = 0; mf_calibrator_at(i); i++) {
      const mf_interval other = mf_calibrator_at(i)->choose(&s->histogram);
      assert_true(error <= mf_interval_error(&s->histogram, other));
      if (strcmp(test.calibrator, mf_calibrator_at(i)->name) != 0) continue;
      assert_true(test.low == other.low && test.high == other.high);
      named = strcmp(test.calibrator, "tournament") != 0;
    }
    assert_true(named);
    free_sample(s);
  }
}

// ---- one value only: it lies in every interval

static void test_constants(void **state) {
  (void)state;
  static const float values[] = {0, 1, -1, 3.7f, -3.7f, 1e-20f, 1e30f, -0.001f};
  for (int v = 0; v < COUNT(values); v++) {
    mf_error e;
    float data[100];
    for (int i = 0; i < COUNT(data); i++) data[i] = values[v];
    mf_histogram h = MF_HISTOGRAM_EMPTY;
    OK(mf_histogram_add(&h, data, COUNT(data), harness_pool(1), &e));
    for (int i = 0; mf_calibrator_at(i); i++) {
      const mf_interval one = mf_calibrator_at(i)->choose(&h);
      if (!(one.low == values[v] && one.high == values[v]))
        fail_msg("%s of %g: %g to %g", mf_calibrator_at(i)->name, (double)values[v], (double)one.low, (double)one.high);
    }
    mf_histogram_free(&h);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),   cmocka_unit_test(test_quantization), cmocka_unit_test(test_interval_error),
      cmocka_unit_test(test_minmax),  cmocka_unit_test(test_percentiles),  cmocka_unit_test(test_mse),
      cmocka_unit_test(test_entropy), cmocka_unit_test(test_tournament),   cmocka_unit_test(test_constants),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
