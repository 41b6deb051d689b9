#include "base/error.h"
#include "base/utf8.h"
#include <stdarg.h>

mf_status mf_base_fail(mf_error *e, mf_status status, const char *file, int line, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  mf_utf8_line(e->text, sizeof e->text, format, arguments);
  va_end(arguments);
  e->status = status;
  e->hint[0] = 0;
  e->file = file;
  e->line = line;
  return status;
}

mf_status mf_base_fail_memory(mf_error *e, size_t bytes, const char *file, int line) {
  return mf_base_fail(e, MF_ERR_UNSUPPORTED, file, line, "out of memory (%zu bytes were refused)", bytes);
}

mf_status mf_hint(mf_error *e, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  mf_utf8_line(e->hint, sizeof e->hint, format, arguments);
  va_end(arguments);
  return e->status;
}
