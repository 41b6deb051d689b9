#include "sut.h"
#include "fail.h"
#include "interrupt.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static minfer_status open_one(sut *s, int instance, int size, minfer_error *error) {
  setup *own = &s->setups[instance * s->sizes + size];
  *own = (setup){.model = s->model, .input = s->input, .batch = s->batches[size]};
  if (instance) own->origin = s->setups[size].session;
  own->calibrated_like = s->calibrated_like ? s->calibrated_like : s->setups[s->sizes - 1].session;
  options o = *s->options;
  o.instances = s->instances;
  if (interrupt_seen()) return fail(error, MINFER_INTERRUPTED, "interrupted");
  return setup_instance(own, &o, instance, s->console, error);
}

minfer_status sut_open(sut *s, const int *batches, int sizes, minfer_error *error) {
  s->instances = s->options->instances ? s->options->instances : 1;
  s->sizes = sizes;
  s->largest = batches[sizes - 1];
  s->classes = minfer_model_describe(s->model)->classes;
  memcpy(s->batches, batches, (size_t)sizes * sizeof *batches);
  s->setups = calloc((size_t)s->instances * (size_t)sizes, sizeof *s->setups);
  s->logits = reallocarray(NULL, (size_t)s->instances * (size_t)s->largest, (size_t)s->classes * sizeof *s->logits);
  if (!s->setups || !s->logits) return fail_memory(error);
  for (int size = sizes - 1; size >= 0; size--) // the largest is the one that calibrates
    for (int instance = 0; instance < s->instances; instance++) {
      TRY(open_one(s, instance, size, error));
      for (int warm = 0; warm < 2; warm++) TRY(sut_serve(s, instance, 0, s->batches[size], error));
    }
  return MINFER_OK;
}

minfer_status sut_serve(sut *s, int instance, int first, int count, minfer_error *error) {
  int size = 0;
  while (s->batches[size] < count) size++;
  minfer_session *session = s->setups[instance * s->sizes + size].session;
  const size_t numbers = (size_t)s->batches[size] * (size_t)s->classes;
  TRY(minfer_session_load(session, s->input, first, error));
  TRY(minfer_session_run(session, NULL, error));
  return minfer_session_output(session, s->logits + (size_t)instance * (size_t)s->largest * (size_t)s->classes, numbers,
                               error);
}

typedef struct helper {
  void (*body)(int instance, void *context);
  void *context;
  int instance;
  pthread_t thread;
} helper;

static void *help(void *context) {
  const helper *h = context;
  h->body(h->instance, h->context);
  return NULL;
}

minfer_status sut_run_all(sut *s, void (*body)(int instance, void *context), void *context, minfer_error *error) {
  helper *helpers = calloc((size_t)s->instances, sizeof *helpers);
  if (!helpers) return fail_memory(error);
  int started = 1, refused = 0;
  while (started < s->instances && !refused) {
    helpers[started] = (helper){.body = body, .context = context, .instance = started};
    refused = pthread_create(&helpers[started].thread, NULL, help, &helpers[started]);
    started += !refused;
  }
  if (!refused) body(0, context);
  for (int i = 1; i < started; i++) pthread_join(helpers[i].thread, NULL);
  free(helpers);
  return refused ? fail(error, MINFER_UNSUPPORTED, "a thread for instance %d cannot be started: %s", started,
                        strerror(refused))
                 : MINFER_OK;
}

const minfer_plan *sut_plan(const sut *s) {
  return minfer_session_plan(s->setups[s->sizes - 1].session);
}

void sut_free(sut *s) {
  for (int i = 0; s->setups && i < s->instances * s->sizes; i++) minfer_session_free(s->setups[i].session);
  free(s->setups);
  free(s->logits);
  *s = (sut){0};
}
