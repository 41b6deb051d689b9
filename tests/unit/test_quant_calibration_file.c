// The calibration file: what is written is read back, and what is broken is refused with one clear line.
#include "quant/calibration.h"
#include "reference/support.h"
#include "total.h"
#include "unit/edits.h"
#include "unit/plan_fixture.h"
#include <stdio.h>

static char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  char *text = test_malloc(1 << 20);
  *size = fread(text, 1, 1 << 20, file);
  fclose(file);
  return text;
}

// ---- there and back

static mf_calibrated_tensor tensors[] = {
    {"input", {true, MF_S8, 0.0078125f, 0}, -1, 0.99f, "minmax"},
    {"a.b \"quoted\" \xc3\xa4", {true, MF_U8, 0.1f, 0}, 0, 25.5f, "percentile-99.99"},
    {"tiny", {true, MF_U8, 1.17549435e-38f, 0}, 0, 1e-45f, "mse"},
    {"huge", {true, MF_S8, 3.40282347e38f, 0}, -3.40282347e38f, 3.40282347e38f, "entropy"},
};
static float shifts[300];
static mf_bias_correction corrections[] = {{"a.b", shifts, 300}, {"one", shifts + 7, 1}};
static const float factors[] = {1, 0.03125f, 0.333333343f, 1.17549435e-38f};
static mf_equalisation equalisations[] = {{"a.b", factors, 4}, {"one", factors + 2, 1}};
static mf_float_layer floats[] = {{"fc", "adds the most noise but 0 (its output in int8: 12.3 dB)"}};

static mf_calibration sample(bool full) {
  uint64_t seed = 1;
  for (int i = 0; i < COUNT(shifts); i++) shifts[i] = (float)ldexp(next_random(&seed), pick(&seed, 60) - 40);
  mf_calibration c = {.model = "net",
                      .calibrator = "tournament",
                      .weights_hash = 0x0123456789abcdef,
                      .images_hash = 0xfedcba9876543210,
                      .samples = 300,
                      .tensors = tensors,
                      .tensor_count = COUNT(tensors)};
  if (full) {
    c.corrections = corrections;
    c.correction_count = COUNT(corrections);
    c.floats = floats;
    c.float_count = COUNT(floats);
    c.equalisations = equalisations;
    c.equalisation_count = COUNT(equalisations);
  }
  return c;
}

static void expect_equal(const mf_calibration *a, const mf_calibration *b) {
  assert_string_equal(a->model, b->model);
  assert_string_equal(a->calibrator, b->calibrator);
  assert_true(a->weights_hash == b->weights_hash && a->images_hash == b->images_hash);
  assert_int_equal(a->samples, b->samples);
  assert_int_equal(a->tensor_count, b->tensor_count);
  for (int i = 0; i < a->tensor_count; i++) {
    const mf_calibrated_tensor *x = &a->tensors[i], *y = &b->tensors[i];
    assert_string_equal(x->name, y->name);
    assert_string_equal(x->calibrator, y->calibrator);
    assert_true(x->quantization.set && x->quantization.dtype == y->quantization.dtype);
    assert_true(x->quantization.scale == y->quantization.scale && x->quantization.zero_point == 0);
    assert_true(x->min == y->min && x->max == y->max);
  }
  assert_int_equal(a->correction_count, b->correction_count);
  for (int i = 0; i < a->correction_count; i++) {
    assert_string_equal(a->corrections[i].layer, b->corrections[i].layer);
    assert_int_equal(a->corrections[i].channels, b->corrections[i].channels);
    assert_memory_equal(a->corrections[i].shift, b->corrections[i].shift,
                        (size_t)a->corrections[i].channels * sizeof(float));
  }
  assert_int_equal(a->equalisation_count, b->equalisation_count);
  for (int i = 0; i < a->equalisation_count; i++) {
    assert_string_equal(a->equalisations[i].tensor, b->equalisations[i].tensor);
    assert_int_equal(a->equalisations[i].channels, b->equalisations[i].channels);
    assert_memory_equal(a->equalisations[i].factors, b->equalisations[i].factors,
                        (size_t)a->equalisations[i].channels * sizeof(float));
  }
  assert_int_equal(a->float_count, b->float_count);
  for (int i = 0; i < a->float_count; i++) {
    assert_string_equal(a->floats[i].layer, b->floats[i].layer);
    assert_string_equal(a->floats[i].reason, b->floats[i].reason);
  }
}

