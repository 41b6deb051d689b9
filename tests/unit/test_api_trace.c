// Spans and trace files through minfer.h: what each level records, that it adds up, and that a file holds the same.
#include "api_fixture.h"
#include "base/json.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { CLASSES = 1000 };

typedef struct fixture {
  minfer_model *model;
  minfer_input *input;
  minfer_session *session;
  const minfer_plan *plan;
} fixture;

static fixture start(int threads) {
  fixture f = {.model = api_small_model()};
  f.input = api_generated(f.model, 1);
  f.session = api_session(f.model, f.input, (minfer_session_options){.threads = threads});
  f.plan = minfer_session_plan(f.session);
  api_ok(minfer_session_load(f.session, f.input, 0, &api_error));
  return f;
}

static void end(fixture *f) {
  minfer_session_free(f->session);
  minfer_input_free(f->input);
  minfer_model_close(f->model);
}

static uint64_t run(fixture *f, minfer_trace_level level) {
  uint64_t duration = 0;
  api_ok(minfer_session_run_traced(f->session, level, &duration, &api_error));
  assert_true(duration > 0);
  return duration;
}

static int layers_with_primitives(const minfer_plan *plan) {
  int count = 0;
  for (int i = 0; i < plan->layer_count; i++) count += plan->layers[i].primitive_count > 0;
  return count;
}

typedef struct counts { // without gaps: there are as many as the clock finds
  int phases, runs, layers, primitives, threads;
} counts;

static counts count(const minfer_span *spans, size_t n) {
  counts c = {0};
  int *const by_kind[] = {&c.phases, &c.runs, &c.layers, &c.primitives, &c.threads};
  for (size_t i = 0; i < n; i++)
    if (spans[i].kind != MINFER_SPAN_GAP) ++*by_kind[spans[i].kind];
  return c;
}

static void assert_levels(int threads) {
  fixture f = start(threads);
  const int layers = layers_with_primitives(f.plan), primitives = f.plan->primitive_count;
  const counts expected[] = {
      [MINFER_TRACE_RUN] = {.runs = 1},
      [MINFER_TRACE_LAYER] = {.runs = 1, .layers = layers},
      [MINFER_TRACE_PRIMITIVE] = {.runs = 1, .layers = layers, .primitives = primitives},
      [MINFER_TRACE_THREAD] = {.runs = 1, .layers = layers, .primitives = primitives, .threads = primitives * threads}};
  counts total = {.phases = f.plan->phase_count};
  assert_true(layers > 20 && primitives > 20 && f.plan->phase_count > 5);
  for (int level = MINFER_TRACE_RUN; level <= MINFER_TRACE_THREAD; level++) {
    run(&f, (minfer_trace_level)level);
    total.runs += expected[level].runs;
    total.layers += expected[level].layers;
    total.primitives += expected[level].primitives;
    total.threads += expected[level].threads;
    size_t n = 0, dropped = 99;
    const minfer_span *spans = minfer_session_spans(f.session, &n, &dropped);
    assert_non_null(spans);
    assert_int_equal(dropped, 0);
    const counts found = count(spans, n);
    assert_memory_equal(&found, &total, sizeof total);
  }
  end(&f);
}

static void test_levels_record_what_they_say(void **state) {
  (void)state;
  assert_levels(1);
  assert_levels(2);
}

static const minfer_span *parent_of(const minfer_span *spans, const minfer_span *s) {
  assert_true(s->parent < s->id); // a parent comes first
  return s->parent ? &spans[s->parent - 1] : NULL;
}

