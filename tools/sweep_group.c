// The combinations of one model and batch, measured in turn.
#include "clock.h"
#include "fail.h"
#include "heat.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_LEAST = 10, ROUNDS_TRACED = 4 }; // traced: each with a run that says what the workers do

static char *status_text(const minfer_error *why) {
  const char *kind = why->status == MINFER_UNSUPPORTED ? "unsupported"
                     : why->status == MINFER_USAGE     ? "wrong use"
                     : why->status == MINFER_FILE      ? "file"
                                                       : "failed";
  char *text = NULL;
  return asprintf(&text, "%s: %s", kind, why->text) < 0 ? NULL : text;
}

minfer_status sweep_add_failure(const combination *c, const minfer_error *why, sweep_rows *rows, minfer_error *error) {
  sweep_row row = c->key;
  row.p50 = row.p99 = row.low = row.high = row.images_per_s = NAN;
  row.effective = row.spin = row.wait = row.overhead = NAN;
  row.isa = (char[]){""};
  row.status = status_text(why);
  const bool added = row.status && sweep_rows_add(rows, &row);
  free(row.status);
  return added ? MINFER_OK : fail_memory(error);
}

static size_t count_precise(side *const *sides, size_t count, double wanted) {
  size_t precise = 0;
  stats_summary summary;
  for (size_t i = 0; i < count; i++)
    precise += stats_summarise(&sides[i]->rounds, &summary) && stats_precision(&summary) <= wanted;
  return precise;
}

static minfer_status measure_sides(const sweep_group *g, side *const *sides, size_t count, minfer_error *error) {
  const options *o = g->options;
  const double wanted = (o->precision > 0 ? o->precision : 2) / 100;
  const double budget_s = (o->budget_s > 0 ? o->budget_s : 10) * (double)count, start = clock_s();
  char where[128];
  if (!count) return MINFER_OK;
  snprintf(where, sizeof where, "%s batch %d, %s", g->items[0]->key.model, g->items[0]->key.batch, g->where);
  rounds_settle(sides[count - 1]);
  for (size_t round = 0;; round++) {
    const double elapsed = clock_s() - start;
    const size_t precise = round >= ROUNDS_LEAST ? count_precise(sides, count, wanted) : 0;
    if (o->iterations ? round >= (size_t)o->iterations : precise == count || (round && elapsed >= budget_s))
      return MINFER_OK;
    progress_show(&g->console->progress, where, "round %zu, %zu of %zu precise, at most %.0f s left", round, precise,
                  count, g->left_s + fmax(0, budget_s - elapsed));
    TRY(rounds_take(sides, count, o, round, round < ROUNDS_TRACED, error));
  }
}

// What its workers did in the primitives of the traced runs.
static void share_time(const side *s, sweep_row *row) {
  size_t count = 0;
  const minfer_span *spans = minfer_session_spans(s->setup.session, &count, NULL);
  double effective = 0, spin = 0, wait = 0, overhead = 0;
  for (size_t i = 0; i < count; i++) {
    if (spans[i].kind != MINFER_SPAN_THREAD) continue;
    effective += (double)spans[i].effective_ns;
    spin += (double)spans[i].spin_ns;
    wait += (double)spans[i].wait_ns;
    overhead += (double)spans[i].overhead_ns;
  }
  const double all = effective + spin + wait + overhead; // 0 without traced runs, then each share is NaN
  row->effective = effective / all;
  row->spin = spin / all;
  row->wait = wait / all;
  row->overhead = overhead / all;
}

static minfer_status add_result(const contestant *x, sweep_rows *rows, minfer_error *error) {
  const side *s = &x->side;
  stats_summary rounds, runs, rates;
  if (!stats_summarise(&s->rounds, &rounds) || !stats_summarise(&s->measured.latency, &runs) ||
      !stats_summarise(&s->rates, &rates))
    return fail_memory(error);
  sweep_row row = x->of->key;
  row.p50 = rounds.p50;
  row.p99 = runs.p99;
  row.low = rounds.low;
  row.high = rounds.high;
  row.images_per_s = row.instances > 1 ? rates.p50 : 1e3 * row.batch / rounds.p50;
  row.runs = (int)s->measured.latency.count;
  share_time(s, &row);
  char ok[] = "ok", isa[64];
  snprintf(isa, sizeof isa, "%s", s->plan->isa);
  row.isa = isa;
  row.status = ok;
  return sweep_rows_add(rows, &row) ? MINFER_OK : fail_memory(error);
}

static minfer_status add_results(const heat *h, sweep_rows *rows, minfer_error *first_failure, minfer_error *error) {
  for (size_t i = 0; i < h->count; i++) {
    const contestant *x = &h->items[i];
    if (x->open) {
      TRY(add_result(x, rows, error));
      continue;
    }
    if (first_failure->status == MINFER_OK) *first_failure = x->why;
    TRY(sweep_add_failure(x->of, &x->why, rows, error));
  }
  return MINFER_OK;
}

// As many of those from number `from` on as memory holds. *taken: how many it came to.
static minfer_status run_heat(const sweep_group *g, size_t from, size_t *taken, heat *h, sweep_rows *rows,
                              minfer_error *first_failure, minfer_error *error) {
  TRY(heat_open(h, g->items + from, g->count - from, taken, error));
  if (*taken < g->count && from == 0)
    console_note(g->console, "memory holds %zu of %zu combinations at once: these are interleaved", *taken, g->count);
  side **sides = calloc(*taken + 1, sizeof(side *));
  if (!sides) return fail_memory(error);
  const minfer_status status = measure_sides(g, sides, heat_sides(h, sides), error);
  free(sides);
  TRY(status);
  return add_results(h, rows, first_failure, error);
}

minfer_status sweep_group_run(const sweep_group *g, sweep_rows *rows, minfer_error *first_failure,
                              minfer_error *error) {
  setup s = {.model = g->model};
  const size_t before = rows->count;
  minfer_status status = setup_input(&s, &g->items[0]->options, error);
  for (size_t at = 0, taken = 0; at < g->count && status == MINFER_OK; at += taken) {
    heat h = {.model = g->model, .input = s.input, .console = g->console, .where = g->where};
    status = run_heat(g, at, &taken, &h, rows, first_failure, error);
    heat_free(&h);
  }
  if (status != MINFER_OK) sweep_rows_cut(rows, before); // all of the group or nothing
  minfer_input_free(s.input);
  return status;
}
