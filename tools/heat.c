#include "heat.h"
#include "fail.h"
#include "interrupt.h"
#include <math.h>
#include <stdlib.h>

static const double memory_share = 0.6; // of what this process may have

static const double ring_bytes = 16 << 20; // about what a session keeps spans in once it is traced

static double bytes_of(const side *s, int instances) {
  const double own = (double)s->plan->activation_bytes + (double)s->plan->scratchpad_bytes,
               ring = s->options->trace_level == MINFER_TRACE_THREAD ? ring_bytes : 0;
  return own * instances + ring + (s->setup.origin ? 0 : (double)s->plan->weight_bytes);
}

static minfer_session *find_origin(const heat *h, const combination *c) {
  for (size_t i = 0; i < h->count; i++) {
    const contestant *other = &h->items[i];
    const combination *of = other->of;
    if (other->open && of->key.batch == c->key.batch && of->key.chunk == c->key.chunk &&
        of->key.threads == c->key.threads && of->options.dtype == c->options.dtype)
      return other->side.setup.session;
  }
  return NULL;
}

// int8 of one network and input is calibrated once.
static minfer_session *find_calibrated(const heat *h) {
  for (size_t i = 0; i < h->count; i++)
    if (h->items[i].open && h->items[i].of->options.dtype == MINFER_INT8) return h->items[i].side.setup.session;
  return NULL;
}

static minfer_status open_one(heat *h, combination *c, minfer_error *error) {
  contestant *x = &h->items[h->count];
  x->of = c;
  x->side = (side){.letter = 'a',
                   .options = &c->options,
                   .console = h->console,
                   .setup = {.model = h->model,
                             .input = h->input,
                             .batch = c->options.batch,
                             .origin = find_origin(h, c),
                             .calibrated_like = find_calibrated(h)}};
  h->count++;
  progress_show(&h->console->progress, "open", "%s %s batch %d, %s", c->key.model, c->key.dtype, c->key.batch,
                h->where);
  const minfer_status status = side_open(&x->side, &x->why);
  if (status == MINFER_INTERRUPTED || interrupt_seen()) {
    side_free(&x->side);
    return fail(error, MINFER_INTERRUPTED, "interrupted");
  }
  x->open = status == MINFER_OK;
  if (!x->open) {
    side_free(&x->side);
    return MINFER_OK;
  }
  const double bytes = bytes_of(&x->side, c->options.instances);
  h->bytes += bytes;
  h->most = fmax(h->most, bytes);
  return MINFER_OK;
}

minfer_status heat_open(heat *h, combination *const *items, size_t count, size_t *taken, minfer_error *error) {
  const minfer_environment *machine = minfer_environment_get();
  const size_t memory = machine->cgroup_memory_bytes ? machine->cgroup_memory_bytes : machine->memory_bytes;
  h->items = calloc(count, sizeof *h->items);
  if (!h->items) return fail_memory(error);
  for (*taken = 0; *taken < count; ++*taken) {
    if (memory && h->most > 0 && h->bytes + h->most > memory_share * (double)memory) break;
    TRY(open_one(h, items[*taken], error));
  }
  return MINFER_OK;
}

size_t heat_sides(heat *h, side **sides) {
  size_t count = 0;
  for (size_t i = 0; i < h->count; i++)
    if (h->items[i].open) sides[count++] = &h->items[i].side;
  return count;
}

void heat_free(heat *h) {
  for (size_t i = h->count; i-- > 0;)
    if (h->items[i].open) side_free(&h->items[i].side);
  free(h->items);
  h->items = NULL;
  h->count = 0;
}
