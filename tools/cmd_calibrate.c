// minfer calibrate: every calibrator side by side, and the chosen one as a file.
#include "fail.h"
#include "report.h"
#include "setup.h"
#include <math.h>
#include <string.h>

typedef struct calibrate_report {
  const options *options;
  const console *console;
  const minfer_model *model;
  const minfer_plan *plan;
} calibrate_report;

static bool is_taken(const minfer_plan *plan, const minfer_candidate *c) {
  return strcmp(plan->calibrator, c->calibrator) == 0;
}

static void put_quality(minfer_json *j, const char *key, const minfer_quality *q) {
  minfer_json_object(j, key);
  minfer_json_double(j, "sqnr_db", q->sqnr_db);
  minfer_json_double(j, "agreement_f32", q->agreement);
  minfer_json_end(j);
}

static bool put_json(FILE *out, const calibrate_report *r) {
  const minfer_plan *plan = r->plan;
  minfer_json *j = report_json_open(out, r->options, "minfer.calibrate/1");
  if (!j) return false;
  minfer_json_string(j, "model", minfer_model_describe(r->model)->name);
  minfer_json_string(j, "source", plan->calibration_source);
  minfer_json_int(j, "images", plan->calibration_images);
  minfer_json_int(j, "judged_images", plan->quality.images);
  minfer_json_string(j, "isa", plan->isa);
  minfer_json_string(j, "calibrator", plan->calibrator);
  minfer_json_bool(j, "bias_correction", plan->corrected_layers > 0);
  minfer_json_bool(j, "equalisation", plan->equalised_tensors > 0);
  put_quality(j, "result", &plan->quality);
  minfer_json_array(j, "calibrators");
  for (int i = 0; i < plan->candidate_count; i++) {
    minfer_json_object(j, NULL);
    minfer_json_string(j, "calibrator", plan->candidates[i].calibrator);
    put_quality(j, "plain", &plan->candidates[i].plain);
    put_quality(j, "bias_corrected", &plan->candidates[i].corrected);
    minfer_json_end(j);
  }
  minfer_json_end(j);
  report_float_layers(j, plan);
  minfer_json_string(j, "file", r->options->out);
  minfer_json_close(j);
  return true;
}

static void add_candidates(table *t, const minfer_plan *plan) {
  table_column(t, "calibrator", TABLE_LEFT);
  table_column(t, "SQNR dB", TABLE_RIGHT);
  table_column(t, "agreement %", TABLE_RIGHT);
  table_column(t, "bias-corrected SQNR dB", TABLE_RIGHT);
  table_column(t, "agreement %", TABLE_RIGHT);
  table_column(t, "taken", TABLE_LEFT);
  for (int i = 0; i < plan->candidate_count; i++) {
    const minfer_candidate *c = &plan->candidates[i];
    table_cell(t, "%s", c->calibrator);
    table_number(t, c->plain.sqnr_db, 2);
    table_number(t, 100 * c->plain.agreement, 1);
    table_number(t, c->corrected.sqnr_db, 2);
    table_number(t, 100 * c->corrected.agreement, 1);
    table_cell(t, "%s", is_taken(plan, c) ? "*" : "");
  }
}

static bool report_calibrate(FILE *out, const void *report) {
  const calibrate_report *r = report;
  const minfer_plan *plan = r->plan;
  if (report_is_json(r->options)) return put_json(out, r);
  table t = {0};
  add_candidates(&t, plan);
  if (r->options->format == FORMAT_CSV) return report_table(out, r->console, r->options, &t);
  page p = console_page(r->console, r->options, out);
  page_heading(&p, "%s, int8, %s", minfer_model_describe(r->model)->name, plan->isa);
  page_line(&p, "observed on %d picture%s, %s; judged against f32 on %d of them", plan->calibration_images,
            plan->calibration_images == 1 ? "" : "s", plan->calibration_source, plan->quality.images);
  page_table(&p, &t);
  page_line(
      &p,
      "taken: %s, bias correction %s, equalisation %s: SQNR of the output %.2f dB, first class as in f32 on %.1f %%",
      plan->calibrator, plan->corrected_layers ? "on" : "off", plan->equalised_tensors ? "on" : "off",
      plan->quality.sqnr_db, 100 * plan->quality.agreement);
  report_float_layer_lines(&p, plan);
  return !p.failed;
}

static minfer_status open_session(setup *s, const options *o, console *c, minfer_error *error) {
  minfer_session_options session = setup_session_options(o, NULL);
  session.dtype = MINFER_INT8;
  session.calibration = o->folder;
  session.survey = true;
  session.progress = progress_step;
  session.progress_context = &c->progress;
  if (!o->folder) return fail(error, MINFER_USAGE, "no pictures are named (--images DIR)");
  TRY(setup_model(s, o, error));
  const minfer_status status = minfer_session_create(s->model, NULL, &session, &s->session, error);
  progress_clear(&c->progress);
  return status;
}

minfer_status cmd_calibrate(const options *o, console *c, minfer_error *error) {
  setup s = {0};
  if (o->out) TRY(console_check_path(o->out, error));
  minfer_status status = open_session(&s, o, c, error);
  if (status == MINFER_OK && o->out) status = minfer_session_save_calibration(s.session, o->out, error);
  if (status == MINFER_OK) {
    const calibrate_report report = {o, c, s.model, minfer_session_plan(s.session)};
    status = console_emit(c, NULL, report_calibrate, &report, error);
  }
  if (status == MINFER_OK && o->out) console_note(c, "%s is written (--calibration takes it)", o->out);
  setup_free(&s);
  return status;
}
