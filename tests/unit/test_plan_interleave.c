// The kernel that writes pictures of floats pixel by pixel against the formula, and where the plan takes it.
#include "kernel/interleave.h"
#include "reference/support.h"
#include "run/internal.h"
#include "unit/convolution_samples.h"

typedef struct picture {
  int64_t batch, channels, height, width;
  mf_dtype stored;
  float scale;
  int zero_point, threads;
  mf_algorithm algorithm;
} picture;

static bool is_interleaved(const mf_step *step) {
  return step->is_reorder && strncmp(step->info.impl, "interleave", 10) == 0;
}

static int stored_number(float x, const picture *p) {
  const double low = p->stored == MF_S8 ? -128 : 0, high = p->stored == MF_S8 ? 127 : 255;
  const double rounded = nearbyint((double)(x * (1 / p->scale)));
  return (int)(rounded > low ? rounded < high ? rounded : high : low); // of NaN the lowest
}

// Numbers around and beyond what is stored, ties between two of them, and what is no number.
static float *picture_input(const picture *p, uint64_t seed) {
  const size_t count = (size_t)(p->batch * p->channels * p->height * p->width);
  float *input = mf_alloc(count * sizeof *input);
  assert_non_null(input);
  for (size_t i = 0; i < count; i++) input[i] = (float)next_random(&seed) * 200 * p->scale;
  const float odd[] = {NAN, INFINITY, -INFINITY, 1e38f, -1e38f, 2.5f * p->scale, 3.5f * p->scale, -0.5f * p->scale, 0};
  for (size_t i = 0; i < COUNT(odd); i++) input[(i * 7 + 3) % count] = odd[i];
  return input;
}

static void check_stored(const harness_engine *engine, int value, const picture *p, const float *input) {
  const unsigned char *is = mf_session_value(engine->session, value);
  const int64_t pixels = p->height * p->width;
  for (int64_t n = 0; n < p->batch; n++)
    for (int64_t c = 0; c < p->channels; c++)
      for (int64_t i = 0; i < pixels; i++) {
        const unsigned char byte = is[(n * pixels + i) * p->channels + c];
        const int number = p->stored == MF_S8 ? (signed char)byte : byte;
        assert_int_equal(number, stored_number(input[(n * p->channels + c) * pixels + i], p));
      }
}

// How many steps of the plan are the kernel; checks what they write.
static int interleaved_steps(const picture *p, uint64_t seed) {
  mf_error e;
  const sample s = {.batch = p->batch,
                    .in = p->channels,
                    .out = 32,
                    .height = p->height,
                    .width = p->width,
                    .kernel = {3, 3},
                    .a = {.groups = 1, .stride = {1, 1}, .dilation = {1, 1}, .pad_begin = {1, 1}, .pad_end = {1, 1}},
                    .plan = {.activations = MF_F32, .float_input = true, .algorithm = p->algorithm}};
  mf_graph *g = sample_graph(&s);
  for (int i = 0; i < g->node_count; i++) g->nodes[i].compute = MF_S8;
  g->tensors[g->input].quantization =
      (mf_quantization){.set = true, .dtype = p->stored, .scale = p->scale, .zero_point = p->zero_point};
  harness_engine engine;
  OK(harness_open(&engine, g, &s.plan, p->threads, &e));
  float *input = picture_input(p, seed);
  reference_tensor output = harness_run(&engine, input);
  int count = 0;
  for (int i = 0; i < engine.plan->step_count; i++) {
    const mf_step *step = &engine.plan->steps[i];
    if (!is_interleaved(step)) continue;
    count++;
    OK(mf_session_step(engine.session, i, &e)); // again: later steps have written where it wrote
    for (int a = 0; a < step->argument_count; a++)
      if (step->arguments[a].dnnl == DNNL_ARG_DST) check_stored(&engine, step->arguments[a].index, p, input);
  }
  reference_tensor_free(&output);
  mf_free(input);
  harness_close(&engine);
  mf_graph_free(g);
  return count;
}

static void test_pictures(void **state) {
  (void)state;
  if (!mf_interleave_available()) support_skip("this processor has no AVX-512");
  for (uint64_t id = 0; id < HARNESS_SAMPLES(60); id++) {
    uint64_t seed = id;
    next_random(&seed);
    const picture p = {.batch = PICK(&seed, 1, 1, 2, 5),
                       .channels = 3,
                       .height = PICK(&seed, 3, 5, 8, 31),
                       .width = PICK(&seed, 3, 4, 7, 16, 33),
                       .stored = pick(&seed, 2) ? MF_U8 : MF_S8,
                       .scale = PICK(&seed, 1, 2) == 1 ? 0.03f : 1.7f,
                       .threads = PICK(&seed, 1, 2, 3)};
    assert_int_equal(interleaved_steps(&p, id), 1);
  }
}

static void test_others(void **state) {
  (void)state;
  const picture p = {.batch = 1, .channels = 3, .height = 9, .width = 9, .stored = MF_U8, .scale = 0.1f, .threads = 2};
  picture others[] = {p, p, p};
  others[0].channels = 4;
  others[1].zero_point = 3;
  others[2].algorithm = MF_ALGORITHM_DIRECT;
  for (int i = 0; i < (int)COUNT(others); i++) assert_int_equal(interleaved_steps(&others[i], (uint64_t)i), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pictures), cmocka_unit_test(test_others)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
