// minfer diff: two traces of one network.
#include "fail.h"
#include "report_diff.h"
#include "text.h"
#include <math.h>
#include <string.h>

// "5" or "5%"; NAN when no limit is given.
static minfer_status read_limit(const char *text, double *out, minfer_error *error) {
  char number[32];
  *out = NAN;
  if (!text) return MINFER_OK;
  size_t length = strlen(text);
  if (length && text[length - 1] == '%') length--;
  if (length < sizeof number) {
    memcpy(number, text, length);
    number[length] = 0;
    if (text_to_real(number, 0, 1e6, out)) return MINFER_OK;
  }
  return fail(error, MINFER_USAGE, "--max-regression: \"%s\" is no percentage (from 0 on, as 5 or 5%%)", text);
}

static minfer_status check_limit(const diff_report *r, minfer_error *error) {
  const diff_time *run = &r->diff->run;
  if (diff_gate_passed(r)) return MINFER_OK;
  return fail(
      error, MINFER_GATE, "%s is %.1f %% slower than %s (median run %.3f to %.3f ms, p %.2g; expected at most %g %%)",
      r->diff->sides[1].path, diff_percent(run), r->diff->sides[0].path, run->ms[0], run->ms[1], run->p, r->limit);
}

static minfer_status compute(trace_diff *d, const options *o, console *c, double *limit, minfer_error *error) {
  TRY(read_limit(o->max_regression, limit, error));
  if (o->out) TRY(console_check_path(o->out, error));
  TRY(trace_diff_make(d, o->traces.items[0], o->traces.items[1], error));
  if (!isnan(*limit) && d->run.verdict == DIFF_UNKNOWN)
    console_note(c, "%zu and %zu traced runs are too few to tell a regression from chance", d->sides[0].times.runs,
                 d->sides[1].times.runs);
  return MINFER_OK;
}

minfer_status cmd_diff(const options *o, console *c, minfer_error *error) {
  trace_diff d = {0};
  diff_report report = {.options = o, .console = c, .diff = &d};
  minfer_status status = compute(&d, o, c, &report.limit, error);
  if (status == MINFER_OK) status = console_emit(c, o->out, report_diff, &report, error);
  if (status == MINFER_OK && o->out) console_note(c, "%s is written", o->out);
  if (status == MINFER_OK) status = check_limit(&report, error);
  trace_diff_free(&d);
  return status;
}
