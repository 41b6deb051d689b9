// minfer accuracy: labelled pictures through f32 and through the chosen configuration, side by side.
#include "clock.h"
#include "fail.h"
#include "image_stream.h"
#include "interrupt.h"
#include "report.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

// Each session runs a whole chunk before the other has its turn, so that idle workers of one do not poll while the
// other computes.
enum { CHUNK_LEAST = 32 };

// Zero-initialise; freed by evaluation_free.
typedef struct evaluation {
  setup chosen;        // model, session
  minfer_session *f32; // NULL: the chosen configuration is plain f32
  labels labels;
  size_t chunk;   // pictures, a multiple of the batch
  float *rows[2]; // logits of a chunk: f32's, and the chosen configuration's where there is one
  accuracy result;
  accuracy_item *items;
  size_t skipped, tried;
  double start_s, seconds;
  double gate; // 0: none
  bool own_calibration;
} evaluation;

static void evaluation_free(evaluation *v) {
  free(v->items);
  free(v->rows[0]);
  free(v->rows[1]);
  labels_free(&v->labels);
  minfer_session_free(v->f32);
  setup_free(&v->chosen);
}

// ---- before anything runs

// MLPerf Inference's targets for the closed division.
static minfer_status find_mlperf(const char *model, double *gate, minfer_error *error) {
  bool resnet = strncmp(model, "resnet", 6) == 0, mobilenet = strcmp(model, "mobilenet_v1") == 0;
  *gate = resnet ? 0.99 : 0.98;
  if (resnet || mobilenet || !setup_network(model)) return MINFER_OK; // an unknown network is told later
  return fail(error, MINFER_USAGE,
              "--gate mlperf is for resnets (0.99) and mobilenet_v1 (0.98), not for %s (--gate R takes a number)",
              model);
}

static minfer_status check_usage(const options *o, double *gate, minfer_error *error) {
  if (!o->folder || !o->labels) {
    const char *missing = o->folder ? "--labels FILE" : o->labels ? "--images DIR" : "--images DIR and --labels FILE";
    fail(error, MINFER_USAGE, "accuracy needs %s", missing);
    return hint(error, "FILE has a line for each picture of DIR: its name and the number of its class, from 0");
  }
  if (!o->gate) return MINFER_OK;
  if (strcmp(o->gate, "mlperf") == 0) return find_mlperf(o->model, gate, error);
  if (text_to_real(o->gate, 0, 1, gate) && *gate > 0) return MINFER_OK;
  return fail(error, MINFER_USAGE, "--gate: \"%s\" is neither mlperf nor a number above 0 and up to 1", o->gate);
}

static minfer_status check_targets(const options *o, minfer_error *error) {
  const char *const paths[] = {o->out, o->per_class, o->predictions};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (paths[i]) TRY(console_check_path(paths[i], error));
  return MINFER_OK;
}

static minfer_status read_labels(evaluation *v, const options *o, console *c, minfer_error *error) {
  size_t unlabelled = 0;
  TRY(labels_read(&v->labels, o->labels, minfer_model_describe(v->chosen.model)->classes, error));
  TRY(labels_match(&v->labels, o->labels, o->folder, &unlabelled, error));
  if (unlabelled)
    console_note(c, "%zu picture%s in %s without a label", unlabelled, unlabelled == 1 ? "" : "s", o->folder);
  return MINFER_OK;
}

static minfer_status open_f32(evaluation *v, const options *o, console *c, minfer_error *error) {
  if (o->dtype == MINFER_F32 && o->layout == MINFER_LAYOUT_AUTO && o->algorithm == MINFER_ALGORITHM_AUTO && !o->fusion)
    return MINFER_OK;
  options plain = {.chunk = o->chunk, .threads = o->threads, .spin_us = o->spin_us, .affinity = o->affinity};
  minfer_session_options session = setup_session_options(&plain, &(bool){false});
  session.batch = v->chosen.batch;
  session.progress = progress_step;
  session.progress_context = &c->progress;
  return minfer_session_create(v->chosen.model, NULL, &session, &v->f32, error);
}

static minfer_status open_sessions(evaluation *v, const options *o, console *c, minfer_error *error) {
  options chosen = *o;
  v->own_calibration = o->dtype == MINFER_INT8 && !o->calibration;
  if (v->own_calibration) chosen.calibration = o->folder;
  TRY(setup_session(&v->chosen, &chosen, c, error));
  return open_f32(v, o, c, error);
}

static minfer_status prepare(evaluation *v, const options *o, console *c, minfer_error *error) {
  progress_show(&c->progress, "open", "%s", o->model);
  TRY(setup_model(&v->chosen, o, error));
  TRY(read_labels(v, o, c, error));
  v->chosen.batch = o->batch ? o->batch : 1;
  size_t batch = (size_t)v->chosen.batch, classes = (size_t)minfer_model_describe(v->chosen.model)->classes;
  if (batch > v->labels.count)
    console_note(c, "%zu picture%s to fill a batch of %zu", v->labels.count,
                 v->labels.count == 1 ? " repeats" : "s repeat", batch);
  TRY(open_sessions(v, o, c, error));
  v->chunk = (CHUNK_LEAST + batch - 1) / batch * batch;
  v->items = reallocarray(NULL, v->labels.count, sizeof *v->items);
  for (int i = 0; i < (v->f32 ? 2 : 1); i++) {
    v->rows[i] = reallocarray(NULL, v->chunk, classes * sizeof **v->rows);
    if (!v->rows[i]) return fail_memory(error);
  }
  return v->items ? MINFER_OK : fail_memory(error);
}

