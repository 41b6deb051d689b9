// Calibration: images from a folder or the input, or a file of an earlier one, into the session's graph.
#include "api/handles.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "quant/equalise.h"
#include <string.h>

#define PICTURES 300            // taken of a larger folder, at even spacing
#define KEPT ((size_t)64 << 20) // bytes of pixels kept

typedef struct source {
  const minfer_model *model;
  const minfer_input *input; // NULL: a folder
  const char **paths;
  mf_arena arena;
  uint8_t *pixels;
  uint8_t **kept; // by picture: its pixels, as long as there is room; calibration comes back to them
  size_t room;
} source;

static mf_status fill(void *context, mf_session *session, int64_t at, int index, mf_error *e) {
  source *s = context;
  if (s->input) return mf_api_fill(session, s->model, &s->input->items[index], (int)at, e);
  const mf_recipe *r = &s->model->recipe;
  const size_t bytes = (size_t)r->height * (size_t)r->width * 3;
  if (!s->kept[index]) {
    MF_TRY(mf_api_prepare_picture(s->model, s->paths[index], s->pixels, e));
    if (bytes <= s->room && (s->kept[index] = mf_arena_alloc(&s->arena, bytes))) {
      memcpy(s->kept[index], s->pixels, bytes);
      s->room -= bytes;
    }
  }
  return mf_session_fill_pixels(session, at, s->kept[index] ? s->kept[index] : s->pixels, r->mean, r->std, e);
}

// Names stand for the images: the list, not what is in them.
static uint64_t hash_names(const source *from, int count) {
  uint64_t hash = 0;
  for (int i = 0; i < count; i++) {
    const char *name = from->input ? from->input->items[i].name : strrchr(from->paths[i], '/') + 1;
    hash = mf_hash(name, strlen(name) + 1, hash);
  }
  return hash;
}

// Calibration's own phases, as its progress names them, are parts of the session's.
typedef struct watch {
  minfer_session *s;
  mf_part part;
  mf_status status;
  mf_error *e;
} watch;

static void end_part(watch *w) {
  w->part.duration = mf_now_ns() - w->part.start;
  if (w->part.name && w->status == MF_OK) w->status = mf_api_part(w->s, &w->part, "", w->e);
}

static bool watch_progress(const char *phase, size_t done, size_t total, void *context) {
  watch *w = context;
  const minfer_session_options *o = &w->s->options;
  if (!w->part.name || strcmp(w->part.name, phase) != 0) {
    end_part(w);
    w->part = (mf_part){phase, mf_now_ns(), 0};
  }
  return !o->progress || o->progress(phase, done, total, o->progress_context);
}

// Over the networks with real weights the best single one (bench/NOTES.md).
static const char *const default_calibrator = "mse";

static mf_status observe(minfer_session *s, source *from, int count, mf_error *e) {
  const minfer_session_options *o = &s->options;
  static const mf_equalise equalise[] = {[MINFER_EQUALISATION_AUTO] = MF_EQUALISE_AUTO,
                                         [MINFER_EQUALISATION_ON] = MF_EQUALISE_ON,
                                         [MINFER_EQUALISATION_OFF] = MF_EQUALISE_OFF};
  watch w = {.s = s, .e = e};
  const mf_samples samples = {.count = count, .strict = o->strict, .fill = fill, .context = from};
  const mf_quant_options options = {.calibrator = o->calibrator,
                                    .no_bias_correction = o->no_bias_correction,
                                    .equalise = equalise[o->equalisation],
                                    .survey = o->survey,
                                    .accuracy_target = o->accuracy_target,
                                    .time_layers = o->accuracy_target > 0,
                                    .float_input = from->input && from->input->items[0].floats,
                                    // im2col is for what is measured, and cannot compute all of int8
                                    .algorithm = o->algorithm == MINFER_ALGORITHM_DIRECT ? MF_ALGORITHM_DIRECT
                                                                                         : MF_ALGORITHM_AUTO,
                                    .progress = watch_progress,
                                    .progress_context = &w};
  mf_calibration *c = &s->calibration;
  MF_TRY(mf_quant_calibrate(c, &s->calibration_report, s->graph, s->pool, &samples, &options, e));
  end_part(&w);
  MF_TRY(w.status);
  c->model = mf_arena_copy(&c->arena, s->model->info.name);
  if (!c->model) return mf_fail_memory(e, 64);
  c->weights_hash = s->weights_hash;
  c->images_hash = hash_names(from, count);
  return MF_OK;
}

static mf_status observe_folder(minfer_session *s, const char *folder, mf_error *e) {
  const mf_recipe *r = &s->model->recipe;
  const size_t bytes = (size_t)r->height * (size_t)r->width * 3;
  source from = {.model = s->model, .room = KEPT};
  int count = 0;
  mf_status status = mf_api_pictures(&from.arena, folder, PICTURES, &from.paths, &count, e);
  if (status == MF_OK) {
    from.pixels = mf_arena_alloc(&from.arena, bytes);
    from.kept = mf_arena_alloc(&from.arena, (size_t)count * sizeof *from.kept);
    status = from.pixels && from.kept ? observe(s, &from, count, e) : mf_fail_memory(e, bytes);
  }
  mf_arena_free(&from.arena);
  return status;
}

