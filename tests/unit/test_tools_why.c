// Why a layer is slower: one crafted pair of layers for each rule, which the rules before it must leave alone.
#include "../../tools/match.c" // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/why.c"   // NOLINT(bugprone-suspicious-include)
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { LAYERS = 3, PRIMITIVES = 4 };

typedef struct one_side {
  minfer_plan plan;
  minfer_layer layers[LAYERS];
  minfer_primitive primitives[PRIMITIVES];
  double ms[PRIMITIVES];
  int indices[LAYERS];
} one_side;

typedef struct fixture {
  one_side sides[2];
  layer_group group;
} fixture;

static void add(one_side *s, const char *impl, const char *dtype, double ms) {
  const int layer = s->plan.layer_count++, at = s->plan.primitive_count++;
  s->indices[layer] = layer;
  s->layers[layer] = (minfer_layer){
      .name = "conv", .impl = impl, .dtype = dtype, .flops = 1e9, .first_primitive = at, .primitive_count = 1};
  s->primitives[at] = (minfer_primitive){.kind = "convolution",
                                         .layer = layer,
                                         .impl = impl,
                                         .source = {"nhwc", "u8"},
                                         .weights = {"any", "s8"},
                                         .reason = "",
                                         .flops = 1e9,
                                         .bytes_read = 3000000,
                                         .bytes_written = 1000000};
  s->ms[at] = ms;
}

static void add_reorder(one_side *s, double ms) {
  const int at = s->plan.primitive_count++;
  s->primitives[at] = (minfer_primitive){.kind = "reorder",
                                         .layer = 0,
                                         .name = "pool -> conv",
                                         .from = "pool",
                                         .to = "conv",
                                         .source = {"nhwc", "f32"},
                                         .destination = {"nChw16c", "u8"},
                                         .reason = "dtype and format"};
  s->ms[at] = ms;
}

// f32 in 1 ms against int8 in 2 ms, with nothing that would explain it.
static void begin(fixture *f) {
  *f = (fixture){0};
  for (int k = 0; k < 2; k++) {
    one_side *s = &f->sides[k];
    s->plan = (minfer_plan){.layers = s->layers, .primitives = s->primitives, .chunks = 1, .threads = 2};
    add(s, k ? "brg_conv_fwd:avx512_core_vnni" : "brg_conv_fwd:avx512_core", k ? "int8" : "f32", 1 + k);
  }
}

static void check(fixture *f, const char *rule, const char *says) {
  for (int k = 0; k < 2; k++) {
    f->group.layers[k] = f->sides[k].indices;
    f->group.counts[k] = f->sides[k].plan.layer_count;
  }
  why_reason why;
  why_slower(&(why_case){.plans = {&f->sides[0].plan, &f->sides[1].plan},
                         .group = &f->group,
                         .primitive_ms = {f->sides[0].ms, f->sides[1].ms}},
             &why);
  assert_string_equal(why.rule, rule);
  if (!strstr(why.text, says)) fail_msg("\"%s\" does not say \"%s\"", why.text, says);
}

static void set_impl(one_side *s, const char *impl) {
  s->layers[0].impl = s->primitives[0].impl = impl;
}

static void test_reorder(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  f.sides[1].ms[0] = 0.9; // itself faster; 0.6 ms of reorder make it slower
  add_reorder(&f.sides[1], 0.6);
  check(&f, "reorder",
        "a reorder of 0.600 ms stands in front of it: pool -> conv, f32 nhwc to u8 nChw16c (dtype and format)");
  begin(&f);
  add_reorder(&f.sides[1], 0.4); // of 1.4 ms lost: not the main cause
  check(&f, "unknown", "brg_conv_fwd");
  begin(&f);
  add_reorder(&f.sides[0], 0.6); // a has it as well
  add_reorder(&f.sides[1], 0.6);
  check(&f, "unknown", "brg_conv_fwd");
}

