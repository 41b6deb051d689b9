// Sessions that share a plan, and the cores that each of them has.
#include "api/handles.h"
#include "base/clock.h"
#include "thread/affinity.h"

static mf_status check_place(const minfer_session_options *o, int instances, mf_error *e) {
  if (instances < 1 || instances > MF_POOL_THREADS)
    return mf_fail(e, MF_ERR_USAGE, "%d instances are out of range (expected 1 to %d)", o->instances, MF_POOL_THREADS);
  if (o->instance < 0 || o->instance >= instances)
    return mf_fail(e, MF_ERR_USAGE, "there is no instance %d (expected 0 to %d)", o->instance, instances - 1);
  return MF_OK;
}

// One placement for the workers of all instances, of which this one takes its part: so their cores are disjoint as long
// as there are enough.
mf_status mf_api_make_pool(minfer_session *s, mf_error *e) {
  minfer_session_options *o = &s->options;
  const int instances = o->instances ? o->instances : 1;
  MF_TRY(check_place(o, instances, e));
  MF_TRY(mf_topology_read(&s->topology, e));
  if (!o->threads) {
    o->threads = (int)mf_topology_default_threads(&s->topology) / instances;
    if (!o->threads) o->threads = 1;
  }
  const size_t threads = (size_t)o->threads, workers = threads * (size_t)instances;
  mf_affinity *affinity = mf_arena_alloc(&s->arena, sizeof *affinity);
  int *cpus = mf_arena_alloc(&s->arena, workers * sizeof *cpus);
  if (!affinity || !cpus) return mf_fail_memory(e, sizeof *affinity);
  if (o->affinity) MF_TRY(mf_affinity_parse(affinity, o->affinity, e));
  MF_TRY(mf_affinity_place(affinity, &s->topology, workers, cpus, e));
  if (o->counters) MF_TRY(mf_counters_open(&s->counters, e)); // before the threads that they count
  const mf_pool_options options = {
      .threads = o->threads, .spin_us = mf_api_spin(o), .cpus = cpus + threads * (size_t)o->instance};
  return mf_pool_create(&s->pool, &options, e);
}

static mf_status take_options(minfer_session *s, const minfer_session *from, const minfer_session_options *options,
                              mf_error *e) {
  minfer_session_options given = {0};
  if (options) MF_TRY(mf_api_options(&given, sizeof given, options, "session", e));
  if (given.threads && given.threads != from->plan->threads)
    return mf_fail(e, MF_ERR_USAGE, "the plan was made for %d threads (%d were asked for)", from->plan->threads,
                   given.threads);
  s->options = from->options;
  s->options.threads = from->plan->threads;
  s->options.instance = given.instance;
  s->options.instances = given.instances;
  s->options.spin_us = given.spin_us;
  s->options.affinity = given.affinity;
  return mf_api_keep_text(s, &s->options.affinity, e);
}

static mf_status phase(minfer_session *s, const char *name, mf_error *e) {
  return mf_api_phase(s, name, s->phase_end, mf_now_ns() - s->phase_end, e);
}

// What belongs to the plan is borrowed: the origin lives as long as its clones.
static mf_status clone(minfer_session *s, const minfer_session *from, const minfer_session_options *options,
                       mf_error *e) {
  s->phase_end = mf_now_ns();
  MF_TRY(take_options(s, from, options, e));
  MF_TRY(mf_api_make_pool(s, e));
  MF_TRY(phase(s, "threads", e));
  s->graph = from->graph;
  s->plan = from->plan;
  s->calibration = from->calibration;
  s->calibration_report = from->calibration_report;
  s->calibration_kind = from->calibration_kind;
  s->weights_hash = from->weights_hash;
  MF_TRY(mf_session_create(&s->session, s->plan, s->pool, e));
  MF_TRY(phase(s, "session", e));
  s->view = from->view;
  s->view.phases = s->phases;
  s->view.phase_count = s->phase_count;
  return MF_OK;
}

minfer_status minfer_session_clone(minfer_session *session, const minfer_session_options *options, minfer_session **out,
                                   minfer_error *error) {
  mf_error e = {0};
  minfer_session *s = mf_alloc_zero(sizeof *s);
  if (!s) return mf_api_report(error, &e, mf_fail_memory(&e, sizeof *s));
  minfer_session *origin = session->origin ? session->origin : session;
  atomic_init(&s->references, 1);
  s->origin = origin;
  atomic_fetch_add(&origin->references, 1);
  s->model = origin->model;
  mf_api_retain(s->model);
  const mf_status status = clone(s, origin, options, &e);
  if (status == MF_OK)
    *out = s;
  else
    minfer_session_free(s);
  return mf_api_report(error, &e, status);
}
