#include "base/log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef struct record {
  int calls, inside, overlaps;
  mf_log_level level;
  char line[2048];
} record;

static void keep(mf_log_level level, const char *line, void *context) {
  record *r = context;
  r->overlaps += r->inside++ != 0;
  r->calls++;
  r->level = level;
  snprintf(r->line, sizeof r->line, "%s", line);
  r->inside--;
}

static void test_lines_reach_the_sink(void **state) {
  (void)state;
  record r = {0};
  mf_log(MF_LOG_NOTE, "nobody listens");
  mf_log_set_sink(keep, &r);
  mf_log(MF_LOG_WARNING, "%s has %d\nlines", "a\x1b[m", 2);
  assert_int_equal(r.calls, 1);
  assert_int_equal(r.level, MF_LOG_WARNING);
  assert_string_equal(r.line, "a\\x1b[m has 2\\x0alines");
  mf_log(MF_LOG_NOTE, "%5000d", 1);
  assert_int_equal(r.level, MF_LOG_NOTE);
  assert_string_equal(r.line + strlen(r.line) - 3, "...");
  mf_log_set_sink(NULL, NULL);
  mf_log(MF_LOG_NOTE, "nobody listens");
  assert_int_equal(r.calls, 2);
}

static void *write_lines(void *unused) {
  for (int i = 0; i < 2000; i++) mf_log(MF_LOG_NOTE, "line %d", i);
  return unused;
}

static void test_calls_are_serialised(void **state) {
  (void)state;
  record r = {0};
  pthread_t threads[4];
  mf_log_set_sink(keep, &r);
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, write_lines, NULL), 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  mf_log_set_sink(NULL, NULL);
  assert_int_equal(r.calls, 8000);
  assert_int_equal(r.overlaps, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lines_reach_the_sink),
      cmocka_unit_test(test_calls_are_serialised),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
