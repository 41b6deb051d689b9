// minfer tune: the batch, its chunks and the thread settings that answer most, within a latency bound if there is one.
#include "fail.h"
#include "interrupt.h"
#include "tune.h"
#include <stdlib.h>
#include <string.h>

typedef struct tuning {
  const options *options;
  console *console;
  setup setup;
  options lists; // `options` with the lists that were not given
  char threads[64];
  sweep_plan plan;
  combination **items; // those of the plan that are tried
  size_t count;
  heat heat;
  tune_result result;
} tuning;

// 1, 2, 4, ... and all.
static void list_threads(char out[64]) {
  const int all = minfer_environment_get()->default_threads;
  if (all == 1)
    snprintf(out, 64, "1");
  else
    snprintf(out, 64, "1-%d*2,%d", all, all);
}

static minfer_status check(const options *o, minfer_error *error) {
  if (o->out) TRY(console_check_path(o->out, error));
  return setup_model_options(o, &(minfer_model_options){0}, error);
}

// One worker polls for nobody, and more threads than cores are only tried when they are named.
static bool is_worth_trying(const tuning *t, const combination *c) {
  const options *o = t->options;
  if (c->key.chunk && (c->key.batch % c->key.chunk || (!o->chunks && c->key.chunk == c->key.batch))) return false;
  if (c->key.threads == 1 && t->plan.spins.count > 1 && c->key.spin_us != t->plan.spins.items[0]) return false;
  if (o->thread_list || o->instance_list) return true;
  return c->key.threads * c->key.instances <= minfer_environment_get()->default_threads;
}

static minfer_status plan_candidates(tuning *t, minfer_error *error) {
  const options *o = t->options;
  options *l = &t->lists;
  *l = *o;
  list_threads(t->threads);
  l->models = o->model;
  l->dtypes = options_dtype_name(o->dtype);
  l->isa = NULL; // setup_model has set it
  if (!o->batches) l->batches = "1-32*2";
  if (!o->chunks) l->chunks = "0,4,16";
  if (!o->thread_list) l->thread_list = t->threads;
  if (!o->instance_list) l->instance_list = t->threads;
  if (!o->spins) l->spins = "0,1000";
  TRY(sweep_plan_make(&t->plan, l, error));
  t->items = calloc(t->plan.count, sizeof *t->items);
  if (!t->items) return fail_memory(error);
  for (size_t i = 0; i < t->plan.count; i++) {
    combination *c = &t->plan.items[i];
    c->options.warmup = 1;
    if (is_worth_trying(t, c)) t->items[t->count++] = c;
  }
  return MINFER_OK;
}

// What `minfer run` does without options, when it is among them.
static const combination *find_standard(const tuning *t) {
  for (size_t i = 0; i < t->count; i++) {
    const sweep_row *key = &t->items[i]->key;
    if (key->batch == 1 && !key->chunk && key->instances == 1 &&
        key->threads == minfer_environment_get()->default_threads && (key->spin_us == 1000 || key->threads == 1) &&
        strcmp(key->affinity, "default") == 0)
      return t->items[i];
  }
  return NULL;
}

static minfer_status measure_all(tuning *t, minfer_error *error) {
  size_t taken = 0;
  t->heat = (heat){.model = t->setup.model, .input = t->setup.input, .console = t->console, .where = "tune"};
  TRY(heat_open(&t->heat, t->items, t->count, &taken, error));
  if (taken < t->count)
    console_note(t->console, "memory holds %zu of %zu candidates: the others are left out", taken, t->count);
  side **sides = calloc(taken + 1, sizeof(side *));
  if (!sides) return fail_memory(error);
  const size_t open = heat_sides(&t->heat, sides);
  free(sides);
  if (!open) {
    *error = t->heat.items[0].why;
    return error->status;
  }
  return tune_run(&t->heat, t->options, find_standard(t), &t->result, error);
}

static minfer_status prepare(tuning *t, minfer_error *error) {
  TRY(check(t->options, error));
  progress_show(&t->console->progress, "open", "%s", t->options->model);
  TRY(setup_model(&t->setup, t->options, error));
  TRY(setup_input(&t->setup, t->options, error));
  return plan_candidates(t, error);
}

minfer_status cmd_tune(const options *o, console *c, minfer_error *error) {
  tuning t = {.options = o, .console = c};
  minfer_status status = prepare(&t, error);
  if (status == MINFER_OK) status = measure_all(&t, error);
  if (status == MINFER_OK) {
    const tune_report report = {o, c, t.setup.model, &t.result};
    status = console_emit(c, o->out, report_tune, &report, error);
    if (status == MINFER_OK && o->out) console_note(c, "%s is written", o->out);
  }
  if (status == MINFER_OK && interrupt_seen())
    status = fail(error, MINFER_INTERRUPTED, "interrupted: the figures are of the rounds until then");
  tune_free(&t.result);
  heat_free(&t.heat);
  free(t.items);
  sweep_plan_free(&t.plan);
  setup_free(&t.setup);
  return status;
}
