// Calibration: the network in f32 over pictures, observed, and the session's graph annotated with what was seen.
#include "api/handles.h"
#include "base/log.h"
#include <string.h>

#define PICTURES 300 // taken of a larger folder, at even spacing

typedef struct calibration {
  minfer_session *s;
  mf_graph *graph; // at batch 1; tensors have the same ids as in the session's graph
  mf_plan *plan;
  mf_session *session;
  mf_observations seen;
} calibration;

static mf_status open_calibration(calibration *c, bool float_input, mf_error *e) {
  minfer_session *s = c->s;
  MF_TRY(mf_api_build(s->model, 1, NULL, &c->graph, e));
  MF_TRY(mf_pass_run_all(c->graph, &(mf_pass_options){.fusion = !s->options.no_fusion}, e));
  mf_plan_options options = {.activations = MF_F32, .float_input = float_input};
  MF_TRY(mf_plan_create(&c->plan, c->graph, &options, s->pool, NULL, NULL, e));
  MF_TRY(mf_session_create(&c->session, c->plan, s->pool, e));
  return mf_quant_observations_create(&c->seen, c->graph, e);
}

static mf_status tell(const minfer_session *s, size_t done, size_t total, mf_error *e) {
  bool go_on = !s->options.progress || s->options.progress("calibrate", done, total, s->options.progress_context);
  return go_on ? MF_OK : mf_fail(e, MF_ERR_INTERRUPTED, "interrupted");
}

static mf_status over_input(calibration *c, const minfer_input *input, mf_error *e) {
  for (int i = 0; i < input->count; i++) {
    MF_TRY(mf_api_fill(c->session, c->s->model, &input->items[i], 0, e));
    MF_TRY(mf_quant_observe(&c->seen, c->session, e));
    MF_TRY(tell(c->s, (size_t)i + 1, (size_t)input->count, e));
  }
  return MF_OK;
}

// One picture in memory at a time.
static mf_status over_folder(calibration *c, const char *folder, mf_error *e) {
  const mf_recipe *r = &c->s->model->recipe;
  mf_arena arena = {0};
  const char **paths = NULL;
  int count = 0;
  uint8_t *pixels = mf_arena_alloc(&arena, (size_t)r->height * (size_t)r->width * 3);
  mf_status status = pixels ? mf_api_pictures(&arena, folder, PICTURES, &paths, &count, e) : mf_fail_memory(e, 1);
  for (int i = 0; i < count && status == MF_OK; i++) {
    status = mf_api_prepare_picture(c->s->model, paths[i], pixels, e);
    if (status == MF_ERR_FILE) {
      mf_log(MF_LOG_WARNING, "%s (passed over)", e->text);
      status = MF_OK;
      continue;
    }
    if (status == MF_OK) status = mf_session_fill_pixels(c->session, 0, pixels, r->mean, r->std, e);
    if (status == MF_OK) status = mf_quant_observe(&c->seen, c->session, e);
    if (status == MF_OK) status = tell(c->s, (size_t)i + 1, (size_t)count, e);
  }
  mf_arena_free(&arena);
  if (status == MF_OK && !c->seen.samples)
    return mf_fail(e, MF_ERR_FILE, "%s: none of %d pictures could be read", folder, count);
  return status;
}

static mf_status run(calibration *c, const minfer_input *input, mf_error *e) {
  minfer_session *s = c->s;
  const mf_calibrator *calibrator = NULL;
  if (!s->options.calibrator) s->options.calibrator = "minmax";
  MF_TRY(mf_quant_calibrator(&calibrator, s->options.calibrator, e));
  const char *folder = s->options.calibration;
  if (!folder && (!input || !input->count))
    return mf_fail(e, MF_ERR_USAGE, "int8 needs pictures to calibrate on (a calibration folder or an input)");
  MF_TRY(open_calibration(c, !folder && input->items[0].floats, e));
  MF_TRY(folder ? over_folder(c, folder, e) : over_input(c, input, e));
  s->calibration_images = c->seen.samples;
  return mf_quant_assign(s->graph, &c->seen, calibrator, e);
}

mf_status mf_api_calibrate(minfer_session *s, const minfer_input *input, mf_error *e) {
  calibration c = {.s = s};
  mf_status status = run(&c, input, e);
  mf_quant_observations_free(&c.seen);
  mf_session_free(c.session);
  mf_plan_free(c.plan);
  mf_graph_free(c.graph);
  return status;
}
