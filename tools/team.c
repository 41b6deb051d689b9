#include "team.h"
#include "clock.h"
#include "fail.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct member {
  team *team;
  pthread_t thread; // of all but instance 0
  minfer_session *session;
  double *ms; // of the block
  double start_s, end_s;
  minfer_status status;
  minfer_error error;
} member;

struct team {
  pthread_mutex_t lock; // of what follows, up to `stop`
  pthread_cond_t changed;
  unsigned block; // number of the one that is running or was the last
  int runs, busy;
  bool stop;
  int count, threads; // threads: how many there are
  member members[];
};

static void run_block(member *m, int runs) {
  m->status = MINFER_OK;
  m->start_s = clock_s();
  for (int i = 0; i < runs && m->status == MINFER_OK; i++) {
    uint64_t ns = 0;
    m->status = minfer_session_run(m->session, &ns, &m->error);
    m->ms[i] = (double)ns * 1e-6;
  }
  m->end_s = clock_s();
}

static void *serve(void *context) {
  member *m = context;
  team *t = m->team;
  pthread_mutex_lock(&t->lock);
  for (unsigned done = 0;;) {
    while (t->block == done && !t->stop) pthread_cond_wait(&t->changed, &t->lock);
    if (t->stop) break;
    done = t->block;
    pthread_mutex_unlock(&t->lock);
    run_block(m, t->runs);
    pthread_mutex_lock(&t->lock);
    if (--t->busy == 0) pthread_cond_broadcast(&t->changed);
  }
  pthread_mutex_unlock(&t->lock);
  return NULL;
}

static minfer_status add_member(team *t, int index, const minfer_session_options *options, minfer_error *error) {
  member *m = &t->members[index];
  minfer_session_options own = *options;
  own.threads = 0; // as many as instance 0 has
  own.instances = t->count;
  own.instance = index;
  *m = (member){.team = t};
  TRY(minfer_session_clone(t->members[0].session, &own, &m->session, error));
  const int refused = pthread_create(&m->thread, NULL, serve, m);
  if (!refused) {
    t->threads++;
    return MINFER_OK;
  }
  minfer_session_free(m->session);
  return fail(error, MINFER_UNSUPPORTED, "a thread for instance %d cannot be started: %s", index, strerror(refused));
}

minfer_status team_open(team **out, minfer_session *session, int count, const minfer_session_options *options,
                        minfer_error *error) {
  team *t = calloc(1, sizeof *t + (size_t)count * sizeof *t->members);
  if (!t) return fail_memory(error);
  pthread_mutex_init(&t->lock, NULL);
  pthread_cond_init(&t->changed, NULL);
  t->count = count;
  t->members[0] = (member){.team = t, .session = session};
  minfer_status status = MINFER_OK;
  for (int i = 1; i < count && status == MINFER_OK; i++) status = add_member(t, i, options, error);
  if (status == MINFER_OK)
    *out = t;
  else
    team_free(t);
  return status;
}

void team_free(team *t) {
  if (!t) return;
  pthread_mutex_lock(&t->lock);
  t->stop = true;
  pthread_cond_broadcast(&t->changed);
  pthread_mutex_unlock(&t->lock);
  for (int i = 1; i <= t->threads; i++) {
    pthread_join(t->members[i].thread, NULL);
    minfer_session_free(t->members[i].session);
  }
  pthread_cond_destroy(&t->changed);
  pthread_mutex_destroy(&t->lock);
  free(t);
}

int team_count(const team *t) {
  return t->count;
}

minfer_status team_load(team *t, const minfer_input *input, int first, minfer_error *error) {
  for (int i = 0; i < t->count; i++) TRY(minfer_session_load(t->members[i].session, input, first, error));
  return MINFER_OK;
}

minfer_status team_run(team *t, int runs, double *ms, double *wall_ms, minfer_error *error) {
  for (int i = 0; i < t->count; i++) t->members[i].ms = ms + (size_t)i * (size_t)runs;
  pthread_mutex_lock(&t->lock);
  t->runs = runs;
  t->busy = t->threads;
  t->block++;
  pthread_cond_broadcast(&t->changed);
  pthread_mutex_unlock(&t->lock);
  run_block(&t->members[0], runs);
  pthread_mutex_lock(&t->lock);
  while (t->busy) pthread_cond_wait(&t->changed, &t->lock);
  pthread_mutex_unlock(&t->lock);
  double start = t->members[0].start_s, end = t->members[0].end_s;
  for (int i = 0; i < t->count; i++) {
    const member *m = &t->members[i];
    if (m->status != MINFER_OK) {
      *error = m->error;
      return m->status;
    }
    if (m->start_s < start) start = m->start_s;
    if (m->end_s > end) end = m->end_s;
  }
  *wall_ms = (end - start) * 1e3;
  return MINFER_OK;
}
