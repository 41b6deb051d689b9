// minfer ladder: what layout, fusion, precision and instruction sets each gain.
#include "fail.h"
#include "interrupt.h"
#include "ladder.h"

typedef struct climb {
  const options *options;
  console *console;
  setup setup;
  ladder ladders[LADDER_COUNT];
} climb;

// Sides of an instruction set have a process each, made before there is any session in this one.
static void detach(const climb *x, rung *r, int index) {
  const setup shared = {.model = x->setup.model, .input = x->setup.input, .batch = x->setup.batch};
  r->side = (side){.letter = (char)('a' + index), .options = &r->options, .console = x->console, .setup = shared};
  if (r->options.isa) side_detach(&r->side, &r->why);
}

static minfer_status prepare(climb *x, minfer_error *error) {
  const options *o = x->options;
  if (o->out) TRY(console_check_path(o->out, error));
  progress_show(&x->console->progress, "open", "%s", o->model);
  TRY(setup_model(&x->setup, o, error));
  TRY(setup_input(&x->setup, o, error));
  progress_clear(&x->console->progress);
  ladder_fill(x->ladders, o);
  for (int k = 0; k < LADDER_COUNT; k++)
    for (int i = 0; i < x->ladders[k].count; i++) detach(x, &x->ladders[k].rungs[i], i);
  return MINFER_OK;
}

static minfer_status measure_all(climb *x, minfer_error *error) {
  for (int k = 0; k < LADDER_COUNT; k++) {
    const minfer_status status = ladder_measure(&x->ladders[k], x->options, x->console, error);
    if (status == MINFER_INTERRUPTED && k) return MINFER_OK; // the ladders before are whole
    TRY(status);
    if (interrupt_seen()) return MINFER_OK;
  }
  return MINFER_OK;
}

// Some rung of the first ladder runs on any machine; else its first reason is the program's.
static minfer_status check(const climb *x, minfer_error *error) {
  const ladder *l = &x->ladders[0];
  for (int i = 0; i < l->count; i++)
    if (l->rungs[i].open) return MINFER_OK;
  *error = l->rungs[0].why;
  return error->status;
}

minfer_status cmd_ladder(const options *o, console *c, minfer_error *error) {
  climb x = {.options = o, .console = c};
  minfer_status status = prepare(&x, error);
  if (status == MINFER_OK) status = measure_all(&x, error);
  if (status == MINFER_OK) status = check(&x, error);
  if (status == MINFER_OK) {
    const ladder_report report = {o, c, x.setup.model, x.ladders, interrupt_seen()};
    status = console_emit(c, o->out, report_ladder, &report, error);
    if (status == MINFER_OK && o->out) console_note(c, "%s is written", o->out);
  }
  if (status == MINFER_OK && interrupt_seen())
    status = fail(error, MINFER_INTERRUPTED, "interrupted: the figures are of the rounds until then");
  for (int k = 0; k < LADDER_COUNT; k++)
    for (int i = x.ladders[k].count; i-- > 0;) side_free(&x.ladders[k].rungs[i].side);
  setup_free(&x.setup);
  return status;
}
