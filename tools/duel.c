#include "duel.h"
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include <math.h>
#include <string.h>

enum { ROUNDS_LEAST = 20, TRACED_MOST = 100, SETTLE_US = 200, SETTLE_MOST_US = 250000 };
static const double duel_s = 20, block_ms = 20;

bool duel_is_disturbed(const side *s) {
  return s->spin_us > SETTLE_MOST_US;
}

// After a run the idle workers of a side poll for its --spin microseconds before they sleep. On the cores that the
// other side is about to use they would be measured as that side's slowness, so their time is let pass.
static void settle(const side *s) {
  if (s->spin_us <= 0) return;
  const int64_t us = (s->spin_us < SETTLE_MOST_US ? s->spin_us : SETTLE_MOST_US) + SETTLE_US;
  nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

// What a side does in a round. A block is worth the pause in front of it. The first run behind a pause finds workers
// asleep and caches full of the other side's weights, and is not counted, unless it is so long that this does not show.
static side_block plan_block(const side *s, const options *o, size_t round) {
  const samples *had = &s->measured.latency;
  const double run_ms = had->count ? had->values[had->count - 1] : block_ms;
  const double pause_ms = fmin((double)s->spin_us, SETTLE_MOST_US) * 1e-3;
  const double runs = o->iterations ? 1 : ceil(fmax(block_ms, pause_ms) / run_ms);
  const int traced = round % 4 < 2 ? 1 : -1; // so that tracing first meets both orders of the sides
  return (side_block){.runs = (int)fmax(1, fmin(runs, SIDE_BLOCK_RUNS)),
                      .rewarm = run_ms < block_ms,
                      .traced = round < TRACED_MOST ? traced : 0};
}

static minfer_status run_block(side *s, const options *o, size_t round, double *median, minfer_error *error) {
  const side_block block = plan_block(s, o, round);
  TRY(side_run_block(s, &block, error));
  double ms[SIDE_BLOCK_RUNS];
  const size_t runs = (size_t)block.runs;
  memcpy(ms, s->measured.latency.values + s->measured.latency.count - runs, runs * sizeof *ms);
  *median = stats_median(ms, runs);
  return MINFER_OK;
}

static minfer_status run_round(side *a, side *b, const options *o, duel *d, minfer_error *error) {
  const size_t round = d->ratios.count;
  side *first = round % 2 ? b : a, *second = round % 2 ? a : b;
  double ms[2] = {0, 0};
  // Odd rounds begin with the side that the round before ended with.
  TRY(run_block(first, o, round, &ms[first == b], error));
  settle(first);
  TRY(run_block(second, o, round, &ms[second == b], error));
  if (!samples_add(&d->ratios, ms[0] / ms[1])) return fail_memory(error);
  return stats_summarise(&d->ratios, &d->summary) ? MINFER_OK : fail_memory(error);
}

static bool is_enough(const side *a, const options *o, const duel *d, double elapsed) {
  if (o->iterations) return a->measured.latency.count >= (size_t)o->iterations;
  if (elapsed < o->min_time_s) return false;
  if (elapsed >= fmax(duel_s, o->min_time_s)) return d->ratios.count > 0;
  const double wanted = (o->precision > 0 ? o->precision : 2) / 100;
  return d->ratios.count >= ROUNDS_LEAST && stats_precision(&d->summary) <= wanted;
}

static void show(progress *p, const duel *d) {
  const double precision = 100 * stats_precision(&d->summary);
  if (isnan(precision))
    progress_show(p, "measure in turn", "%zu rounds, b %.2fx", d->ratios.count, d->summary.p50);
  else
    progress_show(p, "measure in turn", "%zu rounds, b %.2fx +-%.1f %%", d->ratios.count, d->summary.p50, precision);
}

minfer_status duel_run(side *a, side *b, const options *o, progress *p, duel *out, minfer_error *error) {
  *out = (duel){0};
  const double start = clock_s();
  settle(b); // it was opened last, and round 0 begins with a
  while (!interrupt_seen() && !is_enough(a, o, out, clock_s() - start)) {
    TRY(run_round(a, b, o, out, error));
    show(p, out);
  }
  out->interrupted = interrupt_seen();
  if (!out->ratios.count) return fail(error, MINFER_INTERRUPTED, "interrupted");
  a->measured.interrupted = b->measured.interrupted = out->interrupted;
  TRY(side_close(a, error));
  return side_close(b, error);
}

void duel_free(duel *d) {
  samples_free(&d->ratios);
}
