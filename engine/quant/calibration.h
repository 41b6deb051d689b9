// A calibration: what int8 has to know of a network beside its weights. It names tensors and layers, so that it fits
// the network at any batch size, and can be kept in a file.
#ifndef MF_QUANT_CALIBRATION_H
#define MF_QUANT_CALIBRATION_H

#include "graph/graph.h"

typedef struct mf_calibrated_tensor {
  const char *name;
  mf_quantization quantization;
  float min, max;         // seen
  const char *calibrator; // that chose the scale
} mf_calibrated_tensor;

typedef struct mf_bias_correction {
  const char *layer; // name of the node
  float *shift;      // added to its bias, one an output channel
  int channels;
} mf_bias_correction;

typedef struct mf_equalisation {
  const char *tensor;   // an activation; those that share its factors are found again in the graph
  const float *factors; // one a channel, > 0: the tensor holds real / factor
  int channels;
} mf_equalisation;

typedef struct mf_float_layer { // computes in f32 although it could in int8
  const char *layer, *reason;
} mf_float_layer;

typedef struct mf_calibration {
  mf_arena arena; // owns everything below
  const char *model, *calibrator;
  uint64_t weights_hash, images_hash;
  int samples; // images that were observed
  mf_calibrated_tensor *tensors;
  int tensor_count;
  mf_bias_correction *corrections;
  int correction_count;
  mf_float_layer *floats;
  int float_count;
  mf_equalisation *equalisations; // in the order of the graph
  int equalisation_count;
} mf_calibration;

void mf_calibration_free(mf_calibration *calibration); // zero-initialised is allowed

// Types and scales into the graph, earlier ones forgotten. MF_ERR_FILE when the graph has no such tensor or layer, or
// when a layer that computes in int8 is left without a scale.
mf_status mf_calibration_annotate(const mf_calibration *calibration, mf_graph *graph, mf_error *e);
// Corrections into the biases; once.
mf_status mf_calibration_correct(const mf_calibration *calibration, mf_graph *graph, mf_error *e);

// The copy owns all that it holds; free it, also after a failure.
mf_status mf_calibration_copy(mf_calibration *out, const mf_calibration *from, mf_error *e);
// Copies the corrections of another one in the place of those that are there.
mf_status mf_calibration_take_corrections(mf_calibration *to, const mf_calibration *from, mf_error *e);

// The same for the equalisations.
mf_status mf_calibration_take_equalisations(mf_calibration *to, const mf_calibration *from, mf_error *e);

// Of the parameters of a network as it was built, before passes: names, shapes and numbers.
uint64_t mf_calibration_weights_hash(const mf_graph *graph);

// The file: JSON, "minfer.calibration/1". Reading takes bytes that need not end in NUL; `path` is for messages.
mf_status mf_calibration_write(const mf_calibration *calibration, const char *path, mf_error *e);
mf_status mf_calibration_parse(mf_calibration *out, const char *bytes, size_t size, const char *path, mf_error *e);

#endif
