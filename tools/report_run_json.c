// schema/run.json in C.
#include "report.h"
#include <math.h>
#include <string.h>

static void put_inputs(minfer_json *j, const run_report *r) {
  const classification *c = r->answers;
  minfer_json_array(j, "inputs");
  for (int i = 0; i < c->inputs; i++) minfer_json_string(j, NULL, minfer_input_name(r->input, i));
  minfer_json_end(j);
  minfer_json_array(j, "top");
  for (int i = 0; i < c->inputs; i++) {
    minfer_json_array(j, NULL);
    for (int k = 0; k < c->per_input; k++) {
      const answer *a = &c->answers[(size_t)i * (size_t)c->per_input + (size_t)k];
      minfer_json_object(j, NULL);
      minfer_json_int(j, "class", a->class_index);
      minfer_json_string(j, "label", minfer_model_class(r->model, a->class_index));
      minfer_json_double(j, "probability", a->probability);
      minfer_json_end(j);
    }
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

// Of int8 that this process calibrated.
static void put_quality(minfer_json *j, const minfer_plan *plan) {
  if (!plan->quality.images) {
    minfer_json_string(j, "quality", NULL);
    return;
  }
  minfer_json_object(j, "quality");
  minfer_json_int(j, "images", plan->quality.images);
  minfer_json_double(j, "sqnr_db", plan->quality.sqnr_db);
  minfer_json_double(j, "agreement_f32", plan->quality.agreement);
  minfer_json_double(j, "int8_share", report_int8_share(plan));
  minfer_json_end(j);
}

static void put_latency(minfer_json *j, const run_report *r) {
  const measurement *m = r->measured;
  const stats_summary *s = &m->summary;
  minfer_json_int(j, "warmup", m->warmup);
  minfer_json_int(j, "iterations", (int64_t)m->latency.count / measure_instances(m));
  minfer_json_bool(j, "interrupted", m->interrupted);
  minfer_json_object(j, "latency_ms");
  minfer_json_double(j, "min", s->min);
  minfer_json_double(j, "p50", s->p50);
  minfer_json_double(j, "p90", s->p90);
  minfer_json_double(j, "p99", s->p99);
  minfer_json_double(j, "max", s->max);
  if (isnan(s->low)) {
    minfer_json_string(j, "ci95", NULL);
  } else {
    minfer_json_array(j, "ci95");
    minfer_json_double(j, NULL, s->low);
    minfer_json_double(j, NULL, s->high);
    minfer_json_end(j);
  }
  minfer_json_end(j);
  minfer_json_double(j, "images_per_s", measure_images_per_s(m, r->plan->batch));
  minfer_json_double(j, "input_ms", r->input_ms);
  minfer_json_array(j, "instance_latency_ms");
  for (int i = 0; i < measure_instances(m); i++) {
    const stats_summary *own = m->instances > 1 ? &m->instance_summaries[i] : s;
    minfer_json_object(j, NULL);
    minfer_json_double(j, "p50", own->p50);
    minfer_json_double(j, "p90", own->p90);
    minfer_json_double(j, "p99", own->p99);
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_kind(minfer_json *j, const char *kind, int count, double ms, double run_ms) {
  minfer_json_object(j, NULL);
  minfer_json_string(j, "kind", kind);
  minfer_json_int(j, "count", count);
  minfer_json_double(j, "time_ms", ms);
  minfer_json_double(j, "share", ms / run_ms);
  minfer_json_end(j);
}

static void put_kinds(minfer_json *j, const breakdown *b) {
  minfer_json_array(j, "kinds");
  for (int i = 0; i < b->kind_count; i++) put_kind(j, b->kinds[i].kind, b->kinds[i].count, b->kinds[i].ms, b->run_ms);
  put_kind(j, "gap", 0, b->gap_ms, b->run_ms);
  minfer_json_end(j);
}

static void put_layers(minfer_json *j, const run_report *r) {
  minfer_json_array(j, "layers");
  for (int i = 0; i < r->plan->layer_count; i++) {
    double ms = r->times->layer_ms[i];
    minfer_json_object(j, NULL);
    report_json_layer(j, r->plan, &r->plan->layers[i]);
    minfer_json_double(j, "time_ms", ms);
    minfer_json_double(j, "share", ms / r->times->run_ms);
    minfer_json_double(j, "gflops", report_rate(r->plan, r->plan->layers[i].flops, ms));
    minfer_json_double(j, "roof_share", report_roof_share(r->plan, r->plan->layers[i].roof_ns, ms));
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

static void put_reorders(minfer_json *j, const run_report *r) {
  minfer_json_array(j, "reorders");
  for (int i = 0; i < r->plan->primitive_count; i++) {
    if (!report_is_reorder(&r->plan->primitives[i])) continue;
    minfer_json_object(j, NULL);
    const minfer_primitive *p = &r->plan->primitives[i];
    const double ms = r->times->primitive_ms[i];
    report_json_reorder(j, p);
    minfer_json_double(j, "time_ms", ms);
    minfer_json_double(j, "gbytes_per_s", report_rate(r->plan, (double)(p->bytes_read + p->bytes_written), ms));
    minfer_json_double(j, "roof_share", report_roof_share(r->plan, p->roof_ns, ms));
    minfer_json_end(j);
  }
  minfer_json_end(j);
}

// Phases of one name are one key: their sum.
static void put_startup(minfer_json *j, const minfer_plan *plan) {
  const minfer_phase *phases = plan->phases;
  const double total = report_startup_ms(plan);
  int hits, misses;
  double first_run = NAN;
  minfer_json_object(j, "startup_ms");
  minfer_json_double(j, "total", isnan(total) ? 0 : total);
  minfer_json_object(j, "phases");
  for (int i = 0; i < plan->phase_count; i++) {
    bool seen = phases[i].parent >= 0;
    if (report_is_first_run(&phases[i])) {
      first_run = (double)phases[i].duration_ns * 1e-6;
      continue;
    }
    for (int k = 0; k < i; k++) seen |= phases[k].parent < 0 && strcmp(phases[k].name, phases[i].name) == 0;
    if (!seen) minfer_json_double(j, phases[i].name, report_phase_ms(plan, phases[i].name));
  }
  minfer_json_end(j);
  minfer_json_double(j, "first_run", first_run);
  minfer_json_end(j);
  report_primitive_cache(plan, &hits, &misses);
  minfer_json_object(j, "primitive_cache");
  minfer_json_int(j, "hits", hits);
  minfer_json_int(j, "misses", misses);
  minfer_json_end(j);
}

static void put_counters(minfer_json *j, const run_report *r) {
  const run_counters *c = &r->counters;
  if (!r->plan->counters[0] || r->measured->traced.count == 0) {
    minfer_json_string(j, "counters", NULL);
    return;
  }
  minfer_json_object(j, "counters");
  minfer_json_string(j, "counted", r->plan->counters);
  minfer_json_double(j, "page_faults", c->page_faults);
  minfer_json_double(j, "voluntary_switches", c->voluntary_switches);
  minfer_json_double(j, "involuntary_switches", c->involuntary_switches);
  if (r->plan->hardware_counters) {
    minfer_json_double(j, "cycles", c->cycles);
    minfer_json_double(j, "instructions", c->instructions);
    minfer_json_double(j, "cache_misses", c->cache_misses);
  }
  minfer_json_end(j);
}

static void put_trace(minfer_json *j, const run_report *r) {
  static const char *const levels[] = {"run", "layer", "primitive", "thread"};
  minfer_json_object(j, "trace");
  minfer_json_string(j, "level", levels[r->options->trace_level]);
  minfer_json_int(j, "runs", (int64_t)r->measured->traced.count);
  minfer_json_double(j, "closure", r->times->closure);
  minfer_json_double(j, "overhead", r->measured->overhead);
  if (isnan(r->measured->overhead_low)) {
    minfer_json_string(j, "overhead_ci95", NULL);
  } else {
    minfer_json_array(j, "overhead_ci95");
    minfer_json_double(j, NULL, r->measured->overhead_low);
    minfer_json_double(j, NULL, r->measured->overhead_high);
    minfer_json_end(j);
  }
  minfer_json_double(j, "untraced_ms", r->measured->plain_ms);
  minfer_json_double(j, "traced_ms", r->measured->traced_ms);
  minfer_json_double(j, "spans_ms", r->times->spans_ms);
  put_counters(j, r);
  minfer_json_end(j);
}

void report_json_run(minfer_json *j, const run_report *r) {
  report_json_identity(j, r->model, r->plan, measure_instances(r->measured));
  put_quality(j, r->plan);
  put_inputs(j, r);
  put_latency(j, r);
  report_json_peaks(j, r->plan);
  put_kinds(j, r->times);
  put_layers(j, r);
  put_reorders(j, r);
  report_json_memory(j, r->plan, r->rss_peak);
  put_startup(j, r->plan);
  put_trace(j, r);
}

bool report_run_json(FILE *out, const run_report *r) {
  minfer_json *j = report_json_open(out, r->options, "minfer.run/1");
  if (!j) return false;
  report_json_run(j, r);
  minfer_json_close(j);
  return true;
}
