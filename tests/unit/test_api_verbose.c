// Logs as traces through minfer.h: what is a run, how layers are named, when things happened, and what bad logs give.
#include "api_fixture.h"
#include "base/text.h"
#include <math.h>

// ---- logs made here

static void add_convolution(mf_text *log, const char *before, int ic, int oc, int size, int kernel, const char *posts,
                            double ms) {
  mf_text_format(log,
                 "%sexec,cpu,convolution,jit,forward_inference,src_f32::blocked:acdb:f0 wei_f32::blocked:Acdb64a:f0 "
                 "dst_f32::blocked:acdb:f0,%s,alg:convolution_direct,mb1_ic%doc%d_ih%doh%dkh%dsh1dh0ph0_iw%dow%dkw%dsw1"
                 "dw0pw0,%g\n",
                 before, posts, ic, oc, size, size, kernel, size, size, kernel, ms);
}

#define PLAIN "dnnl_verbose,"

static void add_simple(mf_text *log, const char *kind, const char *problem, double ms) {
  mf_text_format(log, PLAIN "exec,cpu,%s,jit:uni,undef,src_f32::blocked:abcd:f0 dst_f32::blocked:acdb:f0,,,%s,%g\n",
                 kind, problem, ms);
}

static minfer_status read_text(void **state, const mf_text *log, const char *model, minfer_trace **out) {
  const char *path = support_path(state, "a.log");
  assert_false(log->failed);
  support_write_file(path, log->data, log->length);
  const minfer_verbose_options options = {.size = sizeof options, .model = model};
  return minfer_trace_read_verbose(path, &options, out, &api_error);
}

static const minfer_attribute *attribute(const minfer_attribute *list, int count, const char *key) {
  for (int i = 0; i < count; i++)
    if (strcmp(list[i].key, key) == 0) return &list[i];
  return NULL;
}

static int64_t counted(const minfer_trace_view *v, const char *key) {
  const minfer_attribute *a = attribute(v->environment, v->environment_count, key);
  if (!a || a->type != MINFER_ATTRIBUTE_INT) fail_msg("no number %s", key);
  return a ? a->integer : 0;
}

static const char *said(const minfer_trace_view *v, const char *key) {
  const minfer_attribute *a = attribute(v->environment, v->environment_count, key);
  return a ? a->text : "";
}

static const char *item_said(const minfer_item *item, const char *key) {
  const minfer_attribute *a = attribute(item->attributes, item->attribute_count, key);
  return a ? a->text : "";
}

// ---- runs

// What repeats: a 3x3, a 1x1, a reorder and an inner product, all different.
static void add_run(mf_text *log, double ms) {
  add_convolution(log, PLAIN, 3, 8, 9, 3, "", ms);
  add_convolution(log, PLAIN, 8, 8, 9, 1, "", 2 * ms);
  add_simple(log, "reorder", "1x8x9x9", 3 * ms);
  mf_text_format(log,
                 PLAIN "exec,cpu,inner_product,gemm,forward_inference,src_f32::blocked:ab:f0 "
                       "wei_f32::blocked:ab:f0 dst_f32::blocked:ab:f0,,,mb1ic648oc10,%g\n",
                 4 * ms);
}

static void expect_runs(void **state, const mf_text *log, int runs, int length, int outside) {
  minfer_trace *t = NULL;
  api_ok(read_text(state, log, NULL, &t));
  const minfer_trace_view *v = minfer_trace_describe(t);
  assert_int_equal(counted(v, "runs"), runs);
  assert_int_equal(counted(v, "primitives_per_run"), length);
  assert_int_equal(counted(v, "executions_outside"), outside);
  int spans = 0, primitives = 0;
  for (size_t i = 0; i < v->span_count; i++) {
    const minfer_span *s = &v->spans[i];
    assert_int_equal(s->id, i + 1);
    assert_true(s->parent < s->id);
    if (i) assert_true(s->start_ns >= v->spans[i - 1].start_ns);
    if (s->parent) {
      const minfer_span *p = &v->spans[s->parent - 1];
      assert_true(p->start_ns <= s->start_ns && s->start_ns + s->duration_ns <= p->start_ns + p->duration_ns);
    }
    spans += s->kind == MINFER_SPAN_RUN;
    primitives += s->kind == MINFER_SPAN_PRIMITIVE;
    if (s->kind == MINFER_SPAN_APPLICATION) primitives += strcmp(v->phases[s->index].category, "outside") == 0;
    if (s->kind == MINFER_SPAN_RUN) assert_int_equal(s->index, spans - 1);
  }
  assert_int_equal(spans, runs);
  assert_int_equal(primitives, counted(v, "lines_executed"));
  minfer_trace_free(t);
}

