// Element types and shapes.
#ifndef MF_GRAPH_DTYPE_H
#define MF_GRAPH_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mf_dtype { MF_F32, MF_BF16, MF_F16, MF_S8, MF_U8, MF_S32, MF_DTYPE_COUNT } mf_dtype;
const char *mf_dtype_name(mf_dtype dtype); // "f32", "bf16", ...
size_t mf_dtype_size(mf_dtype dtype);      // bytes

float mf_bf16_to_f32(uint16_t bits);
uint16_t mf_f32_to_bf16(float value); // round to nearest even; NaN stays NaN
float mf_f16_to_f32(uint16_t bits);
uint16_t mf_f32_to_f16(float value); // likewise; too large becomes infinity

#define MF_MAX_RANK 6
#define MF_MAX_DIM                                                                                                     \
  ((int64_t)1 << 31) // exclusive; a dimension from a file is held against it before anything is computed

// Logical dimensions: activations N,C,H,W or N,C; convolution weights O,I,H,W (I per group); inner-product weights O,I.
typedef struct mf_shape {
  int rank;
  int64_t dim[MF_MAX_RANK];
} mf_shape;
bool mf_shape_equal(const mf_shape *a, const mf_shape *b);
bool mf_shape_elements(const mf_shape *shape,
                       size_t *count); // false on overflow or a dimension outside [1, MF_MAX_DIM)
typedef struct mf_shape_text {
  char text[96];
} mf_shape_text;
mf_shape_text mf_shape_print(const mf_shape *shape); // "64x3x7x7", "scalar" for rank 0

#endif
