#include "duel.h"
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include "rounds.h"
#include <math.h>

enum { ROUNDS_LEAST = 20, TRACED_MOST = 100 };
static const double duel_s = 20;

static minfer_status run_round(side *a, side *b, const options *o, duel *d, minfer_error *error) {
  TRY(rounds_take((side *const[]){a, b}, 2, o, d->rounds, d->rounds < TRACED_MOST, error));
  d->rounds++;
  return rounds_ratio(a, b, &d->summary, error);
}

static bool is_enough(const options *o, const duel *d, double elapsed) {
  if (o->iterations) return d->rounds >= (size_t)o->iterations;
  if (elapsed < o->min_time_s) return false;
  if (elapsed >= fmax(duel_s, o->min_time_s)) return d->rounds > 0;
  const double wanted = (o->precision > 0 ? o->precision : 2) / 100;
  return d->rounds >= ROUNDS_LEAST && stats_precision(&d->summary) <= wanted;
}

static void show(progress *p, const duel *d) {
  const double precision = 100 * stats_precision(&d->summary);
  if (isnan(precision))
    progress_show(p, "measure in turn", "%zu rounds, b %.2fx", d->rounds, d->summary.p50);
  else
    progress_show(p, "measure in turn", "%zu rounds, b %.2fx +-%.1f %%", d->rounds, d->summary.p50, precision);
}

minfer_status duel_run(side *a, side *b, const options *o, progress *p, duel *out, minfer_error *error) {
  *out = (duel){0};
  const double start = clock_s();
  rounds_settle(b); // it was opened last, and round 0 begins with a
  while (!interrupt_seen() && !is_enough(o, out, clock_s() - start)) {
    const minfer_status status = run_round(a, b, o, out, error);
    if (status == MINFER_INTERRUPTED) break; // the whole rounds count
    TRY(status);
    show(p, out);
  }
  out->interrupted = interrupt_seen();
  if (!out->rounds) return fail(error, MINFER_INTERRUPTED, "interrupted");
  a->measured.interrupted = b->measured.interrupted = out->interrupted;
  TRY(side_close(a, error));
  return side_close(b, error);
}
