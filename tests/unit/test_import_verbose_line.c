// Lines of each version, typed after what their sources print, to fields.
#include "import/verbose_line.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {
    [MF_VERBOSE_EXEC] = "exec",       [MF_VERBOSE_CREATE] = "create",        [MF_VERBOSE_DISPATCH] = "dispatch",
    [MF_VERBOSE_INFO] = "info",       [MF_VERBOSE_TEMPLATE] = "template",    [MF_VERBOSE_GRAPH] = "graph",
    [MF_VERBOSE_MESSAGE] = "message", [MF_VERBOSE_UNREADABLE] = "unreadable"};

// "exec|status|engine|kind|impl|prop|memory|attributes|aux|problem|ms|timestamp", messages as "kind|message".
static const char *show(const mf_verbose_line *l) {
  static char text[1024];
  int used = snprintf(text, sizeof text, "%s", names[l->kind]);
  if (l->kind == MF_VERBOSE_EXEC || l->kind == MF_VERBOSE_CREATE) {
    used += snprintf(text + used, sizeof text - (size_t)used, "|%.*s", (int)l->status.length, l->status.text);
    for (int i = 0; i < MF_VERBOSE_FIELDS; i++)
      used += snprintf(text + used, sizeof text - (size_t)used, "|%.*s", (int)l->fields[i].length, l->fields[i].text);
    snprintf(text + used, sizeof text - (size_t)used, "|%g|%.3f", l->ms, l->timestamp);
  } else if (l->kind == MF_VERBOSE_DISPATCH) {
    const mf_slice *kind = &l->fields[MF_VERBOSE_KIND];
    snprintf(text + used, sizeof text - (size_t)used, "|%.*s|%.*s", (int)kind->length, kind->text,
             (int)l->message.length, l->message.text);
  } else
    snprintf(text + used, sizeof text - (size_t)used, "|%.*s", (int)l->message.length, l->message.text);
  return text;
}

static void expect(mf_verbose_template *order, const char *line, const char *expected) {
  mf_verbose_line parsed;
  mf_verbose_parse(&parsed, order, line, strlen(line));
  assert_string_equal(show(&parsed), expected);
}

