// From records to spans: whole runs only, parents before children, whatever the clock says.
#include "base/alloc.h"
#include "reference/support.h"
#include "trace/trace.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct fixture {
  mf_recorder *recorder;
  mf_span *spans;
  size_t count;
} fixture;

static void start(fixture *f, size_t capacity) {
  mf_error e = {0};
  *f = (fixture){0};
  support_ok(mf_recorder_create(&f->recorder, capacity, &e), &e);
}

static void end(fixture *f) {
  mf_free(f->spans);
  mf_recorder_free(f->recorder);
}

static void push(fixture *f, uint32_t run, mf_span_kind kind, uint32_t index, uint64_t from, uint64_t to) {
  mf_recorder_push(
      f->recorder,
      &(mf_record){.run = run, .kind = (uint16_t)kind, .index = index, .start = from, .duration = to - from});
}

static void push_worker(fixture *f, uint32_t run, uint32_t primitive, uint16_t worker, uint64_t from, uint64_t to) {
  mf_recorder_push(f->recorder, &(mf_record){.run = run,
                                             .kind = MF_SPAN_THREAD,
                                             .index = primitive,
                                             .thread = worker,
                                             .start = from,
                                             .duration = to - from,
                                             .effective = 1,
                                             .spin = 2,
                                             .wait = 3,
                                             .overhead = 4,
                                             .chunks = 5});
}

static void collect(fixture *f, const int *layer_of, const mf_span *phases, int phase_count) {
  mf_error e = {0};
  support_ok(mf_trace_spans(&f->spans, &f->count, f->recorder, layer_of, phases, phase_count, &e), &e);
}

// One line a span: depth by its parents, kind, index, worker. "run1 .layer0 ..primitive0 ...thread0.1"
static const char *print(const fixture *f) {
  static char text[4096];
  size_t length = 0;
  text[0] = 0;
  for (size_t i = 0; i < f->count; i++) {
    const mf_span *s = &f->spans[i];
    assert_int_equal(s->id, i + 1);
    assert_true(s->parent < s->id);
    char dots[8] = "";
    for (uint64_t p = s->parent; p; p = f->spans[p - 1].parent) strcat(dots, ".");
    length += (size_t)snprintf(text + length, sizeof text - length, "%s%s%s%d", i ? " " : "", dots,
                               mf_span_kind_name(s->kind), s->index);
    if (s->kind == MF_SPAN_GAP)
      length += (size_t)snprintf(text + length, sizeof text - length, "(%llu)", (unsigned long long)s->duration);
    if (s->kind == MF_SPAN_THREAD) length += (size_t)snprintf(text + length, sizeof text - length, ".%d", s->thread);
  }
  return text;
}

// Two layers, the first with two primitives, a reorder before each.
static const int layer_of[] = {-1, 0, 0, -1, 1};

static void push_primitives(fixture *f, uint32_t run, uint64_t t) {
  push(f, run, MF_SPAN_PRIMITIVE, 0, t + 1, t + 2);
  push(f, run, MF_SPAN_PRIMITIVE, 1, t + 3, t + 5);
  push(f, run, MF_SPAN_PRIMITIVE, 2, t + 5, t + 7);
  push(f, run, MF_SPAN_LAYER, 0, t + 3, t + 7);
  push(f, run, MF_SPAN_PRIMITIVE, 3, t + 8, t + 9);
  push(f, run, MF_SPAN_PRIMITIVE, 4, t + 9, t + 12);
  push(f, run, MF_SPAN_LAYER, 1, t + 9, t + 12);
  push(f, run, MF_SPAN_RUN, run, t, t + 13);
}
#define RECORDS 8
#define TREE(run) "run" #run " .primitive0 .layer0 ..primitive1 ..primitive2 .primitive3 .layer1 ..primitive4"

static void test_parents_come_first(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  push_primitives(&f, 1, 100);
  collect(&f, layer_of, NULL, 0);
  assert_string_equal(print(&f), TREE(1));
  assert_int_equal(f.spans[2].start, 103);
  assert_int_equal(f.spans[2].duration, 4);
  for (size_t i = 1; i < f.count; i++) assert_true(f.spans[i].start >= f.spans[i - 1].start);
  end(&f);
}

