#include "base/log.h"
#include "base/utf8.h"
#include <pthread.h>
#include <stdarg.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static mf_log_sink log_sink;
static void *log_context;

void mf_log_set_sink(mf_log_sink sink, void *context) {
  pthread_mutex_lock(&log_lock);
  log_sink = sink;
  log_context = context;
  pthread_mutex_unlock(&log_lock);
}

void mf_log(mf_log_level level, const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  mf_utf8_line(line, sizeof line, format, arguments);
  va_end(arguments);
  // Held during the call: lines never mix, and once a sink is replaced it is not called any more.
  pthread_mutex_lock(&log_lock);
  if (log_sink) log_sink(level, line, log_context);
  pthread_mutex_unlock(&log_lock);
}
