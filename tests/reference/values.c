// Tensors, seeded values and measures of agreement.
#include "reference.h"
#include <math.h>

size_t reference_elements(const mf_shape *shape) {
  size_t count = 1;
  for (int i = 0; i < shape->rank; i++) count *= (size_t)shape->dim[i];
  return count;
}

mf_status reference_tensor_create(reference_tensor *out, const mf_shape *shape, mf_error *e) {
  size_t bytes;
  if (!mf_mul(reference_elements(shape), sizeof *out->data, &bytes)) return mf_fail_memory(e, SIZE_MAX);
  *out = (reference_tensor){*shape, mf_alloc_zero(bytes)};
  return out->data ? MF_OK : mf_fail_memory(e, bytes);
}

mf_status reference_tensor_from_f32(reference_tensor *out, const mf_shape *shape, const float *values, mf_error *e) {
  MF_TRY(reference_tensor_create(out, shape, e));
  const size_t count = reference_elements(shape);
  for (size_t i = 0; i < count; i++) out->data[i] = (double)values[i];
  return MF_OK;
}

void reference_tensor_free(reference_tensor *tensor) {
  mf_free(tensor->data);
  *tensor = (reference_tensor){0};
}

// 8 significant bits down to the smallest normal exponent, fewer below it, as float has; rint rounds halves to even.
static double to_bf16(float value) {
  if (!isfinite(value) || value == 0) return (double)value;
  int exponent;
  frexp((double)value, &exponent); // value = m * 2^exponent, 0.5 <= |m| < 1
  const int last_bit = (exponent < -125 ? -125 : exponent) - 8;
  return (double)(float)ldexp(rint(ldexp((double)value, -last_bit)), last_bit);
}

void reference_round_bf16(void *context, const mf_tensor *tensor, double *values, size_t count) {
  (void)context, (void)tensor;
  for (size_t i = 0; i < count; i++) values[i] = to_bf16((float)values[i]);
}

// splitmix64 (Steele, Lea, Flood 2014); 25 bits of it, so that every value is exact in float.
void reference_random(uint64_t seed, float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    seed += 0x9e3779b97f4a7c15u;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    values[i] = (float)((int64_t)(z >> 39) - (1 << 24)) / (float)(1 << 24);
  }
}

double reference_relative_error(const double *test, const double *truth, size_t count) {
  double error = 0, largest = 0;
  for (size_t i = 0; i < count; i++) {
    if (isnan(test[i]) != isnan(truth[i])) return INFINITY;
    if (test[i] != truth[i]) error = fmax(error, fabs(test[i] - truth[i])); // equal infinities have no difference
    if (isfinite(truth[i])) largest = fmax(largest, fabs(truth[i]));
  }
  return error == 0 ? 0 : error / largest;
}

double reference_sqnr_db(const double *test, const double *truth, size_t count) {
  double signal = 0, noise = 0;
  for (size_t i = 0; i < count; i++) {
    signal += truth[i] * truth[i];
    noise += (truth[i] - test[i]) * (truth[i] - test[i]);
  }
  if (isnan(noise)) return -INFINITY;
  return noise == 0 ? INFINITY : 10 * log10(signal / noise);
}