// ---- the run

static void show(const evaluation *v, size_t done, console *c) {
  size_t total = v->labels.count;
  double left_s = done ? (clock_s() - v->start_s) * (double)(total - done) / (double)done : 0;
  if (done)
    progress_show(&c->progress, "classify", "%zu of %zu, %d:%02d left", done, total, (int)(left_s / 60),
                  (int)left_s % 60);
  else
    progress_show(&c->progress, "classify", "%zu of %zu", done, total);
}

static minfer_status run_session(const evaluation *v, minfer_session *session, const minfer_input *input, float *rows,
                                 minfer_error *error) {
  size_t batch = (size_t)v->chosen.batch, classes = (size_t)minfer_model_describe(v->chosen.model)->classes;
  int count = minfer_input_count(input);
  for (int first = 0; first < count; first += v->chosen.batch) {
    if (interrupt_seen()) return fail(error, MINFER_INTERRUPTED, "interrupted");
    TRY(minfer_session_load(session, input, first, error));
    TRY(minfer_session_run(session, NULL, error));
    TRY(minfer_session_output(session, rows + (size_t)first * classes, batch * classes, error));
  }
  return MINFER_OK;
}

static minfer_status run_chunk(evaluation *v, const image_chunk *chunk, console *c, minfer_error *error) {
  size_t classes = (size_t)minfer_model_describe(v->chosen.model)->classes;
  int count = minfer_input_count(chunk->input);
  for (size_t i = 0; i < chunk->broken_count; i++) console_log(1, chunk->broken[i], c);
  if (v->f32) TRY(run_session(v, v->f32, chunk->input, v->rows[0], error));
  TRY(run_session(v, v->chosen.session, chunk->input, v->rows[v->f32 ? 1 : 0], error));
  for (int i = 0; i < count; i++) {
    size_t at = (size_t)i * classes;
    accuracy_add(&v->result, chunk->labels[i], v->rows[0] + at, v->f32 ? v->rows[1] + at : NULL, (int)classes,
                 &v->items[v->result.images]);
  }
  v->tried += chunk->tried;
  v->skipped += chunk->broken_count;
  return MINFER_OK;
}

static minfer_status run_stream(evaluation *v, image_stream *stream, console *c, minfer_error *error) {
  for (;;) {
    image_chunk *chunk;
    show(v, v->tried, c);
    TRY(image_stream_next(stream, &chunk, error));
    if (!chunk) return MINFER_OK;
    minfer_status status = run_chunk(v, chunk, c, error);
    image_chunk_free(chunk);
    if (status != MINFER_OK) return status;
  }
}

static minfer_status run(evaluation *v, const options *o, console *c, minfer_error *error) {
  image_stream *stream = NULL;
  v->start_s = clock_s();
  TRY(image_stream_open(&stream, v->chosen.model, o->folder, &v->labels, v->chunk, o->strict, error));
  minfer_status status = run_stream(v, stream, c, error);
  image_stream_close(stream);
  v->seconds = clock_s() - v->start_s;
  if (status != MINFER_OK || v->result.images) return status;
  return fail(error, MINFER_FILE, "%s: none of %zu pictures could be read", o->folder, v->labels.count);
}

// ---- the results

static minfer_status deliver_file(console *c, const char *path, console_render render, const accuracy_report *report,
                                  minfer_error *error) {
  if (!path) return MINFER_OK;
  TRY(console_emit(c, path, render, report, error));
  console_note(c, "%s is written", path);
  return MINFER_OK;
}

// Each is delivered even if one before it could not be; the first failure is the command's.
static minfer_status deliver(const evaluation *v, const options *o, console *c, minfer_error *error) {
  accuracy_report report = {.options = o,
                            .console = c,
                            .model = v->chosen.model,
                            .plan = minfer_session_plan(v->chosen.session),
                            .result = &v->result,
                            .items = v->items,
                            .skipped = v->skipped,
                            .seconds = v->seconds,
                            .gate = v->gate,
                            .own_calibration = v->own_calibration};
  minfer_error later = {0};
  minfer_status status = o->out ? deliver_file(c, o->out, report_accuracy, &report, error)
                                : console_emit(c, NULL, report_accuracy, &report, error);
  if (deliver_file(c, o->per_class, report_per_class, &report, status ? &later : error) && status)
    console_error(c, &later);
  status = status ? status : error->status;
  if (deliver_file(c, o->predictions, report_predictions, &report, status ? &later : error) && status)
    console_error(c, &later);
  return status ? status : error->status;
}

static minfer_status check_gate(const evaluation *v, const options *o, minfer_error *error) {
  const accuracy *a = &v->result;
  if (v->gate <= 0 || accuracy_passes(a, v->gate)) return MINFER_OK;
  return fail(error, MINFER_GATE, "accuracy gate: top-1 of %s is %.4f times f32's (expected at least %g)",
              options_dtype_name(o->dtype), (double)a->chosen.top1 / (double)a->f32.top1, v->gate);
}

minfer_status cmd_accuracy(const options *o, console *c, minfer_error *error) {
  evaluation v = {0};
  TRY(check_usage(o, &v.gate, error));
  TRY(check_targets(o, error));
  minfer_status status = prepare(&v, o, c, error);
  if (status == MINFER_OK) status = run(&v, o, c, error);
  if (status == MINFER_OK) status = deliver(&v, o, c, error);
  if (status == MINFER_OK) status = check_gate(&v, o, error);
  evaluation_free(&v);
  return status;
}
