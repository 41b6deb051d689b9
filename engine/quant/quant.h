// Calibration: from a network and images to the types, scales and bias corrections that int8 needs.
#ifndef MF_QUANT_QUANT_H
#define MF_QUANT_QUANT_H

#include "quant/calibration.h"
#include "quant/calibrators.h"
#include "run/session.h"

// The images, decoded when they are asked for. `fill` writes image `index` into position `at` of the session's batch;
// MF_ERR_FILE for one that cannot be read, which is passed over unless `strict`.
typedef struct mf_samples {
  int count;
  bool strict;
  mf_status (*fill)(void *context, mf_session *session, int64_t at, int index, mf_error *e);
  void *context;
} mf_samples;

// How one setting did on images: the output in int8 against f32.
typedef struct mf_quality {
  double sqnr_db;   // sum of squares of the f32 outputs over that of the differences
  double agreement; // share of images with the same largest output
  int images;
} mf_quality;

typedef struct mf_candidate { // a calibrator that was tried
  const char *calibrator;
  mf_quality plain, corrected; // without and with bias correction
} mf_candidate;
#define MF_CANDIDATES 16

#define MF_CORRECTION_IMAGES 16 // fewer show an image's own means and ranges, not the channels'

#define MF_EQUALISE_BELOW_DB 30 // SQNR of the output from which on AUTO does not try: that takes as long as the rest

typedef enum mf_equalise {
  MF_EQUALISE_OFF,
  MF_EQUALISE_ON,  // by what all images show
  MF_EQUALISE_AUTO // by what every second one shows, where the output is not near f32's and comes nearer over all
} mf_equalise;

typedef struct mf_quant_options {
  const char *calibrator;  // of calibrator.def, or "auto": every one is tried, the output's SQNR decides
  bool no_bias_correction; // nor is there any on fewer than MF_CORRECTION_IMAGES
  mf_equalise equalise;    // channels (quant/equalise.h); never on fewer images than that
  bool survey;             // try and judge every calibrator, whichever is taken
  double accuracy_target;  // layers go to f32 until this share of images agrees; 0: none do
  bool time_layers;        // layers that take longer in int8 than in f32 go to f32 too
  bool float_input;        // the samples are float arrays
  mf_algorithm algorithm;  // of the networks that are run meanwhile
  bool (*progress)(const char *phase, size_t done, size_t total, void *context); // false interrupts; may be NULL
  void *progress_context;
} mf_quant_options;

typedef struct mf_quant_report {
  mf_candidate candidates[MF_CANDIDATES]; // none when there was nothing to choose
  int candidate_count;
  mf_quality quality; // of what was taken; images 0: not judged
  int passed_over;    // images that could not be read
} mf_quant_report;

// Calibrate `graph`, which went through the passes, at any batch size; it is used and left as it was, but for
// annotations. Memory does not grow with the number of images but for their outputs. The same for any number of
// threads. On success *out is to be freed by the caller.
mf_status mf_quant_calibrate(mf_calibration *out, mf_quant_report *report, mf_graph *graph, mf_pool *pool,
                             const mf_samples *samples, const mf_quant_options *options, mf_error *e);

#endif
