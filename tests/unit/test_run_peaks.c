// Peaks: measured, kept as JSON, and read back with suspicion. The loops behind them do what they say.
#include "base/alloc.h"
#include "base/file.h"
#include "reference/support.h"
#include "run/peaks.h"
#include "run/stream.h"
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

// ---- loops

// One bit in one word at a time: what is read comes back whatever the place, and nothing else does.
static void test_everything_is_read(void **state) {
  (void)state;
  enum { BYTES = 4 * (int)MF_STREAM_STEP };
  uint64_t *block = mf_alloc_zero(2 * BYTES);
  assert_non_null(block);
  memset((char *)block + BYTES, 0xff, BYTES); // behind the end
  assert_true(mf_stream_read(block, BYTES) == 0);
  for (size_t i = 0; i < BYTES / 8; i++) {
    block[i] = (uint64_t)1 << (i % 64);
    if (mf_stream_read(block, BYTES) != block[i]) fail_msg("word %zu is not read", i);
    block[i] = 0;
  }
  mf_free(block);
}

static void test_everything_is_copied(void **state) {
  (void)state;
  enum { BYTES = 3 * (int)MF_STREAM_STEP };
  unsigned char *from = mf_alloc(BYTES), *to = mf_alloc_zero(BYTES + 64);
  assert_true(from && to);
  for (int i = 0; i < BYTES; i++) from[i] = (unsigned char)(i * 7 + i / 256 + 1);
  mf_stream_copy(to, from, BYTES);
  assert_memory_equal(to, from, BYTES);
  for (int i = 0; i < 64; i++) assert_int_equal(to[BYTES + i], 0);
  mf_free(from);
  mf_free(to);
}

// ---- the file

static const mf_peaks sample = {.cpu = "A \"CPU\" of 3 GHz",
                                .isa = "avx2",
                                .onednn = "3.7.2",
                                .cpus = 4,
                                .cores = 2,
                                .cache_bytes = {32768, 1048576, 0},
                                .measured_s = 1700000000,
                                .clock_ghz = 3.125,
                                .row_count = 2,
                                .rows = {{.threads = 1,
                                          .compute = {[MF_PEAK_F32] = {100.25, 3}, [MF_PEAK_INT8] = {400, 2.5}},
                                          .read = {{200, 3}, {100, 3}, {0, 0}, {10, 3}},
                                          .copy = {{160, 3}, {80, 3}, {0, 0}, {0.1, 0}}},
                                         {.threads = 2,
                                          .compute = {[MF_PEAK_F32] = {200, 3}},
                                          .read = {[MF_MEMORY_DRAM] = {12, 3}},
                                          .copy = {[MF_MEMORY_DRAM] = {9, 3}}}}};

static void assert_same(const mf_peaks *a, const mf_peaks *b) {
  assert_string_equal(a->cpu, b->cpu);
  assert_string_equal(a->isa, b->isa);
  assert_string_equal(a->onednn, b->onednn);
  assert_int_equal(a->cpus, b->cpus);
  assert_int_equal(a->cores, b->cores);
  assert_memory_equal(a->cache_bytes, b->cache_bytes, sizeof a->cache_bytes);
  assert_true(a->measured_s == b->measured_s && a->clock_ghz == b->clock_ghz);
  assert_int_equal(a->row_count, b->row_count);
  for (int r = 0; r < a->row_count; r++) {
    const mf_peak_row *x = &a->rows[r], *y = &b->rows[r];
    assert_int_equal(x->threads, y->threads);
    for (int i = 0; i < MF_PEAK_TYPES; i++)
      assert_true(x->compute[i].rate == y->compute[i].rate && x->compute[i].clock_ghz == y->compute[i].clock_ghz);
    for (int i = 0; i < MF_MEMORY_LEVELS; i++) {
      assert_true(x->read[i].rate == y->read[i].rate && x->read[i].clock_ghz == y->read[i].clock_ghz);
      assert_true(x->copy[i].rate == y->copy[i].rate && x->copy[i].clock_ghz == y->copy[i].clock_ghz);
    }
  }
}