static mf_status read_file(minfer_session *s, const char *path, mf_error *e) {
  mf_map map;
  mf_error shrunk;
  MF_TRY(mf_map_open(&map, path, e));
  mf_status status = mf_calibration_parse(&s->calibration, (const char *)map.data, map.size, path, e);
  if (mf_map_check(&map, &shrunk) != MF_OK) {
    *e = shrunk;
    status = shrunk.status;
  }
  mf_map_close(&map);
  MF_TRY(status);
  const mf_calibration *c = &s->calibration;
  if (strcmp(c->model, s->model->info.name) != 0)
    return mf_fail(e, MF_ERR_FILE, "%s: a calibration of %s (expected %s)", path, c->model, s->model->info.name);
  if (c->weights_hash != s->weights_hash) {
    mf_fail(e, MF_ERR_FILE, "%s: a calibration of other weights (hash %016llx, these have %016llx)", path,
            (unsigned long long)c->weights_hash, (unsigned long long)s->weights_hash);
    return mf_hint(e, "minfer calibrate --model %s --images DIR -o FILE.json makes one of these", c->model);
  }
  return MF_OK;
}

static bool has_choices(const minfer_session_options *o) {
  return o->calibrator || o->no_bias_correction || o->equalisation || o->accuracy_target > 0;
}

static mf_status take_over(minfer_session *s, mf_error *e) {
  minfer_session_options *o = &s->options;
  const minfer_session *from = o->calibrated_like;
  if (o->calibration || o->survey || has_choices(o))
    return mf_fail(e, MF_ERR_USAGE, "a session that is calibrated like another chooses no calibration of its own");
  if (from->options.dtype != MINFER_INT8)
    return mf_fail(e, MF_ERR_USAGE, "the session to be calibrated like is not int8");
  if (from->weights_hash != s->weights_hash || strcmp(from->calibration.model, s->model->info.name) != 0)
    return mf_fail(e, MF_ERR_USAGE, "the session to be calibrated like has other weights");
  o->calibration = from->options.calibration; // where it came from
  MF_TRY(mf_api_keep_text(s, &o->calibration, e));
  s->calibration_kind = from->calibration_kind;
  s->calibration_report = from->calibration_report;
  return mf_calibration_copy(&s->calibration, &from->calibration, e);
}

static mf_status get(minfer_session *s, const minfer_input *input, mf_error *e) {
  minfer_session_options *o = &s->options;
  if (o->calibrated_like) return take_over(s, e);
  const char *path = o->calibration;
  if (path && !mf_file_is_folder(path)) {
    if (o->survey) return mf_fail(e, MF_ERR_FILE, "%s: no folder (expected one with pictures to calibrate on)", path);
    if (mf_file_exists(path) && has_choices(o))
      return mf_fail(e, MF_ERR_USAGE,
                     "%s: a calibration file has its calibrator and corrections in it (nothing else can be asked for)",
                     path);
    s->calibration_kind = "file";
    return read_file(s, path, e);
  }
  if (!o->calibrator) o->calibrator = default_calibrator;
  if (path) {
    s->calibration_kind = "folder";
    return observe_folder(s, path, e);
  }
  if (!input || !input->count)
    return mf_fail(e, MF_ERR_USAGE, "int8 needs pictures to calibrate on (a calibration folder or file, or an input)");
  s->calibration_kind = "own input";
  return observe(s, &(source){.model = s->model, .input = input}, input->count, e);
}

static mf_status apply(minfer_session *s, mf_error *e) {
  MF_TRY(mf_calibration_equalise(&s->calibration, s->graph, &s->graph->arena, e));
  MF_TRY(mf_calibration_annotate(&s->calibration, s->graph, e));
  return mf_calibration_correct(&s->calibration, s->graph, e);
}

mf_status mf_api_calibrate(minfer_session *s, const minfer_input *input, mf_error *e) {
  MF_TRY(get(s, input, e));
  const bool taken_over = s->options.calibrated_like;
  s->options.calibrated_like = NULL; // it need not live longer
  const mf_status status = apply(s, e);
  if (status != MF_ERR_FILE || !(taken_over || s->options.calibration)) return status;
  const mf_error inner = *e;
  if (taken_over) return mf_fail(e, MF_ERR_USAGE, "the session to be calibrated like has other layers: %s", inner.text);
  return mf_fail(e, MF_ERR_FILE, "%s: %s", s->options.calibration, inner.text);
}

minfer_status minfer_session_save_calibration(minfer_session *s, const char *path, minfer_error *error) {
  mf_error e = {0};
  const mf_status status = s->options.dtype == MINFER_INT8 ? mf_calibration_write(&s->calibration, path, &e)
                                                           : mf_fail(&e, MF_ERR_USAGE, "only int8 is calibrated");
  return mf_api_report(error, &e, status);
}

const char *minfer_calibrator(int index, const char **summary) {
  const mf_calibrator *calibrator = mf_calibrator_at(index);
  if (calibrator && summary) *summary = calibrator->summary;
  return calibrator ? calibrator->name : NULL;
}
