// Vectors of LANES bits, 512 or 256, for code that is included once for each. LANES is defined by whoever includes.
#ifndef MF_KERNEL_INT8_VECTORS_H
#define MF_KERNEL_INT8_VECTORS_H

#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,fma")))
#define INLINE TARGET static inline __attribute__((always_inline))

typedef __m512i vector512;
typedef __m256i vector256;
typedef __m512 floats512;
typedef __m256 floats256;
typedef __mmask64 mask512;
typedef __mmask32 mask256;

#define JOIN_(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN_(a, b, c)
#define NAME(name) JOIN(name, LANES, )
#define OP(name) JOIN(_mm, LANES, _##name)                        // _mm512_name
#define WHOLE(name) JOIN(JOIN(_mm, LANES, _##name##_si), LANES, ) // _mm512_name_si512
#define VECTOR NAME(vector)
#define FLOATS NAME(floats)
#define BYTES ((int64_t)LANES / 8) // of a vector
#define LOAD(p) WHOLE(load)((const VECTOR *)(const void *)(p))
#define STORE(p, x) WHOLE(store)((VECTOR *)(void *)(p), x)

#endif