static void test_there_and_back(void **state) {
  for (int full = 0; full < 2; full++) {
    mf_error e;
    mf_calibration read;
    size_t size;
    const mf_calibration c = sample(full);
    const char *path = support_path(state, "c.json");
    OK(mf_calibration_write(&c, path, &e));
    char *text = read_file(path, &size);
    OK(mf_calibration_parse(&read, text, size, path, &e));
    expect_equal(&read, &c);
    test_free(text);
    mf_calibration_free(&read);
    mf_calibration_free(&read);
  }
}

static void test_where_it_cannot_be_written(void **state) {
  mf_error e;
  const mf_calibration c = sample(true);
  check_fails(mf_calibration_write(&c, support_path(state, "nowhere/c.json"), &e), MF_ERR_OUTPUT, &e,
              "nowhere/c.json: cannot be written");
}

// ---- broken files: an edit each of one that is good

static const char good[] =
    "{\"schema\":\"minfer.calibration/1\",\"model\":\"net\",\"weights_hash\":\"0123456789abcdef\","
    "\"images_hash\":\"fedcba9876543210\",\"samples\":3,\"calibrator\":\"mse\","
    "\"tensors\":[{\"tensor\":\"input\",\"dtype\":\"s8\",\"scale\":0.5,\"calibrator\":\"mse\","
    "\"range\":[-1,2]}],\"float_layers\":[{\"layer\":\"fc\",\"reason\":\"noise\"}],"
    "\"bias_corrections\":[{\"layer\":\"a\",\"shift\":[0.25,-1,0]}],"
    "\"equalisations\":[{\"tensor\":\"b\",\"factors\":[0.125,1]}]}";

