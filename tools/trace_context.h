// What a trace for collectors says about where it comes from: TRACEPARENT, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
// and the machine's name.
#ifndef TOOLS_TRACE_CONTEXT_H
#define TOOLS_TRACE_CONTEXT_H

#include "console.h"

// Tells the session. What is broken in the environment is ignored, with a warning each.
minfer_status trace_context_set(minfer_session *session, console *c, minfer_error *error);

// The value of an environment variable; NULL when it is absent or empty, which OpenTelemetry takes for the same.
const char *trace_context_variable(const char *name);

#endif
