// Operations and bytes of problems. Expected numbers were worked out by hand from the definitions; the arithmetic
// stands beside them.
#include "import/verbose_problem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct sample {
  const char *kind, *impl, *memory, *attributes, *problem;
  double flops, read, written;
} sample;

static const sample samples[] = {
    // 2 * 64*55*55 * 3*11*11; read 4*(3*224*224 + 64*3*121 + 64), written 4*64*55*55
    {"convolution", "jit",
     "src_f32::blocked:acdb:f0 wei_f32::blocked:Acdb64a:f0 bia_f32::blocked:a:f0 dst_f32::blocked:acdb:f0", "",
     "mb1_ic3oc64_ih224oh55kh11sh4dh0ph2_iw224ow55kw11sw4dw0pw2", 140553600, 695296, 774400},
    // int8: one byte but for the bias; a sum reads its destination. 2*2*8*5*5*4 = 3200
    {"convolution", "brg",
     "src:u8:a:blocked:acdb::f0 wei:s8:a:blocked:AcdB64a4b::f0 bia:f32::blocked:a::f0 dst:s8::blocked:acdb::f0",
     "attr-post-ops:sum:0.5:0:s8+eltwise_relu", "mb2_ic4oc8_ih5oh5kh1sh1dh0ph0_iw5ow5kw1sw1dw0pw0", 3200,
     2 * 4 * 25 + 32 + 32 + 400, 400},
    // depthwise: 2 * 8*9*9 * 9
    {"convolution", "jit_dw",
     "src_f32::blocked:acdb:f0 wei_f32::blocked:Abcde8a:f0 bia_undef::undef::f0 dst_f32::blocked:acdb:f0", "",
     "g8mb1_ic8oc8_ih9oh9kh3sh1dh0ph1_iw9ow9kw3sw1dw0pw1", 11664, 4 * (648 + 72), 4 * 648},
    // v0.x: groups behind mb, no types: f32
    {"convolution", "jit:avx2", "fsrc:nChw8c fwei:Goihw8g fbia:undef fdst:nChw8c", "",
     "mb1_g8ic8oc8_ih9oh9kh3sh1dh0ph1_iw9ow9kw3sw1dw0pw1", 11664, 4 * (648 + 72), 4 * 648},
    {"convolution", "jit_int8:avx2", "fsrc:nhwc fwei:hwio fbia:x fdst:nhwc", "",
     "mb1_ic8oc8_ih9oh9kh1sh1dh0ph0_iw9ow9kw1sw1dw0pw0", 10368, 0, 0},
    // three dimensions: 2 * 4*3*3*3 * 2*27
    {"convolution", "jit", "src_bf16::blocked:acdeb:f0 wei_bf16::blocked:a:f0 dst_bf16::blocked:acdeb:f0", "",
     "mb1_ic2oc4_id3od3kd3sd1dd0pd1_ih3oh3kh3sh1dh0ph1_iw3ow3kw3sw1dw0pw1", 11664, 2 * (54 + 216), 2 * 108},
    // 2 * 9216*4096, also with the pixels apart
    {"inner_product", "gemm",
     "src_f32::blocked:ab:f0 wei_f32::blocked:ab:f0 bia_f32::blocked:a:f0 dst_f32::blocked:ab:f0", "",
     "mb1ic9216oc4096", 75497472, 4.0 * (9216 + 37748736 + 4096), 4 * 4096},
    {"inner_product", "gemm",
     "src_f32::blocked:ab:f0 wei_f32::blocked:ab:f0 bia_undef::undef::f0 dst_f32::blocked:ab:f0", "",
     "mb1ic256ih6iw6oc4096", 75497472, 4.0 * (9216 + 37748736), 4 * 4096},
    // 2*3*4*5, then with a batch that one operand broadcasts: 7 of them
    {"matmul", "brg", "src_f32::blocked:ab:f0 wei_f32::blocked:ab:f0 dst_f32::blocked:ab:f0", "", "3x4:4x5:3x5", 120,
     4 * (12 + 20), 4 * 15},
    {"matmul", "brg", "src_u8::blocked:abc:f0 wei_s8::blocked:abc:f0 dst_f32::blocked:abc:f0", "", "7x3x4:1x4x5", 840,
     84 + 20, 4 * 105},
    {"matmul", "brg", "src_f32::blocked:ab:f0 wei_f32::blocked:ab:f0 dst_f32::blocked:ab:f0", "", "*x4:4x5", 0, 80, 0},
    // 64*27*27 windows of 9
    {"pooling", "jit", "src_f32::blocked:acdb:f0 dst_f32::blocked:acdb:f0 ws_undef::undef::f0", "",
     "mb1ic64_ih55oh27kh3sh2dh0ph0_iw55ow27kw3sw2dw0pw0", 419904, 774400, 186624},
    {"eltwise", "jit", "data_f32::blocked:acdb:f0 diff_undef::undef::f0", "", "1x64x55x55", 193600, 774400, 774400},
    {"eltwise", "jit", "fdata:nChw16c fdiff:undef", "", "mb1ic64ih55iw55", 193600, 774400, 774400},
    {"eltwise", "jit", "src:f16::blocked:ab::f0 dst:f16::blocked:ab::f0", "", "2x8", 16, 32, 32},
    {"batch_normalization", "bnorm", "data_f32::blocked:acdb:f0 diff_undef::undef::f0", "", "mb1ic8ih4iw4", 256, 512,
     512},
    {"softmax", "jit", "src:f32::blocked:ab::f0 dst:f32::blocked:ab::f0", "", "2x10", 100, 80, 80},
    {"lrn", "jit", "data_f32::blocked:acdb:f0", "", "mb1ic8ih2iw2ls5beta0.75", 12 * 32, 128, 128},
    {"binary", "jit", "src_f32::blocked:abcd:f0 src_f32::blocked:abcd:f0 dst_f32::blocked:abcd:f0", "",
     "1x8x2x2:1x8x1x1", 32, 4 * (32 + 8), 128},
    {"sum", "simple", "src_f32::blocked:acdb:f0 src_f32::blocked:acdb:f0 dst_f32::blocked:acdb:f0", "", "1x8x2x2", 32,
     256, 128},
    {"concat", "simple", "src_f32::blocked:acdb:f0 src_f32::blocked:acdb:f0 dst_f32::blocked:acdb:f0", "",
     "1x8x2x2:1x4x2x2", 0, 192, 192},
    {"reorder", "jit", "src_f32::blocked:abcd:f0 dst_s8::blocked:acdb:f0", "attr-oscale:0:26.1 ", "1x3x4x4", 0, 192,
     48},
    {"reorder", "jit", "in:f32_nChw16c out:u8_nchw", "", "1x256x6x6", 0, 36864, 9216},
    // Types smaller than a byte, and what is no problem: unknown
    {"reorder", "jit", "src:s4::blocked:ab::f0 dst:s4::blocked:ab::f0", "", "2x2", 0, 0, 0},
    {"convolution", "jit", "src_f32::blocked:acdb:f0", "", "mb1_ic3oc64_ih224oh55kh11ih4", 0, 0, 0},
    {"convolution", "jit", "src_f32::blocked:acdb:f0", "", "", 0, 0, 0},
    {"convolution", "jit", "", "", "mb1_j3oc64", 0, 0, 0}};

