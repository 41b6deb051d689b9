// minfer run: answers, latency, and where the time goes.
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include "otlp.h"
#include "report.h"
#include "trace_context.h"
#include "trace_target.h"
#include <string.h>

enum { FILLINGS = 15 };

typedef struct results {
  classification answers;
  measurement measured;
  breakdown times;
  run_counters counters;
  double input_ms;
} results;

// Where results go beside stdout.
typedef struct targets {
  trace_target trace;
  otlp_settings otlp; // without a URL: not wanted
} targets;

// Everything that could not be written is better known before the measurement than after it.
static minfer_status check_targets(const options *o, console *c, targets *to, minfer_error *error) {
  TRY(trace_target_find(o, &to->trace, error));
  if (o->otlp.given) TRY(otlp_settings_find(o->otlp.text, c, &to->otlp, error));
  if (o->logits) TRY(console_check_path(o->logits, error));
  return o->out ? console_check_path(o->out, error) : MINFER_OK;
}

static minfer_status prepare(setup *s, const options *o, console *c, minfer_error *error) {
  static const char *const profilers[] = {"perf", "vtune"};
  if (o->jit_profile >= 0) TRY(minfer_set_jit_profile(profilers[o->jit_profile], error));
  progress_show(&c->progress, "open", "%s", o->model);
  TRY(setup_model(s, o, error));
  TRY(setup_input(s, o, error));
  int count = minfer_input_count(s->input);
  if (s->batch > count)
    console_note(c, "%d input%s to fill a batch of %d", count, count == 1 ? " repeats" : "s repeat", s->batch);
  return setup_session(s, o, c, error);
}

// Only these ask where they come from, so that a broken variable is no matter for the others.
static bool has_context(const targets *to) {
  const char *format = to->trace.format;
  return to->otlp.url || (format && (strcmp(format, "otlp") == 0 || strcmp(format, "zipkin") == 0));
}

// How long the inputs of a run take to be written where its first primitive reads them.
static minfer_status time_input(const setup *s, double *ms, minfer_error *error) {
  double times[FILLINGS];
  for (int i = 0; i < FILLINGS; i++) {
    const double begin = clock_s();
    TRY(minfer_session_load(s->session, s->input, 0, error));
    times[i] = (clock_s() - begin) * 1e3;
  }
  *ms = stats_median(times, FILLINGS);
  return MINFER_OK;
}

static minfer_status compute(const setup *s, const options *o, console *c, results *r, minfer_error *error) {
  TRY(classify(s, o->logits != NULL, &c->progress, &r->answers, error));
  if (r->answers.not_finite)
    console_note(c, "%zu numbers of the network's output are not finite", r->answers.not_finite);
  TRY(team_load(s->team, s->input, 0, error));
  TRY(measure(s, o, &c->progress, &r->measured, error));
  if (r->measured.latency.count == 0) return fail(error, MINFER_INTERRUPTED, "interrupted");
  TRY(time_input(s, &r->input_ms, error));
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
                       .input_ms = r->input_ms,
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
  const bool chrome = strcmp(trace->format, "chrome") == 0, speedscope = strcmp(trace->format, "speedscope") == 0;
  console_note(c, "%s is written%s", trace->path,
               chrome       ? " (open it in Perfetto or the like)"
               : speedscope ? " (open it in speedscope)"
                            : "");
  return MINFER_OK;
}

static minfer_status deliver_otlp(const setup *s, console *c, const otlp_settings *otlp, minfer_error *error) {
  return otlp->url ? otlp_post(s->session, otlp, c, error) : MINFER_OK;
}

// Each is delivered even if one before it could not be; the first failure is the command's.
static minfer_status deliver(const setup *s, const options *o, console *c, const targets *to, const results *r,
                             minfer_error *error) {
  minfer_error later = {0};
  minfer_status status = deliver_report(s, o, c, r, error);
  if (deliver_logits(o, c, &r->answers, status ? &later : error) && status) console_error(c, &later);
  status = status ? status : error->status;
  if (deliver_trace(s, c, &to->trace, status ? &later : error) && status) console_error(c, &later);
  status = status ? status : error->status;
  // Last: the network may take its time, and the files are safe by then.
  if (deliver_otlp(s, c, &to->otlp, status ? &later : error) && status) console_error(c, &later);
  return status ? status : error->status;
}

minfer_status cmd_run(const options *o, console *c, minfer_error *error) {
  targets to = {0};
  setup s = {0};
  results r = {0};
  minfer_status status = check_targets(o, c, &to, error);
  if (status == MINFER_OK) status = prepare(&s, o, c, error);
  if (status == MINFER_OK && has_context(&to)) status = trace_context_set(s.session, c, error);
  if (status == MINFER_OK) status = compute(&s, o, c, &r, error);
  if (status == MINFER_OK) status = deliver(&s, o, c, &to, &r, error);
  if (status == MINFER_OK && r.measured.interrupted)
    status = fail(error, MINFER_INTERRUPTED, "interrupted: the figures are of the runs until then");
  breakdown_free(&r.times);
  measurement_free(&r.measured);
  classification_free(&r.answers);
  setup_free(&s);
  otlp_settings_free(&to.otlp);
  return status;
}
