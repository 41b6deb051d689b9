// minfer scenario: the four ways in which MLPerf Inference asks a system.
#include "fail.h"
#include "interrupt.h"
#include "scenario.h"
#include <math.h>
#include <string.h>

enum { PICTURES = 16, SERVER_BATCH = 8, OFFLINE_BATCH = 32 };
static const double server_bound_ms = 15, streams_bound_ms = 50; // MLPerf's for resnet50: server, version 0.5's streams

static minfer_status find_kind(const options *o, scenario_kind *kind, minfer_error *error) {
  for (int k = 0; k < SCENARIO_COUNT; k++)
    if (o->argument && strcmp(o->argument, scenario_names[k]) == 0) {
      *kind = (scenario_kind)k;
      return MINFER_OK;
    }
  if (!o->argument)
    return fail(error, MINFER_USAGE, "scenario needs one of single-stream, multi-stream, server, offline");
  fail(error, MINFER_USAGE, "there is no scenario \"%s\" (single-stream, multi-stream, server, offline)", o->argument);
  return error->status;
}

static minfer_status check(const options *o, scenario_kind kind, minfer_error *error) {
  const char *name = scenario_names[kind];
  if (o->out) TRY(console_check_path(o->out, error));
  const bool stream = kind == SINGLE_STREAM || kind == MULTI_STREAM;
  if (stream && o->instances > 1) return fail(error, MINFER_USAGE, "%s has one query at a time: no --instances", name);
  if (stream && o->batch) return fail(error, MINFER_USAGE, "%s has its number of samples: no --batch", name);
  if (kind != OFFLINE && o->chunk) return fail(error, MINFER_USAGE, "--chunk is for offline");
  if (kind != SERVER && (o->qps > 0 || o->window_ms >= 0))
    return fail(error, MINFER_USAGE, "--qps and --window are for server");
  if ((kind == SINGLE_STREAM || kind == OFFLINE) && o->latency_bound_ms > 0)
    return fail(error, MINFER_USAGE, "%s has no latency bound", name);
  return MINFER_OK;
}

// Powers of two up to the largest, which is the last.
static int server_sizes(int largest, int sizes[SUT_SIZES]) {
  int count = 0;
  for (int size = 1; size < largest; size *= 2) sizes[count++] = size;
  sizes[count++] = largest;
  return count;
}

static minfer_status open_system(sut *s, scenario_kind kind, minfer_error *error) {
  const options *o = s->options;
  int sizes[SUT_SIZES] = {1};
  int count = 1;
  if (kind == MULTI_STREAM) sizes[0] = SCENARIO_STREAM_SAMPLES;
  if (kind == OFFLINE) sizes[0] = o->batch ? o->batch : OFFLINE_BATCH;
  if (kind == SERVER) count = server_sizes(o->batch ? o->batch : SERVER_BATCH, sizes);
  return sut_open(s, sizes, count, error);
}

static minfer_status run(sut *s, scenario_result *r, minfer_error *error) {
  static minfer_status (*const runs[])(sut *, scenario_result *, minfer_error *) = {
      scenario_single_stream, scenario_multi_stream, scenario_server, scenario_offline};
  const options *o = s->options;
  if (r->kind == SERVER) r->bound_ms = o->latency_bound_ms > 0 ? o->latency_bound_ms : server_bound_ms;
  if (r->kind == MULTI_STREAM) r->bound_ms = o->latency_bound_ms > 0 ? o->latency_bound_ms : streams_bound_ms;
  r->window_ms = o->window_ms >= 0 ? o->window_ms : r->bound_ms / 10;
  TRY(open_system(s, r->kind, error));
  TRY(runs[r->kind](s, r, error));
  if (r->kind != MULTI_STREAM || r->interrupted) return MINFER_OK;
  const minfer_status status = scenario_count_streams(s, r, error);
  r->interrupted = status == MINFER_INTERRUPTED;
  return r->interrupted ? MINFER_OK : status;
}

static minfer_status prepare(setup *s, const options *o, console *c, minfer_error *error) {
  progress_show(&c->progress, "open", "%s", o->model);
  TRY(setup_model(s, o, error));
  TRY(setup_input(s, o, error));
  if (o->images.count || o->inputs.count) return MINFER_OK;
  return minfer_input_add_generated(s->input, PICTURES - 1, 1, error);
}

minfer_status cmd_scenario(const options *o, console *c, minfer_error *error) {
  scenario_result r = {.streams = -1, .value = NAN};
  TRY(find_kind(o, &r.kind, error));
  TRY(check(o, r.kind, error));
  setup s = {0};
  minfer_status status = prepare(&s, o, c, error);
  options limited = *o;
  limited.isa = NULL; // setup_model has set it
  sut system = {.options = &limited, .console = c, .model = s.model, .input = s.input};
  if (status == MINFER_OK) status = run(&system, &r, error);
  if (status == MINFER_OK) {
    const scenario_report report = {o, c, &system, &r};
    status = console_emit(c, o->out, report_scenario, &report, error);
    if (status == MINFER_OK && o->out) console_note(c, "%s is written", o->out);
  }
  if (status == MINFER_OK && interrupt_seen())
    status = fail(error, MINFER_INTERRUPTED, "interrupted: the figures are of the queries until then");
  scenario_result_free(&r);
  sut_free(&system);
  setup_free(&s);
  return status;
}