static const edit edits[] = {
    {NULL, "", "expected a calibration in JSON"},
    {NULL, "not JSON", "byte 0: "},
    {NULL, "{", "expected a calibration in JSON"},
    {NULL, "[]", "\"schema\" is missing or no text"},
    {NULL, "null", "\"schema\" is missing or no text"},
    {NULL, "7", "\"schema\" is missing or no text"},
    {NULL, "\"minfer.calibration/1\"", "\"schema\" is missing or no text"},
    {NULL, "{}", "\"schema\" is missing or no text"},
    {NULL, "{\"schema\":\"minfer.calibration/1\"}", "\"model\" is missing or no text"},
    {"]}]}", "]}]}]", "byte "},
    {"calibration/1", "calibration/2", "expected schema minfer.calibration/1"},
    {"minfer.calibration/1", "minfer.run/1", "another kind or version of file"},
    {"\"minfer.calibration/1\"", "1", "\"schema\" is missing or no text"},
    {"\"model\":\"net\"", "\"model\":\"\"", "\"model\" is missing or no text"},
    {"\"model\":\"net\"", "\"Model\":\"net\"", "\"model\" is missing or no text"},
    {"\"model\":\"net\"", "\"model\":[\"net\"]", "\"model\" is missing or no text"},
    {"\"0123456789abcdef\"", "\"0123456789abcde\"", "weights_hash (expected 16 hexadecimal digits)"},
    {"\"0123456789abcdef\"", "\"0123456789abcdef0\"", "weights_hash (expected 16 hexadecimal digits)"},
    {"\"0123456789abcdef\"", "\"0123456789ABCDEF\"", "weights_hash (expected 16 hexadecimal digits)"},
    {"\"0123456789abcdef\"", "\"0x23456789abcdef\"", "weights_hash (expected 16 hexadecimal digits)"},
    {"\"0123456789abcdef\"", "\" 123456789abcdef\"", "weights_hash (expected 16 hexadecimal digits)"},
    {"\"0123456789abcdef\"", "81985529216486895", "\"weights_hash\" is missing or no text"},
    {"\"fedcba9876543210\"", "\"\"", "\"images_hash\" is missing or no text"},
    {"\"fedcba9876543210\"", "\"-edcba9876543210\"", "images_hash (expected 16 hexadecimal digits)"},
    {"\"samples\":3,", "", "\"samples\" is missing or out of range"},
    {"\"samples\":3", "\"samples\":0", "\"samples\" is missing or out of range"},
    {"\"samples\":3", "\"samples\":-3", "\"samples\" is missing or out of range"},
    {"\"samples\":3", "\"samples\":1e30", "\"samples\" is missing or out of range"},
    {"\"samples\":3", "\"samples\":\"3\"", "\"samples\" is missing or out of range"},
    {"\"calibrator\":\"mse\",\"tensors\"", "\"tensors\"", "\"calibrator\" is missing or no text"},
    {"\"tensors\":[", "\"tensor\":[", "\"tensors\" is missing or no list"},
    {"\"tensors\":[", "\"tensors\":{},\"x\":[", "\"tensors\" is missing or no list"},
    {"\"tensors\":[", "\"tensors\":[7,", "\"tensor\" is missing or no text"},
    {"\"tensors\":[", "\"tensors\":[[],", "\"tensor\" is missing or no text"},
    {"\"tensor\":\"input\"", "\"tensor\":1", "\"tensor\" is missing or no text"},
    {"\"dtype\":\"s8\"", "\"dtype\":\"s16\"", "a \"dtype\" is unknown (expected u8 or s8)"},
    {"\"dtype\":\"s8\"", "\"dtype\":\"f32\"", "a \"dtype\" is unknown (expected u8 or s8)"},
    {"\"dtype\":\"s8\",", "", "\"dtype\" is missing or no text"},
    {"0.5", "0", "a \"scale\" is not positive"},
    {"0.5", "-0.5", "a \"scale\" is not positive"},
    {"0.5", "1e-60", "a \"scale\" is not positive"},
    {"0.5", "1e39", "\"scale\" is missing or no number"},
    {"0.5", "1e999", "\"scale\" is missing or no number"},
    {"0.5", "null", "\"scale\" is missing or no number"},
    {"0.5", "\"0.5\"", "\"scale\" is missing or no number"},
    {"0.5", "NaN", "byte "},
    {"0.5", "nan", "byte "},
    {"0.5", "Infinity", "byte "},
    {"0.5", "true", "\"scale\" is missing or no number"},
    {"\"scale\":0.5,", "", "\"scale\" is missing or no number"},
    {"[-1,2]", "[-1]", "a \"range\" is broken (expected two numbers)"},
    {"[-1,2]", "[]", "a \"range\" is broken (expected two numbers)"},
    {"[-1,2]", "[-1,2,3]", "a \"range\" is broken (expected two numbers)"},
    {"[-1,2]", "[-1,null]", "a \"range\" is broken"},
    {"[-1,2]", "[\"-1\",2]", "a \"range\" is broken"},
    {"[-1,2]", "[-1e39,2]", "a \"range\" is broken"},
    {"[-1,2]", "2", "\"range\" is missing or no list"},
    {"\"float_layers\":", "\"x\":", "\"float_layers\" is missing or no list"},
    {"{\"layer\":\"fc\",\"reason\":\"noise\"}", "\"fc\"", "\"layer\" is missing or no text"},
    {"\"reason\":\"noise\"", "\"reason\":null", "\"reason\" is missing or no text"},
    {"\"bias_corrections\":", "\"x\":", "\"bias_corrections\" is missing or no list"},
    {"\"layer\":\"a\",", "", "\"layer\" is missing or no text"},
    {"\"shift\":[0.25,-1,0]", "\"shift\":0.25", "\"shift\" is missing or no list"},
    {"[0.25,-1,0]", "[0.25,\"-1\",0]", "a \"shift\" is no number"},
    {"[0.25,-1,0]", "[0.25,[-1],0]", "a \"shift\" is no number"},
    {"[0.25,-1,0]", "[1e300,-1,0]", "a \"shift\" is no number"},
    {"\"equalisations\":[", "\"equalisations\":{},\"x\":[", "\"equalisations\" is missing or no list"},
    {"\"tensor\":\"b\",", "", "\"tensor\" is missing or no text"},
    {"\"factors\":[0.125,1]", "\"factors\":1", "\"factors\" is missing or no list"},
    {"[0.125,1]", "[0.125,null]", "a \"factors\" is no number"},
    {"[0.125,1]", "[1e300,1]", "a \"factors\" is no number"},
    {"[0.125,1]", "[0,1]", "a \"factor\" is not positive"},
    {"[0.125,1]", "[0.125,-1]", "a \"factor\" is not positive"},
    {"[0.125,1]", "[1e-60,1]", "a \"factor\" is not positive"},
};

// A copy of exactly its size, so that the sanitizers see what is read behind it.
static mf_status parse(mf_calibration *out, const char *text, size_t size, mf_error *e) {
  char *exact = malloc(size ? size : 1);
  assert_non_null(exact);
  memcpy(exact, text, size);
  memset(e, 0, sizeof *e);
  const mf_status status = mf_calibration_parse(out, exact, size, "c.json", e);
  free(exact);
  return status;
}

static void refuse(const char *text, size_t size, const char *message) {
  mf_error e;
  mf_calibration c;
  total_start();
  const mf_status status = parse(&c, text, size, &e);
  const size_t total = total_stop();
  if (status != MF_ERR_FILE || strncmp(e.text, "c.json: ", 8) != 0 || !strstr(e.text, message))
    fail_msg("status %d, \"%s\" instead of \"%s\"", (int)status, e.text, message);
  assert_null(strchr(e.text, '\n'));
  assert_null(c.arena.blocks);
  if (total > 65536 + 200 * size) fail_msg("%s: %zu bytes of memory for a file of %zu", message, total, size);
}

