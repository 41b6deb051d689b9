// A session's trace: its spans with names and attributes.
#include "api/handles.h"
#include "base/clock.h"
#include "plan/onednn.h"
#include "trace/attributes.h"
#include <string.h>

static mf_status layer_item(minfer_session *s, const minfer_layer *l, mf_item *out, mf_error *e) {
  mf_trace_attributes a = {.count = 0};
  mf_trace_attributes_text(&a, "kind", l->kind);
  mf_trace_attributes_texts(&a, "sources", l->sources, l->source_count);
  mf_trace_attributes_text(&a, "stage", l->stage);
  mf_trace_attributes_text(&a, "dtype", l->dtype);
  mf_trace_attributes_text(&a, "implementation", l->impl);
  mf_trace_attributes_text(&a, "input_shape", l->input_shape);
  mf_trace_attributes_text(&a, "output_shape", l->output_shape);
  *out = (mf_item){.name = l->name, .category = l->kind};
  return mf_trace_attributes_keep(&s->arena, &a, &out->attributes, &out->attribute_count, e);
}

static void argument(mf_trace_attributes *a, const char *format_key, const char *dtype_key,
                     const minfer_argument *argument) {
  mf_trace_attributes_text(a, format_key, argument->format);
  mf_trace_attributes_text(a, dtype_key, argument->dtype);
}

static mf_status primitive_item(minfer_session *s, const minfer_primitive *p, mf_item *out, mf_error *e) {
  mf_trace_attributes a = {.count = 0};
  mf_trace_attributes_text(&a, "kind", p->kind);
  mf_trace_attributes_text(&a, "implementation", p->impl);
  mf_trace_attributes_text(&a, "problem", p->problem);
  argument(&a, "source_format", "source_dtype", &p->source);
  argument(&a, "weights_format", "weights_dtype", &p->weights);
  argument(&a, "bias_format", "bias_dtype", &p->bias);
  argument(&a, "destination_format", "destination_dtype", &p->destination);
  mf_trace_attributes_text(&a, "post_ops", p->post_ops);
  mf_trace_attributes_text(&a, "from", p->from);
  mf_trace_attributes_text(&a, "to", p->to);
  mf_trace_attributes_text(&a, "reason", p->reason);
  mf_trace_attributes_integer(&a, "scratchpad_bytes", p->scratchpad_bytes);
  mf_trace_attributes_integer(&a, "bytes_read", p->bytes_read);
  mf_trace_attributes_integer(&a, "bytes_written", p->bytes_written);
  const double bytes = (double)p->bytes_read + (double)p->bytes_written;
  if (p->flops > 0) {
    mf_trace_attributes_number(&a, "flops", p->flops);
    if (bytes > 0) mf_trace_attributes_number(&a, "flops_per_byte", p->flops / bytes);
  }
  mf_trace_attributes_text(&a, "bound", p->bound);
  if (p->roof_ns > 0) mf_trace_attributes_number(&a, "roof_ns", p->roof_ns);
  *out = (mf_item){.name = p->name, .category = p->kind, .flops = p->flops, .bytes = bytes, .roof = p->roof_ns};
  return mf_trace_attributes_keep(&s->arena, &a, &out->attributes, &out->attribute_count, e);
}

static const char *const dtypes[] = {"f32", "bf16", "f16", "int8"};
static const char *const layouts[] = {"auto", "blocked", "nhwc", "nchw"};
static const char *const algorithms[] = {"auto", "direct", "gemm", "winograd"};

static void machine(mf_trace_attributes *a, const mf_topology *t, const char *onednn_version) {
  mf_trace_attributes_text(a, "minfer_version", MINFER_VERSION);
  mf_trace_attributes_text(a, "onednn_version", onednn_version);
  mf_trace_attributes_text(a, "onednn_runtime", "threadpool");
  mf_trace_attributes_text(a, "cpu", t->model);
  mf_trace_attributes_text(a, "isa", mf_onednn_isa());
  mf_trace_attributes_integer(a, "logical_cpus", t->cpu_count);
  mf_trace_attributes_integer(a, "physical_cores", t->core_count);
  if (t->quota_cpus > 0) mf_trace_attributes_number(a, "cgroup_cpus", t->quota_cpus);
  mf_trace_attributes_integer(a, "l1d_bytes", t->l1d_bytes);
  mf_trace_attributes_integer(a, "l2_bytes", t->l2_bytes);
  mf_trace_attributes_integer(a, "l3_bytes", t->l3_bytes);
  mf_trace_attributes_integer(a, "memory_bytes", t->memory_bytes);
}