static void test_runs_follow_each_other(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  push_primitives(&f, 1, 100);
  push_primitives(&f, 2, 200);
  push(&f, 3, MF_SPAN_RUN, 3, 300, 301); // the coarsest level
  collect(&f, layer_of, NULL, 0);
  assert_string_equal(print(&f), TREE(1) " " TREE(2) " run3");
  end(&f);
}

// Steps that begin anew within a run are its next chunk's; a plan of one step does nothing else.
static void test_chunks_are_counted(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  for (uint32_t run = 1; run <= 2; run++) {
    for (uint32_t chunk = 0; chunk < 3; chunk++)
      for (uint32_t p = 0; p < 2; p++) {
        const uint64_t t = 100 * run + 20 * chunk + 10 * p;
        push(&f, run, MF_SPAN_PRIMITIVE, p, t + 1, t + 9);
        push_worker(&f, run, p, 0, t + 1, t + 9);
        if (p) push(&f, run, MF_SPAN_LAYER, 0, t + 1, t + 9);
      }
    push(&f, run, MF_SPAN_RUN, run, 100 * run, 100 * run + 61);
  }
  for (uint32_t chunk = 0; chunk < 3; chunk++) push(&f, 3, MF_SPAN_LAYER, 0, 300 + chunk, 301 + chunk);
  push(&f, 3, MF_SPAN_RUN, 3, 300, 304);
  collect(&f, layer_of, NULL, 0);
#define CHUNK ".primitive0 ..thread0.0 .layer0 ..primitive1 ...thread1.0 "
#define CHUNKS CHUNK CHUNK CHUNK
  assert_string_equal(print(&f), "run1 " CHUNKS "run2 " CHUNKS "run3 .layer0 .layer0 .layer0");
  int seen = 0;
  for (size_t i = 0; i < 32; i++) {
    if (f.spans[i].kind == MF_SPAN_RUN)
      seen = 0;
    else
      assert_int_equal(f.spans[i].chunk, seen++ / 5);
  }
  for (uint32_t chunk = 0; chunk < 3; chunk++) assert_int_equal(f.spans[33 + chunk].chunk, chunk);
  end(&f);
}

static void test_workers_hang_on_their_primitive(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  for (uint32_t p = 0; p < 2; p++) {
    push(&f, 1, MF_SPAN_PRIMITIVE, p, 10 * p + 1, 10 * p + 9);
    for (uint16_t w = 0; w < 3; w++) push_worker(&f, 1, p, w, 10 * p + 1, 10 * p + 9);
  }
  push(&f, 1, MF_SPAN_LAYER, 0, 11, 19);
  push(&f, 1, MF_SPAN_RUN, 1, 0, 20);
  collect(&f, layer_of, NULL, 0);
  assert_string_equal(print(&f), "run1 .primitive0 ..thread0.0 ..thread0.1 ..thread0.2"
                                 " .layer0 ..primitive1 ...thread1.0 ...thread1.1 ...thread1.2");
  const mf_span *worker = &f.spans[3];
  assert_int_equal(worker->thread, 1);
  assert_int_equal(worker->effective, 1);
  assert_int_equal(worker->spin, 2);
  assert_int_equal(worker->wait, 3);
  assert_int_equal(worker->overhead, 4);
  assert_int_equal(worker->chunks, 5);
  end(&f);
}

static void test_layers_without_primitives(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  push(&f, 7, MF_SPAN_LAYER, 0, 3, 7);
  push(&f, 7, MF_SPAN_LAYER, 1, 9, 12);
  push(&f, 7, MF_SPAN_RUN, 7, 0, 13);
  collect(&f, layer_of, NULL, 0);
  assert_string_equal(print(&f), "run7 .layer0 .layer1");
  end(&f);
}

// A clock that stands still gives every span the same start and no duration; the tree is the same.
static void test_equal_starts_keep_the_tree(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  for (uint32_t run = 1; run <= 2; run++) {
    static const struct {
      mf_span_kind kind;
      uint32_t index;
    } records[] = {{MF_SPAN_PRIMITIVE, 0}, {MF_SPAN_PRIMITIVE, 1}, {MF_SPAN_PRIMITIVE, 2}, {MF_SPAN_LAYER, 0},
                   {MF_SPAN_PRIMITIVE, 3}, {MF_SPAN_PRIMITIVE, 4}, {MF_SPAN_LAYER, 1}};
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
      push(&f, run, records[i].kind, records[i].index, 50, 50);
    push(&f, run, MF_SPAN_RUN, run, 50, 50);
  }
  collect(&f, layer_of, NULL, 0);
  assert_string_equal(print(&f), TREE(1) " " TREE(2));
  end(&f);
}

