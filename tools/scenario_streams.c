// Multi-stream as version 0.5 had it: how many samples can come at once, every so many milliseconds.
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include "scenario.h"
#include <errno.h>
#include <math.h>
#include <time.h>

enum { STREAMS_MOST = 65536, TICKS_LEAST = 20 };
static const double tail = 0.99;

// Until a reading of clock_s; a signal ends it.
static void sleep_until(double when_s) {
  const struct timespec t = {(time_t)when_s, (long)((when_s - floor(when_s)) * 1e9)};
  while (!interrupt_seen() && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) continue;
}

// A query every bound_ms; one that is due before the one before is answered is dropped and counts as late.
static minfer_status run_ticks(sut *s, double bound_ms, double seconds, scenario_trial *t, minfer_error *error) {
  const double period_s = bound_ms * 1e-3, start = clock_s();
  double answered = start;
  const int64_t ticks = (int64_t)fmax(TICKS_LEAST, seconds / period_s);
  samples latency = {0};
  stats_summary summary;
  minfer_status status = MINFER_OK;
  int64_t tick = 0;
  for (; tick < ticks && status == MINFER_OK && !interrupt_seen(); tick++) {
    const double due = start + (double)tick * period_s;
    if (answered > due) {
      t->overs++;
      continue;
    }
    sleep_until(due);
    status = sut_serve(s, 0, 0, s->largest, error);
    answered = clock_s();
    const double ms = (answered - due) * 1e3;
    t->overs += ms > bound_ms;
    if (status == MINFER_OK && !samples_add(&latency, ms)) status = fail_memory(error);
    if ((double)t->overs > (1 - tail) * (double)ticks + 1) break; // it cannot pass any more
  }
  if (status == MINFER_OK && !stats_summarise(&latency, &summary)) status = fail_memory(error);
  samples_free(&latency);
  if (status != MINFER_OK) return status;
  t->queries = tick;
  t->tail_ms = summary.p99;
  t->passed = tick == ticks && (double)t->overs <= (1 - tail) * (double)ticks;
  return MINFER_OK;
}

static minfer_status try_streams(const sut *like, int streams, scenario_result *r, bool *passed, minfer_error *error) {
  sut s = {.options = like->options,
           .console = like->console,
           .model = like->model,
           .input = like->input,
           .calibrated_like = like->setups[like->sizes - 1].session};
  scenario_trial t = {.load = streams};
  progress_show(&s.console->progress, "streams", "%d within %g ms", streams, r->bound_ms);
  minfer_status status = sut_open(&s, &streams, 1, error);
  if (status == MINFER_OK) status = run_ticks(&s, r->bound_ms, scenario_duration_s(like->options) / 5, &t, error);
  sut_free(&s);
  TRY(status);
  *passed = t.passed;
  if (r->trial_count < SCENARIO_TRIALS) r->trials[r->trial_count++] = t;
  return interrupt_seen() ? fail(error, MINFER_INTERRUPTED, "interrupted") : MINFER_OK;
}

// Begins where the time of 8 samples points to, doubles or halves the step until one number passes and another fails,
// then halves what lies between.
minfer_status scenario_count_streams(const sut *like, scenario_result *r, minfer_error *error) {
  const double each_ms = r->summary.p99 / SCENARIO_STREAM_SAMPLES;
  int good = 0, bad = STREAMS_MOST + 1;
  int next = (int)fmax(1, fmin(STREAMS_MOST, floor(r->bound_ms / each_ms)));
  for (int step = 1; good + 1 < bad; step *= 2) {
    bool passed = false;
    TRY(try_streams(like, next, r, &passed, error));
    if (passed)
      good = next;
    else
      bad = next;
    if (good && bad <= STREAMS_MOST)
      next = good + (bad - good) / 2;
    else
      next = passed ? (int)fmin(STREAMS_MOST, good + step) : (int)fmax(1, bad - step);
  }
  r->streams = good;
  return MINFER_OK;
}
