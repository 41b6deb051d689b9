// The combinations of one model and batch, measured in turn.
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include "rounds.h"
#include "sweep.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_LEAST = 10 };
static const double memory_share = 0.6; // of what this process may have, for the sessions that are open at once

typedef struct contestant {
  combination *of;
  side side;
  bool open;
} contestant;

// As many of the group as are open at once.
typedef struct heat {
  const sweep_group *group;
  contestant *items;
  side **sides; // of those that are open
  size_t count, open;
  double bytes, most; // of what is open; of the largest
} heat;

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
  row.isa = (char[]){""};
  row.status = status_text(why);
  const bool added = row.status && sweep_rows_add(rows, &row);
  free(row.status);
  return added ? MINFER_OK : fail_memory(error);
}

static double bytes_of(const side *s, int instances) {
  const double own = (double)s->plan->activation_bytes + (double)s->plan->scratchpad_bytes;
  return own * instances + (s->setup.origin ? 0 : (double)s->plan->weight_bytes);
}

// A session with the same plan, to share it.
static minfer_session *find_origin(const heat *h, const combination *c) {
  for (size_t i = 0; i < h->count; i++) {
    const contestant *other = &h->items[i];
    if (other->open && other->of->key.threads == c->key.threads && other->of->options.dtype == c->options.dtype)
      return other->side.setup.session;
  }
  return NULL;
}

static minfer_status open_one(heat *h, combination *c, minfer_input *input, minfer_error *error) {
  contestant *x = &h->items[h->count];
  *x = (contestant){.of = c};
  x->side = (side){
      .letter = 'a',
      .options = &c->options,
      .console = h->group->console,
      .setup = {.model = h->group->model, .input = input, .batch = c->options.batch, .origin = find_origin(h, c)}};
  h->count++;
  const minfer_status status = side_open(&x->side, error);
  if (status != MINFER_OK) {
    side_free(&x->side);
    return status;
  }
  if (interrupt_seen()) return fail(error, MINFER_INTERRUPTED, "interrupted");
  x->open = true;
  h->sides[h->open++] = &x->side;
  const double bytes = bytes_of(&x->side, c->options.instances);
  h->bytes += bytes;
  h->most = fmax(h->most, bytes);
  return MINFER_OK;
}

static double precision_of(const side *s) {
  stats_summary summary;
  return stats_summarise(&s->rounds, &summary) ? stats_precision(&summary) : NAN;
}

static size_t count_precise(const heat *h, double wanted) {
  size_t precise = 0;
  for (size_t i = 0; i < h->open; i++) precise += precision_of(h->sides[i]) <= wanted;
  return precise;
}

static void show(const heat *h, size_t precise, double left_s) {
  const combination *c = h->items[0].of;
  char where[128];
  snprintf(where, sizeof where, "%s batch %d, %s", c->key.model, c->key.batch, h->group->where);
  progress_show(&h->group->console->progress, where, "round %zu, %zu of %zu precise, at most %.0f s left",
                h->sides[0]->rounds.count, precise, h->open, left_s);
}

static minfer_status measure_heat(const heat *h, minfer_error *error) {
  const options *o = h->group->options;
  const double wanted = (o->precision > 0 ? o->precision : 2) / 100;
  const double budget_s = (o->budget_s > 0 ? o->budget_s : 10) * (double)h->open, start = clock_s();
  if (!h->open) return MINFER_OK;
  rounds_settle(h->sides[h->open - 1]);
  for (size_t round = 0;; round++) {
    const double elapsed = clock_s() - start;
    const size_t precise = round >= ROUNDS_LEAST ? count_precise(h, wanted) : 0;
    if (o->iterations ? round >= (size_t)o->iterations : precise == h->open || (round && elapsed >= budget_s))
      return MINFER_OK;
    show(h, precise, h->group->left_s + fmax(0, budget_s - elapsed));
    TRY(rounds_take(h->sides, h->open, o, round, false, error));
  }
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
  union {
    const char *in;
    char *out;
  } isa = {s->plan->isa}, ok = {"ok"}; // rows own their texts; this one's are copied
  row.isa = isa.out;
  row.status = ok.out;
  return sweep_rows_add(rows, &row) ? MINFER_OK : fail_memory(error);
}

// Opens from number `from` on as many as memory holds and measures them. *to: the first that was left.
static minfer_status run_heat(heat *h, size_t from, size_t *to, minfer_input *input, sweep_rows *rows,
                              minfer_error *first_failure, minfer_error *error) {
  const sweep_group *g = h->group;
  const minfer_environment *machine = minfer_environment_get();
  const size_t memory = machine->cgroup_memory_bytes ? machine->cgroup_memory_bytes : machine->memory_bytes;
  size_t i = from;
  for (; i < g->count; i++) {
    minfer_error why = {0};
    if (memory && h->open && h->bytes + h->most > memory_share * (double)memory) break;
    progress_show(&g->console->progress, "open", "%s %s batch %d, %s", g->items[i]->key.model, g->items[i]->key.dtype,
                  g->items[i]->key.batch, g->where);
    const minfer_status status = open_one(h, g->items[i], input, &why);
    if (status == MINFER_INTERRUPTED) {
      *error = why;
      return status;
    }
    if (status == MINFER_OK) continue;
    if (first_failure->status == MINFER_OK) *first_failure = why;
    TRY(sweep_add_failure(g->items[i], &why, rows, error));
  }
  *to = i;
  if (i < g->count && from == 0)
    console_note(g->console, "memory holds %zu of %zu combinations at once: these are interleaved", h->open, g->count);
  TRY(measure_heat(h, error));
  for (size_t k = 0; k < h->count; k++)
    if (h->items[k].open) TRY(add_result(&h->items[k], rows, error));
  return MINFER_OK;
}

static void free_heat(heat *h) {
  for (size_t i = h->count; i-- > 0;)
    if (h->items[i].open) side_free(&h->items[i].side);
  free(h->items);
  free(h->sides);
}

static minfer_status run_all(const sweep_group *g, minfer_input *input, sweep_rows *rows, minfer_error *first_failure,
                             minfer_error *error) {
  minfer_status status = MINFER_OK;
  for (size_t at = 0; at < g->count && status == MINFER_OK;) {
    heat h = {.group = g, .items = calloc(g->count, sizeof *h.items), .sides = calloc(g->count, sizeof(side *))};
    status = h.items && h.sides ? run_heat(&h, at, &at, input, rows, first_failure, error) : fail_memory(error);
    free_heat(&h);
  }
  return status;
}

minfer_status sweep_group_run(const sweep_group *g, sweep_rows *rows, minfer_error *first_failure,
                              minfer_error *error) {
  setup s = {.model = g->model};
  sweep_rows found = {0}; // failures come first
  minfer_status status = setup_input(&s, &g->items[0]->options, error);
  if (status == MINFER_OK) status = run_all(g, s.input, &found, first_failure, error);
  for (size_t i = 0; i < g->count && status == MINFER_OK; i++)
    if (!sweep_rows_add(rows, sweep_rows_find(&found, &g->items[i]->key))) status = fail_memory(error);
  sweep_rows_free(&found);
  minfer_input_free(s.input);
  return status;
}
