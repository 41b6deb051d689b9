#include "harness.h"
#include "plan/onednn.h"
#include "support.h"
#include <math.h>
#include <string.h>

#define MOST_THREADS 4
static mf_pool *pools[MOST_THREADS + 1];

mf_pool *harness_pool(int threads) {
  assert_in_range(threads, 1, MOST_THREADS);
  mf_error e;
  if (!pools[threads])
    support_ok(mf_pool_create(&pools[threads], &(mf_pool_options){.threads = threads, .spin_us = 50}, &e), &e);
  return pools[threads];
}

int harness_end(void **state) {
  (void)state;
  for (int t = 0; t <= MOST_THREADS; t++) {
    mf_pool_destroy(pools[t]);
    pools[t] = NULL;
  }
  return 0;
}

bool harness_has_avx512(void) {
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
}

bool harness_has_bf16(void) {
  return harness_has_avx512() || dnnl_get_effective_cpu_isa() == dnnl_cpu_isa_avx2_vnni_2;
}

void harness_need_bf16(void) {
  if (!harness_has_bf16()) support_skip("bf16 needs AVX-512 or avx2_vnni_2 (oneDNN uses %s here)", mf_onednn_isa());
}

// ---- the engine

mf_status harness_open(harness_engine *out, const mf_graph *g, const mf_plan_options *options, int threads,
                       mf_error *e) {
  *out = (harness_engine){0};
  mf_pool *pool = harness_pool(threads);
  MF_TRY(mf_plan_create(&out->plan, g, options, pool, NULL, NULL, e));
  const mf_status status = mf_session_create(&out->session, out->plan, pool, e);
  if (status != MF_OK) harness_close(out);
  return status;
}

void harness_close(harness_engine *h) {
  mf_session_free(h->session);
  mf_plan_free(h->plan);
  *h = (harness_engine){0};
}

reference_tensor harness_run(harness_engine *h, const float *input) {
  mf_error e;
  if (!h->plan) { // analysers do not know that a failed assertion ends the test
    fail_msg("the engine is not open");
    return (reference_tensor){0};
  }
  const mf_graph *g = h->plan->graph;
  const mf_shape *x = &g->tensors[g->input].shape, *y = &g->tensors[g->output].shape;
  const size_t item = reference_elements(x) / (size_t)x->dim[0], elements = reference_elements(y);
  for (int64_t n = 0; n < x->dim[0]; n++)
    support_ok(mf_session_fill_floats(h->session, n, input + (size_t)n * item, &e), &e);
  reference_tensor out = {0};
  for (int run = 0; run < 2; run++) {
    size_t count;
    support_ok(mf_session_run(h->session, NULL, MF_TRACE_OFF, 0, NULL, &e), &e);
    const float *output = mf_session_output(h->session, &count);
    assert_int_equal(count, elements);
    if (run == 0) support_ok(reference_tensor_from_f32(&out, y, output, &e), &e);
    for (size_t i = 0; i < count; i++)
      if (!((double)output[i] == out.data[i] || (isnan(output[i]) && isnan(out.data[i]))))
        fail_msg("%s: output %zu is %g in the second run and was %g in the first", g->name, i, (double)output[i],
                 out.data[i]);
  }
  return out;
}

// ---- the truth

typedef struct storage {
  const mf_graph *graph;
  mf_dtype activations;
} storage;

// Whether all that read it are multiplications in int8, for which the engine converts what lies there as float.
static bool read_as_integers(const mf_graph *g, mf_tensor_id id) {
  for (int n = 0; n < g->node_count; n++)
    for (int i = 0; i < g->nodes[n].input_count; i++)
      if (g->nodes[n].inputs[i] == id && (g->nodes[n].compute != MF_S8 || i > 0)) return false;
  return id != g->output;
}

static bool stores_integers(const mf_graph *g, const mf_tensor *tensor) {
  if (tensor->producer < 0) return true; // the input
  const mf_node *node = &g->nodes[tensor->producer];
  switch (node->op) {
  case MF_OP_CONVOLUTION:
  case MF_OP_INNER_PRODUCT:
    return node->compute == MF_S8 || read_as_integers(g, (mf_tensor_id)(tensor - g->tensors));
  case MF_OP_POOLING:
  case MF_OP_CONCAT:
  case MF_OP_FLATTEN:
    return true;
  default:
    return read_as_integers(g, (mf_tensor_id)(tensor - g->tensors));
  }
}

// s8, symmetric, one scale an output channel: the largest weight is the largest integer, 127, or 63 on machines where
// pairs of products saturate in 16 bits.
static void round_weights(const mf_tensor *tensor, double *values, size_t count) {
  const double top = mf_onednn_has_vnni() ? 127 : 63;
  const size_t channels = (size_t)tensor->shape.dim[0], row = count / channels;
  for (size_t c = 0; c < channels; c++) {
    double largest = 0;
    for (size_t i = c * row; i < (c + 1) * row; i++) largest = fmax(largest, fabs(values[i]));
    const double scale = largest > 0 ? (double)((float)largest / (float)top) : 1;
    for (size_t i = c * row; i < (c + 1) * row; i++) values[i] = rint(values[i] / scale) * scale;
  }
}