static void test_spans_form_a_tree(void **state) {
  (void)state;
  fixture f = start(2);
  const uint64_t durations[] = {run(&f, MINFER_TRACE_THREAD), run(&f, MINFER_TRACE_THREAD)};
  size_t n = 0;
  const minfer_span *spans = minfer_session_spans(f.session, &n, NULL);
  assert_non_null(spans);
  int runs = 0;
  for (size_t i = 0; i < n; i++) {
    const minfer_span *s = &spans[i], *parent = parent_of(spans, s);
    assert_int_equal(s->id, i + 1);
    if (i) assert_true(s->start_ns >= spans[i - 1].start_ns);
    if (parent) {
      assert_true(s->start_ns >= parent->start_ns);
      assert_true(s->start_ns + s->duration_ns <= parent->start_ns + parent->duration_ns);
    }
    const int index = s->kind == MINFER_SPAN_GAP && s->index ? s->index - 1 : s->index;
    const minfer_primitive *primitive = s->kind >= MINFER_SPAN_PRIMITIVE ? &f.plan->primitives[index] : NULL;
    char name[256];
    switch (s->kind) {
    case MINFER_SPAN_APPLICATION:
      assert_int_equal(s->parent, f.plan->phases[s->index].parent + 1);
      assert_string_equal(minfer_span_name(f.session, s), f.plan->phases[s->index].name);
      assert_int_equal(s->start_ns, f.plan->phases[s->index].start_ns);
      assert_int_equal(s->duration_ns, f.plan->phases[s->index].duration_ns);
      break;
    case MINFER_SPAN_RUN:
      assert_null(parent);
      assert_string_equal(minfer_span_name(f.session, s), "run");
      assert_int_equal(s->duration_ns, durations[runs++]);
      assert_int_equal(s->index, runs);
      break;
    case MINFER_SPAN_LAYER:
      assert_int_equal(parent->kind, MINFER_SPAN_RUN);
      assert_string_equal(minfer_span_name(f.session, s), f.plan->layers[s->index].name);
      break;
    case MINFER_SPAN_PRIMITIVE:
      assert_string_equal(minfer_span_name(f.session, s), primitive->name);
      assert_int_equal(parent->kind, strcmp(primitive->kind, "reorder") ? MINFER_SPAN_LAYER : MINFER_SPAN_RUN);
      if (parent->kind == MINFER_SPAN_LAYER) assert_int_equal(parent->index, primitive->layer);
      break;
    case MINFER_SPAN_THREAD:
      assert_int_equal(parent->kind, MINFER_SPAN_PRIMITIVE);
      assert_int_equal(parent->index, s->index);
      assert_true(s->thread == 0 || s->thread == 1);
      // Every nanosecond of a worker is accounted for.
      assert_int_equal(s->effective_ns + s->spin_ns + s->wait_ns + s->overhead_ns, s->duration_ns);
      break;
    case MINFER_SPAN_GAP:
      snprintf(name, sizeof name, "gap after %s", primitive->name);
      assert_string_equal(minfer_span_name(f.session, s), s->index ? name : "gap before the first");
      assert_true(s->duration_ns >= 1000);
      assert_true(parent->kind == MINFER_SPAN_RUN || parent->kind == MINFER_SPAN_LAYER);
      break;
    }
  }
  assert_int_equal(runs, 2);
  end(&f);
}

// One thread is never idle, and oneDNN runs everything in the caller: all of it is work, as one chunk.
static void test_one_thread_only_works(void **state) {
  (void)state;
  fixture f = start(1);
  run(&f, MINFER_TRACE_THREAD);
  size_t n = 0;
  const minfer_span *spans = minfer_session_spans(f.session, &n, NULL);
  for (size_t i = 0; i < n; i++) {
    const minfer_span *s = &spans[i];
    if (s->kind != MINFER_SPAN_THREAD) continue;
    assert_int_equal(s->thread, 0);
    assert_true(s->spin_ns == 0 && s->wait_ns == 0);
    assert_true(s->effective_ns > 0 && s->chunks > 0);
  }
  end(&f);
}

