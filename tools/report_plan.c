// The parts of a report that run and inspect share.
#include "report.h"
#include "text.h"
#include <math.h>
#include <string.h>
#include <sys/resource.h>

bool report_is_reorder(const minfer_primitive *p) {
  return strcmp(p->kind, "reorder") == 0;
}

int report_reorder_count(const minfer_plan *plan) {
  int count = 0;
  for (int i = 0; i < plan->primitive_count; i++) count += report_is_reorder(&plan->primitives[i]);
  return count;
}

const char *report_conversion(const minfer_plan *plan, const minfer_layer *layer) {
  for (int i = 0; i < layer->primitive_count; i++) {
    const minfer_primitive *p = &plan->primitives[layer->first_primitive + i];
    if (!report_is_reorder(p) && p->reason[0]) return p->reason;
  }
  return "";
}

run_counters report_counters(const minfer_span *spans, size_t count) {
  run_counters sum = {0};
  double runs = 0;
  for (size_t i = 0; i < count; i++) {
    const minfer_span *s = &spans[i];
    if (s->kind != MINFER_SPAN_RUN) continue;
    runs++;
    sum.page_faults += s->page_faults;
    sum.voluntary_switches += s->voluntary_switches;
    sum.involuntary_switches += s->involuntary_switches;
    sum.cycles += (double)s->cycles;
    sum.instructions += (double)s->instructions;
    sum.cache_misses += (double)s->cache_misses;
  }
  if (runs == 0) return sum;
  return (run_counters){sum.page_faults / runs, sum.voluntary_switches / runs, sum.involuntary_switches / runs,
                        sum.cycles / runs,      sum.instructions / runs,       sum.cache_misses / runs};
}

bool report_is_first_run(const minfer_phase *phase) {
  return strcmp(phase->name, "first run") == 0;
}

double report_phase_ms(const minfer_plan *plan, const char *name) {
  double sum = 0;
  for (int i = 0; i < plan->phase_count; i++)
    if (plan->phases[i].parent < 0 && strcmp(plan->phases[i].name, name) == 0)
      sum += (double)plan->phases[i].duration_ns * 1e-6;
  return sum;
}

double report_startup_ms(const minfer_plan *plan) {
  const minfer_phase *first = plan->phases, *last = NULL;
  for (int i = 0; i < plan->phase_count; i++)
    if (plan->phases[i].parent < 0 && !report_is_first_run(&plan->phases[i])) last = &plan->phases[i];
  return last ? (double)(last->start_ns + last->duration_ns - first->start_ns) * 1e-6 : NAN;
}

void report_primitive_cache(const minfer_plan *plan, int *hits, int *misses) {
  *hits = *misses = 0;
  for (int i = 0; i < plan->phase_count; i++) {
    *hits += strcmp(plan->phases[i].cache, "hit") == 0;
    *misses += strcmp(plan->phases[i].cache, "miss") == 0;
  }
}

double report_roof_share(const minfer_plan *plan, double roof_ns, double ms) {
  return roof_ns > 0 ? plan->chunks * roof_ns * 1e-6 / ms : NAN;
}

double report_rate(const minfer_plan *plan, double amount, double ms) {
  return plan->chunks * amount / (ms * 1e6);
}

size_t report_rss_peak(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}

void report_weights(page *p, const minfer_model_info *model) {
  const char *hint = "";
  const minfer_network *network = setup_network(model->name);
  if (network) hint = network->weights_hint;
  if (strcmp(model->weights_source, "synthetic") == 0)
    page_warning(p, "synthetic weights (seed %llu): the classes mean nothing; real ones: %s",
                 (unsigned long long)model->seed, hint);
}