static void test_good(void **state) {
  (void)state;
  mf_error e;
  mf_calibration c;
  OK(parse(&c, good, sizeof good - 1, &e));
  const float shift[] = {0.25f, -1, 0};
  assert_int_equal(c.samples, 3);
  assert_true(c.weights_hash == 0x0123456789abcdef && c.images_hash == 0xfedcba9876543210);
  assert_true(c.tensor_count == 1 && c.float_count == 1 && c.correction_count == 1);
  assert_string_equal(c.tensors[0].name, "input");
  assert_true(c.tensors[0].quantization.dtype == MF_S8 && c.tensors[0].quantization.scale == 0.5f);
  assert_string_equal(c.floats[0].layer, "fc");
  assert_int_equal(c.corrections[0].channels, 3);
  assert_memory_equal(c.corrections[0].shift, shift, sizeof shift);
  assert_true(c.equalisation_count == 1 && c.equalisations[0].channels == 2);
  assert_string_equal(c.equalisations[0].tensor, "b");
  assert_true(c.equalisations[0].factors[0] == 0.125f && c.equalisations[0].factors[1] == 1);
  mf_calibration_free(&c);
  char old[sizeof good]; // of a version that had none
  const char *rest = strstr(good, ",\"equalisations\"");
  const int size = snprintf(old, sizeof old, "%.*s}", (int)(rest - good), good);
  OK(parse(&c, old, (size_t)size, &e));
  assert_int_equal(c.equalisation_count, 0);
  mf_calibration_free(&c);
}

static void test_broken(void **state) {
  (void)state;
  refuse_edits(good, edits, COUNT(edits), refuse);
}

static void test_truncated(void **state) {
  (void)state;
  for (size_t size = 0; size + 1 < sizeof good; size++) refuse(good, size, "expected a calibration in JSON");
}

static void test_deep_nesting(void **state) {
  (void)state;
  enum { DEPTH = 100000 };
  char *text = test_malloc(DEPTH);
  memset(text, '[', DEPTH);
  refuse(text, DEPTH, "expected a calibration in JSON");
  for (int i = 0; i < DEPTH; i++) text[i] = "{\"a\":"[i % 5];
  refuse(text, DEPTH, "expected a calibration in JSON");
  test_free(text);
}

static mf_status attempt(void *context, mf_error *e) {
  mf_calibration c;
  (void)context;
  const mf_status status = mf_calibration_parse(&c, good, sizeof good - 1, "c.json", e);
  mf_calibration_free(&c);
  return status;
}

static void test_refused_memory(void **state) {
  (void)state;
  assert_true(support_refuse_allocations(attempt, NULL) > 10);
}

// ---- onto a graph

static mf_graph *small_graph(void) {
  mf_graph *g = new_graph();
  const mf_tensor_id x = add_input(g, SHAPE(2, 3, 5, 5));
  const mf_tensor_id a = plain_convolution(g, "a", x, 4, 3);
  g->output = add_conv(g, "b", add_max_pool(g, "pool", a, 3), 5, 1, false);
  return g;
}

static void test_applied(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = small_graph();
  float shift[] = {1, -2, 0.5f, 0}, bias[4];
  mf_calibrated_tensor t[] = {{"input", {true, MF_S8, 0.5f, 0}, -1, 2, "mse"},
                              {"pool", {true, MF_U8, 0.25f, 0}, 0, 2, "mse"}};
  mf_bias_correction one = {"a", shift, 4};
  mf_float_layer layer = {"a", "noise"};
  mf_calibration c = {.tensors = t, .tensor_count = 2, .corrections = &one, .correction_count = 1};
  memcpy(bias, g->tensors[g->nodes[0].inputs[2]].data, sizeof bias);
  for (int i = 0; i < g->tensor_count; i++) // earlier annotations are forgotten
    if (!g->tensors[i].data) g->tensors[i].quantization = (mf_quantization){true, MF_S8, 3, 0};
  OK(mf_calibration_annotate(&c, g, &e));
  for (int i = 0; i < g->tensor_count; i++) {
    const mf_tensor *tensor = &g->tensors[i];
    const bool named = strcmp(tensor->name, "input") == 0 || strcmp(tensor->name, "pool") == 0;
    assert_int_equal(tensor->quantization.set, named);
  }
  assert_true(g->tensors[mf_graph_find(g, "pool")].quantization.scale == 0.25f);
  assert_true(find_node(g, "a")->compute == MF_S8 && find_node(g, "b")->compute == MF_S8);
  assert_int_equal(find_node(g, "pool")->compute, MF_F32);
  const int before = g->tensor_count;
  OK(mf_calibration_correct(&c, g, &e));
  OK(mf_graph_verify(g, &e));
  assert_int_equal(g->tensor_count, before); // the old bias is gone
  for (int i = 0; i < 4; i++) assert_true(g->tensors[g->nodes[0].inputs[2]].data[i] == bias[i] + shift[i]);
  c.floats = &layer;
  c.float_count = 1;
  c.tensors++; // which the layer in f32 does not need
  c.tensor_count = 1;
  OK(mf_calibration_annotate(&c, g, &e));
  assert_true(find_node(g, "a")->compute == MF_F32 && find_node(g, "b")->compute == MF_S8);
  mf_graph_free(g);
}

