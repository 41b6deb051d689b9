// Offline: all samples are there at the start; how many a second.
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include "scenario.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

typedef struct work {
  sut *system;
  double start_s, wanted_s;
  int64_t wanted_samples;
  pthread_mutex_t lock; // of what follows
  int64_t taken, done;
  double end_s; // of the last run
  samples runs; // ms of each
  minfer_status status;
  minfer_error error;
} work;

static bool has_more(const work *w) {
  return w->status == MINFER_OK && !interrupt_seen() &&
         (w->taken < w->wanted_samples || clock_s() - w->start_s < w->wanted_s);
}

static void take_batches(int instance, void *context) {
  work *w = context;
  minfer_error error = {0};
  const int batch = w->system->largest, pictures = minfer_input_count(w->system->input);
  pthread_mutex_lock(&w->lock);
  while (has_more(w)) {
    const int64_t first = w->taken;
    w->taken += batch;
    pthread_mutex_unlock(&w->lock);
    const double begin = clock_s();
    const minfer_status status = sut_serve(w->system, instance, (int)(first % pictures), batch, &error);
    const double end = clock_s();
    if (instance == 0)
      progress_show(&w->system->console->progress, "offline", "%lld samples, %.0f s left", (long long)first,
                    fmax(0, w->wanted_s - (end - w->start_s)));
    pthread_mutex_lock(&w->lock);
    if (status != MINFER_OK) {
      w->status = status;
      w->error = error;
    } else if (!samples_add(&w->runs, (end - begin) * 1e3)) {
      w->status = fail_memory(&w->error);
    }
    w->done += batch;
    w->end_s = fmax(w->end_s, end);
  }
  pthread_mutex_unlock(&w->lock);
}

minfer_status scenario_offline(sut *s, scenario_result *r, minfer_error *error) {
  work w = {.system = s,
            .start_s = clock_s(),
            .wanted_s = scenario_duration_s(s->options),
            .wanted_samples = s->options->official ? SCENARIO_OFFLINE_SAMPLES : s->largest};
  pthread_mutex_init(&w.lock, NULL);
  r->metric = "throughput";
  r->unit = "samples/s";
  minfer_status status = sut_run_all(s, take_batches, &w, error);
  pthread_mutex_destroy(&w.lock);
  r->latency = w.runs; // of batches: no sample has a latency of its own here
  r->samples = w.done;
  r->seconds = w.end_s - w.start_s;
  TRY(status);
  if (w.status != MINFER_OK) *error = w.error;
  TRY(w.status);
  if (!w.runs.count) return fail(error, MINFER_INTERRUPTED, "interrupted");
  r->value = (double)r->samples / r->seconds;
  scenario_rule_add(r, "samples", SCENARIO_OFFLINE_SAMPLES, (double)r->samples, r->samples >= SCENARIO_OFFLINE_SAMPLES,
                    true);
  scenario_rule_add(r, "seconds", SCENARIO_OFFICIAL_S, r->seconds, r->seconds >= SCENARIO_OFFICIAL_S, true);
  return scenario_summarise(r, error);
}
