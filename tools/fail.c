#include "fail.h"
#include <stdarg.h>
#include <string.h>

// Text that does not fit ends in "...".
static void format_into(char *out, size_t size, const char *format, va_list arguments) {
  int length = vsnprintf(out, size, format, arguments);
  if (length >= 0 && (size_t)length >= size) memcpy(out + size - 4, "...", 4);
}

minfer_status fail(minfer_error *error, minfer_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  format_into(error->text, sizeof error->text, format, arguments);
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
  format_into(error->hint, sizeof error->hint, format, arguments);
  va_end(arguments);
  return error->status;
}
