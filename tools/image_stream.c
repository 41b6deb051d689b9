#include "image_stream.h"
#include "fail.h"
#include "interrupt.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct image_stream {
  const minfer_model *model;
  const char *folder;
  const labels *labels;
  size_t chunk;
  bool strict;
  pthread_t thread;
  pthread_mutex_t lock; // for what follows
  pthread_cond_t changed;
  image_chunk *ready;
  bool ended;         // the thread puts nothing there any more
  bool stop;          // the thread shall end
  minfer_error error; // why it ended, once it has
};

// ---- the thread

static bool is_stopped(image_stream *s) {
  pthread_mutex_lock(&s->lock);
  bool stop = s->stop;
  pthread_mutex_unlock(&s->lock);
  return stop;
}

// The error becomes a line of the chunk.
static minfer_status pass_over(image_chunk *c, minfer_error *e) {
  char **broken = reallocarray(c->broken, c->broken_count + 1, sizeof *broken);
  if (!broken) return fail_memory(e);
  c->broken = broken;
  if (asprintf(&broken[c->broken_count], "%s (passed over)", e->text) < 0) return fail_memory(e);
  c->broken_count++;
  *e = (minfer_error){0};
  return MINFER_OK;
}

static minfer_status add_picture(image_stream *s, image_chunk *c, const label *l, minfer_error *e) {
  char *path = NULL;
  if (asprintf(&path, "%s/%s", s->folder, l->file) < 0) return fail_memory(e);
  minfer_status status = minfer_input_add_image(c->input, path, e);
  free(path);
  if (status == MINFER_OK) c->labels[minfer_input_count(c->input) - 1] = l;
  return status != MINFER_FILE || s->strict ? status : pass_over(c, e);
}

static minfer_status decode(image_stream *s, size_t first, image_chunk *c, minfer_error *e) {
  size_t rest = s->labels->count - first, count = rest < s->chunk ? rest : s->chunk;
  c->labels = reallocarray(NULL, count, sizeof *c->labels);
  if (!c->labels) return fail_memory(e);
  TRY(minfer_input_create(s->model, &c->input, e));
  for (; c->tried < count; c->tried++) {
    if (is_stopped(s)) return fail(e, MINFER_INTERRUPTED, "interrupted");
    TRY(add_picture(s, c, &s->labels->items[first + c->tried], e));
  }
  return MINFER_OK;
}

// Hands the chunk over as soon as the one before it has been taken. False when nobody wants it.
static bool put(image_stream *s, image_chunk *c) {
  pthread_mutex_lock(&s->lock);
  while (s->ready && !s->stop) pthread_cond_wait(&s->changed, &s->lock);
  bool wanted = !s->stop;
  if (wanted) s->ready = c;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
  return wanted;
}

static void *read_ahead(void *stream) {
  image_stream *s = stream;
  minfer_error error = {0};
  for (size_t first = 0; first < s->labels->count; first += s->chunk) {
    image_chunk *c = calloc(1, sizeof *c);
    if (!c)
      fail_memory(&error);
    else if (decode(s, first, c, &error) == MINFER_OK && put(s, c))
      continue;
    image_chunk_free(c);
    break;
  }
  pthread_mutex_lock(&s->lock);
  s->error = error;
  s->ended = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
  return NULL;
}

// ---- the caller

static int start(image_stream *s) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  sigset_t ours, before; // signals are the main thread's
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ours, &before);
  int why = pthread_create(&s->thread, NULL, read_ahead, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return why;
}

static void destroy(image_stream *s) {
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->lock);
  free(s);
}

minfer_status image_stream_open(image_stream **out, const minfer_model *model, const char *folder, const labels *l,
                                size_t chunk, bool strict, minfer_error *e) {
  image_stream *s = calloc(1, sizeof *s);
  if (!s) return fail_memory(e);
  s->model = model;
  s->folder = folder;
  s->labels = l;
  s->chunk = chunk;
  s->strict = strict;
  int why = start(s);
  if (why) {
    destroy(s);
    return fail(e, MINFER_UNSUPPORTED, "the thread that reads pictures could not be started: %s", strerror(why));
  }
  *out = s;
  return MINFER_OK;
}

// For a tenth of a second at most: a signal does not end the wait by itself.
static void wait_a_little(image_stream *s) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += 100000000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

minfer_status image_stream_next(image_stream *s, image_chunk **out, minfer_error *e) {
  minfer_status status = MINFER_OK;
  pthread_mutex_lock(&s->lock);
  while (!s->ready && !s->ended && !interrupt_seen()) wait_a_little(s);
  *out = NULL;
  if (interrupt_seen()) {
    status = fail(e, MINFER_INTERRUPTED, "interrupted");
  } else if (s->ready) {
    *out = s->ready;
    s->ready = NULL;
    pthread_cond_broadcast(&s->changed);
  } else if (s->error.status != MINFER_OK) {
    *e = s->error;
    status = e->status;
  }
  pthread_mutex_unlock(&s->lock);
  return status;
}

void image_chunk_free(image_chunk *c) {
  if (!c) return;
  for (size_t i = 0; i < c->broken_count; i++) free(c->broken[i]);
  free(c->broken);
  free(c->labels);
  minfer_input_free(c->input);
  free(c);
}

void image_stream_close(image_stream *s) {
  if (!s) return;
  pthread_mutex_lock(&s->lock);
  s->stop = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
  pthread_join(s->thread, NULL);
  image_chunk_free(s->ready);
  destroy(s);
}
