// Server: queries of one sample arrive by a Poisson process; runs take what waits, after a window at most.
#include "arrivals.h"
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include "scenario.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { QUERIES_LEAST = 200 };                 // of a trial, where the duration is long enough
static const double tail = 0.99, fine = 0.02; // fine: steps back after a rate that did not hold

// A run of the server at one rate. Arrivals are a list that is known beforehand, so that nothing but the instances has
// to run: each takes what has arrived, and sleeps until something does.
typedef struct service {
  sut *system;
  double window_s, bound_s, start_s;
  double *due;  // seconds after the start
  double *done; // likewise; 0: not answered
  int *picture;
  size_t count, capacity;
  pthread_mutex_t lock; // of what follows
  size_t next;          // first that nobody has taken
  int64_t runs, overs, overs_allowed;
  minfer_status status;
  minfer_error error;
} service;

static void sleep_until(const service *v, double when_s) {
  const double at = v->start_s + when_s;
  const struct timespec t = {(time_t)at, (long)((at - floor(at)) * 1e9)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

// With the lock held: how many of those that have arrived make a run now; 0: *wake says when to look again.
static size_t count_waiting(const service *v, double now, double *wake) {
  const size_t largest = (size_t)v->system->largest;
  size_t waiting = 0;
  while (waiting < largest && v->next + waiting < v->count && v->due[v->next + waiting] <= now) waiting++;
  if (waiting == largest || v->next + waiting == v->count) return waiting;
  *wake = v->due[v->next + waiting];
  if (!waiting) return 0;
  const double patience = v->due[v->next] + v->window_s;
  if (now >= patience) return waiting;
  *wake = fmin(*wake, patience);
  return 0;
}

// It goes on while the rate can still hold.
static bool is_over(const service *v) {
  return v->status != MINFER_OK || v->next == v->count || v->overs > v->overs_allowed || interrupt_seen();
}

static void serve(int instance, void *context) {
  service *v = context;
  minfer_error error = {0};
  pthread_mutex_lock(&v->lock);
  while (!is_over(v)) {
    double wake = 0;
    const size_t first = v->next, count = count_waiting(v, clock_s() - v->start_s, &wake);
    v->next += count;
    pthread_mutex_unlock(&v->lock);
    minfer_status status = MINFER_OK;
    if (!count)
      sleep_until(v, fmin(wake, clock_s() - v->start_s + 0.1)); // a signal is seen in between
    else
      status = sut_serve(v->system, instance, v->picture[first], (int)count, &error);
    const double now = clock_s() - v->start_s;
    pthread_mutex_lock(&v->lock);
    if (status != MINFER_OK) {
      v->status = status;
      v->error = error;
    }
    v->runs += count > 0;
    for (size_t i = first; i < first + count; i++) {
      v->done[i] = now;
      v->overs += now - v->due[i] > v->bound_s;
    }
  }
  pthread_mutex_unlock(&v->lock);
}

static minfer_status run_instances(service *v, minfer_error *error) {
  v->start_s = clock_s();
  TRY(sut_run_all(v->system, serve, v, error));
  if (v->status != MINFER_OK) *error = v->error;
  return v->status;
}

static bool add_arrival(service *v, double due_s, int picture) {
  if (v->count == v->capacity) {
    const size_t capacity = v->capacity ? 2 * v->capacity : 256;
    double *due = reallocarray(v->due, capacity, sizeof *due);
    if (due) v->due = due;
    int *pictures = reallocarray(v->picture, capacity, sizeof *pictures);
    if (pictures) v->picture = pictures;
    if (!due || !pictures) return false;
    v->capacity = capacity;
  }
  v->due[v->count] = due_s;
  v->picture[v->count++] = picture;
  return true;
}

// Queries come until the time is over: the last one is the first behind it.
static minfer_status schedule(service *v, double qps, double seconds, uint64_t seed, minfer_error *error) {
  arrivals random = {seed};
  for (double now = 0; now < seconds;) {
    now += arrivals_gap_s(&random, qps);
    if (!add_arrival(v, now, arrivals_pick(&random, minfer_input_count(v->system->input)))) return fail_memory(error);
  }
  v->done = calloc(v->count, sizeof *v->done);
  return v->done ? MINFER_OK : fail_memory(error);
}

static minfer_status collect(const service *v, scenario_result *r, minfer_error *error) {
  r->latency.count = 0;
  r->seconds = 0;
  for (size_t i = 0; i < v->count; i++) {
    if (v->done[i] <= 0) continue;
    if (!samples_add(&r->latency, (v->done[i] - v->due[i]) * 1e3)) return fail_memory(error);
    r->seconds = fmax(r->seconds, v->done[i]);
  }
  r->samples = (int64_t)r->latency.count;
  r->runs = v->runs;
  r->mean_batch = (double)r->samples / (double)v->runs;
  return scenario_summarise(r, error);
}

// 99 % in time; of an official run early stopping has to be sure of it.
static bool is_held(const service *v, const scenario_result *r) {
  if (r->latency.count < v->count || (double)v->overs > (1 - tail) * (double)v->count) return false;
  return !v->system->options->official || stats_values_needed(v->overs, tail, SCENARIO_CONFIDENCE) <= (int64_t)v->count;
}

// A run at a rate; it ends early when too many are late for it to pass. What it found replaces the figures in r.
static minfer_status try_rate(sut *s, double qps, double seconds, scenario_result *r, bool *passed,
                              minfer_error *error) {
  service v = {.system = s, .window_s = r->window_ms * 1e-3, .bound_s = r->bound_ms * 1e-3};
  pthread_mutex_init(&v.lock, NULL);
  progress_show(&s->console->progress, "server", "%.2f queries/s for %.0f s", qps, seconds);
  minfer_status status = schedule(&v, qps, seconds, (uint64_t)s->options->seed, error);
  v.overs_allowed = s->options->qps > 0 ? INT64_MAX : (int64_t)((1 - tail) * (double)v.count);
  if (status == MINFER_OK) status = run_instances(&v, error);
  if (status == MINFER_OK) status = collect(&v, r, error);
  if (status == MINFER_OK) {
    *passed = is_held(&v, r);
    r->qps = qps;
    if (r->trial_count < SCENARIO_TRIALS)
      r->trials[r->trial_count++] = (scenario_trial){qps, r->summary.p99, r->samples, v.overs, *passed};
  }
  pthread_mutex_destroy(&v.lock);
  free(v.due);
  free(v.done);
  free(v.picture);
  return status;
}

// What the largest batch could do if it were always full: no rate above it can hold.
static minfer_status find_capacity(sut *s, double *qps, minfer_error *error) {
  double best_s = INFINITY;
  for (int i = 0; i < 5; i++) {
    const double start = clock_s();
    TRY(sut_serve(s, 0, 0, s->largest, error));
    best_s = fmin(best_s, clock_s() - start);
  }
  *qps = s->largest * s->instances / best_s;
  return MINFER_OK;
}

// Halves the range until it is within 5 %, in short runs; then holds the rate for the whole duration, a little less of
// it each time that it does not hold.
static minfer_status search(sut *s, scenario_result *r, bool *passed, minfer_error *error) {
  const double seconds = scenario_duration_s(s->options), short_s = s->options->official ? 60 : seconds / 5;
  double good = 0, bad = 0;
  TRY(find_capacity(s, &bad, error));
  while (bad - good > 0.05 * bad && bad > 0.01 && !interrupt_seen()) {
    const double middle = (good + bad) / 2, for_few_s = fmin(seconds, QUERIES_LEAST / middle);
    TRY(try_rate(s, middle, fmax(short_s, for_few_s), r, passed, error));
    if (*passed)
      good = middle;
    else
      bad = middle;
    if (good <= 0 && bad * seconds < 1) break;
  }
  *passed = false;
  for (int down = 0; down * fine < 0.5 && good > 0 && !*passed && !interrupt_seen(); down++)
    TRY(try_rate(s, good * (1 - down * fine), seconds, r, passed, error));
  return MINFER_OK;
}

minfer_status scenario_server(sut *s, scenario_result *r, minfer_error *error) {
  bool passed = false;
  r->tail = tail;
  r->metric = s->options->qps > 0 ? "rate that was asked for" : "highest rate that held";
  r->unit = "queries/s";
  if (s->options->qps > 0)
    TRY(try_rate(s, s->options->qps, scenario_duration_s(s->options), r, &passed, error));
  else
    TRY(search(s, r, &passed, error));
  if (!r->latency.count) return fail(error, MINFER_INTERRUPTED, "interrupted");
  int64_t overs = 0;
  for (size_t i = 0; i < r->latency.count; i++) overs += r->latency.values[i] > r->bound_ms;
  scenario_rule_add(r, "99th percentile ms, at most", r->bound_ms, r->summary.p99, passed, false);
  scenario_add_early_stopping(r, overs);
  scenario_rule_add(r, "seconds", SCENARIO_OFFICIAL_S, r->seconds, r->seconds >= SCENARIO_OFFICIAL_S, true);
  r->value = passed ? r->qps : NAN;
  return MINFER_OK;
}
