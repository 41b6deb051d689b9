// minfer compare: two ways to run a network, measured in turn.
#include "fail.h"
#include "interrupt.h"
#include "report_compare.h"
#include "rounds.h"
#include "versus.h"

typedef struct contest {
  const options *options;
  console *console;
  versus versus;
  setup setup; // model and input of both sides
  bool generated;
  side a, b;
  duel duel;
  comparison comparison;
  whatif whatif;
} contest;

static minfer_status prepare(contest *x, minfer_error *error) {
  const options *o = x->options;
  console *c = x->console;
  TRY(versus_parse(&x->versus, o, error));
  if (o->out) TRY(console_check_path(o->out, error));
  if (versus_is_same(o, &x->versus.options)) console_note(c, "both sides have the same options: what differs is noise");
  const bool share = versus_share_process(o, &x->versus.options);
  progress_show(&c->progress, "open", "%s", o->model);
  options opening = *o;
  if (!share) opening.isa = NULL; // each process limits itself
  TRY(setup_model(&x->setup, &opening, error));
  TRY(setup_input(&x->setup, o, error));
  x->generated = !o->images.count && !o->inputs.count;
  const setup shared = {.model = x->setup.model, .input = x->setup.input, .batch = x->setup.batch};
  x->a = (side){.letter = 'a', .options = o, .console = c, .setup = shared};
  x->b = (side){.letter = 'b', .options = &x->versus.options, .console = c, .setup = shared};
  progress_clear(&c->progress); // a line that is open would be two processes'
  if (share) return MINFER_OK;
  TRY(side_detach(&x->a, error));
  return side_detach(&x->b, error);
}

static minfer_status open_side(const contest *x, side *s, minfer_error *error) {
  if (side_open(s, error) != MINFER_OK) {
    const minfer_error inner = *error;
    if (inner.status == MINFER_INTERRUPTED) return inner.status;
    fail(error, inner.status, "side %c: %s", s->letter, inner.text);
    return inner.hint[0] ? hint(error, "%s", inner.hint) : inner.status;
  }
  if (s->answers.not_finite)
    console_note(x->console, "%zu numbers of side %c's output are not finite", s->answers.not_finite, s->letter);
  if (rounds_is_disturbed(s))
    console_note(x->console,
                 "side %c's idle workers poll for longer than 0.25 s: they take cores from the other side (--spin)",
                 s->letter);
  return MINFER_OK;
}

static minfer_status compute(contest *x, minfer_error *error) {
  TRY(open_side(x, &x->a, error));
  TRY(open_side(x, &x->b, error));
  TRY(duel_run(&x->a, &x->b, x->options, &x->console->progress, &x->duel, error));
  TRY(comparison_make(&x->a, &x->b, &x->comparison, error));
  return whatif_make(&x->a, &x->b, &x->comparison, &x->whatif, error);
}

static minfer_status deliver(const contest *x, minfer_error *error) {
  const compare_report report = {.options = x->options,
                                 .console = x->console,
                                 .model = x->setup.model,
                                 .input = x->setup.input,
                                 .versus = x->versus.text,
                                 .sides = {&x->a, &x->b},
                                 .duel = &x->duel,
                                 .comparison = &x->comparison,
                                 .whatif = &x->whatif,
                                 .generated = x->generated};
  TRY(console_emit(x->console, x->options->out, report_compare, &report, error));
  if (x->options->out) console_note(x->console, "%s is written", x->options->out);
  return MINFER_OK;
}

minfer_status cmd_compare(const options *o, console *c, minfer_error *error) {
  contest x = {.options = o, .console = c};
  minfer_status status = prepare(&x, error);
  if (status == MINFER_OK) status = compute(&x, error);
  if (status == MINFER_OK) status = deliver(&x, error);
  if (status == MINFER_OK && interrupt_seen())
    status = fail(error, MINFER_INTERRUPTED, "interrupted: the figures are of the rounds until then");
  whatif_free(&x.whatif);
  comparison_free(&x.comparison);
  side_free(&x.b);
  side_free(&x.a);
  versus_free(&x.versus);
  setup_free(&x.setup);
  return status;
}
