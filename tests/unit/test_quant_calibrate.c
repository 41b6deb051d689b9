// The whole of calibration, over small random networks.
#include "pass/pass.h"
#include "quant/equalise.h"
#include "quant/quant.h"
#include "reference/support.h"
#include "unit/plan_fixture.h"

enum { MOST = 40, BATCH = 3 };

typedef struct images {
  float *data; // MOST of them
  size_t item;
  bool broken[MOST];
  int calls, asked_of_broken;
} images;

static mf_status fill(void *context, mf_session *session, int64_t at, int index, mf_error *e) {
  images *from = context;
  from->calls++;
  if (from->broken[index]) {
    from->asked_of_broken++;
    return mf_fail(e, MF_ERR_FILE, "picture %d is broken", index);
  }
  return mf_session_fill_floats(session, at, from->data + (size_t)index * from->item, e);
}

static mf_graph *make_network(uint64_t seed) {
  mf_error e;
  mf_graph *g = new_graph();
  next_random(&seed);
  mf_tensor_id x = add_input(g, SHAPE(BATCH, 3, PICK(&seed, 6, 8), PICK(&seed, 6, 9)));
  for (int i = 0; i < 4; i++) {
    const char *name = mf_arena_format(&g->arena, "n%d", i);
    const mf_pooling half = {MF_POOLING_AVERAGE, {2, 2}, {1, 1}, {0, 0}, {0, 0}, false};
    switch (pick(&seed, 6)) {
    case 0:
      x = add_max_pool(g, name, x, 3);
      break;
    case 1:
      x = add_sum(g, name, x, plain_convolution(g, join(g, name, "c"), x, channels(g, x), 3));
      break;
    case 2:
      x = ADD(g, POOLING, name, A(.pooling = half), x);
      break;
    default:
      x = add_relu(g, join(g, name, "relu"), plain_convolution(g, name, x, PICK(&seed, 5, 8, 16), PICK(&seed, 1, 3)));
    }
  }
  const mf_tensor_id flat = ADD(g, FLATTEN, "flat", NONE, x);
  mf_tensor_id inputs[] = {flat,
                           add_constant(g, "fc.weight", SHAPE(10, channels(g, flat)), 0, 3 / (double)channels(g, flat)),
                           add_constant(g, "fc.bias", SHAPE(10), 0, 0.1)};
  g->output = add_node(g, MF_OP_INNER_PRODUCT, "fc", NONE, inputs, 3);
  OK(mf_pass_run_all(g, &(mf_pass_options){.fusion = true}, &e));
  return g;
}

static images make_images(const mf_graph *g, uint64_t seed) {
  images i = {.item = reference_elements(&g->tensors[g->input].shape) / BATCH};
  i.data = test_malloc(MOST * i.item * sizeof *i.data);
  reference_random(seed, i.data, MOST * i.item);
  return i;
}

static void expect_same_quality(const mf_quality *a, const mf_quality *b) {
  assert_memory_equal(&a->sqnr_db, &b->sqnr_db, sizeof a->sqnr_db);
  assert_memory_equal(&a->agreement, &b->agreement, sizeof a->agreement);
  assert_int_equal(a->images, b->images);
}

static void expect_equal(const mf_calibration *a, const mf_calibration *b) {
  assert_string_equal(a->calibrator, b->calibrator);
  assert_int_equal(a->samples, b->samples);
  assert_int_equal(a->tensor_count, b->tensor_count);
  for (int i = 0; i < a->tensor_count; i++) {
    const mf_calibrated_tensor *x = &a->tensors[i], *y = &b->tensors[i];
    assert_string_equal(x->name, y->name);
    assert_string_equal(x->calibrator, y->calibrator);
    assert_true(x->quantization.dtype == y->quantization.dtype && x->quantization.scale == y->quantization.scale &&
                x->quantization.zero_point == y->quantization.zero_point && x->min == y->min && x->max == y->max);
  }
  assert_int_equal(a->correction_count, b->correction_count);
  for (int i = 0; i < a->correction_count; i++) {
    const mf_bias_correction *x = &a->corrections[i], *y = &b->corrections[i];
    assert_string_equal(x->layer, y->layer);
    assert_int_equal(x->channels, y->channels);
    assert_memory_equal(x->shift, y->shift, (size_t)x->channels * sizeof *x->shift);
  }
  assert_int_equal(a->equalisation_count, b->equalisation_count);
  for (int i = 0; i < a->equalisation_count; i++) {
    assert_string_equal(a->equalisations[i].tensor, b->equalisations[i].tensor);
    assert_int_equal(a->equalisations[i].channels, b->equalisations[i].channels);
    assert_memory_equal(a->equalisations[i].factors, b->equalisations[i].factors,
                        (size_t)a->equalisations[i].channels * sizeof(float));
  }
  assert_int_equal(a->float_count, b->float_count);
  for (int i = 0; i < a->float_count; i++) {
    assert_string_equal(a->floats[i].layer, b->floats[i].layer);
    assert_string_equal(a->floats[i].reason, b->floats[i].reason);
  }
}

