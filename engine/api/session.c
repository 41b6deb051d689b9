// Sessions: threads, graph, passes, calibration, plan. Each phase is timed for the start-up waterfall.
#include "api/handles.h"
#include "base/clock.h"
#include "base/log.h"
#include "load/safetensors.h"
#include "plan/chunk.h"
#include "plan/onednn.h"
#include <string.h>

static mf_status add_phase(minfer_session *s, const minfer_phase *phase, mf_error *e) {
  // One place is always left: the first run's phase must not move the others, which the caller may be looking at.
  if (s->phase_count + 1 >= s->phase_capacity) {
    int capacity = s->phase_capacity ? s->phase_capacity * 2 : 32;
    minfer_phase *grown = mf_grow(s->phases, (size_t)s->phase_count * sizeof *grown, (size_t)capacity * sizeof *grown);
    if (!grown) return mf_fail_memory(e, (size_t)capacity * sizeof *grown);
    s->phases = grown;
    s->phase_capacity = capacity;
  }
  const char *copy = mf_arena_copy(&s->arena, phase->name);
  if (!copy) return mf_fail_memory(e, strlen(phase->name));
  s->phases[s->phase_count] = *phase;
  s->phases[s->phase_count++].name = copy;
  return MF_OK;
}

mf_status mf_api_part(minfer_session *s, const mf_part *part, const char *cache, mf_error *e) {
  return add_phase(s, &(minfer_phase){part->name, part->start, part->duration, .cache = cache}, e);
}

// Its parts are there already, and come behind it.
mf_status mf_api_phase(minfer_session *s, const char *name, uint64_t start, uint64_t duration, mf_error *e) {
  MF_TRY(add_phase(s, &(minfer_phase){name, start, duration, .parent = -1, .cache = ""}, e));
  const int at = s->first_part, parts = s->phase_count - 1 - at;
  const minfer_phase phase = s->phases[s->phase_count - 1];
  memmove(&s->phases[at + 1], &s->phases[at], (size_t)parts * sizeof phase);
  s->phases[at] = phase;
  for (int i = at + 1; i < s->phase_count; i++) s->phases[i].parent = at;
  s->first_part = s->phase_count;
  s->phase_end = start + duration;
  return MF_OK;
}

// From the end of the last phase until now.
static mf_status phase(minfer_session *s, const char *name, mf_error *e) {
  return mf_api_phase(s, name, s->phase_end, mf_now_ns() - s->phase_end, e);
}

int64_t mf_api_spin(const minfer_session_options *o) {
  return o->spin_us == 0 ? MF_SPIN_DEFAULT_US : o->spin_us < 0 ? 0 : o->spin_us;
}

static mf_status check_enum(int value, int last, const char *what, mf_error *e) {
  if (value >= 0 && value <= last) return MF_OK;
  return mf_fail(e, MF_ERR_USAGE, "there is no %s %d (expected 0 to %d)", what, value, last);
}

