// The pinned values come from this Python program (NumPy for the rounding to float):
//
//   import struct, numpy as np
//   M, G = (1 << 64) - 1, 0x9e3779b97f4a7c15
//   def fnv(b, h=0xcbf29ce484222325):
//       for x in b: h = (h ^ x) * 0x100000001b3 & M
//       return h
//   def mix(z):
//       z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & M
//       z = (z ^ z >> 27) * 0x94d049bb133111eb & M
//       return z ^ z >> 31
//   def values(seed, name, normal, spread, n):
//       key, out = mix(mix(seed + G & M) ^ fnv(name.encode())), []
//       for i in range(1, n + 1):
//           r = mix(key + G * i & M)
//           if normal: x = (sum(struct.unpack('<4H', struct.pack('<Q', r))) - 131070) * (spread * (3 / (2**32 -
//           1))**.5) else: x = (5 * 2**31 + (r >> 32) - 2**31) * (1 / (5 * 2**31)) out.append(x)
//       return np.array(out).astype('<f4')
//   for a in ((0, 'conv1.weight', 1, .125, 9408), ...): v = values(*a); print(fnv(v.tobytes()), [float(x).hex() for x
//   in v[:3]])
#include "base/text.h"
#include "load/synthetic.h"
#include "reference/support.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static mf_weights *open_seed(uint64_t seed) {
  mf_error e = {0};
  mf_weights *w;
  support_ok(mf_synthetic_open(&w, seed, &e), &e);
  return w;
}

static const float *get(mf_weights *w, mf_param param) {
  mf_error e = {0};
  const float *data = NULL;
  mf_param_state state;
  mf_shape found;
  support_ok(w->get(w, &param, &data, &state, &found, &e), &e);
  assert_int_equal(state, MF_PARAM_OK);
  assert_non_null(data);
  return data;
}