static void test_the_first_run_is_a_phase(void **state) {
  (void)state;
  fixture f = start(1);
  const int before = f.plan->phase_count;
  size_t n = 0;
  assert_non_null(minfer_session_spans(f.session, &n, NULL)); // names are made before it
  assert_int_equal(n, before);
  uint64_t ns = 0;
  api_ok(minfer_session_run(f.session, &ns, &api_error));
  assert_int_equal(f.plan->phase_count, before + 1);
  assert_string_equal(f.plan->phases[before].name, "first run");
  assert_true(f.plan->phases[before].duration_ns >= ns);
  api_ok(minfer_session_run(f.session, NULL, &api_error));
  assert_int_equal(f.plan->phase_count, before + 1);
  const minfer_span *spans = minfer_session_spans(f.session, &n, NULL);
  assert_int_equal(n, before + 1);
  assert_string_equal(minfer_span_name(f.session, &spans[before]), "first run");
  end(&f);
  f = start(1); // traced it has a span of its own
  run(&f, MINFER_TRACE_RUN);
  api_ok(minfer_session_run(f.session, NULL, &api_error));
  assert_string_not_equal(f.plan->phases[f.plan->phase_count - 1].name, "first run");
  end(&f);
}

// A run's counters are those of its primitives, and what lies around them.
static void test_counters(void **state) {
  (void)state;
  fixture f = {.model = api_small_model()};
  f.input = api_generated(f.model, 1);
  f.session = api_session(f.model, f.input, (minfer_session_options){.threads = 2, .counters = true, .spin_us = -1});
  f.plan = minfer_session_plan(f.session);
  assert_true(strncmp(f.plan->counters, "page faults, context switches", 29) == 0);
  if (!f.plan->hardware_counters) assert_non_null(strstr(f.plan->counters, "no hardware counters: "));
  long switches = 0;
  for (int i = 0; i < 20; i++) run(&f, MINFER_TRACE_PRIMITIVE);
  size_t n = 0;
  const minfer_span *spans = minfer_session_spans(f.session, &n, NULL);
  minfer_span layers = {0}, primitives = {0}, whole = {0};
  for (size_t i = 0; i <= n; i++) {
    if (i == n || spans[i].kind == MINFER_SPAN_RUN) { // the run before is complete
      assert_true(primitives.page_faults <= whole.page_faults && layers.page_faults <= whole.page_faults);
      assert_true(primitives.voluntary_switches <= whole.voluntary_switches);
      assert_true(primitives.involuntary_switches <= whole.involuntary_switches);
      assert_true(primitives.cycles <= whole.cycles && primitives.instructions <= whole.instructions);
      assert_true(f.plan->hardware_counters ? whole.instructions > 0 || i == 0 : whole.instructions == 0);
      switches += whole.voluntary_switches;
      layers = primitives = (minfer_span){0};
      if (i < n) whole = spans[i];
      continue;
    }
    minfer_span *sum = spans[i].kind == MINFER_SPAN_LAYER       ? &layers
                       : spans[i].kind == MINFER_SPAN_PRIMITIVE ? &primitives
                                                                : NULL;
    if (!sum) continue;
    sum->page_faults += spans[i].page_faults;
    sum->voluntary_switches += spans[i].voluntary_switches;
    sum->involuntary_switches += spans[i].involuntary_switches;
    sum->cycles += spans[i].cycles;
    sum->instructions += spans[i].instructions;
  }
  assert_true(switches > 20); // workers that do not spin sleep after every primitive
  end(&f);
  f = start(1);
  assert_string_equal(f.plan->counters, "");
  end(&f);
}

// Closure is the sum of primitive spans over the run's wall time; it cannot exceed 1.
static void test_primitives_fit_into_their_run(void **state) {
  (void)state;
  fixture f = start(2);
  for (int i = 0; i < 5; i++) run(&f, MINFER_TRACE_PRIMITIVE);
  size_t n = 0;
  const minfer_span *spans = minfer_session_spans(f.session, &n, NULL);
  uint64_t inside = 0, whole = 0;
  int runs = 0;
  for (size_t i = 0; i <= n; i++) {
    if (i == n || spans[i].kind == MINFER_SPAN_RUN) {
      assert_true(inside <= whole);
      assert_true(inside > 0 || i == 0 || runs == 0);
      inside = 0;
      if (i < n) whole = spans[i].duration_ns, runs++;
    } else if (spans[i].kind == MINFER_SPAN_PRIMITIVE)
      inside += spans[i].duration_ns;
  }
  assert_int_equal(runs, 5);
  end(&f);
}