typedef struct result {
  mf_calibration calibration;
  mf_quant_report report;
  images *from;
  mf_graph *graph;
} result;

static mf_status calibrate(result *r, int count, bool strict, const mf_quant_options *options, int threads,
                           mf_error *e) {
  const mf_samples samples = {.count = count, .strict = strict, .fill = fill, .context = r->from};
  return mf_quant_calibrate(&r->calibration, &r->report, r->graph, harness_pool(threads), &samples, options, e);
}

// Parameters as they were.
static void expect_parameters(const mf_graph *g, uint64_t id) {
  mf_graph *fresh = make_network(id);
  assert_true(mf_calibration_weights_hash(g) == mf_calibration_weights_hash(fresh));
  for (int t = 0; t < g->tensor_count; t++) assert_null(g->tensors[t].factors);
  mf_graph_free(fresh);
}

static void expect_shapes(mf_graph *g, const mf_shape *shapes) {
  mf_error e;
  OK(mf_graph_verify(g, &e));
  for (int t = 0; t < g->tensor_count; t++) assert_true(mf_shape_equal(&g->tensors[t].shape, &shapes[t]));
}

static void keep_shapes(const mf_graph *g, mf_shape *shapes) {
  assert_true(g->tensor_count <= 100);
  for (int t = 0; t < g->tensor_count; t++) shapes[t] = g->tensors[t].shape;
}

static int multiplying(const mf_graph *g) {
  int count = 0;
  for (int n = 0; n < g->node_count; n++) count += mf_node_multiplies(&g->nodes[n]);
  return count;
}

// The largest output for every image.
static void find_answers(const mf_graph *g, const images *from, int count, int *answers) {
  mf_error e;
  harness_engine engine;
  OK(harness_open(&engine, g, &(mf_plan_options){.activations = MF_F32}, 1, &e));
  for (int i = 0; i < count; i++) {
    size_t all;
    OK(mf_session_fill_floats(engine.session, 0, from->data + (size_t)i * from->item, &e));
    OK(mf_session_run(engine.session, NULL, MF_TRACE_OFF, 0, NULL, &e));
    const float *out = mf_session_output(engine.session, &all);
    answers[i] = 0;
    for (size_t k = 1; k < all; k++)
      if (out[k] > out[answers[i]]) answers[i] = (int)k;
  }
  harness_close(&engine);
}

static void test_same_every_time(void **state) {
  (void)state;
  int equalised = 0;
  for (uint64_t id = 1; id <= (uint64_t)HARNESS_SAMPLES(8); id++) {
    mf_error e;
    mf_shape shapes[100];
    mf_graph *g = make_network(id);
    images from = make_images(g, id);
    keep_shapes(g, shapes);
    const mf_quant_options options = {.calibrator = ((const char *[]){"auto", "minmax", "mse", "entropy"})[id % 4],
                                      .survey = id % 3 == 0,
                                      .equalise = (mf_equalise)(id % 3),
                                      .no_bias_correction = id % 5 == 0,
                                      .float_input = id % 2};
    result first = {.from = &from, .graph = g}, again = first;
    OK(calibrate(&first, 20, true, &options, 1, &e));
    for (int run = 0; run < 3; run++) {
      OK(calibrate(&again, 20, true, &options, 1 + run % 2, &e));
      expect_equal(&first.calibration, &again.calibration);
      expect_same_quality(&first.report.quality, &again.report.quality);
      assert_int_equal(first.report.candidate_count, again.report.candidate_count);
      mf_calibration_free(&again.calibration);
    }
    expect_shapes(g, shapes);
    expect_parameters(g, id);
    equalised += first.calibration.equalisation_count;
    assert_int_equal(first.calibration.samples, 20);
    assert_int_equal(first.report.passed_over, 0);
    assert_int_equal(first.calibration.float_count, 0);
    assert_int_equal(first.calibration.correction_count, options.no_bias_correction ? 0 : multiplying(g));
    OK(mf_calibration_equalise(&first.calibration, g, &g->arena, &e));
    OK(mf_calibration_annotate(&first.calibration, g, &e));
    OK(mf_calibration_correct(&first.calibration, g, &e));
    OK(mf_graph_verify(g, &e));
    mf_calibration_free(&first.calibration);
    test_free(from.data);
    mf_graph_free(g);
  }
  assert_true(equalised > 0);
}

