#include "fail.h"
#include <stdarg.h>

minfer_status fail(minfer_error *error, minfer_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  error->status = status;
  error->hint[0] = 0;
  return status;
}

minfer_status fail_memory(minfer_error *error) {
  return fail(error, MINFER_UNSUPPORTED, "out of memory");
}

minfer_status hint(minfer_error *error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->hint, sizeof error->hint, format, arguments);
  va_end(arguments);
  return error->status;
}