static void test_of_another_network(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = small_graph();
  float shift[5] = {0};
  mf_calibrated_tensor t[] = {{"input", {true, MF_S8, 0.5f, 0}, -1, 2, "mse"},
                              {"pool", {true, MF_U8, 0.25f, 0}, 0, 2, "mse"},
                              {"else", {true, MF_U8, 0.25f, 0}, 0, 2, "mse"}};
  mf_bias_correction one = {"a", shift, 4};
  mf_float_layer layer = {"else", "noise"};
  mf_calibration c = {.tensors = t, .tensor_count = 3, .corrections = &one, .correction_count = 1};
  check_fails(mf_calibration_annotate(&c, g, &e), MF_ERR_FILE, &e, "test has no activation else");
  t[2].name = "a.weight";
  check_fails(mf_calibration_annotate(&c, g, &e), MF_ERR_FILE, &e, "test has no activation a.weight");
  c.tensor_count = 1;
  check_fails(mf_calibration_annotate(&c, g, &e), MF_ERR_FILE, &e, "no scale for pool, which b reads in int8");
  c.tensor_count = 2;
  c.floats = &layer;
  c.float_count = 1;
  check_fails(mf_calibration_annotate(&c, g, &e), MF_ERR_FILE, &e, "test has no layer else");
  one.channels = 5;
  check_fails(mf_calibration_correct(&c, g, &e), MF_ERR_FILE, &e, "a has 4 channels (not 5)");
  static const char *const without[] = {"b", "pool", "else"}; // no bias, no weights, not there
  one.channels = 4;
  for (int i = 0; i < COUNT(without); i++) {
    one.layer = without[i];
    check_fails(mf_calibration_correct(&c, g, &e), MF_ERR_FILE, &e, "has no layer");
    assert_non_null(strstr(e.text, without[i]));
  }
  mf_graph_free(g);
}

// Of names, shapes and numbers of the parameters, and of nothing else.
static void test_weights_hash(void **state) {
  (void)state;
  mf_error e;
  mf_graph *g = small_graph(), *same = small_graph();
  const uint64_t hash = mf_calibration_weights_hash(g);
  OK(mf_graph_rebatch(same, 7, &e));
  same->tensors[same->input].quantization.set = true;
  assert_true(hash == mf_calibration_weights_hash(same));
  mf_tensor *weights = &same->tensors[same->nodes[0].inputs[1]];
  const size_t count = reference_elements(&weights->shape);
  float *changed = mf_arena_alloc(&same->arena, count * sizeof *changed);
  assert_non_null(changed);
  memcpy(changed, weights->data, count * sizeof *changed);
  weights->data = changed;
  assert_true(hash == mf_calibration_weights_hash(same));
  changed[count - 1] = nextafterf(changed[count - 1], 1);
  assert_true(hash != mf_calibration_weights_hash(same));
  changed[count - 1] = nextafterf(changed[count - 1], -1);
  weights->shape = SHAPE(3, 4, 3, 3);
  assert_true(hash != mf_calibration_weights_hash(same));
  weights->shape = g->tensors[g->nodes[0].inputs[1]].shape;
  weights->name = "other";
  assert_true(hash != mf_calibration_weights_hash(same));
  mf_graph_free(same);
  mf_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_there_and_back, support_folder_setup, support_folder_teardown),
      cmocka_unit_test_setup_teardown(test_where_it_cannot_be_written, support_folder_setup, support_folder_teardown),
      cmocka_unit_test(test_good),
      cmocka_unit_test(test_broken),
      cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_deep_nesting),
      cmocka_unit_test(test_refused_memory),
      cmocka_unit_test(test_applied),
      cmocka_unit_test(test_of_another_network),
      cmocka_unit_test(test_weights_hash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
