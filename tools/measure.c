#include "measure.h"
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include <math.h>
#include <stdlib.h>

enum { WARMUP_LEAST = 2, WARMUP_MOST = 10, LATENCY_LEAST = 10, PAIRS_LEAST = 5, PAIRS_MOST = 20 };
static const double warmup_s = 2, latency_s = 10, pairs_s = 1, block_ms = 20;

// One run, its time in ms; traced when `level` says how deep.
static minfer_status run(minfer_session *session, const minfer_trace_level *level, double *ms, minfer_error *error) {
  uint64_t ns = 0;
  if (level)
    TRY(minfer_session_run_traced(session, *level, &ns, error));
  else
    TRY(minfer_session_run(session, &ns, error));
  *ms = (double)ns * 1e-6;
  return MINFER_OK;
}

static minfer_status run_into(minfer_session *session, const minfer_trace_level *level, samples *out,
                              minfer_error *error) {
  double ms;
  TRY(run(session, level, &ms, error));
  return samples_add(out, ms) ? MINFER_OK : fail_memory(error);
}

static bool is_warm(const options *o, int runs, double before, double last, double elapsed) {
  if (o->warmup >= 0) return runs >= o->warmup;
  if (runs < WARMUP_LEAST) return false;
  return runs >= WARMUP_MOST || elapsed >= warmup_s || fabs(last - before) < 0.05 * fmax(last, before);
}

int measure_block_runs(double run_ms, double wanted_ms) {
  return (int)fmax(1, fmin(ceil(wanted_ms / run_ms), MEASURE_BLOCK_RUNS));
}

static minfer_status add_block(measurement *m, int instances, int runs, const double *ms, minfer_error *error) {
  if (!m->by_instance) m->by_instance = calloc((size_t)instances, sizeof *m->by_instance);
  if (!m->by_instance) return fail_memory(error);
  m->instances = instances;
  for (int i = 0; i < instances; i++)
    for (int k = 0; k < runs; k++) {
      const double value = ms[(size_t)i * (size_t)runs + (size_t)k];
      if (!samples_add(&m->latency, value) || !samples_add(&m->by_instance[i], value)) return fail_memory(error);
    }
  return MINFER_OK;
}

minfer_status measure_block(const setup *s, int runs, measurement *m, minfer_error *error) {
  const int instances = s->team ? team_count(s->team) : 1;
  if (instances == 1) {
    for (int i = 0; i < runs; i++) {
      TRY(run_into(s->session, NULL, &m->latency, error));
      m->wall_ms += m->latency.values[m->latency.count - 1];
    }
    return MINFER_OK;
  }
  double *ms = calloc((size_t)instances * (size_t)runs, sizeof *ms), wall_ms = 0;
  if (!ms) return fail_memory(error);
  minfer_status status = team_run(s->team, runs, ms, &wall_ms, error);
  if (status == MINFER_OK) status = add_block(m, instances, runs, ms, error);
  free(ms);
  m->wall_ms += wall_ms;
  return status;
}

int measure_instances(const measurement *m) {
  return m->instances > 1 ? m->instances : 1;
}

double measure_images_per_s(const measurement *m, int batch) {
  return m->instances > 1 ? 1e3 * batch * (double)m->latency.count / m->wall_ms : 1e3 * batch / m->summary.p50;
}

minfer_status measure_uncounted(const setup *s, double *ms, minfer_error *error) {
  measurement once = {0};
  const minfer_status status = measure_block(s, 1, &once, error);
  if (status == MINFER_OK) *ms = once.wall_ms;
  measurement_free(&once);
  return status;
}

minfer_status measure_warm_up(const setup *s, const options *o, progress *p, measurement *m, minfer_error *error) {
  double start = clock_s(), before = INFINITY, last = INFINITY;
  while (!interrupt_seen() && !is_warm(o, m->warmup, before, last, clock_s() - start)) {
    before = last;
    TRY(measure_uncounted(s, &last, error));
    m->warmup++;
    progress_show(p, "warm up", "%d runs", m->warmup);
  }
  return MINFER_OK;
}

static bool is_enough(const options *o, const measurement *m, double elapsed) {
  size_t runs = m->latency.count;
  if (o->iterations) return runs >= (size_t)o->iterations * (size_t)(m->instances > 1 ? m->instances : 1);
  if (elapsed < o->min_time_s) return false;
  if (elapsed >= fmax(latency_s, o->min_time_s)) return runs > 0;
  double wanted = (o->precision > 0 ? o->precision : 2) / 100;
  return runs >= LATENCY_LEAST && stats_precision(&m->summary) <= wanted;
}