static void test_runs_that_failed_are_left_out(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  push(&f, 1, MF_SPAN_PRIMITIVE, 0, 1, 2); // no RUN record: the second primitive failed
  push_primitives(&f, 2, 100);
  push(&f, 3, MF_SPAN_PRIMITIVE, 0, 201, 202);
  push(&f, 3, MF_SPAN_PRIMITIVE, 1, 203, 204);
  push(&f, 3, MF_SPAN_LAYER, 0, 203, 204);
  collect(&f, layer_of, NULL, 0);
  assert_string_equal(print(&f), TREE(2));
  end(&f);
}

// A ring of 16 with runs of 8 records: however far the next run has got, the runs shown are whole, and the newest is
// among them.
static void test_cut_runs_are_left_out(void **state) {
  (void)state;
  for (uint32_t more = 0; more <= RECORDS; more++) {
    fixture f;
    start(&f, 2 * RECORDS);
    push_primitives(&f, 1, 100);
    push_primitives(&f, 2, 200);
    for (uint32_t i = 0; i < more; i++)
      push(&f, 3, i < RECORDS - 1 ? MF_SPAN_PRIMITIVE : MF_SPAN_RUN, i < RECORDS - 1 ? 0 : 3, 300 + i, 300 + i);
    collect(&f, layer_of, NULL, 0);
    const char *text = print(&f);
    if (more == 0)
      assert_string_equal(text, TREE(1) " " TREE(2));
    else if (more < RECORDS)
      assert_string_equal(text, TREE(2)); // run 3 is not done, run 1 has lost its beginning
    else
      assert_non_null(strstr(text, "run3"));
    assert_null(strstr(text + 1, "run1")); // never a second, broken one
    end(&f);
  }
}

static void test_a_run_larger_than_the_ring_leaves_nothing(void **state) {
  (void)state;
  fixture f;
  start(&f, 4);
  push_primitives(&f, 1, 100);
  collect(&f, layer_of, NULL, 0);
  assert_int_equal(f.count, 0);
  end(&f);
}

static void test_phases_come_first(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  push_primitives(&f, 1, 100);
  const mf_span phases[] = {{.kind = MF_SPAN_APPLICATION, .start = 5, .duration = 6},
                            {.kind = MF_SPAN_APPLICATION, .start = 11, .duration = 80, .index = 1}};
  collect(&f, layer_of, phases, 2);
  assert_string_equal(print(&f), "application0 application1 " TREE(1));
  assert_int_equal(f.spans[1].start, 11);
  assert_int_equal(f.spans[1].duration, 80);
  end(&f);
}

static void test_phases_have_parts(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  const mf_span phases[] = {{.kind = MF_SPAN_APPLICATION, .start = 5, .duration = 6},
                            {.kind = MF_SPAN_APPLICATION, .start = 11, .duration = 80, .index = 1},
                            {.kind = MF_SPAN_APPLICATION, .parent = 2, .start = 12, .duration = 8, .index = 2}};
  collect(&f, layer_of, phases, 3);
  assert_string_equal(print(&f), "application0 application1 .application2");
  end(&f);
}

// Time without a primitive gets a name where it lasts 1 us: within a layer, between layers, at both ends.
static void test_gaps(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  push(&f, 1, MF_SPAN_PRIMITIVE, 0, 2500, 3000);
  push(&f, 1, MF_SPAN_PRIMITIVE, 1, 3999, 5000); // 999 ns are none
  push_worker(&f, 1, 1, 0, 3999, 5000);
  push(&f, 1, MF_SPAN_PRIMITIVE, 2, 6000, 7000);
  push(&f, 1, MF_SPAN_LAYER, 0, 3999, 7000);
  push(&f, 1, MF_SPAN_PRIMITIVE, 3, 7000, 7000);
  push(&f, 1, MF_SPAN_PRIMITIVE, 4, 9000, 9500);
  push(&f, 1, MF_SPAN_LAYER, 1, 9000, 9500);
  push(&f, 1, MF_SPAN_RUN, 1, 1000, 20000);
  push(&f, 2, MF_SPAN_LAYER, 0, 33000, 40000); // without primitives nothing is known
  push(&f, 2, MF_SPAN_RUN, 2, 30000, 50000);
  collect(&f, layer_of, NULL, 0);
  assert_string_equal(print(&f),
                      "run1 .gap0(1500) .primitive0 .layer0 ..primitive1 ...thread1.0 ..gap2(1000) ..primitive2 "
                      ".primitive3 .gap4(2000) .layer1 ..primitive4 .gap5(10500) run2 .layer0");
  assert_int_equal(f.spans[1].start, 1000);
  assert_int_equal(f.spans[6].start, 5000);
  end(&f);
}

