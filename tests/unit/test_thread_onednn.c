// oneDNN on the pool: a primitive's work reaches the workers, and from inside a body everything runs inline.
#include "thread/pool.h"
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_threadpool.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 1 << 20 };

typedef struct relu {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_t primitive;
  dnnl_memory_t source, destination;
  float *input, *output;
} relu;

static void relu_start(relu *r, mf_pool *pool) {
  dnnl_memory_desc_t shape;
  dnnl_primitive_desc_t description;
  r->input = aligned_alloc(64, SIZE * sizeof(float));
  r->output = aligned_alloc(64, SIZE * sizeof(float));
  assert_true(r->input && r->output);
  for (int i = 0; i < SIZE; i++) r->input[i] = (float)(i % 7 - 3);
  mf_pool_bind_caller(pool);
  assert_int_equal(dnnl_engine_create(&r->engine, dnnl_cpu, 0), dnnl_success);
  assert_int_equal(dnnl_threadpool_interop_stream_create(&r->stream, r->engine, mf_pool_onednn(pool)), dnnl_success);
  assert_int_equal(dnnl_memory_desc_create_with_tag(&shape, 1, (const dnnl_dims_t){SIZE}, dnnl_f32, dnnl_a),
                   dnnl_success);
  assert_int_equal(dnnl_eltwise_forward_primitive_desc_create(&description, r->engine, dnnl_forward_inference,
                                                              dnnl_eltwise_relu, shape, shape, 0.5f, 0, NULL),
                   dnnl_success);
  assert_int_equal(dnnl_primitive_create(&r->primitive, description), dnnl_success);
  assert_int_equal(dnnl_memory_create(&r->source, shape, r->engine, r->input), dnnl_success);
  assert_int_equal(dnnl_memory_create(&r->destination, shape, r->engine, r->output), dnnl_success);
  dnnl_primitive_desc_destroy(description);
  dnnl_memory_desc_destroy(shape);
}

static dnnl_status_t relu_run(relu *r) {
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, r->source}, {DNNL_ARG_DST, r->destination}};
  memset(r->output, 0xff, SIZE * sizeof(float));
  return dnnl_primitive_execute(r->primitive, r->stream, 2, arguments);
}

static void relu_check(const relu *r) {
  for (int i = 0; i < SIZE; i++) {
    const float expected = i % 7 < 3 ? 0.5f * (float)(i % 7 - 3) : (float)(i % 7 - 3); // exact in f32
    if (r->output[i] != expected) fail_msg("output %d is %g, expected %g", i, (double)r->output[i], (double)expected);
  }
}

static void relu_end(relu *r) {
  dnnl_memory_destroy(r->source);
  dnnl_memory_destroy(r->destination);
  dnnl_primitive_destroy(r->primitive);
  dnnl_stream_destroy(r->stream);
  dnnl_engine_destroy(r->engine);
  free(r->input);
  free(r->output);
}

static mf_pool *create(int threads) {
  mf_pool *pool;
  mf_error e = {0};
  if (mf_pool_create(&pool, &(mf_pool_options){.threads = threads, .spin_us = 100}, &e) != MF_OK)
    fail_msg("%s", e.text);
  return pool;
}

static void test_work_is_shared(void **state) {
  (void)state;
  for (int threads = 1; threads <= 4; threads++) {
    mf_pool *pool = create(threads);
    relu r;
    relu_start(&r, pool);
    mf_pool_measure(pool, true);
    for (int k = 0; k < 20; k++) {
      assert_int_equal(relu_run(&r), dnnl_success);
      relu_check(&r);
    }
    mf_pool_measure(pool, false);
    for (int w = 0; w < threads && threads > 1; w++) { // with one thread oneDNN does not ask the pool at all
      mf_pool_times times;
      mf_pool_counters(pool, w, &times);
      assert_int_equal(times.chunks, 20);
      assert_true(times.effective_ns > 0);
    }
    relu_end(&r);
    mf_pool_destroy(pool);
  }
}

typedef struct inner_run {
  relu *relu;
  dnnl_status_t status;
} inner_run;

static void run_inside(int i, int n, void *context) {
  inner_run *t = context;
  (void)n;
  if (i == 1) t->status = relu_run(t->relu);
}

static void test_inside_a_body(void **state) {
  (void)state;
  mf_pool *pool = create(2);
  relu r;
  relu_start(&r, pool);
  inner_run t = {.relu = &r, .status = dnnl_runtime_error};
  mf_pool_measure(pool, true);
  mf_pool_run(pool, 2, run_inside, &t); // worker 1 executes all of it
  mf_pool_measure(pool, false);
  assert_int_equal(t.status, dnnl_success);
  relu_check(&r);
  for (int w = 0; w < 2; w++) {
    mf_pool_times times;
    mf_pool_counters(pool, w, &times);
    assert_int_equal(times.chunks, 1);
  }
  relu_end(&r);
  mf_pool_destroy(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_work_is_shared),
      cmocka_unit_test(test_inside_a_body),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