static void test_runs(void **state) {
  mf_text log = {0};
  add_run(&log, 1);
  expect_runs(state, &log, 1, 4, 0);
  add_run(&log, 1);
  expect_runs(state, &log, 2, 4, 0);
  for (int i = 0; i < 8; i++) add_run(&log, 1);
  expect_runs(state, &log, 10, 4, 0);
  add_convolution(&log, PLAIN, 3, 8, 9, 3, "", 1); // the next one has begun
  expect_runs(state, &log, 10, 4, 1);
  mf_text_free(&log);

  // Weights are reordered before the first run; the second and fourth have a line that is not of them.
  for (int i = 0; i < 5; i++) {
    char problem[32];
    snprintf(problem, sizeof problem, "%dx8x3x3", 16 + i);
    add_simple(&log, "reorder", problem, 0.5);
  }
  add_run(&log, 1);
  mf_text_format(&log, "progress: 12 %%\n");
  add_simple(&log, "reorder", "77x8x3x3", 1);
  add_run(&log, 1);
  add_run(&log, 1);
  mf_text_format(&log, "progress: 50 %% " PLAIN "exec,cpu,sum,simple:any,undef,src_f32::blocked:a:f0,,,5,0.1\n");
  add_run(&log, 1);
  add_run(&log, 1);
  expect_runs(state, &log, 5, 4, 7);
  mf_text_free(&log);

  // A network of equal blocks is one run: what follows the blocks does not repeat.
  add_convolution(&log, PLAIN, 3, 8, 9, 3, "", 1);
  for (int i = 0; i < 30; i++) {
    add_convolution(&log, PLAIN, 8, 8, 9, 3, "", 1);
    add_convolution(&log, PLAIN, 8, 8, 9, 1, "", 1);
    add_convolution(&log, PLAIN, 8, 8, 9, 1, "attr-post-ops:sum ", 1);
  }
  for (int i = 0; i < 9; i++) add_convolution(&log, PLAIN, 8, 16 + i, 9, 1, "", 1);
  expect_runs(state, &log, 1, 100, 0);
  mf_text_free(&log);

  // Calibration in one type, then runs in another: the last ones count.
  for (int i = 0; i < 4; i++) {
    add_convolution(&log, PLAIN, 3, 8, 9, 3, "", 1);
    add_convolution(&log, PLAIN, 8, 8, 9, 3, "", 1);
    add_convolution(&log, PLAIN, 8, 4, 9, 3, "", 1);
  }
  for (int i = 0; i < 5; i++) add_run(&log, 1);
  expect_runs(state, &log, 5, 4, 12);
  mf_text_free(&log);
}

// ---- time

static void test_clock(void **state) {
  mf_text log = {0};
  minfer_trace *t = NULL;
  add_convolution(&log, "onednn_verbose,v1,1700000000000.5,primitive,", 3, 8, 9, 3, "", 1.25);
  add_convolution(&log, "onednn_verbose,v1,1700000000003.5,primitive,", 8, 8, 9, 3, "", 0.5);
  api_ok(read_text(state, &log, NULL, &t));
  const minfer_trace_view *v = minfer_trace_describe(t);
  assert_string_equal(said(v, "time_axis"), "timestamps");
  assert_true(v->epoch_ns == 1700000000000500000u);
  assert_int_equal(v->spans[0].kind, MINFER_SPAN_RUN);
  assert_int_equal(v->spans[0].duration_ns, 3500000);
  assert_int_equal(v->spans[v->span_count - 1].start_ns, 3000000);
  assert_int_equal(v->spans[v->span_count - 1].duration_ns, 500000);
  minfer_trace_free(t);

  // Two threads at once: no track could show it.
  add_convolution(&log, "onednn_verbose,v1,1700000000003.6,primitive,", 8, 9, 9, 3, "", 0.5);
  api_ok(read_text(state, &log, NULL, &t));
  v = minfer_trace_describe(t);
  assert_non_null(strstr(said(v, "time_axis"), "lines overlap"));
  assert_int_equal(v->spans[0].duration_ns, 2250000);
  assert_true(v->epoch_ns == 0);
  minfer_trace_free(t);
  mf_text_free(&log);

  // Without timestamps: one behind the other, creations too.
  mf_text_format(&log, "dnnl_verbose,create:cache_miss,cpu,sum,simple:any,undef,src_f32::blocked:a:f0,,,5,2\n");
  add_convolution(&log, PLAIN, 3, 8, 9, 3, "", 1.25);
  add_convolution(&log, PLAIN, 8, 8, 9, 3, "", 0.5);
  api_ok(read_text(state, &log, NULL, &t));
  v = minfer_trace_describe(t);
  assert_non_null(strstr(said(v, "time_axis"), "no timestamps"));
  assert_int_equal(v->spans[0].kind, MINFER_SPAN_APPLICATION);
  assert_string_equal(v->phases[v->spans[0].index].name, "create sum (cache_miss)");
  assert_int_equal(v->spans[0].duration_ns, 2000000);
  assert_int_equal(v->spans[1].start_ns, 2000000);
  assert_int_equal(v->spans[1].duration_ns, 1750000);
  minfer_trace_free(t);
  mf_text_free(&log);
}