// Runs until the next look at the clock: one, or with instances as many as make their start and end small.
static int next_block(const setup *s, const options *o, const measurement *m) {
  const size_t runs = m->latency.count;
  if (!s->team || team_count(s->team) == 1 || !runs) return 1;
  const int wanted = measure_block_runs(m->latency.values[runs - 1], block_ms);
  const int left = o->iterations - (int)(runs / (size_t)m->instances);
  return o->iterations && left < wanted ? left : wanted;
}

static minfer_status measure_latency(const setup *s, const options *o, progress *p, measurement *m,
                                     minfer_error *error) {
  double start = clock_s();
  size_t summarise_at = 1; // sorting is kept to about every tenth run
  while (!interrupt_seen() && !is_enough(o, m, clock_s() - start)) {
    TRY(measure_block(s, next_block(s, o, m), m, error));
    size_t runs = m->latency.count;
    if (runs < summarise_at) continue;
    summarise_at = runs + 1 + runs / 10;
    if (!stats_summarise(&m->latency, &m->summary)) return fail_memory(error);
    double precision = 100 * stats_precision(&m->summary);
    if (isnan(precision))
      progress_show(p, "measure", "%zu runs, median %.3f ms", runs, m->summary.p50);
    else
      progress_show(p, "measure", "%zu runs, median %.3f ms +-%.1f %%", runs, m->summary.p50, precision);
  }
  return MINFER_OK;
}

static bool has_pairs(const options *o, size_t pairs, double elapsed) {
  if (o->iterations && pairs >= (size_t)o->iterations) return true;
  if (elapsed >= latency_s) return pairs > 0;
  return pairs >= PAIRS_MOST || (pairs >= PAIRS_LEAST && elapsed >= pairs_s);
}

static minfer_status measure_pairs(minfer_session *session, const options *o, progress *p, measurement *m,
                                   minfer_error *error) {
  minfer_trace_level level = (minfer_trace_level)o->trace_level;
  double start = clock_s();
  while (!interrupt_seen() && !has_pairs(o, m->traced.count, clock_s() - start)) {
    bool traced_first = m->traced.count % 2;
    if (traced_first) TRY(run_into(session, &level, &m->traced, error));
    TRY(run_into(session, NULL, &m->plain, error));
    if (!traced_first) TRY(run_into(session, &level, &m->traced, error));
    progress_show(p, "trace", "%zu runs", m->traced.count);
  }
  return MINFER_OK;
}

minfer_status measure_summarise(measurement *m, minfer_error *error) {
  samples ratios = {0};
  stats_summary plain, traced, ratio;
  for (size_t i = 0; i < m->traced.count; i++)
    if (!samples_add(&ratios, m->traced.values[i] / m->plain.values[i])) break;
  bool done = ratios.count == m->traced.count && stats_summarise(&m->latency, &m->summary) &&
              stats_summarise(&m->plain, &plain) && stats_summarise(&m->traced, &traced) &&
              stats_summarise(&ratios, &ratio);
  samples_free(&ratios);
  if (m->by_instance && !m->instance_summaries)
    m->instance_summaries = calloc((size_t)m->instances, sizeof *m->instance_summaries);
  for (int i = 0; m->by_instance && i < m->instances && done; i++)
    done = m->instance_summaries && stats_summarise(&m->by_instance[i], &m->instance_summaries[i]);
  if (!done) return fail_memory(error);
  m->plain_ms = plain.p50;
  m->traced_ms = traced.p50;
  m->overhead = ratio.p50 - 1;
  m->overhead_low = ratio.low - 1;
  m->overhead_high = ratio.high - 1;
  return MINFER_OK;
}

minfer_status measure(const setup *s, const options *o, progress *p, measurement *out, minfer_error *error) {
  *out = (measurement){0};
  TRY(measure_warm_up(s, o, p, out, error));
  TRY(measure_latency(s, o, p, out, error));
  // Runs traced at level `run` tell nothing for the tables: they are only taken for a file or for counters.
  if (o->trace_level != MINFER_TRACE_RUN || o->trace.given || o->counters)
    TRY(measure_pairs(s->session, o, p, out, error));
  out->interrupted = interrupt_seen();
  return measure_summarise(out, error);
}

void measurement_free(measurement *m) {
  for (int i = 0; m->by_instance && i < m->instances; i++) samples_free(&m->by_instance[i]);
  free(m->by_instance);
  free(m->instance_summaries);
  samples_free(&m->latency);
  samples_free(&m->plain);
  samples_free(&m->traced);
  *m = (measurement){0};
}