static mf_status check_options(const minfer_session_options *o, mf_error *e) {
  MF_TRY(check_enum((int)o->dtype, MINFER_INT8, "dtype", e));
  MF_TRY(check_enum((int)o->layout, MINFER_LAYOUT_NCHW, "layout", e));
  MF_TRY(check_enum((int)o->equalisation, MINFER_EQUALISATION_OFF, "equalisation", e));
  MF_TRY(check_enum((int)o->algorithm, MINFER_ALGORITHM_WINOGRAD, "algorithm", e));
  if (!(o->accuracy_target >= 0 && o->accuracy_target <= 1))
    return mf_fail(e, MF_ERR_USAGE, "an accuracy target of %g is out of range (expected 0 to 1)", o->accuracy_target);
  if (o->batch < 1 || o->batch > 65536)
    return mf_fail(e, MF_ERR_USAGE, "a batch of %d is out of range (expected 1 to 65536)", o->batch);
  if (o->chunk < 1 || o->batch % o->chunk != 0)
    return mf_fail(e, MF_ERR_USAGE, "a chunk of %d does not divide a batch of %d", o->chunk, o->batch);
  if (o->algorithm == MINFER_ALGORITHM_WINOGRAD && o->dtype != MINFER_F32)
    return mf_fail(e, MF_ERR_UNSUPPORTED, "Winograd convolutions compute in f32");
  if (o->threads < 0 || o->threads > MF_POOL_THREADS)
    return mf_fail(e, MF_ERR_USAGE, "%d threads are out of range (expected 1 to %d)", o->threads, MF_POOL_THREADS);
  if (o->dtype == MINFER_INT8 && (o->layout == MINFER_LAYOUT_BLOCKED || o->layout == MINFER_LAYOUT_NCHW))
    return mf_fail(e, MF_ERR_UNSUPPORTED,
                   "int8 in nchw or nChw16c is oneDNN's reference code (use --layout auto or nhwc)");
  dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
  bool avx512 = (isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
  bool bf16 = (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16 || isa == dnnl_cpu_isa_avx2_vnni_2;
  bool f16 = (isa & dnnl_cpu_isa_avx512_core_fp16) == dnnl_cpu_isa_avx512_core_fp16 || isa == dnnl_cpu_isa_avx2_vnni_2;
  if (o->dtype == MINFER_BF16 && !bf16 && !(o->emulate && avx512)) {
    mf_fail(e, MF_ERR_UNSUPPORTED, "bf16 needs avx512_core_bf16 or avx2_vnni_2 (oneDNN uses %s here)", mf_onednn_isa());
    return avx512 ? mf_hint(e, "--emulate runs it on AVX-512 without native support") : e->status;
  }
  if (o->dtype == MINFER_F16 && !f16)
    return mf_fail(e, MF_ERR_UNSUPPORTED, "f16 needs avx512_core_fp16 or avx2_vnni_2 (oneDNN uses %s here)",
                   mf_onednn_isa());
  return MF_OK;
}

typedef struct pass_notes {
  minfer_session *s;
  mf_error *e;
  mf_status status;
} pass_notes;

static void note_pass(const char *pass, uint64_t ns, void *context) {
  pass_notes *notes = context;
  (void)ns;
  const char *name = mf_arena_format(&notes->s->arena, "pass %s", pass);
  if (notes->status == MF_OK) notes->status = name ? phase(notes->s, name, notes->e) : mf_fail_memory(notes->e, 64);
}

static void note_plan(const mf_plan_event *event, void *context) {
  pass_notes *notes = context;
  if (notes->status != MF_OK) return;
  if (event->is_part)
    notes->status =
        mf_api_part(notes->s, &(mf_part){event->name, event->start, event->duration}, event->cache, notes->e);
  else
    notes->status = mf_api_phase(notes->s, event->name, event->start, event->duration, notes->e);
}

static mf_status make_graph(minfer_session *s, mf_error *e) {
  MF_TRY(mf_api_build(s->model, s->options.chunk, NULL, &s->graph, e));
  MF_TRY(phase(s, "build", e));
  if (s->options.dtype == MINFER_INT8) { // before passes change them
    s->weights_hash = mf_calibration_weights_hash(s->graph);
    MF_TRY(phase(s, "hash weights", e));
  }
  pass_notes notes = {s, e, MF_OK};
  MF_TRY(mf_pass_run_all(
      s->graph, &(mf_pass_options){.fusion = !s->options.no_fusion, .observe = note_pass, .context = &notes}, e));
  return notes.status;
}

// The kernel promises memory that it does not have and ends the process that touches it; so what cannot fit is refused.
static mf_status check_memory(const minfer_session *s, mf_error *e) {
  const mf_topology *t = &s->topology;
  const uint64_t limit = t->memory_limit_bytes ? t->memory_limit_bytes : t->memory_bytes;
  const uint64_t instances = s->options.instances > 1 ? (uint64_t)s->options.instances : 1;
  const uint64_t each = (uint64_t)s->plan->activation_bytes + s->plan->scratchpad_bytes;
  const uint64_t needed = each * instances + s->plan->constant_bytes;
  if (!limit || needed <= limit) return MF_OK;
  mf_fail(e, MF_ERR_UNSUPPORTED, "a batch of %d needs %llu MiB of memory (this process has %llu MiB)", s->options.batch,
          (unsigned long long)(needed >> 20), (unsigned long long)(limit >> 20));
  return mf_hint(e, s->options.chunk > 1 ? "a smaller batch needs less, and so does a chunk of it (--chunk)"
                                         : "a smaller batch needs less");
}

static mf_status make_plan(minfer_session *s, bool float_input, mf_error *e) {
  static const mf_layout layouts[] = {[MINFER_LAYOUT_AUTO] = MF_LAYOUT_AUTO,
                                      [MINFER_LAYOUT_BLOCKED] = MF_LAYOUT_BLOCKED,
                                      [MINFER_LAYOUT_NHWC] = MF_LAYOUT_NHWC,
                                      [MINFER_LAYOUT_NCHW] = MF_LAYOUT_NCHW};
  static const mf_algorithm algorithms[] = {[MINFER_ALGORITHM_AUTO] = MF_ALGORITHM_AUTO,
                                            [MINFER_ALGORITHM_DIRECT] = MF_ALGORITHM_DIRECT,
                                            [MINFER_ALGORITHM_GEMM] = MF_ALGORITHM_GEMM,
                                            [MINFER_ALGORITHM_WINOGRAD] = MF_ALGORITHM_WINOGRAD};
  static const mf_dtype stored[] = {
      [MINFER_F32] = MF_F32, [MINFER_BF16] = MF_BF16, [MINFER_F16] = MF_F16, [MINFER_INT8] = MF_F32};
  mf_plan_options options = {.layout = layouts[s->options.layout],
                             .algorithm = algorithms[s->options.algorithm],
                             .activations = stored[s->options.dtype],
                             .float_input = float_input,
                             .chunks = s->options.batch / s->options.chunk};
  pass_notes notes = {s, e, MF_OK};
  MF_TRY(mf_plan_create(&s->plan, s->graph, &options, s->pool, note_plan, &notes, e));
  MF_TRY(notes.status);
  MF_TRY(check_memory(s, e));
  MF_TRY(mf_session_create(&s->session, s->plan, s->pool, e));
  mf_session_count(s->session, s->counters);
  mf_part touch = {.name = "first touch"};
  mf_session_touched(s->session, &touch.start, &touch.duration);
  MF_TRY(mf_api_part(s, &touch, "", e));
  return phase(s, "session", e);
}

// The phases of opening the model: told once, by its first session.
static mf_status tell_opening(minfer_session *s, mf_error *e) {
  const minfer_model *m = s->model;
  if (m->opening_told) return MF_OK;
  for (int i = 0; i < m->opening_part_count; i++) MF_TRY(mf_api_part(s, &m->opening_parts[i], "", e));
  return mf_api_phase(s, "weights", m->opened, m->opening, e);
}

mf_status mf_api_keep_text(minfer_session *s, const char **text, mf_error *e) {
  if (!*text) return MF_OK;
  const char *copy = mf_arena_copy(&s->arena, *text);
  if (!copy) return mf_fail_memory(e, strlen(*text));
  *text = copy;
  return MF_OK;
}

static mf_status take_options(minfer_session *s, const minfer_session_options *options, mf_error *e) {
  minfer_session_options *o = &s->options;
  if (options) MF_TRY(mf_api_options(o, sizeof *o, options, "session", e));
  if (!o->batch) o->batch = 1;
  if (!o->chunk) o->chunk = mf_plan_chunk(o->batch, o->dtype == MINFER_F32, mf_onednn_has_amx(), s->model->intensity);
  MF_TRY(check_options(o, e));
  MF_TRY(mf_api_keep_text(s, &o->affinity, e));
  MF_TRY(mf_api_keep_text(s, &o->calibration, e));
  return mf_api_keep_text(s, &o->calibrator, e);
}

static mf_status create(minfer_session *s, const minfer_input *input, const minfer_session_options *options,
                        mf_error *e) {
  const uint64_t begin = mf_now_ns();
  MF_TRY(take_options(s, options, e));
  if (input && input->model != s->model) return mf_fail(e, MF_ERR_USAGE, "the input was made for another model");
  MF_TRY(tell_opening(s, e));
  s->phase_end = begin;
  MF_TRY(mf_api_make_pool(s, e));
  MF_TRY(phase(s, "threads", e));
  MF_TRY(make_graph(s, e));
  if (s->options.dtype == MINFER_INT8) {
    MF_TRY(mf_api_calibrate(s, input, e));
    MF_TRY(phase(s, "calibrate", e));
  }
  MF_TRY(make_plan(s, input && input->count && input->items[0].floats, e));
  if (s->model->from_file) MF_TRY(mf_safetensors_check(s->model->weights, e));
  s->model->opening_told = true;
  return mf_api_describe(s, e);
}

minfer_status minfer_session_create(minfer_model *model, const minfer_input *input,
                                    const minfer_session_options *options, minfer_session **out, minfer_error *error) {
  mf_error e = {0};
  minfer_session *s = mf_alloc_zero(sizeof *s);
  if (!s) return mf_api_report(error, &e, mf_fail_memory(&e, sizeof *s));
  atomic_init(&s->references, 1);
  s->model = model;
  mf_api_retain(model);
  mf_status status = create(s, input, options, &e);
  if (status == MF_OK)
    *out = s;
  else
    minfer_session_free(s);
  return mf_api_report(error, &e, status);
}

void minfer_session_free(minfer_session *s) {
  if (!s || atomic_fetch_sub(&s->references, 1) > 1) return;
  minfer_session *origin = s->origin;
  mf_session_free(s->session);
  if (!origin) {
    mf_plan_free(s->plan);
    mf_graph_free(s->graph);
    mf_calibration_free(&s->calibration);
  }
  mf_pool_destroy(s->pool);
  mf_counters_close(s->counters);
  mf_topology_free(&s->topology);
  mf_recorder_free(s->recorder);
  mf_free(s->phases);
  mf_free(s->spans);
  mf_api_release(s->model);
  mf_arena_free(&s->arena);
  mf_free(s);
  minfer_session_free(origin);
}

mf_status mf_api_load(minfer_session *s, const minfer_input *input, int first, mf_error *e) {
  if (!input->count) return mf_fail(e, MF_ERR_USAGE, "the input is empty");
  if (input->model != s->model) return mf_fail(e, MF_ERR_USAGE, "the input was made for another model");
  if (first < 0) return mf_fail(e, MF_ERR_USAGE, "there is no item %d of the input (expected 0 or more)", first);
  for (int i = 0; i < s->options.batch; i++)
    MF_TRY(mf_api_fill(s->session, s->model, &input->items[((int64_t)first + i) % input->count], i, e));
  return MF_OK;
}

minfer_status minfer_session_load(minfer_session *s, const minfer_input *input, int first, minfer_error *error) {
  mf_error e = {0};
  return mf_api_report(error, &e, mf_api_load(s, input, first, &e));
}

// The first run touches everything for the first time: it is the last phase of start-up, and no other run is like it.
static void note_first_run(minfer_session *s, uint64_t start) {
  mf_error e;
  if (!s->has_run && mf_api_phase(s, "first run", start, mf_now_ns() - start, &e) == MF_OK) {
    s->view.phases = s->phases;
    s->view.phase_count = s->phase_count;
  }
  s->has_run = true;
}

minfer_status minfer_session_run(minfer_session *s, uint64_t *duration_ns, minfer_error *error) {
  mf_error e = {0};
  const uint64_t start = mf_now_ns();
  const mf_status status = mf_session_run(s->session, NULL, MF_TRACE_OFF, 0, duration_ns, &e);
  if (status == MF_OK && !s->has_run) note_first_run(s, start);
  return mf_api_report(error, &e, status);
}

// Room for some hundred runs of the deepest network, and for some of the finest level with however many threads; for
// one at least where a run has very many chunks.
#define RECORDS ((size_t)1 << 17)
#define RECORDS_MOST ((size_t)1 << 20)
#define RUNS 8

static mf_status make_recorder(minfer_session *s, mf_error *e) {
  const size_t steps = (size_t)s->plan->step_count, layers = (size_t)s->plan->layer_count;
  const size_t run = 1 + (size_t)s->plan->chunks * (layers + steps * (1 + (size_t)s->plan->threads));
  const size_t wanted = run * RUNS < RECORDS_MOST ? run * RUNS : run > RECORDS_MOST ? run : RECORDS_MOST;
  return mf_recorder_create(&s->recorder, wanted > RECORDS ? wanted : RECORDS, e);
}

minfer_status minfer_session_run_traced(minfer_session *s, minfer_trace_level level, uint64_t *duration_ns,
                                        minfer_error *error) {
  mf_error e = {0};
  mf_status status = check_enum((int)level, MINFER_TRACE_THREAD, "trace level", &e);
  if (status == MF_OK && !s->recorder) status = make_recorder(s, &e);
  if (status == MF_OK)
    status = mf_session_run(s->session, s->recorder, (mf_trace_level)level, ++s->runs, duration_ns, &e);
  s->has_run |= status == MF_OK; // such a first run has a span of its own
  return mf_api_report(error, &e, status);
}

minfer_status minfer_session_output(minfer_session *s, float *logits, size_t count, minfer_error *error) {
  mf_error e = {0};
  size_t there;
  const float *output = mf_session_output(s->session, &there);
  mf_status status = count == there
                         ? MF_OK
                         : mf_fail(&e, MF_ERR_USAGE, "the output has %zu numbers (%zu were asked for)", there, count);
  if (status == MF_OK) memcpy(logits, output, count * sizeof *logits);
  return mf_api_report(error, &e, status);
}
