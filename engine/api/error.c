#include "api/handles.h"
#include "base/log.h"
#include <string.h>

_Static_assert((int)MINFER_GATE == MF_ERR_GATE && (int)MINFER_USAGE == MF_ERR_USAGE &&
                   (int)MINFER_FILE == MF_ERR_FILE && (int)MINFER_UNSUPPORTED == MF_ERR_UNSUPPORTED &&
                   (int)MINFER_OUTPUT == MF_ERR_OUTPUT && (int)MINFER_INTERRUPTED == MF_ERR_INTERRUPTED,
               "one set of statuses");

minfer_status mf_api_report(minfer_error *error, const mf_error *e, mf_status status) {
  if (error) {
    *error = (minfer_error){.status = (minfer_status)status};
    if (status != MF_OK) {
      _Static_assert(sizeof error->text == sizeof e->text && sizeof error->hint == sizeof e->hint, "whole lines");
      memcpy(error->text, e->text, sizeof error->text);
      memcpy(error->hint, e->hint, sizeof error->hint);
    }
  }
  return (minfer_status)status;
}

mf_status mf_api_options(void *to, size_t size, const void *from, const char *what, mf_error *e) {
  size_t given = 0;
  if (from) memcpy(&given, from, sizeof given);
  if (given < sizeof given)
    return mf_fail(e, MF_ERR_USAGE, "the %s options have no size (expected the struct's in its first field)", what);
  for (size_t i = size; i < given; i++)
    if (((const unsigned char *)from)[i])
      return mf_fail(e, MF_ERR_USAGE, "the %s options hold something that this version of minfer does not know", what);
  memset(to, 0, size);
  memcpy(to, from, given < size ? given : size);
  return MF_OK;
}

const char *minfer_version(void) {
  return MINFER_VERSION;
}

typedef struct sink {
  void (*call)(int, const char *, void *);
  void *context;
} sink;
static sink public_sink; // the logger is one of the two things that are global

static void forward(mf_log_level level, const char *line, void *context) {
  const sink *s = context;
  s->call(level == MF_LOG_WARNING, line, s->context);
}

void minfer_set_log(void (*call)(int level, const char *line, void *context), void *context) {
  mf_log_set_sink(NULL, NULL);
  public_sink = (sink){call, context};
  if (call) mf_log_set_sink(forward, &public_sink);
}