static void test_there_and_back(void **state) {
  mf_error e = {0};
  mf_peaks back;
  const char *path = support_path(state, "new/folders/peaks.json");
  support_ok(mf_peaks_write(&sample, path, &e), &e);
  support_ok(mf_peaks_read(&back, &sample, path, &e), &e);
  assert_same(&sample, &back);
}

static void test_of_another_machine(void **state) {
  mf_error e = {0};
  mf_peaks back, others[] = {sample, sample, sample, sample, sample};
  const char *path = support_path(state, "peaks.json");
  strcpy(others[0].cpu, "Another");
  strcpy(others[1].isa, "avx512_core");
  strcpy(others[2].onednn, "3.8.0");
  others[3].cpus = 8;
  others[4].cores = 4;
  support_ok(mf_peaks_write(&sample, path, &e), &e);
  char own[SUPPORT_PATH], other[SUPPORT_PATH];
  support_ok(mf_peaks_path(&sample, own, sizeof own, &e), &e);
  for (int i = 0; i < COUNT(others); i++) {
    assert_int_equal(mf_peaks_read(&back, &others[i], path, &e), MF_ERR_FILE);
    assert_non_null(strstr(e.text, "holds for another machine"));
    support_ok(mf_peaks_path(&others[i], other, sizeof other, &e), &e);
    assert_string_not_equal(own, other);
  }
}

static void test_where_it_is_kept(void **state) {
  (void)state;
  mf_error e = {0};
  char path[SUPPORT_PATH];
  setenv("XDG_CACHE_HOME", "/c", 1);
  setenv("HOME", "/h", 1);
  support_ok(mf_peaks_path(&sample, path, sizeof path, &e), &e);
  assert_true(strncmp(path, "/c/minfer/peaks-", 16) == 0 && strlen(path) == 16 + 16 + 5);
  setenv("XDG_CACHE_HOME", "relative", 1); // to be ignored, says the specification
  support_ok(mf_peaks_path(&sample, path, sizeof path, &e), &e);
  assert_true(strncmp(path, "/h/.cache/minfer/peaks-", 23) == 0);
  unsetenv("XDG_CACHE_HOME");
  unsetenv("HOME");
  assert_int_equal(mf_peaks_path(&sample, path, sizeof path, &e), MF_ERR_OUTPUT);
  setenv("XDG_CACHE_HOME", "/c", 1);
  assert_int_equal(mf_peaks_path(&sample, path, 20, &e), MF_ERR_OUTPUT);
}

static void test_where_it_cannot_be_written(void **state) {
  mf_error e = {0};
  const char *file = support_path(state, "file");
  support_write_file(file, "x", 1);
  assert_int_equal(mf_peaks_write(&sample, support_path(state, "file/peaks.json"), &e), MF_ERR_OUTPUT);
  support_file_holds(file, "x");
}

#define LEVEL "{\"DRAM\":{\"gbytes_per_s\":10,\"clock_ghz\":3}}"
#define ROW(threads)                                                                                                   \
  "{\"threads\":" threads ",\"compute\":{\"f32\":{\"gflops\":100,\"clock_ghz\":3}},\"read\":" LEVEL ",\"copy\":" LEVEL \
  "}"
#define HEAD                                                                                                           \
  "{\"schema\":\"minfer.peaks/1\",\"cpu\":\"c\",\"isa\":\"i\",\"onednn\":\"o\",\"cpus\":2,\"cores\":1,"                \
  "\"cache_bytes\":[1,2,3],\"measured_s\":5,\"clock_ghz\":3,"
static const char good[] = HEAD "\"rows\":[" ROW("1") "," ROW("8") "]}";

