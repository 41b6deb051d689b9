// Every golden file of the test data through minfer.h: f32 against the logits that ONNX Runtime gave for the same
// weights and images, int8 calibrated on photographs, and bf16 against a simulation by the reference kernels.
#include "base/file.h"
#include "load/npy.h"
#include "reference/harness.h"
#include "reference/network.h"
#include "unit/api_fixture.h"
#include <stdio.h>
#include <string.h>

enum { ITEMS = 4 }; // images in a golden file

typedef struct golden {
  char name[64]; // "mobilenet_v1_25", "synthetic.resnet18"
  bool synthetic;
  char weights[SUPPORT_PATH], input[SUPPORT_PATH];
  mf_array logits;
  size_t classes;
  minfer_model *model;
} golden;

static void open_golden(golden *g, const char *name) {
  static const char prefix[] = "synthetic.";
  mf_error e;
  network n;
  char path[SUPPORT_PATH], file[160];
  *g = (golden){.synthetic = strncmp(name, prefix, strlen(prefix)) == 0};
  snprintf(g->name, sizeof g->name, "%s", name);
  snprintf(file, sizeof file, "weights/%s%s.safetensors", g->synthetic ? "synthetic/" : "",
           g->synthetic ? name + strlen(prefix) : name);
  support_data(g->weights, file);
  snprintf(file, sizeof file, "golden/%s.input.npy", name);
  support_data(g->input, file);
  snprintf(file, sizeof file, "golden/%s.logits.npy", name);
  support_data(path, file);
  support_ok(mf_npy_read(&g->logits, path, &e), &e);
  assert_true(g->logits.shape.rank == 2 && g->logits.shape.dim[0] == ITEMS);
  g->classes = (size_t)g->logits.shape.dim[1];
  network_open_file(&n, g->weights);
  const minfer_model_options options = {.size = sizeof options, .model = n.zoo->name, .weights = g->weights};
  api_ok(minfer_model_open(&options, &g->model, &api_error));
  network_close(&n);
}

static void close_golden(golden *g) {
  minfer_model_close(g->model);
  mf_array_free(&g->logits);
}

static minfer_input *golden_input(const golden *g) {
  minfer_input *input = NULL;
  api_ok(minfer_input_create(g->model, &input, &api_error));
  api_ok(minfer_input_add_npy(input, g->input, &api_error));
  assert_int_equal(minfer_input_count(input), ITEMS);
  return input;
}

// Logits of all items, dense. `calibration` is what int8 is calibrated on when the options name no folder. Free with
// mf_free.
static double *run(const golden *g, const minfer_input *input, const minfer_input *calibration,
                   minfer_session_options options) {
  const size_t batch = options.batch ? (size_t)options.batch : 1, count = batch * g->classes;
  minfer_session *session = api_session(g->model, calibration ? calibration : input, options);
  float *some = mf_alloc(count * sizeof *some);
  double *all = mf_alloc(ITEMS * g->classes * sizeof *all);
  assert_true(some && all);
  for (size_t first = 0; first < ITEMS; first += batch) {
    api_ok(minfer_session_load(session, input, (int)first, &api_error));
    api_ok(minfer_session_run(session, NULL, &api_error));
    api_ok(minfer_session_output(session, some, count, &api_error));
    for (size_t i = 0; i < count; i++) all[first * g->classes + i] = (double)some[i];
  }
  mf_free(some);
  minfer_session_free(session);
  return all;
}

static double *truth_of(const golden *g) {
  double *truth = mf_alloc(ITEMS * g->classes * sizeof *truth);
  assert_non_null(truth);
  for (size_t i = 0; i < ITEMS * g->classes; i++) truth[i] = (double)g->logits.data[i];
  return truth;
}

static size_t top1(const double *row, size_t classes) {
  size_t best = 0;
  for (size_t i = 1; i < classes; i++)
    if (row[i] > row[best]) best = i;
  return best;
}

// ---- f32

// Both engines sum floats, each in its own order.
static void check_f32(golden *g) {
  minfer_input *input = golden_input(g);
  double *truth = truth_of(g), worst = 0;
  for (int batch = 1; batch <= ITEMS; batch += ITEMS - 1)
    for (int threads = 1; threads <= 2; threads++) {
      double *test = run(g, input, NULL, (minfer_session_options){.batch = batch, .threads = threads});
      for (size_t i = 0; i < ITEMS; i++) {
        const double error = reference_relative_error(test + i * g->classes, truth + i * g->classes, g->classes);
        if (!(error <= 1e-4))
          fail_msg("%s, batch %d, %d threads, image %zu: relative error %.3g", g->name, batch, threads, i, error);
        if (error > worst) worst = error;
      }
      mf_free(test);
    }
  print_message("%s: relative error %.2g\n", g->name, worst);
  mf_free(truth);
  minfer_input_free(input);
}

// ---- int8

typedef struct agreement {
  char images[SUPPORT_PATH]; // photographs to calibrate on
  int same, items;           // of networks with real weights
} agreement;

