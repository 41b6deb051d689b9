// Where --trace writes, and in which format.
#ifndef TOOLS_TRACE_TARGET_H
#define TOOLS_TRACE_TARGET_H

#include "options.h"

typedef struct trace_target {
  const char *format; // NULL: no trace is wanted
  char path[4096];
} trace_target;

// The format is --trace-format, else that of FILE's suffix; .json and no suffix stand for the first format. Without a
// file: minfer-MODEL-DTYPE, for a log minfer-verbose, and the format's suffix. Errors: MINFER_USAGE, MINFER_OUTPUT (the
// place cannot be written).
minfer_status trace_target_find(const options *o, trace_target *out, minfer_error *error);

#endif
