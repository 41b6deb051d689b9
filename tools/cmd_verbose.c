// minfer verbose: the log of any oneDNN program, with its layers named.
#include "fail.h"
#include "report_log.h"
#include "setup.h"
#include "trace_target.h"

static minfer_status read_log(const options *o, minfer_trace **trace, minfer_error *error) {
  if (!o->argument)
    return fail(error, MINFER_USAGE, "no log is named (expected minfer verbose LOG, or - for the standard input)");
  minfer_verbose_options log = {.size = sizeof log, .model = o->model, .multiplier = o->multiplier};
  if (o->model) { // for the message, which names the nearest network
    minfer_model_options model;
    TRY(setup_model_options(o, &model, error));
  } else if (o->multiplier > 0) {
    return fail(error, MINFER_USAGE, "--width needs --model: it is the network's");
  }
  return minfer_trace_read_verbose(o->argument, &log, trace, error);
}

// A table says it; the other forms leave it to stderr.
static void put_notes(console *c, const log_summary *s) {
  const long long unreadable = log_counted(s, "lines_unreadable"), odd = log_counted(s, "lines_odd");
  if (unreadable)
    console_note(c, "%lld line%s of oneDNN could not be read%s: %s", unreadable, unreadable == 1 ? "" : "s",
                 unreadable == 1 ? "" : ", the first", log_said(s, "first_unreadable"));
  if (odd)
    console_note(c, "the sizes in %lld line%s could not be read (the first is line %lld)", odd, odd == 1 ? "" : "s",
                 (long long)log_counted(s, "first_odd_line"));
  if (log_said(s, "match_note")[0]) console_note(c, "%s", log_said(s, "match_note"));
}

static minfer_status deliver(const options *o, console *c, const minfer_trace *trace, const trace_target *target,
                             minfer_error *error) {
  log_summary summary;
  if (!log_summary_make(minfer_trace_describe(trace), &summary)) return fail_memory(error);
  const log_report report = {.options = o, .console = c, .summary = &summary};
  minfer_status status = console_emit(c, o->out, report_log, &report, error);
  if (status == MINFER_OK && o->out) console_note(c, "%s is written", o->out);
  if (status == MINFER_OK && target->format) {
    status = minfer_trace_convert(trace, target->format, target->path, error);
    if (status == MINFER_OK) console_note(c, "%s is written (open it in Perfetto or the like)", target->path);
  }
  if (status == MINFER_OK && o->format != FORMAT_TABLE && o->format != FORMAT_MD) put_notes(c, &summary);
  log_summary_free(&summary);
  return status;
}

minfer_status cmd_verbose(const options *o, console *c, minfer_error *error) {
  trace_target target;
  minfer_trace *trace = NULL;
  if (o->out) TRY(console_check_path(o->out, error));
  TRY(trace_target_find(o, &target, error));
  minfer_status status = read_log(o, &trace, error);
  if (status == MINFER_OK) status = deliver(o, c, trace, &target, error);
  minfer_trace_free(trace);
  return status;
}