static void options(mf_trace_attributes *a, const minfer_session *s) {
  const minfer_session_options *o = &s->options;
  const minfer_model_info *info = &s->model->info;
  mf_trace_attributes_text(a, "model", info->name);
  mf_trace_attributes_number(a, "width_multiplier", info->multiplier);
  mf_trace_attributes_text(a, "weights_source", info->weights_source);
  mf_trace_attributes_text(a, "weights_path", info->weights_path);
  mf_trace_attributes_text(a, "dtype", dtypes[o->dtype]);
  mf_trace_attributes_integer(a, "batch", (size_t)o->batch);
  if (s->plan->chunks > 1) mf_trace_attributes_integer(a, "chunk", (size_t)o->chunk);
  mf_trace_attributes_text(a, "layout", layouts[o->layout]);
  mf_trace_attributes_text(a, "fusion", o->no_fusion ? "off" : "on");
  mf_trace_attributes_text(a, "algorithm", algorithms[o->algorithm]);
  mf_trace_attributes_integer(a, "threads", (size_t)s->plan->threads);
  mf_trace_attributes_integer(a, "spin_us", (size_t)mf_api_spin(o));
  mf_trace_attributes_text(a, "affinity", o->affinity ? o->affinity : "default");
  mf_trace_attributes_text(a, "calibration_source", s->view.calibration_source);
  mf_trace_attributes_text(a, "calibrator", s->view.calibrator);
  if (s->calibration.samples) mf_trace_attributes_integer(a, "calibration_images", (size_t)s->calibration.samples);
}

// The roofs of the roofline at the run's number of threads. Reading, for that is the higher one.
static void peaks(mf_trace_attributes *a, const minfer_peak_row *row, minfer_dtype dtype) {
  static const char *const compute[] = {"peak_f32_gflops", "peak_bf16_gflops", "peak_f16_gflops", "peak_int8_gflops"};
  static const char *const memory[] = {"peak_l1_gbytes_per_s", "peak_l2_gbytes_per_s", "peak_l3_gbytes_per_s",
                                       "peak_gbytes_per_s"};
  const minfer_peak *own = &row->compute[dtype];
  mf_trace_attributes_number(a, "peak_gflops", own->rate > 0 ? own->rate : row->compute[MINFER_F32].rate);
  for (int i = 0; i <= MINFER_INT8; i++)
    if (row->compute[i].rate > 0) mf_trace_attributes_number(a, compute[i], row->compute[i].rate);
  for (int i = 0; i < MINFER_MEMORY_LEVELS; i++)
    if (row->read[i].rate > 0) mf_trace_attributes_number(a, memory[i], row->read[i].rate);
}

static mf_status environment(minfer_session *s, mf_error *e) {
  mf_trace_attributes a = {.count = 0};
  const dnnl_version_t *v = dnnl_version();
  const char *version = mf_arena_format(&s->arena, "%d.%d.%d", v->major, v->minor, v->patch);
  const char *name = mf_arena_format(&s->arena, "minfer %s %s", s->model->info.name, dtypes[s->options.dtype]);
  if (!version || !name) return mf_fail_memory(e, 64);
  machine(&a, &s->topology, version);
  options(&a, s);
  mf_trace_attributes_integer(&a, "activation_bytes", s->plan->activation_bytes);
  mf_trace_attributes_integer(&a, "activation_bound_bytes", s->plan->activation_bound_bytes);
  mf_trace_attributes_integer(&a, "weight_bytes", s->plan->constant_bytes);
  mf_trace_attributes_integer(&a, "scratchpad_bytes", s->plan->scratchpad_bytes);
  if (s->view.peaks) peaks(&a, s->view.peaks, s->options.dtype);
  mf_trace_attributes_text(&a, "counters", s->view.counters);
  MF_TRY(mf_trace_attributes_keep(&s->arena, &a, &s->trace.environment, &s->trace.environment_count, e));
  s->trace.name = name;
  return MF_OK;
}

static mf_status phase_item(minfer_session *s, const minfer_phase *p, mf_item *out, mf_error *e) {
  mf_trace_attributes a = {.count = 0};
  mf_trace_attributes_text(&a, "cache", p->cache);
  *out = (mf_item){.name = p->name, .category = "start-up"};
  return a.count ? mf_trace_attributes_keep(&s->arena, &a, &out->attributes, &out->attribute_count, e) : MF_OK;
}

// What the time before the first primitive and after each one is called, where it is long enough to be shown.
static mf_status gap_items(minfer_session *s, const mf_item *primitives, int count, mf_item **out, mf_error *e) {
  mf_item *gaps = mf_arena_alloc(&s->arena, ((size_t)count + 1) * sizeof *gaps);
  if (!gaps) return mf_fail_memory(e, (size_t)count * sizeof *gaps);
  for (int i = 0; i <= count; i++) {
    gaps[i].category = "gap";
    gaps[i].name = i ? mf_arena_format(&s->arena, "gap after %s", primitives[i - 1].name) : "gap before the first";
    if (!gaps[i].name) return mf_fail_memory(e, 64);
  }
  *out = gaps;
  return MF_OK;
}