static void test_counters(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  mf_recorder_push(f.recorder, &(mf_record){.run = 1,
                                            .kind = MF_SPAN_RUN,
                                            .duration = 9,
                                            .cycles = 11,
                                            .instructions = 12,
                                            .cache_misses = 13,
                                            .page_faults = 14,
                                            .voluntary = 15,
                                            .involuntary = 16});
  collect(&f, layer_of, NULL, 0);
  const mf_span *s = &f.spans[0];
  assert_true(s->cycles == 11 && s->instructions == 12 && s->cache_misses == 13);
  assert_true(s->page_faults == 14 && s->voluntary == 15 && s->involuntary == 16);
  assert_true(s->effective == 0 && s->overhead == 0 && s->chunks == 0);
  end(&f);
}

static void test_nothing_recorded(void **state) {
  (void)state;
  fixture f = {0};
  const mf_span phase = {.kind = MF_SPAN_APPLICATION, .start = 5};
  collect(&f, NULL, &phase, 1); // no recorder either
  assert_string_equal(print(&f), "application0");
  end(&f);
  f = (fixture){0};
  collect(&f, NULL, NULL, 0);
  assert_int_equal(f.count, 0);
  end(&f);
}

static void test_names(void **state) {
  (void)state;
  const mf_item phases[] = {{.name = "build"}}, layers[] = {{.name = "a"}, {.name = "b"}},
                primitives[] = {{.name = "p"}, {.name = "q"}, {.name = "r"}},
                gaps[] = {{.name = "first"}, {.name = "after p"}, {.name = "after q"}, {.name = "after r"}};
  const mf_trace trace = {.phases = phases, .layers = layers, .primitives = primitives, .gaps = gaps};
  static const struct {
    mf_span span;
    const char *name;
  } cases[] = {{{.kind = MF_SPAN_APPLICATION, .index = 0}, "build"}, {{.kind = MF_SPAN_RUN, .index = 17}, "run"},
               {{.kind = MF_SPAN_LAYER, .index = 1}, "b"},           {{.kind = MF_SPAN_PRIMITIVE, .index = 2}, "r"},
               {{.kind = MF_SPAN_THREAD, .index = 1}, "q"},          {{.kind = MF_SPAN_GAP, .index = 0}, "first"},
               {{.kind = MF_SPAN_GAP, .index = 3}, "after r"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_string_equal(mf_trace_name(&trace, &cases[i].span), cases[i].name);
  assert_null(mf_trace_item(&trace, &cases[1].span));
}

static mf_status attempt(void *context, mf_error *e) {
  const fixture *f = context;
  mf_span *spans;
  size_t count;
  MF_TRY(mf_trace_spans(&spans, &count, f->recorder, layer_of, NULL, 0, e));
  mf_free(spans);
  return MF_OK;
}

static void test_a_refused_allocation_is_reported(void **state) {
  (void)state;
  fixture f;
  start(&f, 64);
  push_primitives(&f, 1, 100);
  assert_int_equal(support_refuse_allocations(attempt, &f), 1);
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parents_come_first),
      cmocka_unit_test(test_runs_follow_each_other),
      cmocka_unit_test(test_chunks_are_counted),
      cmocka_unit_test(test_workers_hang_on_their_primitive),
      cmocka_unit_test(test_layers_without_primitives),
      cmocka_unit_test(test_equal_starts_keep_the_tree),
      cmocka_unit_test(test_runs_that_failed_are_left_out),
      cmocka_unit_test(test_cut_runs_are_left_out),
      cmocka_unit_test(test_a_run_larger_than_the_ring_leaves_nothing),
      cmocka_unit_test(test_phases_come_first),
      cmocka_unit_test(test_phases_have_parts),
      cmocka_unit_test(test_gaps),
      cmocka_unit_test(test_counters),
      cmocka_unit_test(test_nothing_recorded),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_a_refused_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
