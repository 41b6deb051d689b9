#include "side.h"
#include "fail.h"
#include "report.h"

minfer_status side_open_here(side *s, minfer_error *error) {
  progress *p = &s->console->progress;
  TRY(setup_session(&s->setup, s->options, s->console, error));
  s->plan = minfer_session_plan(s->setup.session);
  const minfer_session_options session = setup_session_options(s->options, NULL);
  s->spin_us = s->plan->threads > 1 ? setup_spin_us(&session) : 0;
  TRY(classify(&s->setup, true, p, &s->answers, error));
  TRY(team_load(s->setup.team, s->setup.input, 0, error));
  return measure_warm_up(&s->setup, s->options, p, &s->measured, error);
}

static minfer_status add(samples *to, uint64_t ns, minfer_error *error) {
  return samples_add(to, (double)ns * 1e-6) ? MINFER_OK : fail_memory(error);
}

static minfer_status run_traced(side *s, minfer_error *error) {
  uint64_t ns = 0;
  TRY(minfer_session_run_traced(s->setup.session, (minfer_trace_level)s->options->trace_level, &ns, error));
  return add(&s->measured.traced, ns, error);
}

minfer_status side_run_block_here(side *s, const side_block *block, minfer_error *error) {
  measurement *m = &s->measured;
  const size_t before = m->latency.count;
  if (block->rewarm) TRY(measure_uncounted(&s->setup, &(double){0}, error));
  if (block->traced < 0) TRY(run_traced(s, error));
  TRY(measure_block(&s->setup, block->runs, m, error));
  if (block->traced > 0) TRY(run_traced(s, error));
  if (!block->traced) return MINFER_OK;
  // The traced run's partner is the untraced one beside it.
  const double partner = m->latency.values[block->traced < 0 ? before : m->latency.count - 1];
  return samples_add(&m->plain, partner) ? MINFER_OK : fail_memory(error);
}

minfer_status side_close_here(side *s, minfer_error *error) {
  size_t count = 0;
  const minfer_span *spans = minfer_session_spans(s->setup.session, &count, NULL);
  if (!breakdown_make(s->plan, spans, count, &s->times)) return fail_memory(error);
  s->rss_peak = report_rss_peak();
  return measure_summarise(&s->measured, error);
}

minfer_status side_open(side *s, minfer_error *error) {
  return s->process ? side_process_open(s, error) : side_open_here(s, error);
}

minfer_status side_run_block(side *s, const side_block *block, minfer_error *error) {
  return s->process ? side_process_run_block(s, block, error) : side_run_block_here(s, block, error);
}

minfer_status side_close(side *s, minfer_error *error) {
  return s->process ? side_process_close(s, error) : side_close_here(s, error);
}

void side_free(side *s) {
  if (s->process) {
    side_process_end(s);
  } else {
    classification_free(&s->answers);
    breakdown_free(&s->times);
  }
  measurement_free(&s->measured);
  samples_free(&s->rounds);
  samples_free(&s->rates);
  team_free(s->setup.team);
  s->setup.team = NULL;
  minfer_session_free(s->setup.session);
  s->setup.session = NULL;
}
