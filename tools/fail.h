// Filling minfer_error in the program's own code.
#ifndef TOOLS_FAIL_H
#define TOOLS_FAIL_H

#include <minfer.h>

// Fill *error (one line, no "minfer: " in front) and return `status`.
minfer_status fail(minfer_error *error, minfer_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
minfer_status fail_memory(minfer_error *error);
// What to do about the error that fail has just filled; returns its status.
minfer_status hint(minfer_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define TRY(call)                                                                                                      \
  do {                                                                                                                 \
    minfer_status try_status = (call);                                                                                 \
    if (try_status != MINFER_OK) return try_status;                                                                    \
  } while (0)

#endif
