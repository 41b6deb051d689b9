#include "measure.h"
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include <math.h>

enum { WARMUP_LEAST = 2, WARMUP_MOST = 10, LATENCY_LEAST = 10, PAIRS_LEAST = 5, PAIRS_MOST = 20 };
static const double warmup_s = 2, latency_s = 10, pairs_s = 1;

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

minfer_status measure_warm_up(minfer_session *session, const options *o, progress *p, measurement *m,
                              minfer_error *error) {
  double start = clock_s(), before = INFINITY, last = INFINITY;
  while (!interrupt_seen() && !is_warm(o, m->warmup, before, last, clock_s() - start)) {
    before = last;
    TRY(run(session, NULL, &last, error));
    m->warmup++;
    progress_show(p, "warm up", "%d runs", m->warmup);
  }
  return MINFER_OK;
}

static bool is_enough(const options *o, const measurement *m, double elapsed) {
  size_t runs = m->latency.count;
  if (o->iterations) return runs >= (size_t)o->iterations;
  if (elapsed < o->min_time_s) return false;
  if (elapsed >= fmax(latency_s, o->min_time_s)) return runs > 0;
  double wanted = (o->precision > 0 ? o->precision : 2) / 100;
  return runs >= LATENCY_LEAST && stats_precision(&m->summary) <= wanted;
}

static minfer_status measure_latency(minfer_session *session, const options *o, progress *p, measurement *m,
                                     minfer_error *error) {
  double start = clock_s();
  size_t summarise_at = 1; // sorting is kept to about every tenth run
  while (!interrupt_seen() && !is_enough(o, m, clock_s() - start)) {
    TRY(run_into(session, NULL, &m->latency, error));
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
  if (!done) return fail_memory(error);
  m->plain_ms = plain.p50;
  m->traced_ms = traced.p50;
  m->overhead = ratio.p50 - 1;
  m->overhead_low = ratio.low - 1;
  m->overhead_high = ratio.high - 1;
  return MINFER_OK;
}

minfer_status measure(minfer_session *session, const options *o, progress *p, measurement *out, minfer_error *error) {
  *out = (measurement){0};
  TRY(measure_warm_up(session, o, p, out, error));
  TRY(measure_latency(session, o, p, out, error));
  // Runs traced at level `run` tell nothing for the tables: they are only taken for a file or for counters.
  if (o->trace_level != MINFER_TRACE_RUN || o->trace.given || o->counters)
    TRY(measure_pairs(session, o, p, out, error));
  out->interrupted = interrupt_seen();
  return measure_summarise(out, error);
}

void measurement_free(measurement *m) {
  samples_free(&m->latency);
  samples_free(&m->plain);
  samples_free(&m->traced);
  *m = (measurement){0};
}