static void test_tracing_does_not_change_the_answer(void **state) {
  (void)state;
  fixture f = start(2);
  static float plain[CLASSES], traced[CLASSES];
  api_ok(minfer_session_run(f.session, NULL, &api_error));
  api_ok(minfer_session_output(f.session, plain, CLASSES, &api_error));
  for (int level = MINFER_TRACE_RUN; level <= MINFER_TRACE_THREAD; level++) {
    memset(traced, 0, sizeof traced);
    run(&f, (minfer_trace_level)level);
    api_ok(minfer_session_output(f.session, traced, CLASSES, &api_error));
    assert_memory_equal(plain, traced, sizeof plain);
  }
  end(&f);
}

static void test_wrong_levels_are_refused(void **state) {
  (void)state;
  fixture f = start(1);
  static const int levels[] = {-1, 4, 1000};
  for (size_t i = 0; i < 3; i++)
    api_fails(minfer_session_run_traced(f.session, (minfer_trace_level)levels[i], NULL, &api_error), MINFER_USAGE,
              "trace level");
  end(&f);
}

static void test_untraced_runs_leave_no_spans(void **state) {
  (void)state;
  fixture f = start(1);
  api_ok(minfer_session_run(f.session, NULL, &api_error));
  size_t n = 0;
  const minfer_span *spans = minfer_session_spans(f.session, &n, NULL);
  const counts expected = {.phases = f.plan->phase_count}, found = count(spans, n);
  assert_memory_equal(&found, &expected, sizeof expected);
  end(&f);
}

static void test_old_runs_give_way_to_new_ones(void **state) {
  (void)state;
  fixture f = start(1);
  const int layers = layers_with_primitives(f.plan), per_run = 1 + layers + 2 * f.plan->primitive_count;
  const int runs = (1 << 17) / per_run + 10;
  for (int i = 0; i < runs; i++) run(&f, MINFER_TRACE_THREAD);
  size_t n = 0, dropped = 0;
  const minfer_span *spans = minfer_session_spans(f.session, &n, &dropped);
  assert_int_equal(dropped, (size_t)runs * (size_t)per_run - ((size_t)1 << 17));
  const counts found = count(spans, n);
  assert_true(found.runs >= runs - 12 && found.runs < runs); // as many as the ring holds
  assert_int_equal(found.primitives, found.runs * f.plan->primitive_count);
  assert_int_equal(found.threads, found.primitives);
  while (spans[--n].kind != MINFER_SPAN_RUN) {
  }
  assert_int_equal(spans[n].index, runs); // the newest is there
  end(&f);
}

// ---- files

static cJSON *read_json(const char *path) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  const size_t size = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(size + 1);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, size, file), size);
  fclose(file);
  const char *why = "";
  size_t offset = 0;
  cJSON *root;
  if (mf_json_parse(&root, bytes, size, &why, &offset) != MF_OK) fail_msg("%s: %s at byte %zu", path, why, offset);
  free(bytes);
  return root;
}

static int files_in(const char *folder) {
  int found = 0;
  DIR *stream = opendir(folder);
  assert_non_null(stream);
  for (const struct dirent *entry; (entry = readdir(stream));)
    found += entry->d_name[0] != '.' || entry->d_name[1] > '.';
  closedir(stream);
  return found;
}

static const cJSON *at(const cJSON *object, const char *key) {
  const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
  if (!value) fail_msg("no key %s", key);
  return value;
}

