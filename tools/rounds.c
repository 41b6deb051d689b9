#include "rounds.h"
#include "fail.h"
#include "interrupt.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SETTLE_US = 200, SETTLE_MOST_US = 250000 };
static const double block_ms = 20;

bool rounds_is_disturbed(const side *s) {
  return s->spin_us > SETTLE_MOST_US;
}

// After a run the idle workers of a side poll for its --spin microseconds before they sleep. On the cores that the
// other side is about to use they would be measured as that side's slowness, so their time is let pass.
void rounds_settle(const side *s) {
  if (s->spin_us <= 0) return;
  const int64_t us = (s->spin_us < SETTLE_MOST_US ? s->spin_us : SETTLE_MOST_US) + SETTLE_US;
  nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

// What a side does in a round. A block is worth the pause in front of it. The first run behind a pause finds workers
// asleep and caches full of the other sides' weights, and is not counted, unless it is so long that this does not show.
static side_block plan_block(const side *s, const options *o, size_t round, bool traced) {
  const samples *had = &s->measured.latency;
  const double run_ms = had->count ? had->values[had->count - 1] : block_ms;
  const double pause_ms = fmin((double)s->spin_us, SETTLE_MOST_US) * 1e-3;
  const int before = round % 4 < 2 ? 1 : -1; // so that tracing first meets both orders of the sides
  const bool several = s->setup.team && team_count(s->setup.team) > 1; // a traced run is one instance's
  return (side_block){.runs = o->iterations ? 1 : measure_block_runs(run_ms, fmax(block_ms, pause_ms)),
                      .rewarm = run_ms < block_ms,
                      .traced = traced && !several ? before : 0};
}

static minfer_status run_block(side *s, const options *o, size_t round, bool traced, minfer_error *error) {
  const side_block block = plan_block(s, o, round, traced);
  const size_t before = s->measured.latency.count;
  const double wall_before = s->measured.wall_ms;
  TRY(side_run_block(s, &block, error));
  const size_t runs = s->measured.latency.count - before;
  double *ms = reallocarray(NULL, runs, sizeof *ms);
  if (!ms) return fail_memory(error);
  memcpy(ms, s->measured.latency.values + before, runs * sizeof *ms);
  const double rate = 1e3 * s->plan->batch * (double)runs / (s->measured.wall_ms - wall_before);
  const bool kept = samples_add(&s->rounds, stats_median(ms, runs)) && samples_add(&s->rates, rate);
  free(ms);
  return kept ? MINFER_OK : fail_memory(error);
}

minfer_status rounds_take(side *const *sides, size_t count, const options *o, size_t round, bool traced,
                          minfer_error *error) {
  for (size_t i = 0; i < count; i++) {
    if (interrupt_seen()) return fail(error, MINFER_INTERRUPTED, "interrupted");
    if (i) rounds_settle(sides[round % 2 ? count - i : i - 1]);
    TRY(run_block(sides[round % 2 ? count - 1 - i : i], o, round, traced, error));
  }
  return MINFER_OK;
}

minfer_status rounds_ratio(const side *a, const side *b, stats_summary *out, minfer_error *error) {
  const size_t rounds = a->rounds.count < b->rounds.count ? a->rounds.count : b->rounds.count;
  samples ratios = {0};
  bool kept = true;
  for (size_t r = 0; r < rounds && kept; r++) kept = samples_add(&ratios, a->rounds.values[r] / b->rounds.values[r]);
  kept = kept && stats_summarise(&ratios, out);
  samples_free(&ratios);
  return kept ? MINFER_OK : fail_memory(error);
}
