// The plan as minfer.h shows it: plain structs in the session's arena.
#include "api/handles.h"
#include "plan/onednn.h"
#include "run/roofline.h"
#include <stdio.h>
#include <string.h>

// A reorder of the network's input or output belongs to no layer.
static bool is_at_the_edge(const mf_plan *plan, const mf_step *step) {
  bool edge = false;
  for (int i = 0; step->is_reorder && i < step->argument_count; i++) {
    const mf_step_argument *a = &step->arguments[i];
    if (a->source != MF_FROM_VALUE) continue;
    edge |= a->dnnl == DNNL_ARG_FROM && plan->values[a->index].layer < 0;
    edge |= a->dnnl == DNNL_ARG_TO && a->index == plan->output;
  }
  return edge;
}

static void describe_primitive(minfer_primitive *out, const mf_plan *plan, const mf_step *step) {
  const mf_step_info *i = &step->info;
  *out = (minfer_primitive){.kind = i->kind,
                            .name = i->name,
                            .layer = is_at_the_edge(plan, step) ? -1 : step->layer,
                            .impl = i->impl,
                            .problem = i->problem,
                            .source = {i->source.format, i->source.dtype},
                            .weights = {i->weights.format, i->weights.dtype},
                            .bias = {i->bias.format, i->bias.dtype},
                            .destination = {i->destination.format, i->destination.dtype},
                            .post_ops = i->post_ops,
                            .scratchpad_bytes = i->scratchpad_bytes,
                            .flops = i->flops,
                            .bytes_read = i->bytes_read,
                            .bytes_written = i->bytes_written,
                            .from = i->from,
                            .to = i->to,
                            .reason = i->reason,
                            .bound = ""};
}

static mf_peak_type computes_in(const mf_step_info *i) {
  const char *source = i->source.dtype;
  if (strcmp(i->weights.dtype, "s8") == 0) return MF_PEAK_INT8;
  return strcmp(source, "bf16") == 0 ? MF_PEAK_BF16 : strcmp(source, "f16") == 0 ? MF_PEAK_F16 : MF_PEAK_F32;
}

static mf_roof roof_of(const mf_peaks *peaks, const mf_plan *plan, const mf_step *step) {
  mf_work work = {.type = computes_in(&step->info),
                  .flops = step->info.flops,
                  .read = step->info.bytes_read,
                  .written = step->info.bytes_written};
  for (int i = 0; i < step->argument_count; i++)
    if (step->arguments[i].source == MF_FROM_CONSTANT) work.weights += plan->constants[step->arguments[i].index].bytes;
  work.read -= work.weights;
  return mf_roofline(peaks, plan->threads, &work, plan->constant_bytes + plan->activation_bytes);
}

// What the machine allows at best, where that was measured.
static mf_status describe_roofs(minfer_session *s, minfer_primitive *primitives, minfer_layer *layers, mf_error *e) {
  const mf_plan *plan = s->plan;
  mf_peaks peaks;
  if (!mf_api_peaks(&s->topology, &peaks)) return MF_OK;
  minfer_peak_row *row = mf_arena_alloc(&s->arena, sizeof *row);
  if (!row) return mf_fail_memory(e, sizeof *row);
  const mf_peak_row at = mf_peaks_at(&peaks, plan->threads);
  *row = mf_api_peak_row(&at);
  s->view.peaks = row;
  for (int i = 0; i < plan->step_count; i++) {
    const mf_roof roof = roof_of(&peaks, plan, &plan->steps[i]);
    primitives[i].roof_ns = roof.ns;
    primitives[i].bound = roof.bound;
  }
  for (int l = 0; l < plan->layer_count; l++) {
    double most = 0;
    for (int i = 0; i < layers[l].primitive_count; i++) {
      const minfer_primitive *p = &primitives[layers[l].first_primitive + i];
      layers[l].roof_ns += p->roof_ns;
      if (p->roof_ns > most) layers[l].bound = p->bound;
      if (p->roof_ns > most) most = p->roof_ns;
    }
  }
  return MF_OK;
}

static void describe_layer(minfer_layer *out, const mf_layer *layer) {
  *out = (minfer_layer){.name = layer->name,
                        .kind = layer->kind,
                        .stage = layer->stage,
                        .dtype = layer->dtype,
                        .impl = layer->impl,
                        .sources = layer->sources,
                        .source_count = layer->source_count,
                        .flops = layer->flops,
                        .first_primitive = layer->first_step,
                        .primitive_count = layer->step_count,
                        .bound = ""};
  snprintf(out->input_shape, sizeof out->input_shape, "%s", mf_shape_print(&layer->input).text);
  snprintf(out->output_shape, sizeof out->output_shape, "%s", mf_shape_print(&layer->output).text);
}