static const struct {
  const char *find, *replace, *message; // find NULL: the whole file
} edits[] = {
    {NULL, "[]", "\"schema\" is missing"},
    {NULL, "7", "\"schema\" is missing"},
    {NULL, "nul", "expected peaks in JSON"},
    {"peaks/1", "peaks/2", "another kind or version"},
    {"\"cpu\":\"c\"", "\"cpu\":3", "\"cpu\" is missing"},
    {"\"isa\":\"i\"", "\"isa\":\"a name that is much longer than any ISA's\"", "\"isa\" is missing or too long"},
    {"\"onednn\":\"o\",", "", "\"onednn\" is missing"},
    {"\"cpus\":2", "\"cpus\":0", "\"cpus\" is missing or out of range (expected 1 to"},
    {"\"cpus\":2", "\"cpus\":1e300", "\"cpus\" is missing or out of range"},
    {"\"cores\":1", "\"cores\":\"1\"", "\"cores\" is missing"},
    {"[1,2,3]", "[1,2]", "\"cache_bytes\" is missing or broken"},
    {"[1,2,3]", "{\"a\":1,\"b\":2,\"c\":\"x\"}", "\"cache_bytes\" is missing"},
    {"[1,2,3]", "[1,-2,3]", "\"cache_bytes\" is missing or out of range"},
    {"\"measured_s\":5", "\"measured_s\":-5", "\"measured_s\" is missing or out of range"},
    {"\"clock_ghz\":3,\"rows\"", "\"clock_ghz\":1e6,\"rows\"", "\"clock_ghz\" is missing or out of range"},
    {"\"gflops\":100", "\"gflops\":0", "\"f32\" is missing or out of range"},
    {"\"gflops\":100", "\"gflops\":1e999", "\"f32\" is missing or out of range"},
    {"\"gflops\":100", "\"gflops\":null", "\"f32\" is missing or out of range"},
    {"\"f32\"", "\"f64\"", "\"f32\" is missing"},
    {"\"DRAM\"", "\"RAM\"", "\"DRAM\" is missing"},
    {"\"gbytes_per_s\":10", "\"gbytes_per_s\":-1", "\"DRAM\" is missing or out of range"},
    {"\"threads\":1", "\"threads\":2", "begin with 1 thread"},
    {"\"threads\":1", "\"threads\":9", "not in order"},
    {"\"threads\":8", "\"threads\":1", "not in order"},
    {"\"threads\":8", "\"threads\":100000", "\"threads\" is missing or out of range"},
    {"\"rows\":[", "\"rows\":[],\"x\":[", "\"rows\" is missing or empty"},
    {"\"rows\":[", "\"rows\":[3,", "\"threads\" is missing"},
};

static void refuse(const char *text, size_t size, const char *message) {
  mf_peaks p;
  mf_error e = {0};
  const mf_status status = mf_peaks_parse(&p, text, size, "p.json", &e);
  if (status != MF_ERR_FILE || strncmp(e.text, "p.json: ", 8) != 0 || !strstr(e.text, message))
    fail_msg("status %d, \"%s\" instead of \"%s\"", (int)status, e.text, message);
  assert_null(strchr(e.text, '\n'));
}

static void test_broken(void **state) {
  (void)state;
  char text[2048];
  mf_peaks p;
  mf_error e = {0};
  support_ok(mf_peaks_parse(&p, good, sizeof good - 1, "p.json", &e), &e);
  assert_true(p.row_count == 2 && p.rows[1].threads == 8 && p.rows[1].compute[MF_PEAK_F32].rate == 100);
  for (int i = 0; i < COUNT(edits); i++) {
    const char *at = edits[i].find ? strstr(good, edits[i].find) : NULL;
    if (edits[i].find && !at) fail_msg("%s is not in the good file", edits[i].find);
    if (at)
      snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, edits[i].replace, at + strlen(edits[i].find));
    else
      snprintf(text, sizeof text, "%s", edits[i].replace);
    refuse(text, strlen(text), edits[i].message);
  }
}

static void test_truncated(void **state) {
  (void)state;
  for (size_t size = 0; size + 1 < sizeof good; size++) refuse(good, size, "expected peaks in JSON");
}

