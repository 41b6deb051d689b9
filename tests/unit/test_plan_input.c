// The network's input: left open until its first consumer has chosen a format, and then the same for all.
#include "reference/support.h"
#include "unit/plan_fixture.h"

typedef mf_tensor_id (*add_reader)(mf_graph *g, const char *name, mf_tensor_id x);

static mf_tensor_id read_by_convolution(mf_graph *g, const char *name, mf_tensor_id x) {
  return plain_convolution(g, name, x, 3, 3);
}

static mf_tensor_id read_by_pooling(mf_graph *g, const char *name, mf_tensor_id x) {
  return add_max_pool(g, name, x, 3);
}

static mf_tensor_id read_by_concat(mf_graph *g, const char *name, mf_tensor_id x) {
  return plain_convolution(g, name, ADD(g, CONCAT, join(g, name, "cat"), A(.concat = {1}), x, x), 3, 1);
}

static mf_tensor_id read_by_sum(mf_graph *g, const char *name, mf_tensor_id x) {
  return add_sum(g, name, x, x);
}

static mf_tensor_id read_by_view(mf_graph *g, const char *name, mf_tensor_id x) {
  return add_relu(g, name, ADD(g, IDENTITY, join(g, name, "view"), NONE, x));
}

static const add_reader readers[] = {read_by_convolution, read_by_pooling, add_bn,      add_relu,
                                     read_by_concat,      read_by_sum,     read_by_view};

// Two readers of the input in every order, whatever each would choose alone.
static void check_readers(add_reader first, add_reader second, const place *p, const char *label) {
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, p->input);
  const mf_tensor_id y = first(g, "first", x), z = second(g, "second", x);
  g->output = ADD(g, CONCAT, "out", A(.concat = {1}), y, z);
  float *input = random_input(g, 3);
  if (p->int8) annotate_all(g, input, 0);
  harness_steps steps = {0};
  expect_same(g, &p->plan, p->threads, input, p->plan.activations == MF_F32 ? HARNESS_F32 : HARNESS_BF16, &steps,
              label);
  mf_free(input);
  mf_graph_free(g);
}

static void test_two_readers(void **state) {
  (void)state;
  char label[100];
  for (int a = 0; a < COUNT(readers); a++)
    for (int b = 0; b < COUNT(readers); b++)
      for (int kind = 0; kind < 3; kind++) // f32, bf16, int8
        for (mf_layout layout = MF_LAYOUT_AUTO; layout <= MF_LAYOUT_NCHW; layout++)
          for (int open = 0; open < 2; open++) {
            if (HARNESS_SANITIZED && (a + b + kind + (int)layout + open) % 4) continue;
            if ((kind == 1 && !harness_has_bf16()) || (kind == 2 && layout % 2)) continue;
            const place p = {
                .input = SHAPE(2, 3, 6, 7),
                .threads = 1,
                .int8 = kind == 2,
                .plan = {.layout = layout, .activations = kind == 1 ? MF_BF16 : MF_F32, .float_input = !open}};
            snprintf(label, sizeof label, "readers %d, %d, %s, layout %d, %s", a, b,
                     ((const char *[]){"f32", "bf16", "int8"})[kind], layout, open ? "open" : "float");
            check_readers(readers[a], readers[b], &p, label);
          }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_readers)};
  return cmocka_run_group_tests(tests, NULL, harness_end);
}
