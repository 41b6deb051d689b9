#include "base/text.h"
#include "load/recipe.h"
#include "reference/support.h"
#include <string.h>

#define KEYS 4
typedef struct fake {
  mf_weights weights;
  const char *pairs[2 * KEYS]; // key, value, ...
} fake;

static const char *fake_metadata(const mf_weights *self, const char *key) {
  const fake *f = (const fake *)self;
  for (int i = 0; i < 2 * KEYS && f->pairs[i]; i += 2)
    if (strcmp(f->pairs[i], key) == 0) return f->pairs[i + 1];
  return NULL;
}

static const mf_recipe defaults = {.mean = {0.1f, 0.2f, 0.3f},
                                   .std = {1, 2, 3},
                                   .height = 224,
                                   .width = 200,
                                   .resize = 256,
                                   .interpolation = MF_BILINEAR,
                                   .bn_epsilon = 1e-5,
                                   .multiplier = 1};

static mf_status apply(fake *f, mf_recipe *recipe, mf_error *e) {
  f->weights.metadata = fake_metadata;
  *recipe = defaults;
  return mf_recipe_from_metadata(recipe, &f->weights, "w.safetensors", e);
}

static void test_absent_keys_change_nothing(void **state) {
  (void)state;
  mf_error e = {0};
  mf_recipe r;
  support_ok(apply(&(fake){.pairs = {"minfer.source", "somewhere"}}, &r, &e), &e);
  assert_true(r.mean[2] == 0.3f && r.std[1] == 2 && r.height == 224 && r.width == 200 && r.resize == 256);
  assert_true(r.interpolation == MF_BILINEAR && !r.same_padding && r.bn_epsilon == 1e-5 && r.multiplier == 1);
}

static void test_keys_replace_defaults(void **state) {
  (void)state;
  mf_error e = {0};
  mf_recipe r;
  fake pixels = {.pairs = {"minfer.mean", "0.485,-1e-1,0", "minfer.std", "0.229,0.5,2"}};
  support_ok(apply(&pixels, &r, &e), &e);
  assert_true(r.mean[0] == 0.485f && r.mean[1] == -0.1f && r.mean[2] == 0);
  assert_true(r.std[0] == 0.229f && r.std[1] == 0.5f && r.std[2] == 2);
  fake sizes = {.pairs = {"minfer.size", "260", "minfer.resize", "292", "minfer.interpolation", "bicubic"}};
  support_ok(apply(&sizes, &r, &e), &e);
  assert_true(r.height == 260 && r.width == 260 && r.resize == 292 && r.interpolation == MF_BICUBIC);
  fake network = {.pairs = {"minfer.padding", "same", "minfer.bn_eps", "0.001", "minfer.width", "0.25"}};
  support_ok(apply(&network, &r, &e), &e);
  assert_true(r.same_padding && r.bn_epsilon == 0.001 && r.multiplier == 0.25);
  fake back = {.pairs = {"minfer.padding", "torch", "minfer.interpolation", "bilinear"}};
  r.same_padding = true;
  r.interpolation = MF_BICUBIC;
  support_ok(mf_recipe_from_metadata(&r, (back.weights.metadata = fake_metadata, &back.weights), "w", &e), &e);
  assert_true(!r.same_padding && r.interpolation == MF_BILINEAR);
}

static void test_bad_values_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *key, *value, *expected;
  } rows[] = {
      {"minfer.mean", "", "w.safetensors: metadata minfer.mean is \"\" (three numbers with commas between expected)"},
      {"minfer.mean", "0.5,0.5", "three numbers"},
      {"minfer.mean", "0.5,0.5,0.5,0.5", "three numbers"},
      {"minfer.mean", "0.5,,0.5", "three numbers"},
      {"minfer.mean", "0.5,0.5,0.5,", "three numbers"},
      {"minfer.mean", "0.5, 0.5, 0.5", "three numbers"},
      {"minfer.mean", "nan,0,0", "three numbers"},
      {"minfer.mean", "1e999,0,0", "three numbers"},
      {"minfer.mean", "0,0,0000000000000000000000000000000000000000000000000000000000000000000000000000",
       "three numbers"},
      {"minfer.std", "0.5,0.5,0", "three numbers above 0"},
      {"minfer.std", "0.5,-1,1", "three numbers above 0"},
      {"minfer.std", "0.5,1e-60,1", "three numbers above 0"}, // 0 as a float
      {"minfer.std", "1e60,1,1", "three numbers above 0"},    // infinite as a float
      {"minfer.mean", "1e60,1,1", "three numbers"},
      {"minfer.size", "0", "minfer.size is \"0\" (a whole number from 1 to 8192 expected)"},
      {"minfer.size", "8193", "a whole number from 1 to 8192"},
      {"minfer.size", "-1", "a whole number from 1 to 8192"},
      {"minfer.size", "224x224", "a whole number from 1 to 8192"},
      {"minfer.size", "99999999999999999999", "a whole number from 1 to 8192"},
      {"minfer.size", "257", "a short side of 256 pixels is too small for the input of 257x257"},
      {"minfer.resize", "0", "minfer.resize is \"0\""},
      {"minfer.resize", "223", "a short side of 223 pixels is too small for the input of 224x200"},
      {"minfer.interpolation", "nearest", "minfer.interpolation is \"nearest\" (bilinear or bicubic expected)"},
      {"minfer.padding", "valid", "minfer.padding is \"valid\" (torch or same expected)"},
      {"minfer.padding", "", "(torch or same expected)"},
      {"minfer.bn_eps", "0", "minfer.bn_eps is \"0\""},
      {"minfer.bn_eps", "-1e-5", "minfer.bn_eps is"},
      {"minfer.bn_eps", "inf", "minfer.bn_eps is"},
      {"minfer.bn_eps", "2", "minfer.bn_eps is"},
      {"minfer.width", "0", "minfer.width is \"0\" (a number above 0 and at most 16 expected)"},
      {"minfer.width", "17", "minfer.width is"},
      {"minfer.width", "one\n", "minfer.width is \"one\\x0a\""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mf_error e = {0};
    mf_recipe r;
    fake f = {.pairs = {rows[i].key, rows[i].value}};
    mf_status status = apply(&f, &r, &e);
    if (status != MF_ERR_FILE || !strstr(e.text, rows[i].expected) || !mf_text_is_clean(e.text, strlen(e.text)))
      fail_msg("status %d, \"%s\" (3 and \"%s\" expected)", (int)status, e.text, rows[i].expected);
    assert_memory_equal(&r, &defaults, sizeof r); // not half applied
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_absent_keys_change_nothing),
      cmocka_unit_test(test_keys_replace_defaults),
      cmocka_unit_test(test_bad_values_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
