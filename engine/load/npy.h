// NumPy's .npy files (format versions 1.0, 2.0 and 3.0): float32, little-endian, C order, 1 to MF_MAX_RANK dimensions.
#ifndef MF_LOAD_NPY_H
#define MF_LOAD_NPY_H

#include "base/error.h"
#include "graph/dtype.h"

typedef struct mf_array {
  mf_shape shape;
  float *data; // dense row-major, 64-byte aligned; mf_array_free
} mf_array;
void mf_array_free(mf_array *array); // a zero-initialised array is allowed

// Errors: MF_ERR_FILE (another dtype or order, a broken header, bytes missing or left over), MF_ERR_UNSUPPORTED (no
// memory).
mf_status mf_npy_read(mf_array *out, const char *path, mf_error *e);

// Whole or not at all. Errors: MF_ERR_OUTPUT.
mf_status mf_npy_write(const char *path, const mf_shape *shape, const float *data, mf_error *e);

#endif
