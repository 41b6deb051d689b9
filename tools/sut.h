// The system under test of a scenario: instances that each have a session for every batch size, over plans that they
// share.
#ifndef TOOLS_SUT_H
#define TOOLS_SUT_H

#include "setup.h"

enum { SUT_SIZES = 17 }; // 1, 2, 4, ... 65536

// Zero-initialise; free with sut_free, also after a failure.
typedef struct sut {
  const options *options;
  console *console;
  minfer_model *model; // borrowed, as is the input
  minfer_input *input;
  int instances, sizes, classes, largest;
  int batches[SUT_SIZES];
  setup *setups;                   // [instance * sizes + size]
  float *logits;                   // largest x classes for each instance
  minfer_session *calibrated_like; // borrowed, int8: all take over its calibration; NULL: that of the largest size
} sut;

// Sessions for `sizes` batch sizes in rising order. int8 is calibrated once.
minfer_status sut_open(sut *s, const int *batches, int sizes, minfer_error *error);
// One instance answers samples first, first + 1, ... of the input: `count`, at most the largest batch, in a run of the
// smallest size that holds them. Different instances may serve at once.
minfer_status sut_serve(sut *s, int instance, int first, int count, minfer_error *error);
// body(instance, context) for all instances at once, each in a thread, of which instance 0 is the caller's.
minfer_status sut_run_all(sut *s, void (*body)(int instance, void *context), void *context, minfer_error *error);
const minfer_plan *sut_plan(const sut *s); // of the largest size
void sut_free(sut *s);

#endif