// ---- layers

static void test_without_a_model(void **state) {
  mf_text log = {0};
  minfer_trace *t = NULL;
  add_run(&log, 1);
  add_simple(&log, "pooling_v2", "mb1ic8_ih9oh9kh1sh1dh0ph0_iw9ow9kw1sw1dw0pw0", 1);
  add_simple(&log, "never_heard_of", "1x8", 1);
  api_ok(read_text(state, &log, NULL, &t));
  const minfer_trace_view *v = minfer_trace_describe(t);
  static const char *const names[] = {"conv1", "conv2", "fc1", "pooling1", "never_heard_of1"};
  assert_int_equal(v->layer_count, 5);
  for (int i = 0; i < 5; i++) assert_string_equal(v->layers[i].name, names[i]);
  assert_string_equal(v->primitives[2].name, "conv2 -> fc1");
  assert_string_equal(item_said(&v->primitives[2], "reason"), "format mismatch: conv2 wrote nchw, fc1 reads nhwc");
  assert_string_equal(v->primitives[4].category, "pooling");
  minfer_trace_free(t);
  mf_text_free(&log);
}

// resnet50's first block, in the orders of three programs: 1x1, 3x3, 1x1 to 256 and, of the same sizes, the shortcut.
// That of conv3_x tells which of both is which.
typedef struct step {
  int ic, oc, size, kernel;
  bool adds;
} step;

static void expect_block(void **state, const step *steps, int count, int position, const char *name,
                         const char *other) {
  mf_text log = {0};
  minfer_trace *t = NULL;
  for (int i = 0; i < count; i++) {
    const step *s = &steps[i];
    add_convolution(&log, PLAIN, s->ic, s->oc, s->size, s->kernel, s->adds ? "attr-post-ops:sum:1+eltwise_relu " : "",
                    1);
  }
  api_ok(read_text(state, &log, "resnet50", &t));
  const minfer_trace_view *v = minfer_trace_describe(t);
  int found = 0;
  for (int i = 0; i < count; i++) {
    if (steps[i].ic != 64 || steps[i].oc != 256) continue;
    if (found == 0) assert_string_equal(v->primitives[i].name, position == 0 ? name : other);
    if (found == 1) assert_string_equal(v->primitives[i].name, position == 0 ? other : name);
    found++;
  }
  assert_true(found >= 2);
  minfer_trace_free(t);
  mf_text_free(&log);
}

static void test_branches(void **state) {
  // The shortcut first, the main branch adds (sizes of conv3_x are not exact here: the log keeps the map).
  static const step shortcut_first[] = {{3, 64, 224, 7, false},   {64, 256, 56, 1, false},  {64, 64, 56, 1, false},
                                        {64, 64, 56, 3, false},   {64, 256, 56, 1, true},   {256, 512, 28, 1, false},
                                        {256, 128, 56, 1, false}, {128, 128, 28, 3, false}, {128, 512, 28, 1, true}};
  expect_block(state, shortcut_first, 9, 1, "layer1.0.conv3+bn3+add+relu3", "layer1.0.downsample.0+1");
  // The shortcut last, and it adds.
  static const step shortcut_adds[] = {{3, 64, 224, 7, false},   {64, 64, 56, 1, false},   {64, 64, 56, 3, false},
                                       {64, 256, 56, 1, false},  {64, 256, 56, 1, true},   {256, 128, 56, 1, false},
                                       {128, 128, 28, 3, false}, {128, 512, 28, 1, false}, {256, 512, 28, 1, true}};
  expect_block(state, shortcut_adds, 9, 0, "layer1.0.conv3+bn3", "layer1.0.downsample.0+1+layer1.0.add+layer1.0.relu3");
  // Nothing is fused, the shortcut runs first.
  static const step unfused[] = {{3, 64, 224, 7, false},   {64, 256, 56, 1, false},  {64, 64, 56, 1, false},
                                 {64, 64, 56, 3, false},   {64, 256, 56, 1, false},  {256, 512, 28, 1, false},
                                 {256, 128, 56, 1, false}, {128, 128, 28, 3, false}, {128, 512, 28, 1, false}};
  expect_block(state, unfused, 9, 1, "layer1.0.conv3+bn3+add+relu3", "layer1.0.downsample.0+1");
}

