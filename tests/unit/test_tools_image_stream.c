// Pictures decoded ahead by a thread: all of them, in order, in chunks; broken ones; the end at any time.
#include "../../tools/fail.c"         // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/image_stream.c" // NOLINT(bugprone-suspicious-include)
#include "api_fixture.h"
#include <stdio.h>

enum { PICTURES = 23, BROKEN = 7 };

static bool interrupted;
bool interrupt_seen(void) {
  return interrupted;
}

typedef struct fixture {
  void *folder;
  minfer_model *model;
  char names[PICTURES][16];
  label items[PICTURES];
  labels labels;
} fixture;

// Pictures of one colour, a different one each; number BROKEN is cut when that is wanted.
static void make(fixture *f, void **state, bool broken) {
  f->folder = *state;
  f->model = api_small_model();
  for (int i = 0; i < PICTURES; i++) {
    unsigned char bytes[54 + 48] = {'B', 'M', 102, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40,
                                    0,   0,   0,   4, 0, 0, 0, 4, 0, 0, 0,  1, 0, 24};
    memset(bytes + 54, i * 10, 48);
    snprintf(f->names[i], sizeof f->names[i], "%02d.bmp", PICTURES - i); // not in the order of the names
    support_write_file(support_path(state, f->names[i]), bytes, broken && i == BROKEN ? 60 : sizeof bytes);
    f->items[i] = (label){f->names[i], i, i + 1};
  }
  f->labels = (labels){.items = f->items, .count = PICTURES};
}

static image_stream *open_stream(const fixture *f, size_t chunk, bool strict) {
  image_stream *s = NULL;
  api_ok(image_stream_open(&s, f->model, f->folder, &f->labels, chunk, strict, &api_error));
  return s;
}

// Takes a chunk and looks at it; false at the end. *next: the label that comes next.
static bool take(const fixture *f, image_stream *s, size_t chunk, bool broken, size_t *next) {
  image_chunk *c = NULL;
  api_ok(image_stream_next(s, &c, &api_error));
  if (!c) return false;
  size_t rest = PICTURES - *next, end = *next + (rest < chunk ? rest : chunk);
  assert_int_equal(c->tried, end - *next);
  int at = 0;
  for (; *next < end; ++*next) {
    if (broken && *next == BROKEN) {
      assert_int_equal(c->broken_count, 1);
      assert_non_null(strstr(c->broken[0], f->names[BROKEN]));
      continue;
    }
    assert_ptr_equal(c->labels[at], &f->items[*next]);
    assert_string_equal(minfer_input_name(c->input, at), f->names[*next]);
    at++;
  }
  assert_int_equal(minfer_input_count(c->input), at);
  assert_int_equal(c->tried, (size_t)at + c->broken_count);
  image_chunk_free(c);
  return true;
}

static void check_all(void **state, bool broken) {
  static const size_t chunks[] = {1, 2, 5, PICTURES - 1, PICTURES, 1000};
  fixture f;
  make(&f, state, broken);
  for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
    image_stream *s = open_stream(&f, chunks[i], false);
    size_t next = 0, taken = 0;
    while (take(&f, s, chunks[i], broken, &next)) taken++;
    assert_int_equal(next, PICTURES);
    assert_int_equal(taken, (PICTURES + chunks[i] - 1) / chunks[i]);
    assert_false(take(&f, s, chunks[i], broken, &next)); // still the end
    image_stream_close(s);
  }
  minfer_model_close(f.model);
}

static void test_all_in_order(void **state) {
  check_all(state, false);
}

static void test_broken_pictures_are_passed_over(void **state) {
  check_all(state, true);
}

static void test_a_broken_picture_ends_a_strict_stream(void **state) {
  fixture f;
  make(&f, state, true);
  image_stream *s = open_stream(&f, 3, true);
  image_chunk *c = NULL;
  size_t next = 0;
  assert_true(take(&f, s, 3, true, &next)); // what is whole before it comes first
  assert_true(take(&f, s, 3, true, &next));
  api_fails(image_stream_next(s, &c, &api_error), MINFER_FILE, f.names[BROKEN]);
  assert_null(c);
  image_stream_close(s);
  minfer_model_close(f.model);
}

static void test_it_can_be_closed_at_any_time(void **state) {
  fixture f;
  make(&f, state, false);
  for (size_t taken = 0; taken < 6; taken++) {
    image_stream *s = open_stream(&f, 4, false);
    size_t next = 0;
    for (size_t i = 0; i < taken; i++) assert_true(take(&f, s, 4, false, &next));
    image_stream_close(s);
  }
  image_stream_close(NULL);
  image_chunk_free(NULL);
  minfer_model_close(f.model);
}

static void test_interrupt(void **state) {
  fixture f;
  make(&f, state, false);
  image_stream *s = open_stream(&f, 4, false);
  image_chunk *c = NULL;
  size_t next = 0;
  assert_true(take(&f, s, 4, false, &next));
  interrupted = true;
  api_fails(image_stream_next(s, &c, &api_error), MINFER_INTERRUPTED, "interrupted");
  interrupted = false;
  assert_null(c);
  image_stream_close(s);
  minfer_model_close(f.model);
}

// Inputs are made and freed by the thread and used here at the same time: for the thread sanitizer.
static void test_a_session_runs_meanwhile(void **state) {
  fixture f;
  make(&f, state, false);
  minfer_session *session = api_session(f.model, NULL, (minfer_session_options){.batch = 2, .threads = 2});
  float *logits[2] = {calloc(2000, sizeof(float)), calloc(2000, sizeof(float))};
  assert_true(logits[0] && logits[1]);
  for (int round = 0; round < 2; round++) {
    image_stream *s = open_stream(&f, 2, false);
    for (int chunk = 0;; chunk++) {
      image_chunk *c = NULL;
      api_ok(image_stream_next(s, &c, &api_error));
      if (!c) break;
      api_ok(minfer_session_load(session, c->input, 0, &api_error));
      api_ok(minfer_session_run(session, NULL, &api_error));
      if (chunk == 3) api_ok(minfer_session_output(session, logits[round], 2000, &api_error));
      image_chunk_free(c);
    }
    image_stream_close(s);
  }
  assert_memory_equal(logits[0], logits[1], 2000 * sizeof(float));
  assert_memory_not_equal(logits[0], logits[0] + 1000, 1000 * sizeof(float)); // two different pictures
  free(logits[0]);
  free(logits[1]);
  minfer_session_free(session);
  minfer_model_close(f.model);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, support_folder_setup, support_folder_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(test_all_in_order),
      IN_FOLDER(test_broken_pictures_are_passed_over),
      IN_FOLDER(test_a_broken_picture_ends_a_strict_stream),
      IN_FOLDER(test_it_can_be_closed_at_any_time),
      IN_FOLDER(test_interrupt),
      IN_FOLDER(test_a_session_runs_meanwhile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
