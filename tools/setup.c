#include "setup.h"
#include "fail.h"
#include "suggest.h"
#include "text.h"
#include <string.h>
#include <sys/stat.h>

const minfer_network *setup_network(const char *name) {
  for (int i = 0; i < minfer_network_count(); i++)
    if (strcmp(minfer_network_at(i)->name, name) == 0) return minfer_network_at(i);
  return NULL;
}

minfer_status setup_model_options(const options *o, minfer_model_options *out, minfer_error *error) {
  *out = (minfer_model_options){.size = sizeof *out,
                                .model = o->model,
                                .weights = o->weights,
                                .multiplier = o->multiplier,
                                .height = o->size.height,
                                .width = o->size.width,
                                .classes = o->classes};
  if (setup_network(o->model)) return MINFER_OK;
  if (text_ends_with(o->model, ".onnx"))
    return fail(error, MINFER_UNSUPPORTED, "%s: ONNX networks are not supported by this build", o->model);
  suggestion near = {.wanted = o->model};
  for (int i = 0; i < minfer_network_count(); i++)
    suggest(&near, minfer_network_at(i)->name, strlen(minfer_network_at(i)->name));
  fail(error, MINFER_USAGE, "unknown network \"%s\" (minfer models lists them)", o->model);
  return suggest_hint(&near, "", error);
}

minfer_status setup_model(setup *s, const options *o, minfer_error *error) {
  minfer_model_options model;
  TRY(setup_model_options(o, &model, error));
  if (o->isa) TRY(minfer_set_isa(o->isa, error));
  return minfer_model_open(&model, &s->model, error);
}

static minfer_status add_images(setup *s, const options *o, const char *path, minfer_error *error) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) return minfer_input_add_image(s->input, path, error);
  return minfer_input_add_folder(s->input, path, 0, o->strict, NULL, error);
}

minfer_status setup_input(setup *s, const options *o, minfer_error *error) {
  TRY(minfer_input_create(s->model, &s->input, error));
  s->batch = o->batch ? o->batch : 1;
  for (size_t i = 0; i < o->images.count; i++) TRY(add_images(s, o, o->images.items[i], error));
  for (size_t i = 0; i < o->inputs.count; i++) {
    TRY(minfer_input_add_npy(s->input, o->inputs.items[i], error));
    if (i == 0 && !o->batch) s->batch = minfer_input_count(s->input);
  }
  if (minfer_input_count(s->input) == 0) TRY(minfer_input_add_generated(s->input, 1, 0, error));
  return MINFER_OK;
}

minfer_session_options setup_session_options(const options *o, bool *print_settings) {
  minfer_session_options session = {.size = sizeof session,
                                    .dtype = (minfer_dtype)o->dtype,
                                    .layout = (minfer_layout)o->layout,
                                    .no_fusion = o->fusion != 0,
                                    .algorithm = (minfer_algorithm)o->algorithm,
                                    .emulate = o->emulate,
                                    .threads = o->threads,
                                    .spin_us = o->spin_us > 0    ? o->spin_us
                                               : o->spin_us == 0 ? -1
                                                                 : 0,
                                    .affinity = o->affinity,
                                    .calibration = o->calibration,
                                    .calibrator = o->calibrator,
                                    .no_bias_correction = o->bias_correction != 0,
                                    .equalisation = (minfer_equalisation)o->equalisation,
                                    .accuracy_target = o->accuracy_target,
                                    .strict = o->strict,
                                    .counters = o->counters,
                                    .instances = o->instances,
                                    .chunk = o->chunk};
  minfer_session_options_from_environment(&session, print_settings);
  return session;
}

int64_t setup_spin_us(const minfer_session_options *s) {
  return s->spin_us > 0 ? s->spin_us : s->spin_us < 0 ? 0 : 1000;
}

const char *setup_thread_settings(char out[160], const minfer_session_options *s, int threads) {
  char spin[32] = "without end"; // KMP_BLOCKTIME=infinite
  if (s->spin_us < INT64_MAX) snprintf(spin, sizeof spin, "%lld us", (long long)setup_spin_us(s));
  snprintf(out, 160, "%d thread%s, spin %s, affinity %.64s", threads, threads == 1 ? "" : "s", spin,
           s->affinity ? s->affinity : "default");
  return out;
}

static minfer_session_options instance_options(const setup *s, const options *o, int instance, console *c,
                                               bool *print_settings) {
  minfer_session_options session = setup_session_options(o, print_settings);
  session.batch = s->batch;
  session.instance = instance;
  session.progress = progress_step;
  session.progress_context = &c->progress;
  if (s->calibrated_like && session.dtype == MINFER_INT8) {
    session.calibrated_like = s->calibrated_like;
    session.calibration = session.calibrator = NULL;
    session.no_bias_correction = false;
    session.accuracy_target = 0;
  }
  return session;
}

minfer_status setup_instance(setup *s, const options *o, int instance, console *c, minfer_error *error) {
  bool print_settings = false;
  const minfer_session_options session = instance_options(s, o, instance, c, &print_settings);
  const minfer_status status = s->origin ? minfer_session_clone(s->origin, &session, &s->session, error)
                                         : minfer_session_create(s->model, s->input, &session, &s->session, error);
  progress_clear(&c->progress);
  if (status == MINFER_OK && print_settings)
    console_note(c, "KMP_SETTINGS: %s",
                 setup_thread_settings((char[160]){0}, &session, minfer_session_plan(s->session)->threads));
  return status;
}

minfer_status setup_session(setup *s, const options *o, console *c, minfer_error *error) {
  TRY(setup_instance(s, o, 0, c, error));
  const minfer_session_options session = instance_options(s, o, 0, c, NULL);
  return team_open(&s->team, s->session, o->instances ? o->instances : 1, &session, error);
}

void setup_free(setup *s) {
  team_free(s->team);
  minfer_session_free(s->session);
  minfer_input_free(s->input);
  minfer_model_close(s->model);
  *s = (setup){0};
}
