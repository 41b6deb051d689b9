#include "graph/dtype.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  size_t size;
} dtypes[MF_DTYPE_COUNT] = {
    [MF_F32] = {"f32", 4}, [MF_BF16] = {"bf16", 2}, [MF_F16] = {"f16", 2},
    [MF_S8] = {"s8", 1},   [MF_U8] = {"u8", 1},     [MF_S32] = {"s32", 4},
};

const char *mf_dtype_name(mf_dtype dtype) {
  return dtypes[dtype].name;
}

size_t mf_dtype_size(mf_dtype dtype) {
  return dtypes[dtype].size;
}

static float f32_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

float mf_bf16_to_f32(uint16_t bits) {
  return f32_from_bits((uint32_t)bits << 16);
}

uint16_t mf_f32_to_bf16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return (uint16_t)(bits >> 16 | 0x40u); // quiet: the upper half alone could be infinity
  uint32_t half_down = 0x7fffu + (bits >> 16 & 1u);
  return (uint16_t)((bits + half_down) >> 16);
}

float mf_f16_to_f32(uint16_t bits) {
  uint32_t sign = (uint32_t)(bits & 0x8000u) << 16;
  uint32_t exponent = bits >> 10 & 0x1fu;
  uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0x1fu) return f32_from_bits(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return f32_from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13);
  float magnitude = (float)fraction * 0x1p-24f; // zero and subnormals
  return sign ? -magnitude : magnitude;
}

bool mf_shape_equal(const mf_shape *a, const mf_shape *b) {
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++) {
    if (a->dim[i] != b->dim[i]) return false;
  }
  return true;
}

bool mf_shape_elements(const mf_shape *shape, size_t *count) {
  if (shape->rank < 0 || shape->rank > MF_MAX_RANK) return false;
  size_t product = 1;
  for (int i = 0; i < shape->rank; i++) {
    if (shape->dim[i] < 1 || shape->dim[i] >= MF_MAX_DIM) return false;
    if (__builtin_mul_overflow(product, (size_t)shape->dim[i], &product)) return false;
  }
  *count = product;
  return true;
}

mf_shape_text mf_shape_print(const mf_shape *shape) {
  mf_shape_text out = {"scalar"};
  size_t length = 0;
  for (int i = 0; i < shape->rank && i < MF_MAX_RANK && length < sizeof out.text; i++) {
    int n = snprintf(out.text + length, sizeof out.text - length, "%s%" PRId64, i ? "x" : "", shape->dim[i]);
    if (n > 0) length += (size_t)n;
  }
  return out;
}

uint16_t mf_f32_to_f16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); // rounds past 65504
  if (magnitude < 0x38800000u) {                    // subnormal: let float addition round to its last bit
    float scaled = f32_from_bits(magnitude) + 0.5f; // ulp of 0.5 is 2^-24, f16's smallest step
    memcpy(&bits, &scaled, sizeof bits);
    return (uint16_t)(sign | (bits - 0x3f000000u));
  }
  uint32_t odd = magnitude >> 13 & 1u;
  return (uint16_t)(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}