// Names and attributes do not change with the runs: made once.
static mf_status make_items(minfer_session *s, mf_error *e) {
  if (s->trace.name) return MF_OK;
  const minfer_plan *p = &s->view;
  mf_item *phases = mf_arena_alloc(&s->arena, ((size_t)p->phase_count + 1) * sizeof *phases);
  mf_item *layers = mf_arena_alloc(&s->arena, ((size_t)p->layer_count + 1) * sizeof *layers);
  mf_item *primitives = mf_arena_alloc(&s->arena, ((size_t)p->primitive_count + 1) * sizeof *primitives);
  mf_buffer *buffers = mf_arena_alloc(&s->arena, ((size_t)p->buffer_count + 1) * sizeof *buffers);
  if (!phases || !layers || !primitives || !buffers)
    return mf_fail_memory(e, (size_t)p->primitive_count * sizeof *primitives);
  for (int i = 0; i < p->phase_count; i++) MF_TRY(phase_item(s, &p->phases[i], &phases[i], e));
  phases[p->phase_count] = (mf_item){.name = "first run", .category = "start-up"}; // if it is still to come
  for (int i = 0; i < p->layer_count; i++) MF_TRY(layer_item(s, &p->layers[i], &layers[i], e));
  for (int i = 0; i < p->primitive_count; i++) MF_TRY(primitive_item(s, &p->primitives[i], &primitives[i], e));
  for (int i = 0; i < p->buffer_count; i++) {
    const minfer_buffer *b = &p->buffers[i];
    buffers[i] = (mf_buffer){b->name, b->offset, b->bytes, b->first_primitive, b->last_primitive};
  }
  mf_item *gaps = NULL;
  MF_TRY(gap_items(s, primitives, p->primitive_count, &gaps, e));
  s->trace.phases = phases;
  s->trace.gaps = gaps;
  s->trace.layers = layers;
  s->trace.layer_count = p->layer_count;
  s->trace.primitives = primitives;
  s->trace.primitive_count = p->primitive_count;
  s->trace.buffers = buffers;
  s->trace.buffer_count = p->buffer_count;
  if (!s->trace.context.base) mf_trace_context_create(&s->trace.context);
  s->trace.in_chunks = s->plan->chunks > 1;
  s->trace.counters = s->counters != NULL;
  s->trace.hardware_counters = s->counters && mf_counters_hardware(s->counters);
  const uint64_t before = mf_now_ns();
  s->trace.epoch = mf_epoch_ns();
  s->trace.monotonic = before + (mf_now_ns() - before) / 2;
  return environment(s, e);
}

static mf_status collect(minfer_session *s, mf_span **spans, size_t *count, mf_error *e) {
  MF_TRY(make_items(s, e));
  int *layer_of = mf_alloc(((size_t)s->plan->step_count + 1) * sizeof *layer_of);
  mf_span *phases = mf_alloc_zero(((size_t)s->phase_count + 1) * sizeof *phases);
  mf_status status;
  if (layer_of && phases) {
    for (int i = 0; i < s->plan->step_count; i++)
      layer_of[i] = s->plan->steps[i].is_reorder ? -1 : s->plan->steps[i].layer;
    for (int i = 0; i < s->phase_count; i++)
      phases[i] = (mf_span){.kind = MF_SPAN_APPLICATION,
                            .parent = s->phases[i].parent >= 0 ? (uint64_t)s->phases[i].parent + 1 : 0,
                            .start = s->phases[i].start_ns,
                            .duration = s->phases[i].duration_ns,
                            .index = i};
    s->trace.phase_count = s->phase_count;
    mf_recorder_count(s->recorder, &s->trace.dropped);
    status = mf_trace_spans(spans, count, s->recorder, layer_of, phases, s->phase_count, e);
  } else
    status = mf_fail_memory(e, (size_t)s->plan->step_count * sizeof *layer_of);
  mf_free(layer_of);
  mf_free(phases);
  return status;
}

const minfer_span *minfer_session_spans(minfer_session *s, size_t *count, size_t *dropped) {
  mf_error e;
  mf_span *spans = NULL;
  *count = 0;
  if (dropped) *dropped = 0;
  if (collect(s, &spans, count, &e) != MF_OK) return NULL;
  mf_free(s->spans);
  s->spans = mf_alloc((*count + 1) * sizeof *s->spans);
  if (s->spans) mf_api_spans(s->spans, spans, *count);
  mf_free(spans);
  if (!s->spans) *count = 0;
  if (dropped) *dropped = s->trace.dropped;
  return s->spans;
}

const char *minfer_span_name(const minfer_session *s, const minfer_span *span) {
  mf_span one = {.kind = (mf_span_kind)span->kind, .index = span->index};
  return s->trace.name ? mf_trace_name(&s->trace, &one) : "";
}

mf_status mf_api_trace(minfer_session *s, mf_trace *out, mf_error *e) {
  mf_span *spans = NULL;
  size_t count = 0;
  MF_TRY(collect(s, &spans, &count, e));
  *out = s->trace;
  out->spans = spans;
  out->span_count = count;
  return MF_OK;
}

static mf_status write_trace(minfer_session *s, const char *format, const char *path, mf_error *e) {
  mf_trace trace;
  MF_TRY(mf_api_trace(s, &trace, e));
  mf_status status = mf_api_write_trace(&trace, format, path, e);
  mf_free((void *)trace.spans);
  return status;
}

minfer_status minfer_trace_write(minfer_session *s, const char *format, const char *path, minfer_error *error) {
  mf_error e = {0};
  return mf_api_report(error, &e, write_trace(s, format, path, &e));
}
