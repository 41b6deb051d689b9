#include "tune.h"
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROUNDS = 6, LAST_ROUNDS = 20, FINALISTS = 5 }; // FIRST_ROUNDS: as many as an interval needs
static const double tune_s = 10;

static minfer_status summarise(candidate *c, double bound_ms, minfer_error *error) {
  stats_summary runs;
  if (!stats_summarise(&c->side->rates, &c->rate) || !stats_summarise(&c->side->measured.latency, &runs))
    return fail_memory(error);
  c->p99 = runs.p99;
  c->fits = bound_ms <= 0 || runs.p99 <= bound_ms;
  return MINFER_OK;
}

// Those that stayed longer first, then those within the bound by throughput, then the others by latency.
static int best_first(const void *a, const void *b) {
  const candidate *x = a, *y = b;
  const int x_stage = x->stage ? x->stage : 1000, y_stage = y->stage ? y->stage : 1000;
  if (x_stage != y_stage) return y_stage - x_stage;
  if (x->fits != y->fits) return x->fits ? -1 : 1;
  if (!x->fits) return (x->p99 > y->p99) - (x->p99 < y->p99);
  return (x->rate.p50 < y->rate.p50) - (x->rate.p50 > y->rate.p50);
}

static size_t count_alive(const tune_result *r) {
  size_t alive = 0;
  for (size_t i = 0; i < r->count; i++) alive += r->items[i].stage == 0;
  return alive;
}

static minfer_status order(tune_result *r, double bound_ms, minfer_error *error) {
  for (size_t i = 0; i < r->count; i++)
    if (!r->items[i].stage) TRY(summarise(&r->items[i], bound_ms, error));
  qsort(r->items, r->count, sizeof *r->items, best_first);
  return MINFER_OK;
}

// The worse half goes, but for the best of it when its interval reaches the best one's. What runs without options stays
// to be compared with.
static void drop_worse(tune_result *r, const combination *standard) {
  const size_t alive = count_alive(r);
  const candidate *best = &r->items[0];
  for (size_t i = (alive + 1) / 2; i < alive; i++) {
    candidate *c = &r->items[i];
    const bool level = i == (alive + 1) / 2 && c->fits == best->fits && c->rate.high >= best->rate.low;
    if (!level && c->of != standard) c->stage = r->stages;
  }
}

static minfer_status run_rounds(tune_result *r, const options *o, int rounds, double until_s, console *c,
                                minfer_error *error) {
  const size_t alive = count_alive(r);
  side **sides = calloc(alive + 1, sizeof(side *));
  minfer_status status = sides ? MINFER_OK : fail_memory(error);
  size_t count = 0;
  for (size_t i = 0; i < r->count && sides; i++)
    if (!r->items[i].stage) sides[count++] = r->items[i].side;
  for (int round = 0; round < rounds && sides && sides[0] && status == MINFER_OK; round++) {
    if (round && clock_s() > until_s) break;
    progress_show(&c->progress, "tune", "stage %d: %zu candidates, round %d of %d, at most %.0f s left", r->stages,
                  count, round + 1, rounds, fmax(0, until_s - clock_s()));
    status = rounds_take(sides, count, o, sides[0]->rounds.count, false, error);
  }
  free(sides);
  return status;
}

// Round by round, as far as both took part.
static minfer_status rate_ratio(const candidate *a, const candidate *b, stats_summary *out, minfer_error *error) {
  const size_t x = a->side->rates.count, y = b->side->rates.count, rounds = x < y ? x : y;
  samples ratios = {0};
  bool kept = true;
  for (size_t i = 0; i < rounds && kept; i++)
    kept = samples_add(&ratios, a->side->rates.values[i] / b->side->rates.values[i]);
  kept = kept && stats_summarise(&ratios, out);
  samples_free(&ratios);
  return kept ? MINFER_OK : fail_memory(error);
}

static minfer_status conclude(tune_result *r, const combination *standard, minfer_error *error) {
  if (r->count) r->first = &r->items[0];
  for (size_t i = 1; i < r->count; i++)
    if (!r->second && r->items[i].of != standard) r->second = &r->items[i];
  for (size_t i = 0; i < r->count; i++)
    if (r->items[i].of == standard) r->standard = &r->items[i];
  if (r->second) TRY(rate_ratio(r->first, r->second, &r->over_second, error));
  return r->standard ? rate_ratio(r->first, r->standard, &r->over_standard, error) : MINFER_OK;
}

static minfer_status take_candidates(heat *h, tune_result *r, minfer_error *error) {
  r->items = calloc(h->count + 1, sizeof *r->items);
  if (!r->items) return fail_memory(error);
  for (size_t i = 0; i < h->count; i++)
    if (h->items[i].open) r->items[r->count++] = (candidate){.of = h->items[i].of, .side = &h->items[i].side};
  return MINFER_OK;
}

static bool has_rounds(const tune_result *r) {
  for (size_t i = 0; i < r->count; i++)
    if (!r->items[i].side || !r->items[i].side->rounds.count) return false;
  return true;
}

// Each stage has twice the rounds of the one before, and about half of its candidates.
minfer_status tune_run(heat *h, const options *o, const combination *standard, tune_result *r, minfer_error *error) {
  const double budget_s = o->budget_s > 0 ? o->budget_s : tune_s;
  TRY(take_candidates(h, r, error));
  minfer_status status = MINFER_OK;
  for (int rounds = FIRST_ROUNDS; status == MINFER_OK; rounds *= 2) {
    const size_t alive = count_alive(r);
    r->stages++;
    const bool last = alive <= FINALISTS;
    status = run_rounds(r, o, last ? LAST_ROUNDS + rounds : rounds, clock_s() + budget_s * (double)alive / 2,
                        h->console, error);
    if (status != MINFER_OK) break;
    TRY(order(r, o->latency_bound_ms, error));
    if (last) break;
    drop_worse(r, standard);
  }
  r->interrupted = status == MINFER_INTERRUPTED;
  if (r->interrupted && has_rounds(r)) {
    TRY(order(r, o->latency_bound_ms, error));
    status = MINFER_OK;
  }
  TRY(status);
  return conclude(r, standard, error);
}

void tune_free(tune_result *r) {
  free(r->items);
  *r = (tune_result){0};
}
