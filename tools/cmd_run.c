// minfer run: answers, latency, and where the time goes.
#include "fail.h"
#include "interrupt.h"
#include "report.h"
#include "trace_target.h"

typedef struct results {
  classification answers;
  measurement measured;
  breakdown times;
  run_counters counters;
} results;

// Everything that could not be written is better known before the measurement than after it.
static minfer_status check_targets(const options *o, trace_target *trace, minfer_error *error) {
  TRY(trace_target_find(o, trace, error));
  if (o->logits) TRY(console_check_path(o->logits, error));
  return o->out ? console_check_path(o->out, error) : MINFER_OK;
}

static minfer_status prepare(setup *s, const options *o, console *c, minfer_error *error) {
  progress_show(&c->progress, "open", "%s", o->model);
  TRY(setup_model(s, o, error));
  TRY(setup_input(s, o, error));
  int count = minfer_input_count(s->input);
  if (s->batch > count)
    console_note(c, "%d input%s to fill a batch of %d", count, count == 1 ? " repeats" : "s repeat", s->batch);
  return setup_session(s, o, c, error);
}

static minfer_status compute(const setup *s, const options *o, console *c, results *r, minfer_error *error) {
  TRY(classify(s, o->logits != NULL, &c->progress, &r->answers, error));
  if (r->answers.not_finite)
    console_note(c, "%zu numbers of the network's output are not finite", r->answers.not_finite);
  TRY(minfer_session_load(s->session, s->input, 0, error));
  TRY(measure(s->session, o, &c->progress, &r->measured, error));
  if (r->measured.latency.count == 0) return fail(error, MINFER_INTERRUPTED, "interrupted");
  size_t count = 0;
  const minfer_span *spans = minfer_session_spans(s->session, &count, NULL);
  r->counters = report_counters(spans, count);
  if (!breakdown_make(minfer_session_plan(s->session), spans, count, &r->times)) return fail_memory(error);
  return MINFER_OK;
}

static minfer_status deliver_report(const setup *s, const options *o, console *c, const results *r,
                                    minfer_error *error) {
  run_report report = {.options = o,
                       .console = c,
                       .model = s->model,
                       .plan = minfer_session_plan(s->session),
                       .input = s->input,
                       .answers = &r->answers,
                       .measured = &r->measured,
                       .times = &r->times,
                       .counters = r->counters,
                       .rss_peak = report_rss_peak()};
  TRY(console_emit(c, o->out, report_run, &report, error));
  if (o->out) console_note(c, "%s is written", o->out);
  return MINFER_OK;
}

static minfer_status deliver_logits(const options *o, console *c, const classification *a, minfer_error *error) {
  if (!o->logits) return MINFER_OK;
  TRY(minfer_npy_write(o->logits, a->logits, (size_t)a->inputs, (size_t)a->classes, error));
  console_note(c, "%s is written (%d x %d)", o->logits, a->inputs, a->classes);
  return MINFER_OK;
}

static minfer_status deliver_trace(const setup *s, console *c, const trace_target *trace, minfer_error *error) {
  if (!trace->format) return MINFER_OK;
  TRY(minfer_trace_write(s->session, trace->format, trace->path, error));
  console_note(c, "%s is written (open it in Perfetto or the like)", trace->path);
  return MINFER_OK;
}

// Each is delivered even if one before it could not be; the first failure is the command's.
static minfer_status deliver(const setup *s, const options *o, console *c, const trace_target *trace, const results *r,
                             minfer_error *error) {
  minfer_error later = {0};
  minfer_status status = deliver_report(s, o, c, r, error);
  if (deliver_logits(o, c, &r->answers, status ? &later : error) && status) console_error(c, &later);
  status = status ? status : error->status;
  if (deliver_trace(s, c, trace, status ? &later : error) && status) console_error(c, &later);
  return status ? status : error->status;
}

minfer_status cmd_run(const options *o, console *c, minfer_error *error) {
  trace_target trace;
  setup s = {0};
  results r = {0};
  TRY(check_targets(o, &trace, error));
  minfer_status status = prepare(&s, o, c, error);
  if (status == MINFER_OK) status = compute(&s, o, c, &r, error);
  if (status == MINFER_OK) status = deliver(&s, o, c, &trace, &r, error);
  if (status == MINFER_OK && r.measured.interrupted)
    status = fail(error, MINFER_INTERRUPTED, "interrupted: the figures are of the runs until then");
  breakdown_free(&r.times);
  measurement_free(&r.measured);
  classification_free(&r.answers);
  setup_free(&s);
  return status;
}