static void test_a_file_holds_what_the_spans_say(void **state) {
  fixture f = start(2);
  const char *path = support_path(state, "a.trace.json");
  run(&f, MINFER_TRACE_THREAD);
  run(&f, MINFER_TRACE_PRIMITIVE);
  support_write_file(path, "old", 3); // replaced
  api_ok(minfer_trace_write(f.session, NULL, path, &api_error));
  assert_int_equal(files_in(*state), 1);
  cJSON *root = read_json(path);
  size_t n = 0, next = 0;
  const minfer_span *spans = minfer_session_spans(f.session, &n, NULL);
  const double origin = at(at(root, "clock"), "origin_monotonic_ns")->valuedouble;
  const cJSON *event;
  cJSON_ArrayForEach(event, at(root, "traceEvents")) {
    if (strcmp(at(event, "ph")->valuestring, "X") != 0) continue;
    assert_true(next < n);
    const minfer_span *s = &spans[next++];
    assert_string_equal(at(event, "name")->valuestring, minfer_span_name(f.session, s));
    assert_true(at(at(event, "args"), "id")->valuedouble == (double)s->id);
    assert_int_equal((int64_t)(at(event, "ts")->valuedouble * 1e3 + 0.5), s->start_ns - (uint64_t)origin);
    assert_int_equal((int64_t)(at(event, "dur")->valuedouble * 1e3 + 0.5), s->duration_ns);
  }
  assert_int_equal(next, n);
  assert_int_equal(cJSON_GetArraySize(at(root, "memory")), f.plan->buffer_count);
  const cJSON *environment = at(root, "environment");
  assert_string_equal(at(environment, "model")->valuestring, "mobilenet_v1");
  assert_true(at(environment, "width_multiplier")->valuedouble == 0.25);
  assert_true(at(environment, "threads")->valuedouble == 2);
  assert_string_equal(at(environment, "isa")->valuestring, minfer_environment_get()->isa);
  cJSON_Delete(root);
  end(&f);
}