// One buffer for every group of values that share memory, alive as long as any of them.
static int describe_buffers(minfer_buffer *out, const mf_plan *plan) {
  int count = 0;
  for (int v = 0; v < plan->value_count; v++) {
    const mf_value *value = &plan->values[v];
    if (value->alias >= 0) continue;
    minfer_buffer *b = &out[count++];
    *b = (minfer_buffer){value->name, value->offset, value->bytes, value->first, value->last};
    for (int w = v + 1; w < plan->value_count; w++) {
      int root = w;
      while (plan->values[root].alias >= 0) root = plan->values[root].alias;
      if (root != v) continue;
      if (plan->values[w].last > b->last_primitive) b->last_primitive = plan->values[w].last;
      if (plan->values[w].bytes > b->bytes) b->bytes = plan->values[w].bytes;
    }
    if (value->step) b->bytes += value->step * (size_t)(plan->chunks - 1);
    if (v == plan->input || value->step) b->first_primitive = 0;
    // What no primitive reads counts as alive until the one behind it, which the last has not.
    if (v == plan->input || v == plan->output || value->step || b->last_primitive >= plan->step_count)
      b->last_primitive = plan->step_count - 1;
  }
  return count;
}

static minfer_quality describe_quality(const mf_quality *q) {
  return (minfer_quality){q->sqnr_db, q->agreement, q->images};
}

static mf_status describe_calibration(minfer_session *s, mf_error *e) {
  const mf_quant_report *report = &s->calibration_report;
  const mf_calibration *c = &s->calibration;
  minfer_candidate *candidates = mf_arena_alloc(&s->arena, ((size_t)report->candidate_count + 1) * sizeof *candidates);
  minfer_float_layer *floats = mf_arena_alloc(&s->arena, ((size_t)c->float_count + 1) * sizeof *floats);
  if (!candidates || !floats) return mf_fail_memory(e, sizeof *candidates);
  for (int i = 0; i < report->candidate_count; i++)
    candidates[i] = (minfer_candidate){report->candidates[i].calibrator, describe_quality(&report->candidates[i].plain),
                                       describe_quality(&report->candidates[i].corrected)};
  for (int i = 0; i < c->float_count; i++) floats[i] = (minfer_float_layer){c->floats[i].layer, c->floats[i].reason};
  s->view.equalised_tensors = c->equalisation_count;
  s->view.candidates = candidates;
  s->view.candidate_count = report->candidate_count;
  s->view.quality = describe_quality(&report->quality);
  s->view.float_layers = floats;
  s->view.float_layer_count = c->float_count;
  return MF_OK;
}

mf_status mf_api_describe(minfer_session *s, mf_error *e) {
  const mf_plan *plan = s->plan;
  minfer_primitive *primitives = mf_arena_alloc(&s->arena, ((size_t)plan->step_count + 1) * sizeof *primitives);
  minfer_layer *layers = mf_arena_alloc(&s->arena, ((size_t)plan->layer_count + 1) * sizeof *layers);
  minfer_buffer *buffers = mf_arena_alloc(&s->arena, ((size_t)plan->value_count + 1) * sizeof *buffers);
  const char *source = s->options.dtype != MINFER_INT8 ? ""
                       : s->options.calibration
                           ? mf_arena_format(&s->arena, "%s %s", s->calibration_kind, s->options.calibration)
                           : s->calibration_kind;
  if (!primitives || !layers || !buffers || !source)
    return mf_fail_memory(e, (size_t)plan->step_count * sizeof *primitives);
  for (int i = 0; i < plan->step_count; i++) describe_primitive(&primitives[i], plan, &plan->steps[i]);
  for (int i = 0; i < plan->layer_count; i++) describe_layer(&layers[i], &plan->layers[i]);
  s->view = (minfer_plan){.dtype = s->options.dtype,
                          .batch = s->options.batch,
                          .threads = plan->threads,
                          .chunks = plan->chunks,
                          .isa = mf_onednn_isa(),
                          .primitives = primitives,
                          .primitive_count = plan->step_count,
                          .layers = layers,
                          .layer_count = plan->layer_count,
                          .buffers = buffers,
                          .buffer_count = describe_buffers(buffers, plan),
                          .phases = s->phases,
                          .phase_count = s->phase_count,
                          .activation_bytes = plan->activation_bytes,
                          .activation_bound_bytes = plan->activation_bound_bytes,
                          .weight_bytes = plan->constant_bytes,
                          .scratchpad_bytes = plan->scratchpad_bytes,
                          .calibration_source = source,
                          .calibrator = s->options.dtype == MINFER_INT8 ? s->calibration.calibrator : "",
                          .calibration_images = s->calibration.samples,
                          .corrected_layers = s->calibration.correction_count,
                          .counters = s->counters ? mf_counters_describe(s->counters) : "",
                          .hardware_counters = s->counters && mf_counters_hardware(s->counters)};
  MF_TRY(describe_roofs(s, primitives, layers, e));
  return describe_calibration(s, e);
}

const minfer_plan *minfer_session_plan(const minfer_session *s) {
  return &s->view;
}