static void test_the_bytes_are_those_of_an_independent_program(void **state) {
  (void)state;
  static const struct {
    uint64_t seed;
    mf_param param;
    size_t count;
    uint64_t hash;
    float first[3];
  } rows[] = {
      {0,
       {"conv1.weight", {4, {64, 3, 7, 7}}, MF_PARAM_WEIGHT, .125},
       9408,
       0xcb8bf14c53c6cc6c,
       {-0x1.514a32p-5f, 0x1.356338p-7f, -0x1.105682p-3f}},
      {7,
       {"conv1.weight", {4, {64, 3, 7, 7}}, MF_PARAM_WEIGHT, .125},
       9408,
       0x327bb5d4e86035e,
       {0x1.f212a6p-4f, -0x1.f2e28p-5f, 0x1.ba17aap-4f}},
      {0,
       {"fc.bias", {1, {1000}}, MF_PARAM_BIAS, .05},
       1000,
       0x1c2ba26f941838f7,
       {-0x1.e0256ap-6f, 0x1.e2c41p-6f, -0x1.038128p-7f}},
      {0,
       {"fc.bias", {1, {1000}}, MF_PARAM_MEAN, .05},
       1000,
       0x1c2ba26f941838f7,
       {-0x1.e0256ap-6f, 0x1.e2c41p-6f, -0x1.038128p-7f}},
      {0,
       {"bn1.weight", {1, {64}}, MF_PARAM_GAIN, .2},
       64,
       0x7a440123381a104e,
       {0x1.28e6p+0f, 0x1.d62bcap-1f, 0x1.c6c568p-1f}},
      {UINT64_MAX,
       {"bn1.running_var", {1, {64}}, MF_PARAM_VARIANCE, .2},
       64,
       0x5a276f688702907a,
       {0x1.140f0cp+0f, 0x1.1bfb6ep+0f, 0x1.22e32p+0f}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mf_weights *w = open_seed(rows[i].seed);
    const float *data = get(w, rows[i].param);
    assert_memory_equal(data, rows[i].first, sizeof rows[i].first);
    assert_true(mf_text_hash(data, rows[i].count * sizeof *data, 0) == rows[i].hash);
    w->close(w);
  }
}

static void test_the_distributions_are_as_promised(void **state) {
  (void)state;
  enum { COUNT = 200000 };
  mf_weights *w = open_seed(1);
  const float *x = get(w, (mf_param){"a", {1, {COUNT}}, MF_PARAM_WEIGHT, 0.5});
  const float *y = get(w, (mf_param){"b", {1, {COUNT}}, MF_PARAM_WEIGHT, 0.5});
  const float *g = get(w, (mf_param){"g", {1, {COUNT}}, MF_PARAM_GAIN, 0.2});
  double sum = 0, square = 0, fourth = 0, product = 0, next = 0, gain = 0, gain_square = 0;
  for (int i = 0; i < COUNT; i++) {
    const double v = (double)x[i] / 0.5, u = (double)g[i] - 1;
    sum += v;
    square += v * v;
    fourth += v * v * v * v;
    product += v * (double)y[i] / 0.5;
    if (i) next += v * (double)x[i - 1] / 0.5;
    gain += u;
    gain_square += u * u;
    assert_true(fabs(u) <= 0.2 + 1e-6);
  }
  // Six standard errors: 1 / sqrt(COUNT) is 0.0022.
  assert_true(fabs(sum / COUNT) < 0.0134);
  assert_true(fabs(square / COUNT - 1) < 0.018);
  assert_true(fabs(fourth / COUNT - 2.7) < 0.09); // of the sum of four uniforms: 3 - 1.2 / 4
  assert_true(fabs(product / COUNT) < 0.0134);    // names do not correlate
  assert_true(fabs(next / COUNT) < 0.0134);       // nor do neighbours
  assert_true(fabs(gain / COUNT) < 0.0016);
  assert_true(fabs(gain_square / COUNT - 0.04 / 3) < 0.0002);
  w->close(w);
}

static void test_asking_again_gives_the_same_values(void **state) {
  (void)state;
  mf_weights *w = open_seed(3);
  const mf_param param = {"a", {2, {3, 5}}, MF_PARAM_WEIGHT, 1};
  const float *first = get(w, param);
  for (int i = 0; i < 200; i++) { // the table grows
    char name[24];
    snprintf(name, sizeof name, "other%d", i);
    get(w, (mf_param){name, {1, {2}}, MF_PARAM_BIAS, 1});
  }
  assert_ptr_equal(get(w, param), first);
  const float *longer = get(w, (mf_param){"a", {2, {3, 6}}, MF_PARAM_WEIGHT, 1});
  assert_ptr_not_equal(longer, first);
  assert_memory_equal(longer, first, 15 * sizeof *first);
  assert_false(w->shape(w, "a", &(mf_shape){0}));
  assert_null(w->metadata(w, "minfer.size"));
  w->close(w);
}

static void test_absurd_shapes_are_refused(void **state) {
  (void)state;
  static const mf_shape shapes[] = {
      {1, {0}}, {2, {3, -1}}, {1, {MF_MAX_DIM}}, {4, {MF_MAX_DIM - 1, MF_MAX_DIM - 1, MF_MAX_DIM - 1, 1}}};
  mf_weights *w = open_seed(0);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const mf_param param = {"a", shapes[i], MF_PARAM_WEIGHT, 1};
    mf_error e = {0};
    const float *data;
    mf_param_state param_state;
    mf_shape found;
    assert_int_equal(w->get(w, &param, &data, &param_state, &found, &e), MF_ERR_USAGE);
    assert_non_null(strstr(e.text, "a: no synthetic values of shape"));
  }
  w->close(w);
}

static mf_status make_two(void *context, mf_error *e) {
  mf_weights *w;
  (void)context;
  MF_TRY(mf_synthetic_open(&w, 0, e));
  mf_status status = MF_OK;
  const float *data;
  mf_param_state param_state;
  mf_shape found;
  for (int i = 0; i < 2 && status == MF_OK; i++) {
    const mf_param param = {i ? "a" : "b", {1, {4}}, MF_PARAM_WEIGHT, 1};
    status = w->get(w, &param, &data, &param_state, &found, e);
  }
  w->close(w);
  return status;
}

static void test_refused_allocations(void **state) {
  (void)state;
  assert_int_equal(support_refuse_allocations(make_two, NULL), 4); // the source, its table, two tensors
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_bytes_are_those_of_an_independent_program),
      cmocka_unit_test(test_the_distributions_are_as_promised),
      cmocka_unit_test(test_asking_again_gives_the_same_values),
      cmocka_unit_test(test_absurd_shapes_are_refused),
      cmocka_unit_test(test_refused_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