// "auto" takes the calibrator whose output is nearest to f32's, and a named one is what it is in the survey.
static void test_survey(void **state) {
  (void)state;
  for (int plain = 0; plain < 2; plain++) {
    mf_error e;
    mf_graph *g = make_network(3);
    images from = make_images(g, 3);
    result automatic = {.from = &from, .graph = g}, named = automatic, surveyed = automatic;
    mf_quant_options options = {.calibrator = "auto", .no_bias_correction = plain};
    OK(calibrate(&automatic, 20, true, &options, 1, &e));
    const mf_quant_report *r = &automatic.report;
    int total = 0;
    double best = -INFINITY;
    for (; mf_calibrator_at(total); total++) {
      const mf_quality *q = plain ? &r->candidates[total].plain : &r->candidates[total].corrected;
      assert_string_equal(r->candidates[total].calibrator, mf_calibrator_at(total)->name);
      assert_int_equal(q->images, 20);
      best = fmax(best, q->sqnr_db);
      if (strcmp(automatic.calibration.calibrator, r->candidates[total].calibrator) == 0)
        expect_same_quality(q, &r->quality);
    }
    assert_int_equal(r->candidate_count, total);
    assert_true(r->quality.sqnr_db == best);
    options.calibrator = automatic.calibration.calibrator;
    OK(calibrate(&named, 20, true, &options, 1, &e));
    assert_int_equal(named.report.candidate_count, 0);
    expect_equal(&named.calibration, &automatic.calibration);
    options.survey = true;
    options.calibrator = "entropy";
    OK(calibrate(&surveyed, 20, true, &options, 1, &e));
    assert_string_equal(surveyed.calibration.calibrator, "entropy");
    for (int i = 0; i < total; i++) {
      expect_same_quality(&surveyed.report.candidates[i].plain, &r->candidates[i].plain);
      expect_same_quality(&surveyed.report.candidates[i].corrected, &r->candidates[i].corrected);
    }
    mf_calibration_free(&surveyed.calibration);
    mf_calibration_free(&named.calibration);
    mf_calibration_free(&automatic.calibration);
    test_free(from.data);
    mf_graph_free(g);
  }
}

static void test_broken_samples(void **state) {
  (void)state;
  mf_error e;
  mf_shape shapes[100];
  mf_graph *g = make_network(5);
  images from = make_images(g, 5);
  keep_shapes(g, shapes);
  const mf_quant_options options = {.calibrator = "minmax", .accuracy_target = 1e-9};
  result r = {.from = &from, .graph = g}, whole = r;
  for (int i = 0; i < 20; i++) from.broken[2 * i] = true;
  OK(calibrate(&r, MOST, false, &options, 1, &e));
  assert_int_equal(r.calibration.samples, 20);
  assert_int_equal(r.report.passed_over, 20);
  assert_int_equal(r.report.quality.images, 20);
  assert_int_equal(from.asked_of_broken, 20); // once each
  expect_shapes(g, shapes);
  // The same as if they were not there.
  images good = from;
  good.data = test_malloc(20 * from.item * sizeof *good.data);
  memset(good.broken, 0, sizeof good.broken);
  for (size_t i = 0; i < 20; i++)
    memcpy(good.data + i * from.item, from.data + (2 * i + 1) * from.item, from.item * sizeof *good.data);
  whole.from = &good;
  OK(calibrate(&whole, 20, false, &options, 1, &e));
  expect_equal(&r.calibration, &whole.calibration);
  expect_same_quality(&r.report.quality, &whole.report.quality);
  mf_calibration_free(&whole.calibration);
  mf_calibration_free(&r.calibration);
  test_free(good.data);
  // An error where that is asked for, and when nothing is left.
  check_fails(calibrate(&r, MOST, true, &options, 1, &e), MF_ERR_FILE, &e, "picture 0 is broken");
  assert_null(r.calibration.arena.blocks);
  for (int i = 0; i < MOST; i++) from.broken[i] = true;
  check_fails(calibrate(&r, MOST, false, &options, 1, &e), MF_ERR_FILE, &e, "none of 40 pictures could be read");
  assert_null(r.calibration.arena.blocks);
  expect_shapes(g, shapes);
  test_free(from.data);
  mf_graph_free(g);
}