static void test_models_that_do_not_fit(void **state) {
  mf_text log = {0};
  minfer_trace *t = NULL;
  add_run(&log, 1);
  api_ok(read_text(state, &log, "vgg16", &t));
  const minfer_trace_view *v = minfer_trace_describe(t);
  assert_int_equal(counted(v, "layers_found"), 0);
  assert_int_equal(counted(v, "layers_expected"), 21);
  assert_non_null(strstr(said(v, "match_note"), "0 of vgg16's 21 layers"));
  assert_non_null(strstr(said(v, "match_note"), "features.0 (convolution"));
  assert_non_null(strstr(said(v, "match_note"), "number 1 of a run, convolution mb1_ic3oc8_"));
  assert_string_equal(v->layers[0].name, "conv1 (not in vgg16)");
  minfer_trace_free(t);
  minfer_verbose_options options = {.size = sizeof options, .model = "resnet5"};
  const char *path = support_path(state, "a.log");
  api_fails(minfer_trace_read_verbose(path, &options, &t, &api_error), MINFER_USAGE, "there is no network resnet5");
  options = (minfer_verbose_options){.size = sizeof options, .model = "resnet50", .multiplier = 0.5};
  api_fails(minfer_trace_read_verbose(path, &options, &t, &api_error), MINFER_USAGE, "multiplier of 0.5");
  mf_text_free(&log);
}

// ---- logs that are broken

static void test_bad_logs(void **state) {
  static const char good[] = PLAIN "exec,cpu,sum,simple:any,undef,src_f32::blocked:a:f0,,,5,1\n";
  static const struct {
    const char *text;
    size_t count;
    minfer_status status;
    const char *says;
    int executed, unreadable;
  } cases[] = {
#define TEXT(text) text, sizeof(text) - 1
      {TEXT(""), MINFER_FILE, "no verbose line of oneDNN in 0 lines", 0, 0},
      {TEXT("hello\nworld\n"), MINFER_FILE, "no verbose line of oneDNN in 2 lines", 0, 0},
      {TEXT("onednn_verbose"), MINFER_FILE, "no verbose line", 0, 0},
      {TEXT("\0\0\n\0"), MINFER_FILE, "no verbose line", 0, 0},
      {TEXT(PLAIN "\n"), MINFER_OK, "line 1: it ends before the operation", 0, 1},
      {TEXT(PLAIN "exec,cpu,sum,simple"), MINFER_OK, "line 1: fields are missing", 0, 1},
      {TEXT(PLAIN "exec,cpu,sum,\0simple:any,undef,src_f32,,,5,1\n"), MINFER_OK, "", 1, 0},
      {TEXT(PLAIN "exec,cpu,sum,simple:any,undef,src_f32,,,5,\0001\n"), MINFER_OK, "line 1: the time is no number", 0,
       1},
      {TEXT(PLAIN "exec,cpu,sum,simple:any,undef,s,,,5,1" PLAIN "exec,cpu,sum,simple:any,undef,s,,,5,2"), MINFER_OK, "",
       2, 0},
      {TEXT(PLAIN "exec,cpu,sum,simp" PLAIN "exec,cpu,sum,simple:any,undef,s,,,5,2\r\n"), MINFER_OK,
       "line 1: fields are", 1, 1},
      {TEXT(PLAIN "exec,cpu,sum,simple:any,undef,s,,,5,1\r\n"), MINFER_OK, "", 1, 0}};
#undef TEXT
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *path = support_path(state, "bad.log");
    minfer_trace *t = NULL;
    support_write_file(path, cases[i].text, cases[i].count);
    if (cases[i].status != MINFER_OK) {
      api_fails(minfer_trace_read_verbose(path, NULL, &t, &api_error), cases[i].status, cases[i].says);
      assert_null(t);
      continue;
    }
    api_ok(minfer_trace_read_verbose(path, NULL, &t, &api_error));
    const minfer_trace_view *v = minfer_trace_describe(t);
    assert_int_equal(counted(v, "lines_executed"), cases[i].executed);
    assert_int_equal(counted(v, "lines_unreadable"), cases[i].unreadable);
    if (!strstr(said(v, "first_unreadable"), cases[i].says)) fail_msg("%zu: %s", i, said(v, "first_unreadable"));
    minfer_trace_free(t);
  }
  // A line that is longer than any of oneDNN's, and then a good one.
  mf_text log = {0};
  minfer_trace *t = NULL;
  mf_text_format(&log, PLAIN "exec,cpu,sum,simple:any,undef,");
  for (int i = 0; i < 20000; i++) mf_text_add(&log, "src_f32 ", 8);
  mf_text_format(&log, ",,,5,1\n%s", good);
  api_ok(read_text(state, &log, NULL, &t));
  assert_int_equal(counted(minfer_trace_describe(t), "lines_executed"), 1);
  assert_string_equal(said(minfer_trace_describe(t), "first_unreadable"), "line 1: the line is too long");
  minfer_trace_free(t);
  mf_text_free(&log);
  api_fails(minfer_trace_read_verbose("/nonexistent", NULL, &t, &api_error), MINFER_FILE,
            "/nonexistent: cannot be opened");
  api_fails(minfer_trace_read_verbose("/", NULL, &t, &api_error), MINFER_FILE, "/: cannot be read");
}

