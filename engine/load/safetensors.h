// Weights from a safetensors file: 8 bytes of header length, a JSON header, the tensors' bytes. The file is mapped; F32
// data that lies at a multiple of 4 is used where it is, everything else is copied once. F16 and BF16 become f32.
#ifndef MF_LOAD_SAFETENSORS_H
#define MF_LOAD_SAFETENSORS_H

#include "graph/weights.h"

// Limits: header of 100 MB, 100,000 tensors, MF_MAX_RANK dimensions below MF_MAX_DIM. Tensors may stand in any order
// and at odd addresses, but cover the file without gap or overlap; no key stands twice; __metadata__ holds strings
// only. What breaks a rule is MF_ERR_FILE with the tensor's name. Close with (*out)->close.
mf_status mf_safetensors_open(mf_weights **out, const char *path, mf_error *e);

// How long mapping the file took, in ns; what else opening it took is its header.
uint64_t mf_safetensors_mapping(const mf_weights *weights);

// The tensors of the file, sorted by name. Valid while the source is open.
typedef struct mf_stored_tensor {
  const char *name;
  const char *dtype; // as the file says it: "F32", "BF16", "I64"
  mf_shape shape;    // dimensions may be 0
  size_t bytes;
  bool read; // the network asked for it
} mf_stored_tensor;
size_t mf_safetensors_count(const mf_weights *weights);
const mf_stored_tensor *mf_safetensors_tensor(const mf_weights *weights, size_t index);

// To be called when everything has been read: MF_ERR_FILE when the file shrank in the meantime.
mf_status mf_safetensors_check(const mf_weights *weights, mf_error *e);

#endif