// Plain min-max over the folder: 300 of its 500 pictures. Networks of seeded noise, and sanitizers,
// make do with 20.
static double *run_int8(const golden *g, const minfer_input *input, const char *images) {
  minfer_session_options options = {.dtype = MINFER_INT8,
                                    .batch = ITEMS,
                                    .threads = 2,
                                    .calibrator = "minmax",
                                    .equalisation = MINFER_EQUALISATION_OFF};
  if (!g->synthetic && !HARNESS_SANITIZED) options.calibration = images;
  if (options.calibration) return run(g, input, NULL, options);
  minfer_input *pictures = NULL;
  api_ok(minfer_input_create(g->model, &pictures, &api_error));
  api_ok(minfer_input_add_folder(pictures, images, 20, false, NULL, &api_error));
  double *test = run(g, input, pictures, options);
  minfer_input_free(pictures);
  return test;
}

static void check_int8(golden *g, agreement *a) {
  minfer_input *input = golden_input(g);
  double *truth = truth_of(g), *test = run_int8(g, input, a->images);
  int same = 0;
  for (size_t i = 0; i < ITEMS; i++)
    same += top1(test + i * g->classes, g->classes) == top1(truth + i * g->classes, g->classes);
  const double sqnr = reference_sqnr_db(test, truth, ITEMS * g->classes);
  print_message("%s in int8: %.1f dB, %d of %d agree\n", g->name, sqnr, same, ITEMS);
  assert_true(sqnr > 5); // gross errors only: the number is for the reader
  if (!g->synthetic) {
    a->same += same;
    a->items += ITEMS;
  }
  mf_free(test);
  mf_free(truth);
  minfer_input_free(input);
}

// ---- all files

typedef void (*check_one)(golden *g, void *context);

static void for_each(check_one check, void *context, size_t at_least) {
  static const char end[] = ".input.npy";
  mf_error e;
  char folder[SUPPORT_PATH];
  char **files;
  size_t count, checked = 0;
  support_data(folder, "golden");
  support_ok(mf_file_list(folder, &files, &count, &e), &e);
  for (size_t i = 0; i < count; i++) {
    const size_t length = strlen(files[i]), tail = strlen(end);
    if (length < tail || strcmp(files[i] + length - tail, end) != 0) continue;
    golden g;
    files[i][length - tail] = 0;
    open_golden(&g, files[i]);
    check(&g, context);
    close_golden(&g);
    checked++;
  }
  mf_file_list_free(files, count);
  assert_true(checked >= at_least);
}

static void one_f32(golden *g, void *context) {
  (void)context;
  check_f32(g);
}

static void test_f32(void **state) {
  (void)state;
  for_each(one_f32, NULL, 9);
}

static void one_int8(golden *g, void *context) {
  check_int8(g, context);
}

static void test_int8(void **state) {
  (void)state;
  agreement a = {.same = 0};
  support_data(a.images, "images");
  for_each(one_int8, &a, 9);
  print_message("int8 agrees with f32 on %d of %d images\n", a.same, a.items);
  assert_true(a.items >= 36 && a.same * 36 >= 32 * a.items);
}

// ---- bf16

// The reference kernels with weights (BatchNorm folded) and every activation rounded to bf16, and f32 sums.
static double *simulate(const golden *g, size_t items) {
  mf_error e;
  network n;
  mf_array input;
  reference_tensor out;
  network_open_file(&n, g->weights);
  mf_graph *graph = network_graph(&n, (int64_t)items, true);
  support_ok(mf_npy_read(&input, g->input, &e), &e);
  const reference_options options = {.accumulate_f32 = true, .round = reference_round_bf16};
  support_ok(reference_graph_run(graph, input.data, &options, &out, &e), &e);
  mf_array_free(&input);
  mf_graph_free(graph);
  network_close(&n);
  return out.data; // mf_alloc'd
}

static void check_bf16(const char *name, size_t items) {
  golden g;
  open_golden(&g, name);
  minfer_input *input = golden_input(&g);
  double *truth = truth_of(&g), *simulated = simulate(&g, items);
  double *test = run(&g, input, NULL, (minfer_session_options){.dtype = MINFER_BF16, .emulate = true, .threads = 2});
  const double engine_db = reference_sqnr_db(test, truth, items * g.classes);
  const double simulated_db = reference_sqnr_db(simulated, truth, items * g.classes);
  print_message("%s in bf16: %.1f dB, the simulation %.1f dB\n", name, engine_db, simulated_db);
  assert_true(engine_db > simulated_db - 2 && engine_db < simulated_db + 2);
  mf_free(test);
  mf_free(simulated);
  mf_free(truth);
  minfer_input_free(input);
  close_golden(&g);
}

static void test_bf16(void **state) {
  (void)state;
  harness_need_bf16();
  check_bf16("synthetic.resnet18", 2);
  check_bf16("mobilenet_v1_25", ITEMS);
  check_bf16("mobilenet_v1_50", ITEMS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_f32),
      cmocka_unit_test(test_int8),
      cmocka_unit_test(test_bf16),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