void report_identity(page *p, const minfer_model *model, const minfer_plan *plan) {
  const minfer_model_info *info = minfer_model_describe(model);
  report_weights(p, info);
  char chunks[32] = "";
  if (plan->chunks > 1) snprintf(chunks, sizeof chunks, " in chunks of %d", plan->batch / plan->chunks);
  page_heading(p, "%s, %s, batch %d%s, %d thread%s, %s, oneDNN %s", info->name, options_dtype_name((int)plan->dtype),
               plan->batch, chunks, plan->threads, plan->threads == 1 ? "" : "s", plan->isa,
               minfer_environment_get()->onednn_version);
  if (info->weights_path[0]) page_line(p, "weights: %s (%s)", info->weights_path, info->weights_source);
  if (info->extra_tensors)
    page_line(p, "%d tensor%s of the file that the network does not read", info->extra_tensors,
              info->extra_tensors == 1 ? "" : "s");
  if (info->multiplier > 0 && info->multiplier != 1) page_line(p, "width: %g", info->multiplier);
  page_line(p, "input: %dx%d, short side %d, %s, padding %s; %.2f million parameters", info->height, info->width,
            info->resize, info->interpolation, info->padding, (double)info->parameters * 1e-6);
  if (plan->calibration_source[0])
    page_line(p, "calibration: %s over %s, %d picture%s, bias correction %s, equalisation %s", plan->calibrator,
              plan->calibration_source, plan->calibration_images, plan->calibration_images == 1 ? "" : "s",
              plan->corrected_layers ? "on" : "off", plan->equalised_tensors ? "on" : "off");
  if (plan->quality.images)
    page_line(p, "int8 against f32 on %d of them: SQNR of the output %.1f dB, first class as in f32 on %.1f %%",
              plan->quality.images, plan->quality.sqnr_db, 100 * plan->quality.agreement);
  report_float_layer_lines(p, plan);
}

void report_float_layer_lines(page *p, const minfer_plan *plan) {
  for (int i = 0; i < plan->float_layer_count; i++)
    page_line(p, "%s stays in f32: %s", plan->float_layers[i].layer, plan->float_layers[i].reason);
}