static void test_operations_and_bytes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    const sample *s = &samples[i];
    mf_verbose_problem p;
    mf_verbose_problem_read(&p, s->kind, s->impl, s->memory, s->attributes, s->problem);
    if (p.flops != s->flops || p.bytes_read != s->read || p.bytes_written != s->written)
      fail_msg("%s %s: %.0f operations, %.0f read, %.0f written", s->kind, s->problem, p.flops, p.bytes_read,
               p.bytes_written);
  }
}

static void test_what_does_not_read(void **state) {
  (void)state;
  static const struct {
    const char *kind, *problem;
    bool odd;
  } cases[] = {{"convolution", "mb1_j3oc64", true},
               {"convolution", "", true},
               {"convolution", "mb1_ic3oc4_ih2oh2kh1sh1dh0ph0_iw2ow2kw1sw1dw0ow2", true}, // a key twice
               {"pooling", "mb1ic4_ih4oh2kh2sh2ph0_iw4ow2kw2sw2pw0", false},
               {"eltwise", "1x4", false},
               {"eltwise", "hello", true},
               {"reorder", "x64", false},
               {"matmul", "*x4:4x5", false},
               {"some_new_kind", "abc", true},
               {"some_new_kind", "", false},
               {"rnn", "l1t2mb3sic4slc4dhc4dic4", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mf_verbose_problem p;
    mf_verbose_problem_read(&p, cases[i].kind, "", "src_f32::blocked:ab:f0", "", cases[i].problem);
    if (p.odd != cases[i].odd) fail_msg("%s %s", cases[i].kind, cases[i].problem);
  }
}

static void test_formats(void **state) {
  (void)state;
  static const struct {
    const char *memory, *name, *dtype, *format;
  } cases[] = {{"src_f32::blocked:acdb:f0", "src", "f32", "nhwc"},
               {"src:f32:ap:blocked:aBcd16b::f0", "src", "f32", "nChw16c"},
               {"wei_f32::blocked:Acdb64a:f0", "wei", "f32", "Ohwi64o"},
               {"wei:s8:a:blocked:AcdB64a4b::f1:s8m1", "wei", "s8", "OhwI64o4i"},
               {"wei_f32::blocked:Abcde16a:f0", "wei", "f32", "Goihw16g"},
               {"wei_f32::wino::f0", "wei", "f32", "wino"},
               {"wei:bf16:a:any:any::f0", "wei", "bf16", "any"},
               {"bia_undef::undef::f0", "bia", "", ""},
               {"bia_f32::blocked:a:f0_mask2", "bia", "f32", "x"},
               {"src_layer_bf16::blocked:abc:f0", "src_layer", "bf16", "ncw"},
               {"src_f8_e5m2::blocked:ab:f0", "src", "f8_e5m2", "nc"},
               {"fsrc:nChw8c", "src", "", "nChw8c"},
               {"fbia:undef", "bia", "", ""},
               {"out:s8_nhwc", "out", "s8", "nhwc"},
               {"src_f32::blocked:abcdefgh:f0", "src", "f32", "abcdefgh"},
               {":::::::::::", "", "", ""},
               {"_", "_", "", ""}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mf_verbose_problem p;
    mf_verbose_problem_read(&p, "eltwise", "", cases[i].memory, "", "1x4");
    assert_int_equal(p.memory_count, 1);
    assert_string_equal(p.memory[0].name, cases[i].name);
    assert_string_equal(p.memory[0].dtype, cases[i].dtype);
    assert_string_equal(p.memory[0].format, cases[i].format);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_operations_and_bytes),
                                     cmocka_unit_test(test_what_does_not_read), cmocka_unit_test(test_formats)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