static void test_implementations(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  set_impl(&f.sides[1], "ref:any");
  check(&f, "fallback", "oneDNN's reference code (ref:any, a: brg_conv_fwd:avx512_core)");
  set_impl(&f.sides[1], "x64:gemm:jit");
  check(&f, "fallback", "im2col and a matrix product (x64:gemm:jit");
  set_impl(&f.sides[0], "ref:any"); // from worse to better is no falling back
  check(&f, "unknown", "none of the known reasons");
  begin(&f);
  set_impl(&f.sides[1], "brgemm:avx512_core_vnni"); // a brgemm is no im2col
  check(&f, "unknown", "brgemm");
  set_impl(&f.sides[1], "brg_conv_fwd:avx2_vnni");
  check(&f, "vector_width", "256 bits instead of 512");
  set_impl(&f.sides[1], "jit:sse41");
  check(&f, "vector_width", "128 bits instead of 512");
}

static void test_winograd(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  set_impl(&f.sides[0], "winograd_4x4_3x3:brg_matmul:avx512_core");
  f.sides[0].primitives[0].flops = f.sides[0].layers[0].flops = 2.5e8;
  check(&f, "winograd", "a multiplies less: 250.0 MFLOP by Winograd's algorithm instead of 1000.0");
  set_impl(&f.sides[1], "winograd_4x4_3x3:brg_matmul:avx2"); // both: no reason
  check(&f, "vector_width", "256 bits instead of 512");
  set_impl(&f.sides[0], "brg_conv_fwd:avx512_core");
  check(&f, "winograd", "take more than it saves (a: brg_conv_fwd:avx512_core)");
}

static void test_plans(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  f.sides[1].plan.threads = 1;
  check(&f, "threads", "1 thread computes it instead of 2");
  begin(&f);
  add(&f.sides[1], "jit:avx512_core", "f32", 0.5);
  add(&f.sides[1], "jit:avx512_core", "f32", 0.5);
  check(&f, "fusion", "3 layers that run one after another do what 1 does in a: 12.00 MB are moved instead of 4.00 MB");
  begin(&f);
  f.sides[1].primitives[0].reason = "converts inside: plain nchw through a blocked kernel";
  check(&f, "conversion", "converts inside");
  begin(&f);
  f.sides[1].primitives[0].source.format = "nChw16c";
  check(&f, "layout", "nChw16c instead of nhwc (brg");
}

static void test_sizes(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  f.sides[0].ms[0] = 0.012;
  f.sides[1].ms[0] = 0.0234;
  check(&f, "small", "of its 23.4 us the hand-over to 2 threads");
  f.sides[0].plan.threads = f.sides[1].plan.threads = 1; // nothing is handed over
  check(&f, "unknown", "none of the known reasons");
  begin(&f);
  f.sides[1].primitives[0].flops = 9.2e6;
  check(&f, "memory_bound", "2.3 FLOPs a byte (4.00 MB in 2.000 ms are 2.0 GB/s)");
  f.sides[1].primitives[0].flops = 41e6; // 10.25 a byte
  check(&f, "unknown", "none of the known reasons");
}

// The same type and bytes more slowly is not explained by memory.
static void test_rest(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  f.sides[1].primitives[0].source.dtype = "s8";
  check(&f, "s8_source", "its source is signed (s8)");
  f.sides[0].primitives[0].source.dtype = "s8";
  check(&f, "unknown", "none of the known reasons");
  begin(&f);
  set_impl(&f.sides[1], "brg_conv_fwd:avx512_core");
  f.sides[1].layers[0].dtype = "f32";
  f.sides[1].primitives[0].flops = 1;
  check(&f, "same", "both sides compute in f32 with brg_conv_fwd:avx512_core");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reorder),  cmocka_unit_test(test_implementations),
                                     cmocka_unit_test(test_winograd), cmocka_unit_test(test_plans),
                                     cmocka_unit_test(test_sizes),    cmocka_unit_test(test_rest)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