static void test_versions(void **state) {
  (void)state;
  static const struct {
    const char *line, *expected;
  } cases[] = {
      {"mkldnn_verbose,exec,convolution,jit:avx2,forward_inference,fsrc:nchw fwei:Ohwi8o fbia:x fdst:nChw8c,"
       "alg:convolution_direct,mb1_ic3oc8_ih9oh9kh3sh1dh0ph1_iw9ow9kw3sw1dw0pw1,0.125",
       "exec|||convolution|jit:avx2|forward_inference|fsrc:nchw fwei:Ohwi8o fbia:x fdst:nChw8c||"
       "alg:convolution_direct|mb1_ic3oc8_ih9oh9kh3sh1dh0ph1_iw9ow9kw3sw1dw0pw1|0.125|-1.000"},
      {"mkldnn_verbose,create,inner_product,gemm:jit,forward_training,fsrc:nc fwei:oi fbia:undef fdst:nc,,mb1ic4oc2,2",
       "create|||inner_product|gemm:jit|forward_training|fsrc:nc fwei:oi fbia:undef fdst:nc|||mb1ic4oc2|2|-1.000"},
      {"mkldnn_verbose,exec,cpu,eltwise,jit:avx2,forward_inference,data_f32::blocked:aBcd8b:f0,alg:eltwise_relu:0:0,"
       "1x8x9x9,0.5",
       "exec||cpu|eltwise|jit:avx2|forward_inference|data_f32::blocked:aBcd8b:f0||alg:eltwise_relu:0:0|1x8x9x9|0.5|"
       "-1.000"},
      {"dnnl_verbose,exec,cpu,reorder,simple:any,undef,src_f32::blocked:ab:f0 dst_s8::blocked:ab:f0,oscale:0:2;,,3x4,1",
       "exec||cpu|reorder|simple:any|undef|src_f32::blocked:ab:f0 dst_s8::blocked:ab:f0|oscale:0:2;||3x4|1|-1.000"},
      {"dnnl_verbose,create:cache_hit,cpu,sum,simple:any,undef,src_f32::blocked:a:f0,,,8,3e-05",
       "create|cache_hit|cpu|sum|simple:any|undef|src_f32::blocked:a:f0|||8|3e-05|-1.000"},
      {"dnnl_verbose,1630000000000.25,exec,cpu,sum,simple:any,undef,src_f32::blocked:a:f0,,,8,0.25",
       "exec||cpu|sum|simple:any|undef|src_f32::blocked:a:f0|||8|0.25|1630000000000.250"},
      {"onednn_verbose,exec,gpu:0,matmul,jit:gemm:any,undef,src_f16::blocked:ab:f0,,,2x3:3x4:2x4,0.5",
       "exec||gpu:0|matmul|jit:gemm:any|undef|src_f16::blocked:ab:f0|||2x3:3x4:2x4|0.5|-1.000"},
      {"onednn_verbose,primitive,create:cache_miss,cpu,binary,jit:uni,undef,src_f32,,alg:binary_add,4:4,0.5",
       "create|cache_miss|cpu|binary|jit:uni|undef|src_f32||alg:binary_add|4:4|0.5|-1.000"},
      {"onednn_verbose,v0,12.5,primitive,create:nested_cache_hit,cpu,binary,jit:uni,undef,src_f32,,alg:binary_add,4,1",
       "create|nested_cache_hit|cpu|binary|jit:uni|undef|src_f32||alg:binary_add|4|1|12.500"},
      {"onednn_verbose,v1,1795251836320.354004,primitive,exec,cpu,softmax,jit:avx512_core,forward_inference,"
       "src:f32::blocked:ab::f0 dst:f32::blocked:ab::f0,attr-scratchpad:user,alg:softmax_accurate axis:1,1x1000,0.0625",
       "exec||cpu|softmax|jit:avx512_core|forward_inference|src:f32::blocked:ab::f0 dst:f32::blocked:ab::f0|"
       "attr-scratchpad:user|alg:softmax_accurate axis:1|1x1000|0.0625|1795251836320.354"},
      {"dnnl_verbose,create_nested:cache_hit,cpu,sum,simple:any,undef,src_f32,,,8,1",
       "create|nested:cache_hit|cpu|sum|simple:any|undef|src_f32|||8|1|-1.000"},
      // Attributes with commas in them: what stands right of them is found from the right.
      {"onednn_verbose,exec,cpu,matmul,brg,undef,src_f32,attr-a:1,2 attr-b,alg:x,2x3:3x4,1",
       "exec||cpu|matmul|brg|undef|src_f32|attr-a:1,2 attr-b|alg:x|2x3:3x4|1|-1.000"},
      // Columns set apart by tabs.
      {"dnnl_verbose\texec\tcpu\teltwise\tjit\tforward\tfdata:nc\talg:relu\tmb1ic4\t0.5",
       "exec||cpu|eltwise|jit|forward|fdata:nc||alg:relu|mb1ic4|0.5|-1.000"},
      {"onednn_verbose,v1,primitive,create:dispatch,convolution,unsupported isa,src/cpu/a.cpp:97",
       "dispatch|convolution|unsupported isa"},
      {"onednn_verbose,v1,primitive,create:dispatch,matmul,cpu,matmul,brg:x,undef,src,,,2x2:2x2,unsupported "
       "isa,a.cpp:9",
       "dispatch|matmul|unsupported isa"},
      {"onednn_verbose,v1,primitive,create:check,matmul,dimension src:1 is inconsistent with weights:0,a.cpp:144",
       "message|matmul,dimension src:1 is inconsistent with weights:0,a.cpp:144"},
      {"onednn_verbose,v1,graph,exec,cpu,100002,conv_post_ops,conv;relu,,,fpm:strict,dnnl_backend,0.5", "graph|"},
      {"onednn_verbose,v1,info,graph,backend,0:dnnl_backend", "info|graph,backend,0:dnnl_backend"},
      {"dnnl_verbose,info,Detected ISA is Intel AVX2", "info|Detected ISA is Intel AVX2"},
      {"dnnl_verbose,gpu,ocl_error,-5", "message|gpu,ocl_error,-5"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mf_verbose_template order = {.columns = 0};
    expect(&order, cases[i].line, cases[i].expected);
  }
}

static void test_bad_lines(void **state) {
  (void)state;
  static const struct {
    const char *line, *expected;
  } cases[] = {
      {"onednn_verbose,", "unreadable|it ends before the operation"},
      {"onednn_verbose,v1,primitive", "unreadable|it ends before the operation"},
      {"onednn_verbose,exec", "unreadable|fields are missing"},
      {"onednn_verbose,exec,cpu,convolution,jit:avx2,forward_inf", "unreadable|fields are missing"},
      {"onednn_verbose,exec,cpu,sum,simple:any,undef,src_f32,,,8,", "unreadable|the time is no number"},
      {"onednn_verbose,exec,cpu,sum,simple:any,undef,src_f32,,,8,-1", "unreadable|the time is no number"},
      {"onednn_verbose,exec,cpu,sum,simple:any,undef,src_f32,,,8,nan", "unreadable|the time is no number"},
      {"onednn_verbose,exec,cpu,sum,simple:any,undef,src_f32,,,8,1e999", "unreadable|the time is no number"},
      {"onednn_verbose,exec,cpu,S um,simple:any,undef,src_f32,,,8,1", "unreadable|the kind of primitive is no word"},
      {"onednn_verbose,create:dispatch,x", "unreadable|fields are missing"},
      // Behind the time stands what another program wrote.
      {"onednn_verbose,exec,cpu,sum,simple:any,undef,src_f32,,,8,1.5Epoch 3",
       "exec||cpu|sum|simple:any|undef|src_f32|||8|1.5|-1.000"},
      {"onednn_verbose,exec,cpu,sum,simple:any,undef,src_f32,,,8,1.5\r",
       "exec||cpu|sum|simple:any|undef|src_f32|||8|1.5|-1.000"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mf_verbose_template order = {.columns = 0};
    expect(&order, cases[i].line, cases[i].expected);
  }
}

static void test_template(void **state) {
  (void)state;
  mf_verbose_template order = {.columns = 0};
  const char *line = "onednn_verbose,exec,0.5,8,cpu,sum,a,b,undef,src_f32,more,aux";
  expect(&order,
         "onednn_verbose,info,template:operation,exec_time,problem_desc,engine,primitive,implementation,"
         "attributes,prop_kind,memory_descriptors,something_new,auxiliary",
         "template|template:operation,exec_time,problem_desc,engine,primitive,implementation,attributes,prop_kind,"
         "memory_descriptors,something_new,auxiliary");
  expect(&order, line, "exec||cpu|sum|a|undef|src_f32|b|aux|8|0.5|-1.000");
  // Another number of fields: by position again.
  expect(&order, "onednn_verbose,exec,cpu,sum,simple:any,undef,src_f32,,,8,1",
         "exec||cpu|sum|simple:any|undef|src_f32|||8|1|-1.000");
  // A template that was cut says nothing.
  expect(&order, "onednn_verbose,info,template:operation,engine", "template|template:operation,engine");
  expect(&order, line, "exec||cpu|sum|a|undef|src_f32|b|aux|8|0.5|-1.000");
  // The graph API's is for its own lines.
  expect(&order, "onednn_verbose,v1,graph,info,template:operation,engine,primitive,problem_desc,exec_time",
         "template|template:operation,engine,primitive,problem_desc,exec_time");
  expect(&order, line, "exec||cpu|sum|a|undef|src_f32|b|aux|8|0.5|-1.000");
}

static void test_markers(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t from, at;
  } cases[] = {{"onednn_verbose,exec", 0, 0},
               {"12 %|### |dnnl_verbose,exec", 0, 10},
               {"mkldnn_verbose,x", 0, 0},
               {"nothing here", 0, 12},
               {"onednn_verbose", 0, 14},
               {"onednn_graph_verbose,x", 0, 22},
               {"a dnnl_verbose,onednn_verbose,", 3, 15},
               {"_verbose,dnnl_verbose\tx", 0, 9},
               {"", 0, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(mf_verbose_marker(cases[i].text, strlen(cases[i].text), cases[i].from), cases[i].at);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions), cmocka_unit_test(test_bad_lines),
                                     cmocka_unit_test(test_template), cmocka_unit_test(test_markers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