static void test_too_many_rows(void **state) {
  (void)state;
  char text[8192], row[512];
  size_t length = (size_t)snprintf(text, sizeof text, "%s", HEAD "\"rows\":[" ROW("1"));
  for (int i = 2; i <= MF_PEAK_ROWS + 1; i++) {
    snprintf(row, sizeof row, "," ROW("%d"), i);
    length += (size_t)snprintf(text + length, sizeof text - length, "%s", row);
  }
  length += (size_t)snprintf(text + length, sizeof text - length, "]}");
  refuse(text, length, "too many rows");
}

static mf_status attempt(void *context, mf_error *e) {
  mf_peaks p;
  (void)context;
  return mf_peaks_parse(&p, good, sizeof good - 1, "p.json", e);
}

static void test_refused_memory(void **state) {
  (void)state;
  assert_true(support_refuse_allocations(attempt, NULL) > 10);
}

// ---- measuring

static bool count(size_t done, size_t total, void *context) {
  size_t *calls = context;
  assert_true(done == *calls && done < total);
  ++*calls;
  return true;
}

static void assert_peak(const mf_peak *peak) {
  assert_true(isfinite(peak->rate) && peak->rate > 0);
  assert_true(isfinite(peak->clock_ghz) && peak->clock_ghz >= 0);
}

static void test_measured(void **state) {
  mf_error e = {0};
  mf_topology t;
  mf_peaks p, back;
  size_t calls = 0;
  const char *path = support_path(state, "peaks.json");
  support_ok(mf_topology_read(&t, &e), &e);
  support_ok(mf_peaks_measure(&p, &t, count, &calls, &e), &e);
  assert_true(calls == (size_t)p.row_count * (MF_PEAK_TYPES + MF_MEMORY_LEVELS));
  assert_string_equal(p.cpu, t.model);
  assert_int_equal(p.rows[0].threads, 1);
  assert_int_equal(p.rows[p.row_count - 1].threads, mf_topology_default_threads(&t));
  for (int r = 0; r < p.row_count; r++) {
    assert_peak(&p.rows[r].compute[MF_PEAK_F32]);
    assert_peak(&p.rows[r].compute[MF_PEAK_INT8]);
    assert_peak(&p.rows[r].read[MF_MEMORY_DRAM]);
    assert_peak(&p.rows[r].copy[MF_MEMORY_DRAM]);
    if (t.l1d_bytes) assert_peak(&p.rows[r].read[MF_MEMORY_L1]);
  }
  support_ok(mf_peaks_write(&p, path, &e), &e); // what is measured can be read
  support_ok(mf_peaks_read(&back, &p, path, &e), &e);
  assert_same(&p, &back);
  mf_topology_free(&t);
}

static bool stop(size_t done, size_t total, void *context) {
  (void)total;
  (void)context;
  return done < 2;
}

static void test_interrupted(void **state) {
  (void)state;
  mf_error e = {0};
  mf_topology t;
  mf_peaks p;
  support_ok(mf_topology_read(&t, &e), &e);
  assert_int_equal(mf_peaks_measure(&p, &t, stop, NULL, &e), MF_ERR_INTERRUPTED);
  mf_topology_free(&t);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, support_folder_setup, support_folder_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything_is_read),
                                     cmocka_unit_test(test_everything_is_copied),
                                     IN_A_FOLDER(test_there_and_back),
                                     IN_A_FOLDER(test_of_another_machine),
                                     cmocka_unit_test(test_where_it_is_kept),
                                     IN_A_FOLDER(test_where_it_cannot_be_written),
                                     cmocka_unit_test(test_broken),
                                     cmocka_unit_test(test_truncated),
                                     cmocka_unit_test(test_too_many_rows),
                                     cmocka_unit_test(test_refused_memory),
                                     IN_A_FOLDER(test_measured),
                                     cmocka_unit_test(test_interrupted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
