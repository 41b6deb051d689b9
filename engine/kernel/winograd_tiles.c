// The matrices of F(4x4, 3x3) (Lavin and Gray, section 4), first along columns, then along rows. Loops over LANES
// become vectors, and everything is compiled once for each instruction set.
#include "kernel/winograd_tiles.h"

#define LANES MF_WINOGRAD_CHANNELS
#define IN MF_WINOGRAD_IN
#define OUT MF_WINOGRAD_OUT
#define INLINE static inline __attribute__((always_inline))

// B^T d, `from` and `to` six vectors apart by a step.
INLINE void line_in(const float *const from[IN], float *to[IN]) {
  for (int i = 0; i < LANES; i++) {
    const float d0 = from[0][i], d1 = from[1][i], d2 = from[2][i], d3 = from[3][i], d4 = from[4][i], d5 = from[5][i];
    const float a = d4 - 4 * d2, b = d3 - 4 * d1, c = d4 - d2, d = 2 * (d3 - d1);
    to[0][i] = 4 * d0 - 5 * d2 + d4;
    to[1][i] = a + b;
    to[2][i] = a - b;
    to[3][i] = c + d;
    to[4][i] = c - d;
    to[5][i] = 4 * d1 - 5 * d3 + d5;
  }
}

// A^T m
INLINE void line_out(const float *const from[IN], float *to[OUT]) {
  for (int i = 0; i < LANES; i++) {
    const float m0 = from[0][i], m1 = from[1][i], m2 = from[2][i], m3 = from[3][i], m4 = from[4][i], m5 = from[5][i];
    const float a = m1 + m2, b = m1 - m2, c = m3 + m4, d = m3 - m4;
    to[0][i] = m0 + a + c;
    to[1][i] = b + 2 * d;
    to[2][i] = a + 4 * c;
    to[3][i] = b + 8 * d + m5;
  }
}

INLINE void transform_in(const float *const source[MF_WINOGRAD_POINTS], size_t channels, float *tile, size_t stride) {
  for (size_t c = 0; c < channels; c += LANES) {
    float half[IN][IN][LANES], result[IN][LANES];
    for (int x = 0; x < IN; x++) {
      const float *from[IN];
      float *to[IN];
      for (int y = 0; y < IN; y++) from[y] = source[y * IN + x] + c, to[y] = half[y][x];
      line_in(from, to);
    }
    for (int y = 0; y < IN; y++) {
      const float *from[IN];
      float *to[IN];
      for (int x = 0; x < IN; x++) from[x] = half[y][x], to[x] = result[x];
      line_in(from, to);
      for (int x = 0; x < IN; x++)
        for (int i = 0; i < LANES; i++) tile[(size_t)(y * IN + x) * stride + c + (size_t)i] = result[x][i];
    }
  }
}

INLINE void finish_at(const float result[LANES], size_t c, const mf_winograd_finish *f, float *to) {
  for (size_t i = 0; i < LANES; i++) {
    float x = result[i] + f->bias[c + i];
    if (f->sum) x += to[i];
    x = x > f->low ? x : f->low;
    to[i] = x < f->high ? x : f->high;
  }
}

INLINE void transform_out(const float *tile, size_t stride, size_t channels, const mf_winograd_finish *finish,
                          float *destination, size_t row, int height, int width) {
  for (size_t c = 0; c < channels; c += LANES) {
    float half[OUT][IN][LANES], result[OUT][LANES];
    for (int x = 0; x < IN; x++) {
      const float *from[IN];
      float *to[OUT];
      for (int y = 0; y < IN; y++) from[y] = tile + (size_t)(y * IN + x) * stride + c;
      for (int y = 0; y < OUT; y++) to[y] = half[y][x];
      line_out(from, to);
    }
    for (int y = 0; y < height; y++) {
      const float *from[IN];
      float *to[OUT];
      for (int x = 0; x < IN; x++) from[x] = half[y][x];
      for (int x = 0; x < OUT; x++) to[x] = result[x];
      line_out(from, to);
      for (int x = 0; x < width; x++)
        finish_at(result[x], c, finish, destination + (size_t)y * row + (size_t)x * channels + c);
    }
  }
}

#define VARIANT(name, attributes)                                                                                      \
  attributes static void in_##name(const float *const source[MF_WINOGRAD_POINTS], size_t channels, float *tile,        \
                                   size_t stride) {                                                                    \
    transform_in(source, channels, tile, stride);                                                                      \
  }                                                                                                                    \
  attributes static void out_##name(const float *tile, size_t stride, size_t channels,                                 \
                                    const mf_winograd_finish *finish, float *destination, size_t row, int height,      \
                                    int width) {                                                                       \
    transform_out(tile, stride, channels, finish, destination, row, height, width);                                    \
  }

VARIANT(any, )
#if defined(__x86_64__)
VARIANT(avx2, __attribute__((target("avx2"))))
VARIANT(avx512, __attribute__((target("avx512f"))))
#endif

mf_winograd_transforms mf_winograd_transforms_for(dnnl_cpu_isa_t isa) {
#if defined(__x86_64__)
  if ((isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core)
    return (mf_winograd_transforms){in_avx512, out_avx512};
  if ((isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2) return (mf_winograd_transforms){in_avx2, out_avx2};
#endif
  (void)isa;
  return (mf_winograd_transforms){in_any, out_any};
}

void mf_winograd_transform_kernel(const float kernel[9], float *out, size_t stride) {
  static const double g[IN][3] = {{1. / 4, 0, 0},
                                  {-1. / 6, -1. / 6, -1. / 6},
                                  {-1. / 6, 1. / 6, -1. / 6},
                                  {1. / 24, 1. / 12, 1. / 6},
                                  {1. / 24, -1. / 12, 1. / 6},
                                  {0, 0, 1}};
  for (int y = 0; y < IN; y++) {
    double row[3] = {0};
    for (int x = 0; x < 3; x++)
      for (int k = 0; k < 3; k++) row[x] += g[y][k] * (double)kernel[k * 3 + x];
    for (int x = 0; x < IN; x++)
      out[(size_t)(y * IN + x) * stride] = (float)(row[0] * g[x][0] + row[1] * g[x][1] + row[2] * g[x][2]);
  }
}