typedef struct limit {
  int left, calls;
  char last[40];
} limit;

static bool count_down(const char *phase, size_t done, size_t total, void *context) {
  limit *l = context;
  assert_true(total == 0 || done <= total);
  l->calls++;
  snprintf(l->last, sizeof l->last, "%s", phase);
  return l->left-- > 0;
}

// Few images have means of their own: nothing is corrected to those.
static void test_too_few_to_correct(void **state) {
  (void)state;
  mf_graph *g = make_network(5);
  images from = make_images(g, 5);
  for (int count = MF_CORRECTION_IMAGES - 1; count <= MF_CORRECTION_IMAGES; count++) {
    mf_error e;
    result r = {.from = &from, .graph = g};
    OK(calibrate(&r, count, true, &(mf_quant_options){.calibrator = "minmax", .survey = true}, 1, &e));
    assert_int_equal(r.calibration.correction_count, count < MF_CORRECTION_IMAGES ? 0 : multiplying(g));
    const mf_candidate *c = &r.report.candidates[0];
    if (count < MF_CORRECTION_IMAGES) expect_same_quality(&c->plain, &c->corrected);
    mf_calibration_free(&r.calibration);
  }
  test_free(from.data);
  mf_graph_free(g);
}

static void test_interruption(void **state) {
  (void)state;
  mf_error e;
  mf_shape shapes[100];
  mf_graph *g = make_network(6);
  images from = make_images(g, 6);
  keep_shapes(g, shapes);
  limit l = {.left = 1000000};
  mf_quant_options options = {
      .calibrator = "auto", .accuracy_target = 1, .progress = count_down, .progress_context = &l};
  result r = {.from = &from, .graph = g};
  OK(calibrate(&r, 5, true, &options, 1, &e));
  mf_calibration_free(&r.calibration);
  const int all = l.calls;
  assert_true(all >= 5 + 7);
  for (int n = 0; n < all; n++) { // at every place where it is asked
    l = (limit){.left = n};
    check_fails(calibrate(&r, 5, true, &options, 1, &e), MF_ERR_INTERRUPTED, &e, "interrupted");
    assert_int_equal(l.calls, n + 1); // and not asked again
    assert_null(r.calibration.arena.blocks);
    expect_shapes(g, shapes);
  }
  test_free(from.data);
  mf_graph_free(g);
}

// Where int8 gets answers wrong, layers in f32 take that back.
static void test_accuracy_target(void **state) {
  (void)state;
  int fallen = 0, partly = 0;
  for (uint64_t id = 1; id <= (uint64_t)HARNESS_SAMPLES(12); id++) {
    mf_error e;
    mf_graph *g = make_network(id);
    images from = make_images(g, id);
    const mf_quant_options plain = {.calibrator = "percentile-99.9", .accuracy_target = 1e-9},
                           all = {.calibrator = "percentile-99.9", .accuracy_target = 1};
    result r = {.from = &from, .graph = g}, target = r;
    OK(calibrate(&r, MOST, true, &plain, 1, &e));
    OK(calibrate(&target, MOST, true, &all, 1, &e));
    const double agreement = r.report.quality.agreement;
    assert_int_equal(target.report.quality.images, MOST);
    assert_true(target.report.quality.agreement == 1 || target.calibration.float_count == multiplying(g));
    assert_int_equal(r.calibration.float_count, 0);
    assert_int_equal(target.calibration.float_count > 0, agreement < 1);
    fallen += target.calibration.float_count > 0;
    partly += target.calibration.float_count > 0 && target.calibration.float_count < multiplying(g);
    for (int i = 0; i < target.calibration.float_count; i++) {
      const mf_node *node = find_node(g, target.calibration.floats[i].layer);
      assert_true(node && mf_node_multiplies(node));
      assert_non_null(strstr(target.calibration.floats[i].reason, "noise"));
      for (int k = 0; k < i; k++) assert_ptr_not_equal(find_node(g, target.calibration.floats[k].layer), node);
    }
    // What the report says is what runs of their own find.
    int f32[MOST], int8[MOST], agreeing = 0;
    mf_graph *untouched = make_network(id);
    OK(mf_graph_rebatch(untouched, 1, &e));
    find_answers(untouched, &from, MOST, f32);
    mf_graph_free(untouched);
    OK(mf_graph_rebatch(g, 1, &e));
    OK(mf_calibration_annotate(&target.calibration, g, &e));
    OK(mf_calibration_correct(&target.calibration, g, &e));
    find_answers(g, &from, MOST, int8);
    for (int i = 0; i < MOST; i++) agreeing += f32[i] == int8[i];
    assert_int_equal(agreeing, lround(target.report.quality.agreement * MOST));
    mf_calibration_free(&target.calibration);
    mf_calibration_free(&r.calibration);
    test_free(from.data);
    mf_graph_free(g);
  }
  print_message("%d networks with layers in f32, %d of them not all\n", fallen, partly);
  if (!HARNESS_SANITIZED) assert_true(fallen > 0 && partly > 0);
}

