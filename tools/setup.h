// From options to a model, its input and a session.
#ifndef TOOLS_SETUP_H
#define TOOLS_SETUP_H

#include "console.h"
#include "team.h"

// Zero-initialise; free with setup_free, also after a failure.
typedef struct setup {
  minfer_model *model;
  minfer_input *input;
  minfer_session *session;         // of instances the first
  team *team;                      // all instances
  minfer_session *origin;          // borrowed: make the session a clone of this one; NULL: with a plan of its own
  minfer_session *calibrated_like; // borrowed, int8: take over its calibration; NULL: calibrate
  int batch;
} setup;

// The options that choose a model; MINFER_USAGE for an unknown network, MINFER_UNSUPPORTED for an ONNX file.
minfer_status setup_model_options(const options *o, minfer_model_options *out, minfer_error *error);
const minfer_network *setup_network(const char *name); // NULL when there is none
// Thread options with the environment's in their place where they are absent.
minfer_session_options setup_session_options(const options *o, bool *print_settings);
int64_t setup_spin_us(const minfer_session_options *s); // what the session will do; INT64_MAX: without end
// "2 threads, spin 1000 us, affinity compact", as a run with these would have them.
const char *setup_thread_settings(char out[160], const minfer_session_options *s, int threads);

// In this order:
minfer_status setup_model(setup *s, const options *o, minfer_error *error);
// The pictures or arrays that were named, or one generated picture; settles the batch.
minfer_status setup_input(setup *s, const options *o, minfer_error *error);
minfer_status setup_session(setup *s, const options *o, console *c, minfer_error *error);
// The session of one instance alone, without a team.
minfer_status setup_instance(setup *s, const options *o, int instance, console *c, minfer_error *error);
void setup_free(setup *s);

#endif