// What the primitive and layer spans of a file must carry.
static void test_spans_carry_their_attributes(void **state) {
  fixture f = start(1);
  const char *path = support_path(state, "a.trace.json");
  run(&f, MINFER_TRACE_PRIMITIVE);
  api_ok(minfer_trace_write(f.session, "chrome", path, &api_error));
  cJSON *root = read_json(path);
  const cJSON *event;
  int convolutions = 0, layers = 0;
  cJSON_ArrayForEach(event, at(root, "traceEvents")) {
    const cJSON *args = at(event, "args"), *span = cJSON_GetObjectItemCaseSensitive(args, "span");
    if (!span) continue;
    const int index = (int)at(args, "index")->valuedouble;
    if (strcmp(span->valuestring, "layer") == 0) {
      const minfer_layer *l = &f.plan->layers[index];
      layers++;
      assert_string_equal(at(args, "kind")->valuestring, l->kind);
      assert_string_equal(at(args, "stage")->valuestring, l->stage);
      assert_string_equal(at(args, "input_shape")->valuestring, l->input_shape);
      assert_string_equal(at(args, "output_shape")->valuestring, l->output_shape);
      assert_int_equal(cJSON_GetArraySize(at(args, "sources")), l->source_count);
      for (int i = 0; i < l->source_count; i++)
        assert_string_equal(cJSON_GetArrayItem(at(args, "sources"), i)->valuestring, l->sources[i]);
    }
    if (strcmp(span->valuestring, "primitive") != 0 || strcmp(f.plan->primitives[index].kind, "convolution") != 0)
      continue;
    const minfer_primitive *p = &f.plan->primitives[index];
    const struct {
      const char *key, *value;
    } texts[] = {{"kind", p->kind},
                 {"implementation", p->impl},
                 {"problem", p->problem},
                 {"source_format", p->source.format},
                 {"source_dtype", p->source.dtype},
                 {"weights_format", p->weights.format},
                 {"weights_dtype", p->weights.dtype},
                 {"bias_format", p->bias.format},
                 {"bias_dtype", p->bias.dtype},
                 {"destination_format", p->destination.format},
                 {"destination_dtype", p->destination.dtype},
                 {"post_ops", p->post_ops}};
    const struct {
      const char *key;
      double value;
    } numbers[] = {{"scratchpad_bytes", (double)p->scratchpad_bytes},
                   {"bytes_read", (double)p->bytes_read},
                   {"bytes_written", (double)p->bytes_written},
                   {"flops", p->flops},
                   {"flops_per_byte", p->flops / (double)(p->bytes_read + p->bytes_written)}};
    if (!convolutions++) { // by hand: 3x3 with stride 2 from 3x64x64 to 8x32x32
      assert_non_null(strstr(p->problem, "ic3ih64oc8oh32kh3sh2"));
      assert_true(p->flops == 2.0 * 8 * 32 * 32 * 3 * 3 * 3);
      assert_int_equal(p->bytes_written, 8 * 32 * 32 * 4);
      assert_true(p->bytes_read >= 3 * 64 * 64 * 4 + 8 * 27 * 4 + 8 * 4);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
      assert_string_equal(at(args, texts[i].key)->valuestring, texts[i].value);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
      assert_true(at(args, numbers[i].key)->valuedouble == numbers[i].value);
    const double ns = (double)(int64_t)(at(event, "dur")->valuedouble * 1e3 + 0.5);
    assert_true(at(args, "gflops")->valuedouble == p->flops / ns);
    assert_true(at(args, "gbytes_per_s")->valuedouble == (double)(p->bytes_read + p->bytes_written) / ns);
  }
  assert_int_equal(convolutions, 27); // MobileNet-v1: one in front, 13 of each of two kinds
  assert_int_equal(layers, layers_with_primitives(f.plan));
  cJSON_Delete(root);
  end(&f);
}

static void test_what_cannot_be_written(void **state) {
  fixture f = start(1);
  run(&f, MINFER_TRACE_RUN);
  const char *folder = support_path(state, "folder.trace.json"), *below = support_path(state, "no/such.trace.json");
  assert_int_equal(mkdir(folder, 0700), 0);
  api_fails(minfer_trace_write(f.session, NULL, folder, &api_error), MINFER_OUTPUT, folder);
  api_fails(minfer_trace_write(f.session, NULL, below, &api_error), MINFER_OUTPUT, below);
  api_fails(minfer_trace_write(f.session, NULL, "/dev/full", &api_error), MINFER_USAGE, ".trace.json");
  api_fails(minfer_trace_write(f.session, "chrome", "/dev/full", &api_error), MINFER_OUTPUT, "/dev/full");
  assert_int_equal(files_in(*state), 1); // nothing half-written stays
  assert_int_equal(minfer_trace_write(f.session, NULL, folder, NULL), MINFER_OUTPUT);
  end(&f);
}

static void test_unknown_formats_are_refused(void **state) {
  fixture f = start(1);
  const char *path = support_path(state, "a.trace.json");
  api_fails(minfer_trace_write(f.session, "perfetto", path, &api_error), MINFER_USAGE, "perfetto (expected chrome");
  api_fails(minfer_trace_write(f.session, "", path, &api_error), MINFER_USAGE, "chrome");
  api_fails(minfer_trace_write(f.session, NULL, support_path(state, "a.json"), &api_error), MINFER_USAGE,
            "expected .trace.json");
  assert_int_equal(files_in(*state), 0);
  end(&f);
}

static void test_formats_are_listed(void **state) {
  (void)state;
  int formats = 0;
  while (minfer_trace_format(formats)) {
    assert_true(minfer_trace_suffix(formats)[0] == '.');
    formats++;
  }
  assert_true(formats >= 1);
  assert_string_equal(minfer_trace_format(0), "chrome");
  assert_string_equal(minfer_trace_suffix(0), ".trace.json");
  assert_null(minfer_trace_suffix(formats));
  assert_null(minfer_trace_format(-1));
  assert_null(minfer_trace_suffix(-1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_levels_record_what_they_say),
      cmocka_unit_test(test_spans_form_a_tree),
      cmocka_unit_test(test_one_thread_only_works),
      cmocka_unit_test(test_the_first_run_is_a_phase),
      cmocka_unit_test(test_counters),
      cmocka_unit_test(test_primitives_fit_into_their_run),
      cmocka_unit_test(test_tracing_does_not_change_the_answer),
      cmocka_unit_test(test_wrong_levels_are_refused),
      cmocka_unit_test(test_untraced_runs_leave_no_spans),
      cmocka_unit_test(test_old_runs_give_way_to_new_ones),
      cmocka_unit_test_setup_teardown(test_a_file_holds_what_the_spans_say, support_folder_setup,
                                      support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_spans_carry_their_attributes, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_what_cannot_be_written, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_unknown_formats_are_refused, support_folder_setup, support_folder_teardown),
      cmocka_unit_test(test_formats_are_listed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