// Whichever layers this machine finds slower: they are named once, with the reason, and what the report says is true.
static void test_slower_layers(void **state) {
  (void)state;
  int found = 0;
  for (uint64_t id = 1; id <= (uint64_t)HARNESS_SAMPLES(6); id++) {
    mf_error e;
    mf_shape shapes[100];
    mf_graph *g = make_network(id);
    images from = make_images(g, id);
    keep_shapes(g, shapes);
    result r = {.from = &from, .graph = g};
    OK(calibrate(&r, MOST, true, &(mf_quant_options){.calibrator = "minmax", .time_layers = true}, 1, &e));
    expect_shapes(g, shapes);
    for (int i = 0; i < r.calibration.float_count; i++) {
      const mf_node *node = find_node(g, r.calibration.floats[i].layer);
      double int8 = 0, f32 = 0;
      assert_true(node && mf_node_multiplies(node));
      assert_int_equal(sscanf(r.calibration.floats[i].reason, "slower in int8: %lf against %lf ms", &int8, &f32), 2);
      assert_true(int8 >= f32 && f32 > 0);
      for (int k = 0; k < i; k++) assert_string_not_equal(r.calibration.floats[k].layer, node->name);
    }
    found += r.calibration.float_count;
    int before[MOST], after[MOST], agreeing = 0;
    OK(mf_graph_rebatch(g, 1, &e));
    mf_graph *untouched = make_network(id);
    OK(mf_graph_rebatch(untouched, 1, &e));
    find_answers(untouched, &from, MOST, before);
    mf_graph_free(untouched);
    OK(mf_calibration_annotate(&r.calibration, g, &e));
    OK(mf_calibration_correct(&r.calibration, g, &e));
    find_answers(g, &from, MOST, after);
    for (int i = 0; i < MOST; i++) agreeing += before[i] == after[i];
    assert_int_equal(agreeing, lround(r.report.quality.agreement * MOST));
    mf_calibration_free(&r.calibration);
    test_free(from.data);
    mf_graph_free(g);
  }
  print_message("%d layers are slower in int8\n", found);
}

static void test_unknown_calibrator(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = make_network(1);
  images from = make_images(g, 1);
  result r = {.from = &from, .graph = g};
  check_fails(calibrate(&r, 5, true, &(mf_quant_options){.calibrator = "magic"}, 1, &e), MF_ERR_USAGE, &e,
              "there is no calibrator magic");
  assert_int_equal(from.calls, 0);
  test_free(from.data);
  mf_graph_free(g);
}

static mf_status attempt(void *context, mf_error *e) {
  result *r = context;
  const mf_quant_options options = {
      .calibrator = "percentile-99.9", .accuracy_target = 1, .equalise = MF_EQUALISE_AUTO};
  const mf_status status = calibrate(r, MF_CORRECTION_IMAGES, true, &options, 1, e);
  mf_calibration_free(&r->calibration);
  return status;
}

static void test_refused_memory(void **state) {
  (void)state;
  mf_shape shapes[100];
  mf_graph *g = new_graph();
  const mf_tensor_id x = plain_convolution(g, "a", add_input(g, SHAPE(BATCH, 3, 4, 4)), 4, 3);
  g->output = ADD(g, FLATTEN, "flat", NONE, plain_convolution(g, "b", x, 4, 1));
  images from = make_images(g, 1);
  keep_shapes(g, shapes);
  result r = {.from = &from, .graph = g};
  assert_true(support_refuse_allocations(attempt, &r) > 30);
  expect_shapes(g, shapes);
  test_free(from.data);
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_every_time),    cmocka_unit_test(test_survey),
      cmocka_unit_test(test_broken_samples),     cmocka_unit_test(test_interruption),
      cmocka_unit_test(test_accuracy_target),    cmocka_unit_test(test_unknown_calibrator),
      cmocka_unit_test(test_refused_memory),     cmocka_unit_test(test_slower_layers),
      cmocka_unit_test(test_too_few_to_correct),
  };
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
