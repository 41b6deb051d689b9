// Layers of two plans by their sources, and which primitives belong to them: plans made by hand.
#include "../../tools/match.c" // NOLINT(bugprone-suspicious-include): the program's files are no library
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { MOST = 8 };

// A plan whose layers cover the letters of the words: "abc d" has a layer of a, b, c and one of d.
typedef struct lettered {
  minfer_plan plan;
  minfer_layer layers[MOST];
  const char *sources[MOST][MOST];
  char letters[MOST][MOST][2];
} lettered;

static const minfer_plan *make(lettered *p, const char *words) {
  *p = (lettered){0};
  for (; *words; words++) {
    if (*words == ' ') {
      p->plan.layer_count++;
      continue;
    }
    const int at = p->plan.layer_count;
    minfer_layer *layer = &p->layers[at];
    const int k = layer->source_count++;
    p->letters[at][k][0] = *words;
    p->sources[at][k] = p->letters[at][k];
    layer->sources = p->sources[at];
    layer->name = p->letters[at][0];
  }
  p->plan.layer_count++;
  p->plan.layers = p->layers;
  return &p->plan;
}

// Groups as "0=0,1 1=2": layers of a, then those of b.
static void check(const char *a, const char *b, const char *expected) {
  lettered x, y;
  layer_groups groups;
  char text[256] = "";
  size_t used = 0;
  assert_true(match_layers(make(&x, a), make(&y, b), &groups));
  for (size_t i = 0; i < groups.count; i++) {
    if (i) text[used++] = ' ';
    for (int side = 0; side < 2; side++) {
      if (side) text[used++] = '=';
      for (int k = 0; k < groups.items[i].counts[side]; k++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%d", k ? "," : "", groups.items[i].layers[side][k]);
    }
    text[used] = 0;
  }
  assert_string_equal(text, expected);
  layer_groups_free(&groups);
}

static void test_groups(void **state) {
  (void)state;
  check("abc d ef", "abc d ef", "0=0 1=1 2=2");
  check("abc d ef", "a b c d e f", "0=0,1,2 1=3 2=4,5");
  check("a b c d e f", "abc d ef", "0,1,2=0 3=1 4,5=2");
  check("ab c", "a bc", "0,1=0,1");              // neither holds the other's: the union of all three
  check("ab cd e", "a bc d e", "0,1=0,1,2 2=3"); // through two steps
  check("ad bc", "abcd", "0,1=0");               // not neighbours
  check("a b c", "c b a", "0=2 1=1 2=0");        // another order
  check("ab c", "ab", "0=0 1=");                 // c is nowhere in b
  check("a", "x a y", "0=1 =0 =2");              // what only b has comes last
}

static void test_parts(void **state) {
  (void)state;
  lettered x;
  make(&x, "a b c");
  const minfer_primitive primitives[] = {
      {.kind = "reorder", .layer = -1, .from = "input", .to = "a"},
      {.kind = "convolution", .layer = 0},
      {.kind = "reorder", .layer = 1, .from = "a", .to = "b"},
      {.kind = "pooling", .layer = 1},
      {.kind = "sum", .layer = 2},
      {.kind = "reorder", .layer = -1, .from = "c", .to = "output"},
  };
  x.plan.primitives = primitives;
  x.plan.primitive_count = 6;
  const layer_group ab = {.layers = {NULL, (const int[]){0, 1}}, .counts = {0, 2}};
  const layer_group c = {.layers = {NULL, (const int[]){2}}, .counts = {0, 1}};
  static const group_part in_ab[] = {GROUP_PART_REORDER, GROUP_PART_LAYER, GROUP_PART_REORDER,
                                     GROUP_PART_LAYER,   GROUP_PART_NONE,  GROUP_PART_NONE};
  static const group_part in_c[] = {GROUP_PART_NONE, GROUP_PART_NONE,  GROUP_PART_NONE,
                                    GROUP_PART_NONE, GROUP_PART_LAYER, GROUP_PART_REORDER};
  for (int i = 0; i < 6; i++) {
    assert_int_equal(layer_group_part(&ab, 1, &x.plan, i), in_ab[i]);
    assert_int_equal(layer_group_part(&c, 1, &x.plan, i), in_c[i]);
    assert_int_equal(layer_group_part(&ab, 0, &x.plan, i), GROUP_PART_NONE); // it has no layers on that side
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups), cmocka_unit_test(test_parts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
