// What the files of quant/ share about one calibration.
#ifndef MF_QUANT_INTERNAL_H
#define MF_QUANT_INTERNAL_H

#include "quant/observations.h"
#include "quant/quant.h"

typedef struct mf_quant_run {
  mf_arena arena;
  mf_graph *graph; // its batch size changes with what is opened
  mf_pool *pool;
  const mf_samples *samples;
  const mf_quant_options *options;
  mf_quant_report *report;
  const mf_calibrator *calibrator; // that was taken
  mf_observations seen;
  size_t classes;
  float *outputs; // of f32: samples x classes
  bool *broken;   // by sample
  int *correction_items, correction_item_count;
  mf_calibration equalisation; // only what is equalised
  int64_t batch;               // of the graph when it came
  mf_float_layer *slow;        // layers that stay in f32 because they are faster so
  int slow_count;
  const float **parameters; // by tensor: the data from before the graph was equalised; NULL: it was not
} mf_quant_run;

typedef struct mf_quant_network {
  mf_plan *plan;
  mf_session *session;
} mf_quant_network;

#define MF_CORRECTED 64 // images that biases are corrected on

// Images are taken at even spacing: number i of `wanted` out of `count`.
int mf_quant_spaced(int i, int wanted, int count);
// Room for what is found.
mf_status mf_quant_prepare(mf_quant_run *r, mf_error *e);
// Run f32, of the graph as it is, over all images for what its activations hold.
mf_status mf_quant_observe(mf_quant_run *r, mf_error *e);
// The factors of an equalisation, from every image (AUTO: every second one); none of fewer than MF_CORRECTION_IMAGES.
mf_status mf_quant_find_factors(mf_quant_run *r, mf_error *e);
// The equalisation into the graph, and out of it.
mf_status mf_quant_equalise(mf_quant_run *r, mf_error *e);
void mf_quant_undo_equalisation(mf_quant_run *r);

// The graph as it is annotated, at a batch size; all that are open at once have the same.
mf_status mf_quant_open(const mf_quant_run *r, int64_t batch, mf_quant_network *out, mf_error *e);
void mf_quant_close(mf_quant_network *n);
void mf_quant_forget(mf_graph *graph); // annotations: everything in f32
mf_status mf_quant_tell(const mf_quant_run *r, const char *phase, size_t done, size_t total, mf_error *e);
// The output of an open network against f32's.
mf_status mf_quant_judge(const mf_quant_run *r, const mf_quant_network *n, int64_t batch, mf_quality *out, mf_error *e);
// Quantise with a calibrator, correct biases, judge. `out` may name layers that stay in f32. With `plain` the setting
// is judged with and without correction, whatever the options say.
mf_status mf_quant_try(const mf_quant_run *r, const mf_calibrator *calibrator, mf_calibration *out, mf_quality *plain,
                       mf_quality *corrected, mf_error *e);
// The same with the run's calibrator for *one, whose layers in f32 were named with that status; then *one is in the
// place of *out, and its quality in the report. Either way *one is used up.
mf_status mf_quant_take(mf_quant_run *r, mf_status named, mf_calibration *one, mf_calibration *out, mf_error *e);
// The slow layers into the floats of a calibration without any, with room for more.
mf_status mf_quant_name_floats(const mf_quant_run *r, mf_calibration *out, int more, mf_error *e);

#endif