static void round_integers(const mf_quantization *q, double *values, size_t count) {
  const double low = q->dtype == MF_U8 ? 0 : -128, high = q->dtype == MF_U8 ? 255 : 127;
  for (size_t i = 0; i < count; i++) {
    const double stored = fmin(fmax(rint(values[i] / (double)q->scale) + q->zero_point, low), high);
    values[i] = (stored - q->zero_point) * (double)q->scale;
  }
}

// Weights are rounded as the (first) node that reads them computes.
static mf_dtype compute_of(const mf_graph *g, const mf_tensor *weights) {
  for (int n = 0; n < g->node_count; n++)
    if (g->nodes[n].input_count > 1 && g->tensors + g->nodes[n].inputs[1] == weights) return g->nodes[n].compute;
  return MF_F32;
}

static void round_stored(void *context, const mf_tensor *tensor, double *values, size_t count) {
  const storage *s = context;
  const mf_graph *g = s->graph;
  const bool is_output = tensor == &g->tensors[g->output];
  if (tensor->data && compute_of(g, tensor) == MF_S8)
    round_weights(tensor, values, count);
  else if (!tensor->data && tensor->quantization.set && stores_integers(g, tensor))
    round_integers(&tensor->quantization, values, count);
  else if (s->activations == MF_BF16 && !is_output)
    reference_round_bf16(NULL, tensor, values, count);
}

static float *snapped_weights(mf_graph *g, const mf_tensor *tensor) {
  mf_error e;
  reference_tensor weights;
  support_ok(reference_tensor_from_f32(&weights, &tensor->shape, tensor->data, &e), &e);
  const size_t count = reference_elements(&tensor->shape);
  float *data = mf_arena_alloc(&g->arena, count * sizeof *data);
  assert_non_null(data);
  round_weights(tensor, weights.data, count);
  for (size_t i = 0; i < count; i++) data[i] = (float)weights.data[i];
  reference_tensor_free(&weights);
  return data;
}

void harness_snap(mf_graph *g, float *input) {
  const mf_tensor *x = &g->tensors[g->input];
  const size_t count = reference_elements(&x->shape);
  for (size_t i = 0; i < count && x->quantization.set; i++) {
    double value = (double)input[i];
    round_integers(&x->quantization, &value, 1);
    input[i] = (float)value;
  }
  for (int n = 0; n < g->node_count; n++) {
    if (g->nodes[n].compute != MF_S8) continue;
    mf_tensor *weights = &g->tensors[g->nodes[n].inputs[1]];
    weights->data = snapped_weights(g, weights);
  }
}

reference_tensor harness_truth(const mf_graph *g, mf_dtype activations, const float *input) {
  mf_error e;
  reference_tensor out;
  storage s = {g, activations};
  const reference_options options = {.round = round_stored, .context = &s};
  support_ok(reference_graph_run(g, input, &options, &out, &e), &e);
  return out;
}

typedef struct ranges {
  const mf_graph *graph;
  mf_observations seen;
} ranges;

static void observe(void *context, const mf_tensor *tensor, const reference_tensor *value) {
  mf_error e;
  ranges *r = context;
  const size_t count = reference_elements(&value->shape);
  float *data = mf_alloc(count * sizeof *data);
  if (!data) {
    fail_msg("no memory for %zu values", count);
    return;
  }
  for (size_t i = 0; i < count; i++) data[i] = (float)value->data[i];
  support_ok(mf_histogram_add(&r->seen.tensors[tensor - r->graph->tensors], data, count, harness_pool(1), &e), &e);
  mf_free(data);
}

mf_observations harness_ranges(const mf_graph *g, const float *input) {
  mf_error e;
  reference_tensor out;
  ranges r = {.graph = g};
  support_ok(mf_observations_create(&r.seen, g, 1, &e), &e);
  support_ok(reference_graph_run(g, input, &(reference_options){.observe = observe, .context = &r}, &out, &e), &e);
  reference_tensor_free(&out);
  r.seen.samples = 1;
  return r.seen;
}

mf_status harness_quantise(mf_graph *g, const mf_observations *seen, const char *calibrator, mf_error *e) {
  const mf_calibrator *chosen;
  mf_calibration calibration = {0};
  MF_TRY(mf_calibrator_find(&chosen, calibrator, e));
  mf_status status = mf_quant_assign(&calibration, g, seen, chosen, e);
  if (status == MF_OK) status = mf_calibration_annotate(&calibration, g, e);
  mf_calibration_free(&calibration);
  return status;
}

// ---- agreement

// By how much integers that were rounded the other way may move a value of the output.
static double largest_move(const mf_graph *g) {
  double between = 0, output = 0;
  for (int t = 0; t < g->tensor_count; t++) {
    const mf_tensor *tensor = &g->tensors[t];
    if (!tensor->quantization.set || !stores_integers(g, tensor) || t == g->input) continue;
    if (t == g->output)
      output = (double)tensor->quantization.scale;
    else
      between = fmax(between, (double)tensor->quantization.scale);
  }
  return between + output;
}

