// The plan as minfer.h shows it: complete, consistent with itself, and with a memory map in which nothing overlaps.
#include "api_fixture.h"

static void assert_texts(const minfer_primitive *p) {
  const char *const texts[] = {p->kind,
                               p->name,
                               p->impl,
                               p->problem,
                               p->post_ops,
                               p->source.format,
                               p->source.dtype,
                               p->weights.format,
                               p->weights.dtype,
                               p->bias.format,
                               p->bias.dtype,
                               p->destination.format,
                               p->destination.dtype,
                               p->from,
                               p->to,
                               p->reason};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!texts[i]) fail_msg("primitive of kind %s: text %zu is not there", p->kind ? p->kind : "?", i);
  assert_true(*p->kind && *p->name && *p->impl && *p->problem);
  assert_true(*p->source.format && *p->source.dtype && *p->destination.format && *p->destination.dtype);
  assert_true(p->bytes_read > 0 && p->bytes_written > 0);
}

static void assert_primitives(const minfer_plan *plan) {
  size_t largest = 0;
  for (int i = 0; i < plan->primitive_count; i++) {
    const minfer_primitive *p = &plan->primitives[i];
    const bool reorder = strcmp(p->kind, "reorder") == 0,
               multiplies = strcmp(p->kind, "convolution") == 0 || strcmp(p->kind, "inner_product") == 0;
    assert_texts(p);
    assert_int_equal(*p->reason && *p->from && *p->to, reorder);
    assert_int_equal(*p->weights.format && *p->weights.dtype, multiplies);
    assert_int_equal(*p->bias.format != 0, *p->bias.dtype != 0);
    assert_int_equal(p->flops > 0, multiplies);
    assert_true(p->layer >= -1 && p->layer < plan->layer_count);
    if (!reorder) {
      const minfer_layer *l = &plan->layers[p->layer];
      assert_true(i >= l->first_primitive && i < l->first_primitive + l->primitive_count);
    }
    if (p->scratchpad_bytes > largest) largest = p->scratchpad_bytes;
  }
  assert_int_equal(plan->scratchpad_bytes, largest);
}

static void assert_layers(const minfer_plan *plan) {
  int primitives = 0, reorders = 0;
  for (int i = 0; i < plan->layer_count; i++) {
    const minfer_layer *l = &plan->layers[i];
    double flops = 0;
    assert_true(*l->name && *l->kind && l->stage && l->dtype && l->impl);
    assert_true(*l->input_shape && *l->output_shape && l->source_count >= 1);
    for (int k = 0; k < l->source_count; k++) assert_true(*l->sources[k]);
    for (int k = 0; k < l->primitive_count; k++) flops += plan->primitives[l->first_primitive + k].flops;
    assert_true(l->flops == flops);
    primitives += l->primitive_count;
  }
  for (int i = 0; i < plan->primitive_count; i++) reorders += strcmp(plan->primitives[i].kind, "reorder") == 0;
  assert_int_equal(primitives + reorders, plan->primitive_count);
}

static void assert_memory(const minfer_plan *plan) {
  assert_true(plan->buffer_count > 1);
  for (int i = 0; i < plan->buffer_count; i++) {
    const minfer_buffer *a = &plan->buffers[i];
    assert_true(*a->name && a->bytes > 0 && a->offset % 64 == 0);
    assert_true(a->offset + a->bytes <= plan->activation_bytes);
    assert_true(a->first_primitive >= 0 && a->first_primitive <= a->last_primitive);
    assert_true(a->last_primitive < plan->primitive_count);
    for (int k = 0; k < i; k++) {
      const minfer_buffer *b = &plan->buffers[k];
      const bool at_once = a->first_primitive <= b->last_primitive && b->first_primitive <= a->last_primitive;
      const bool share = a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
      if (at_once && share) fail_msg("%s and %s lie in one place at once", a->name, b->name);
    }
  }
  // The bound, from the map alone: the most that lives at any step, in whole cache lines.
  size_t bound = 0;
  for (int step = 0; step < plan->primitive_count; step++) {
    size_t live = 0;
    for (int i = 0; i < plan->buffer_count; i++)
      if (plan->buffers[i].first_primitive <= step && step <= plan->buffers[i].last_primitive)
        live += (plan->buffers[i].bytes + 63) & ~(size_t)63;
    if (live > bound) bound = live;
  }
  assert_int_equal(plan->activation_bound_bytes, bound);
  assert_true(plan->activation_bytes >= bound);
  assert_true((double)plan->activation_bytes <= 1.10 * (double)bound);
}

static int assert_phases(const minfer_plan *plan) {
  static const char *const expected[] = {"threads", "build", "primitives", "memory plan", "pack weights", "session"};
  size_t next = 0;
  int weights = 0;
  const minfer_phase *before[2] = {NULL, NULL}; // the phase, and the part of it, that came last
  for (int i = 0; i < plan->phase_count; i++) {
    const minfer_phase *p = &plan->phases[i], **last = &before[p->parent >= 0];
    if (*last) assert_true(p->start_ns >= (*last)->start_ns + (*last)->duration_ns);
    *last = p;
    if (p->parent >= 0) {
      const minfer_phase *parent = &plan->phases[p->parent];
      assert_ptr_equal(parent, before[0]);
      assert_true(p->start_ns >= parent->start_ns);
      assert_true(p->start_ns + p->duration_ns <= parent->start_ns + parent->duration_ns);
      continue;
    }
    before[1] = NULL;
    weights += strcmp(p->name, "weights") == 0;
    if (next < sizeof expected / sizeof *expected && strcmp(p->name, expected[next]) == 0) next++;
  }
  assert_int_equal(next, sizeof expected / sizeof *expected);
  return weights;
}