// A long log without repetition: equal primitives share an item.
static void test_folded(void **state) {
  mf_text log = {0};
  minfer_trace *t = NULL;
  unsigned seed = 1;
  for (int i = 0; i < 9000; i++) {
    seed = seed * 1103515245 + 12345;
    add_convolution(&log, PLAIN, 3, 8 + (int)(seed >> 16) % 7, 9, 3, "", 1);
  }
  api_ok(read_text(state, &log, NULL, &t));
  const minfer_trace_view *v = minfer_trace_describe(t);
  assert_int_equal(counted(v, "folded"), 1);
  assert_int_equal(v->primitive_count, 7);
  minfer_trace_free(t);
  mf_text_free(&log);
}

// ---- a trace file of it, and no memory

typedef struct files {
  const char *log, *trace;
} files;

static mf_status attempt(void *context, mf_error *e) {
  const files *f = context;
  minfer_error error = {0};
  minfer_trace *t = NULL;
  const minfer_verbose_options options = {.size = sizeof options, .model = "mobilenet_v1"};
  minfer_status status = minfer_trace_read_verbose(f->log, &options, &t, &error);
  if (status == MINFER_OK) status = minfer_trace_convert(t, NULL, f->trace, &error);
  minfer_trace_free(t);
  e->status = (mf_status)status;
  memcpy(e->text, error.text, sizeof e->text);
  return (mf_status)status;
}

static void test_every_refusal_is_reported(void **state) {
  mf_text log = {0};
  mf_text_format(&log, "onednn_verbose,info,oneDNN v3.0.0 (commit x)\nonednn_verbose,info,cpu,isa:Intel AVX2\n"
                       "onednn_verbose,v1,primitive,create:dispatch,sum,unsupported isa,a.cpp:1\n"
                       "dnnl_verbose,create:cache_miss,cpu,sum,simple:any,undef,src_f32::blocked:a:f0,,,5,2\n"
                       "onednn_verbose,v1,primitive,error,sum,bad\nonednn_verbose,\n");
  add_run(&log, 1);
  add_run(&log, 1);
  add_convolution(&log, PLAIN, 3, 8, 9, 3, "", 1);
  files f = {support_path(state, "a.log"), support_path(state, "a.trace.json")};
  support_write_file(f.log, log.data, log.length);
  assert_true(support_refuse_allocations(attempt, &f) > 30);
  minfer_trace *back = NULL;
  api_ok(minfer_trace_read(f.trace, &back, &api_error)); // what is written is a trace
  assert_string_equal(said(minfer_trace_describe(back), "onednn_version"), "3.0.0");
  assert_string_equal(said(minfer_trace_describe(back), "isa"), "Intel AVX2");
  minfer_trace_free(back);
  mf_text_free(&log);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, support_folder_setup, support_folder_teardown)
  const struct CMUnitTest tests[] = {TEST(test_runs),
                                     TEST(test_clock),
                                     TEST(test_without_a_model),
                                     TEST(test_branches),
                                     TEST(test_models_that_do_not_fit),
                                     TEST(test_bad_logs),
                                     TEST(test_folded),
                                     TEST(test_every_refusal_is_reported)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