void harness_compare(const mf_graph *g, const reference_tensor *test, const reference_tensor *truth, double tolerance,
                     harness_steps *steps, const char *label) {
  assert_true(mf_shape_equal(&test->shape, &truth->shape));
  const size_t count = reference_elements(&truth->shape);
  if (!truth->data || !test->data) {
    fail_msg("%s: an output is empty", label);
    return;
  }
  const double move = largest_move(g);
  double largest = 0;
  for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(truth->data[i]));
  for (size_t i = 0; i < count; i++) {
    const double error = fabs(test->data[i] - truth->data[i]);
    if (error <= tolerance * largest) continue;
    if (!(error <= move + tolerance * largest))
      fail_msg("%s: output %zu is %g (expected %g): %.3g of the largest", label, i, test->data[i], truth->data[i],
               error / largest);
    steps->moved++;
  }
  if (steps) steps->count += count;
}

void harness_expect_few_moved(const harness_steps *steps) {
  print_message("%zu of %zu values moved by a rounding\n", steps->moved, steps->count);
  assert_true(steps->count > 0 && steps->moved <= steps->count / 100);
}

bool harness_check(const mf_graph *g, const mf_plan_options *options, int threads, const float *input, double tolerance,
                   harness_steps *steps, const char *label, mf_error *e) {
  harness_engine engine;
  const mf_status status = harness_open(&engine, g, options, threads, e);
  if (status == MF_ERR_UNSUPPORTED) return false;
  if (status != MF_OK) fail_msg("%s: status %d: %s", label, (int)status, e->text);
  reference_tensor truth = harness_truth(g, options->activations, input), test = harness_run(&engine, input);
  harness_compare(g, &test, &truth, tolerance, steps, label);
  reference_tensor_free(&truth);
  reference_tensor_free(&test);
  harness_close(&engine);
  return true;
}

typedef struct life {
  size_t begin, end; // bytes of the slab
  int first, last;   // steps
} life;

static int buffer_of(const mf_plan *plan, int value) {
  while (plan->values[value].alias >= 0) value = plan->values[value].alias;
  return value;
}

// Of a buffer: the values that share it come one after the other, or are names for the same.
static void extend(const mf_plan *plan, life *lives, int value, int step) {
  life *l = &lives[buffer_of(plan, value)];
  if (step < l->first) l->first = step;
  if (step > l->last) l->last = step;
}

void harness_check_memory(const mf_plan *plan, const char *label) {
  const size_t count = (size_t)plan->value_count;
  life *lives = mf_alloc(count * sizeof *lives);
  assert_non_null(lives);
  for (int v = 0; v < plan->value_count; v++) {
    const mf_value *value = &plan->values[v];
    lives[v] = (life){value->offset, value->offset + value->bytes, INT32_MAX, -1};
    if (value->offset % MF_ALIGNMENT || lives[v].end > plan->activation_bytes)
      fail_msg("%s: %s lies at %zu of %zu", label, value->name, value->offset, plan->activation_bytes);
    const life *buffer = &lives[buffer_of(plan, v)]; // an alias is a later value
    if (value->offset != buffer->begin)
      fail_msg("%s: %s does not lie where the value lies that it shares", label, value->name);
  }
  for (int v = 0; v < plan->value_count; v++) {
    life *buffer = &lives[buffer_of(plan, v)];
    if (lives[v].end > buffer->end) buffer->end = lives[v].end;
  }
  for (int s = 0; s < plan->step_count; s++)
    for (int a = 0; a < plan->steps[s].argument_count; a++)
      if (plan->steps[s].arguments[a].source == MF_FROM_VALUE)
        extend(plan, lives, plan->steps[s].arguments[a].index, s);
  extend(plan, lives, plan->input, 0);
  extend(plan, lives, plan->input, plan->step_count);
  extend(plan, lives, plan->output, plan->step_count);
  for (int a = 0; a < plan->value_count; a++)
    for (int b = 0; b < a; b++) {
      const life *x = &lives[a], *y = &lives[b];
      if (plan->values[a].alias >= 0 || plan->values[b].alias >= 0) continue;
      if (x->first <= y->last && y->first <= x->last && x->begin < y->end && y->begin < x->end)
        fail_msg("%s: %s and %s lie on each other", label, plan->values[a].name, plan->values[b].name);
    }
  mf_free(lives);
}

int harness_count_steps(const mf_plan *plan, const char *kind) {
  int count = 0;
  for (int i = 0; i < plan->step_count; i++) count += !kind || strcmp(plan->steps[i].info.kind, kind) == 0;
  return count;
}

int harness_count_reference(const mf_plan *plan) {
  int count = 0;
  for (int i = 0; i < plan->step_count; i++) count += strncmp(plan->steps[i].info.impl, "ref", 3) == 0;
  return count;
}
