#include "run/stream.h"
#include "base/clock.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static uint64_t read_avx512(const char *p, size_t bytes) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (const char *end = p + bytes; p < end; p += MF_STREAM_STEP) {
    a = _mm512_or_si512(a, _mm512_load_si512(p));
    b = _mm512_or_si512(b, _mm512_load_si512(p + 64));
    c = _mm512_or_si512(c, _mm512_load_si512(p + 128));
    d = _mm512_or_si512(d, _mm512_load_si512(p + 192));
    a = _mm512_or_si512(a, _mm512_load_si512(p + 256));
    b = _mm512_or_si512(b, _mm512_load_si512(p + 320));
    c = _mm512_or_si512(c, _mm512_load_si512(p + 384));
    d = _mm512_or_si512(d, _mm512_load_si512(p + 448));
  }
  return (uint64_t)_mm512_reduce_or_epi64(_mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d)));
}

__attribute__((target("avx512f"))) static void copy_avx512(char *to, const char *from, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 256) {
    const __m512i a = _mm512_load_si512(from + i), b = _mm512_load_si512(from + i + 64),
                  c = _mm512_load_si512(from + i + 128), d = _mm512_load_si512(from + i + 192);
    _mm512_store_si512(to + i, a);
    _mm512_store_si512(to + i + 64, b);
    _mm512_store_si512(to + i + 128, c);
    _mm512_store_si512(to + i + 192, d);
  }
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const char *p, size_t bytes) {
  __m256i sum[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
  for (const char *end = p + bytes; p < end; p += 256)
    for (size_t i = 0; i < 4; i++) {
      sum[i] = _mm256_or_si256(sum[i], _mm256_load_si256((const __m256i *)(const void *)(p + 32 * i)));
      sum[i] = _mm256_or_si256(sum[i], _mm256_load_si256((const __m256i *)(const void *)(p + 32 * i + 128)));
    }
  const __m256i all = _mm256_or_si256(_mm256_or_si256(sum[0], sum[1]), _mm256_or_si256(sum[2], sum[3]));
  return (uint64_t)_mm256_extract_epi64(all, 0) | (uint64_t)_mm256_extract_epi64(all, 1) |
         (uint64_t)_mm256_extract_epi64(all, 2) | (uint64_t)_mm256_extract_epi64(all, 3);
}

__attribute__((target("avx2"))) static void copy_avx2(char *to, const char *from, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 128) {
    __m256i part[4];
    for (size_t k = 0; k < 4; k++) part[k] = _mm256_load_si256((const __m256i *)(const void *)(from + i + 32 * k));
    for (size_t k = 0; k < 4; k++) _mm256_store_si256((__m256i *)(void *)(to + i + 32 * k), part[k]);
  }
}

#define LINKS 1000

double mf_stream_clock(void) {
  uint64_t sum = 0, one = 1;
  const uint64_t start = mf_now_ns();
  for (int i = 0; i < LINKS; i++)
    // A register is added: some processors add small constants while renaming, in no time at all.
    __asm__ volatile(".rept 64\n\tadd %1, %0\n\t.endr" : "+r"(sum) : "r"(one) : "cc");
  const uint64_t spent = mf_now_ns() - start;
  return spent ? (double)sum / (double)spent : 0;
}
#else
double mf_stream_clock(void) {
  return 0;
}
#endif

static uint64_t read_plain(const char *p, size_t bytes) {
  uint64_t sum[4] = {0}, word[4];
  for (size_t i = 0; i < bytes; i += sizeof word) {
    memcpy(word, p + i, sizeof word);
    for (int k = 0; k < 4; k++) sum[k] |= word[k];
  }
  return sum[0] | sum[1] | sum[2] | sum[3];
}

uint64_t mf_stream_read(const void *block, size_t bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return read_avx512(block, bytes);
  if (__builtin_cpu_supports("avx2")) return read_avx2(block, bytes);
#endif
  return read_plain(block, bytes);
}

void mf_stream_copy(void *to, const void *from, size_t bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    copy_avx512(to, from, bytes);
    return;
  }
  if (__builtin_cpu_supports("avx2")) {
    copy_avx2(to, from, bytes);
    return;
  }
#endif
  memcpy(to, from, bytes);
}