// Each primitive is a part of the phase "primitives", in their order; with the cache's word if there is one.
static int count_made(const minfer_plan *plan, const char *cache) {
  int parts = 0, found = 0;
  for (int i = 0; i < plan->phase_count; i++) {
    const minfer_phase *p = &plan->phases[i];
    if (p->parent < 0 || strcmp(plan->phases[p->parent].name, "primitives") != 0) {
      assert_string_equal(p->cache, "");
      continue;
    }
    assert_true(parts < plan->primitive_count);
    assert_string_equal(p->name, plan->primitives[parts++].name);
    found += strcmp(p->cache, cache) == 0;
  }
  assert_int_equal(parts, plan->primitive_count);
  return found;
}

static void assert_plan(const minfer_session *session) {
  const minfer_plan *plan = minfer_session_plan(session);
  assert_string_equal(plan->isa, minfer_environment_get()->isa);
  assert_true(plan->weight_bytes > 0);
  assert_primitives(plan);
  assert_layers(plan);
  assert_memory(plan);
}

static void test_plans_are_consistent(void **state) {
  (void)state;
  static const char *const networks[] = {"mobilenet_v1", "resnet18", "squeezenet1_1", "googlenet"};
  static const minfer_session_options options[] = {{.batch = 1},
                                                   {.batch = 3, .threads = 2},
                                                   {.dtype = MINFER_INT8},
                                                   {.no_fusion = true},
                                                   {.layout = MINFER_LAYOUT_NCHW}};
  for (size_t n = 0; n < sizeof networks / sizeof *networks; n++) {
    minfer_model *model = NULL;
    api_ok(minfer_model_open(&(minfer_model_options){.size = sizeof(minfer_model_options),
                                                     .model = networks[n],
                                                     .weights = "synthetic",
                                                     .height = 64,
                                                     .width = 64},
                             &model, &api_error));
    minfer_input *input = api_generated(model, 1);
    for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
      minfer_session *session = api_session(model, input, options[o]);
      assert_plan(session);
      minfer_session_free(session);
    }
    minfer_input_free(input);
    minfer_model_close(model);
  }
}

// Opening the model is part of the first session's start-up, and not of the second's.
static void test_start_up_has_phases(void **state) {
  (void)state;
  minfer_model *model = api_small_model();
  const minfer_session_options primitives = {.algorithm = MINFER_ALGORITHM_DIRECT}; // kernels of our own are not cached
  minfer_session *first = api_session(model, NULL, primitives), *second = api_session(model, NULL, primitives);
  const minfer_plan *plan = minfer_session_plan(first), *again = minfer_session_plan(second);
  const int known = plan->primitive_count - count_made(plan, "");
  if (known) { // oneDNN tells: the second session's primitives are those of the first
    assert_true(count_made(plan, "miss") > 0);
    assert_int_equal(count_made(plan, "hit") + count_made(plan, "miss"), plan->primitive_count);
    assert_int_equal(count_made(again, "hit"), again->primitive_count);
  }
  assert_int_equal(assert_phases(minfer_session_plan(first)), 1);
  assert_string_equal(minfer_session_plan(first)->phases[0].name, "weights");
  assert_int_equal(assert_phases(minfer_session_plan(second)), 0);
  minfer_session_free(second);
  minfer_session_free(first);
  minfer_model_close(model);
}

static void test_fusion_leaves_fewer_primitives(void **state) {
  (void)state;
  minfer_model *model = api_small_model();
  minfer_session *fused = api_session(model, NULL, (minfer_session_options){0});
  minfer_session *plain = api_session(model, NULL, (minfer_session_options){.no_fusion = true});
  const minfer_plan *a = minfer_session_plan(fused), *b = minfer_session_plan(plain);
  int kinds[2][3] = {{0}};
  static const char *const names[] = {"convolution", "batch_normalization", "eltwise"};
  for (int k = 0; k < 3; k++) {
    for (int i = 0; i < a->primitive_count; i++) kinds[0][k] += strcmp(a->primitives[i].kind, names[k]) == 0;
    for (int i = 0; i < b->primitive_count; i++) kinds[1][k] += strcmp(b->primitives[i].kind, names[k]) == 0;
  }
  // MobileNet-v1 has 27 convolutions, each with a BatchNorm and a ReLU6 behind it.
  static const int expected[2][3] = {{27, 0, 0}, {27, 27, 27}};
  assert_memory_equal(kinds, expected, sizeof kinds);
  assert_int_equal(a->layers[0].source_count, 3);
  assert_int_equal(b->layers[0].source_count, 1);
  minfer_session_free(plain);
  minfer_session_free(fused);
  minfer_model_close(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plans_are_consistent),
      cmocka_unit_test(test_start_up_has_phases),
      cmocka_unit_test(test_fusion_leaves_fewer_primitives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