void report_float_layers(minfer_json *j, const minfer_plan *plan) {
  minfer_json_array(j, "float_layers");
  for (int i = 0; i < plan->float_layer_count; i++) {
    minfer_json_object(j, NULL);
    minfer_json_string(j, "layer", plan->float_layers[i].layer);
    minfer_json_string(j, "reason", plan->float_layers[i].reason);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void reorder_row(table *t, const minfer_primitive *r) {
  table_cell(t, "%s", r->from);
  table_cell(t, "%s", r->to);
  table_cell(t, "%s %s", r->source.format, r->source.dtype);
  table_cell(t, "%s %s", r->destination.format, r->destination.dtype);
  table_cell(t, "%zu", r->bytes_read + r->bytes_written);
}

static void put_conversions(page *p, const minfer_plan *plan) {
  table t = {0};
  table_column(&t, "layer", TABLE_ELASTIC);
  table_column(&t, "impl", TABLE_ELASTIC);
  table_column(&t, "reason", TABLE_ELASTIC);
  for (int i = 0; i < plan->primitive_count; i++) {
    const minfer_primitive *c = &plan->primitives[i];
    if (report_is_reorder(c) || !c->reason[0]) continue;
    table_cell(&t, "%s", c->name);
    table_cell(&t, "%s", c->impl);
    table_cell(&t, "%s", c->reason);
  }
  size_t count = table_rows(&t);
  if (count) {
    page_heading(p, "Primitives that convert inside themselves: %zu", count);
    page_table(p, &t);
  }
  table_free(&t);
}

void report_reorders(page *p, const minfer_plan *plan, const double *primitive_ms) {
  int count = report_reorder_count(plan);
  page_heading(p, "Reorders: %d", count);
  table t = {0};
  table_column(&t, "from", TABLE_ELASTIC);
  table_column(&t, "to", TABLE_ELASTIC);
  table_column(&t, "reads", TABLE_LEFT);
  table_column(&t, "writes", TABLE_LEFT);
  table_column(&t, "bytes", TABLE_RIGHT);
  if (primitive_ms) table_column(&t, "ms", TABLE_RIGHT);
  if (primitive_ms) table_column(&t, "GB/s", TABLE_RIGHT);
  table_column(&t, "reason", TABLE_LEFT);
  for (int i = 0; i < plan->primitive_count; i++) {
    const minfer_primitive *r = &plan->primitives[i];
    if (!report_is_reorder(r)) continue;
    reorder_row(&t, r);
    if (primitive_ms) table_number(&t, primitive_ms[i], 3);
    if (primitive_ms)
      table_number(&t, report_rate(plan, (double)(r->bytes_read + r->bytes_written), primitive_ms[i]), 1);
    table_cell(&t, "%s", r->reason);
  }
  if (count) page_table(p, &t);
  table_free(&t);
  put_conversions(p, plan);
}

void report_memory(page *p, const minfer_plan *plan, int instances) {
  char activations[16], bound[16], weights[16], scratchpad[16], peak[16];
  double over =
      plan->activation_bound_bytes ? (double)plan->activation_bytes / (double)plan->activation_bound_bytes : 1;
  if (instances > 1)
    page_heading(p, "Memory of an instance; the weights are those of all %d", instances);
  else
    page_heading(p, "Memory");
  page_line(p, "activations %s (%.2fx of the bound %s), weights %s, scratchpad %s, peak of the process %s",
            text_bytes(activations, plan->activation_bytes), over, text_bytes(bound, plan->activation_bound_bytes),
            text_bytes(weights, plan->weight_bytes), text_bytes(scratchpad, plan->scratchpad_bytes),
            text_bytes(peak, report_rss_peak()));
}

bool report_table(FILE *out, const console *c, const options *o, table *t) {
  if (o->format != FORMAT_CSV) {
    page p = console_page(c, o, out);
    page_table(&p, t);
    return !p.failed;
  }
  bool done = !t->failed;
  table_print_csv(t, out);
  table_free(t);
  return done;
}

void report_primitive_columns(table *t, const char *unknown) {
  static const char *const titles[] = {"primitive",
                                       "layer",
                                       "stage",
                                       "kind",
                                       "impl",
                                       "source_format",
                                       "source_dtype",
                                       "weights_format",
                                       "weights_dtype",
                                       "destination_format",
                                       "destination_dtype",
                                       "post_ops",
                                       "problem",
                                       "time_ms",
                                       "flops",
                                       "bytes",
                                       "reason"};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
    if (strcmp(titles[i], unknown) != 0) table_column(t, titles[i], TABLE_LEFT);
}

bool report_is_json(const options *o) {
  return o->format == FORMAT_JSON || o->format == FORMAT_JSONL;
}

void report_json_head(minfer_json *j, const char *schema) {
  minfer_json_string(j, "schema", schema);
  minfer_json_string(j, "minfer", minfer_version());
}

minfer_json *report_json_open(FILE *out, const options *o, const char *schema) {
  minfer_json *j = minfer_json_open(out, o->format == FORMAT_JSON);
  if (!j) return NULL;
  minfer_json_object(j, NULL);
  report_json_head(j, schema);
  return j;
}

static const char *or_null(const char *text) {
  return text[0] ? text : NULL;
}

void report_json_roof(minfer_json *j, double roof_ns, const char *bound) {
  minfer_json_string(j, "bound", or_null(bound));
  minfer_json_double(j, "roof_ms", roof_ns > 0 ? roof_ns * 1e-6 : NAN);
}

static void json_calibration(minfer_json *j, const minfer_plan *plan) {
  if (!plan->calibration_source[0]) {
    minfer_json_string(j, "calibration", NULL);
    return;
  }
  minfer_json_object(j, "calibration");
  minfer_json_string(j, "source", plan->calibration_source);
  minfer_json_string(j, "calibrator", plan->calibrator);
  minfer_json_int(j, "images", plan->calibration_images);
  minfer_json_bool(j, "bias_correction", plan->corrected_layers > 0);
  report_float_layers(j, plan);
  minfer_json_end(j);
}

void report_json_identity(minfer_json *j, const minfer_model *model, const minfer_plan *plan, int instances) {
  const minfer_model_info *info = minfer_model_describe(model);
  minfer_json_string(j, "onednn", minfer_environment_get()->onednn_version);
  minfer_json_string(j, "model", info->name);
  minfer_json_double(j, "width", info->multiplier);
  minfer_json_string(j, "dtype", options_dtype_name((int)plan->dtype));
  minfer_json_int(j, "batch", plan->batch);
  minfer_json_int(j, "chunk", plan->batch / plan->chunks);
  minfer_json_int(j, "threads", plan->threads);
  minfer_json_int(j, "instances", instances);
  minfer_json_string(j, "isa", plan->isa);
  minfer_json_object(j, "weights");
  minfer_json_string(j, "source", info->weights_source);
  minfer_json_string(j, "path", or_null(info->weights_path));
  if (!info->weights_path[0]) minfer_json_int(j, "seed", (int64_t)info->seed);
  minfer_json_int(j, "parameters", info->parameters);
  minfer_json_int(j, "extra_tensors", info->extra_tensors);
  minfer_json_end(j);
  json_calibration(j, plan);
}

double report_layer_bytes(const minfer_plan *plan, const minfer_layer *layer) {
  double bytes = 0;
  for (int i = 0; i < layer->primitive_count; i++) {
    const minfer_primitive *p = &plan->primitives[layer->first_primitive + i];
    bytes += (double)p->bytes_read + (double)p->bytes_written;
  }
  return bytes;
}

void report_json_layer(minfer_json *j, const minfer_plan *plan, const minfer_layer *layer) {
  minfer_json_string(j, "name", layer->name);
  minfer_json_string(j, "kind", layer->kind);
  minfer_json_array(j, "sources");
  for (int i = 0; i < layer->source_count; i++) minfer_json_string(j, NULL, layer->sources[i]);
  minfer_json_end(j);
  minfer_json_string(j, "stage", layer->stage);
  minfer_json_string(j, "dtype", layer->dtype);
  minfer_json_string(j, "impl", layer->impl);
  minfer_json_string(j, "input_shape", layer->input_shape);
  minfer_json_string(j, "output_shape", layer->output_shape);
  minfer_json_double(j, "flops", layer->flops);
  minfer_json_double(j, "bytes", report_layer_bytes(plan, layer));
  minfer_json_string(j, "converts_inside", or_null(report_conversion(plan, layer)));
  report_json_roof(j, layer->roof_ns, layer->bound);
}

void report_json_reorder(minfer_json *j, const minfer_primitive *r) {
  minfer_json_string(j, "from", r->from);
  minfer_json_string(j, "to", r->to);
  minfer_json_string(j, "from_format", r->source.format);
  minfer_json_string(j, "to_format", r->destination.format);
  minfer_json_string(j, "from_dtype", r->source.dtype);
  minfer_json_string(j, "to_dtype", r->destination.dtype);
  minfer_json_string(j, "reason", r->reason);
  minfer_json_int(j, "bytes", (int64_t)(r->bytes_read + r->bytes_written));
  report_json_roof(j, r->roof_ns, r->bound);
}

void report_json_peaks(minfer_json *j, const minfer_plan *plan) {
  static const char *const levels[] = {"L1", "L2", "L3", "DRAM"};
  if (!plan->peaks) {
    minfer_json_string(j, "peaks", NULL);
    return;
  }
  minfer_json_object(j, "peaks");
  minfer_json_object(j, "gflops");
  for (int i = 0; i <= MINFER_INT8; i++)
    if (plan->peaks->compute[i].rate > 0) minfer_json_double(j, options_dtype_name(i), plan->peaks->compute[i].rate);
  minfer_json_end(j);
  minfer_json_object(j, "gbytes_per_s");
  for (int i = 0; i < MINFER_MEMORY_LEVELS; i++)
    if (plan->peaks->read[i].rate > 0) minfer_json_double(j, levels[i], plan->peaks->read[i].rate);
  minfer_json_end(j);
  minfer_json_end(j);
}

void report_json_memory(minfer_json *j, const minfer_plan *plan, size_t rss_peak) {
  minfer_json_object(j, "memory");
  minfer_json_int(j, "activation_bytes", (int64_t)plan->activation_bytes);
  minfer_json_int(j, "activation_bound_bytes", (int64_t)plan->activation_bound_bytes);
  minfer_json_int(j, "weight_bytes", (int64_t)plan->weight_bytes);
  minfer_json_int(j, "scratchpad_bytes", (int64_t)plan->scratchpad_bytes);
  minfer_json_int(j, "rss_peak_bytes", (int64_t)rss_peak);
  minfer_json_end(j);
}
