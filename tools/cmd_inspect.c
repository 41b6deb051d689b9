// minfer inspect: the plan, or the weights file against the network.
#include "fail.h"
#include "report.h"
#include <string.h>

static minfer_status inspect_plan(const options *o, console *c, minfer_error *error) {
  setup s = {0};
  breakdown counts = {0};
  progress_show(&c->progress, "open", "%s", o->model);
  minfer_status status = setup_model(&s, o, error);
  if (status == MINFER_OK) status = setup_input(&s, o, error);
  if (status == MINFER_OK) status = setup_session(&s, o, c, error);
  if (status == MINFER_OK) {
    const minfer_plan *plan = minfer_session_plan(s.session);
    inspect_report report = {.options = o, .console = c, .model = s.model, .plan = plan, .counts = &counts};
    status =
        breakdown_counts(plan, &counts) ? console_emit(c, o->out, report_inspect, &report, error) : fail_memory(error);
  }
  breakdown_free(&counts);
  setup_free(&s);
  return status;
}

typedef struct tensors_report {
  const options *options;
  const console *console;
  const minfer_tensor *tensors;
  int count, misfits; // misfits: neither "ok" nor "extra"
} tensors_report;

static bool put_json(FILE *out, const tensors_report *r) {
  minfer_json *j = report_json_open(out, r->options, "minfer.tensors/1");
  if (!j) return false;
  minfer_json_string(j, "model", r->options->model);
  minfer_json_int(j, "misfits", r->misfits);
  minfer_json_array(j, "tensors");
  for (int i = 0; i < r->count; i++) {
    const minfer_tensor *t = &r->tensors[i];
    minfer_json_object(j, NULL);
    minfer_json_string(j, "name", t->name);
    minfer_json_string(j, "state", t->state);
    minfer_json_string(j, "expected", t->expected);
    minfer_json_string(j, "found", t->found);
    minfer_json_string(j, "dtype", t->dtype);
    minfer_json_end(j);
  }
  minfer_json_close(j);
  return true;
}

static bool report_tensors(FILE *out, const void *report) {
  const tensors_report *r = report;
  if (report_is_json(r->options)) return put_json(out, r);
  table t = {0};
  table_column(&t, "tensor", TABLE_ELASTIC);
  table_column(&t, "state", TABLE_LEFT);
  table_column(&t, "expected", TABLE_LEFT);
  table_column(&t, "found", TABLE_LEFT);
  table_column(&t, "dtype", TABLE_LEFT);
  for (int i = 0; i < r->count; i++) {
    table_cell(&t, "%s", r->tensors[i].name);
    table_cell(&t, "%s", r->tensors[i].state);
    table_cell(&t, "%s", r->tensors[i].expected);
    table_cell(&t, "%s", r->tensors[i].found);
    table_cell(&t, "%s", r->tensors[i].dtype);
  }
  return report_table(out, r->console, r->options, &t);
}

static minfer_status inspect_tensors(const options *o, console *c, minfer_error *error) {
  minfer_model_options model;
  minfer_tensors *tensors = NULL;
  TRY(setup_model_options(o, &model, error));
  TRY(minfer_tensors_compare(&model, &tensors, error));
  tensors_report report = {.options = o, .console = c};
  report.tensors = minfer_tensors_list(tensors, &report.count);
  for (int i = 0; i < report.count; i++) {
    const char *state = report.tensors[i].state;
    report.misfits += strcmp(state, "ok") != 0 && strcmp(state, "extra") != 0;
  }
  minfer_status status = console_emit(c, o->out, report_tensors, &report, error);
  if (status == MINFER_OK && report.misfits)
    status = fail(error, MINFER_FILE, "%s: %d of the network's tensors %s missing or wrong",
                  o->weights ? o->weights : o->model, report.misfits, report.misfits == 1 ? "is" : "are");
  minfer_tensors_free(tensors);
  return status;
}

minfer_status cmd_inspect(const options *o, console *c, minfer_error *error) {
  if (o->out) TRY(console_check_path(o->out, error));
  return o->tensors ? inspect_tensors(o, c, error) : inspect_plan(o, c, error);
}
