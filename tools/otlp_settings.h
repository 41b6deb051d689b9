// Where --otlp posts and how: its URL, else the variables that OpenTelemetry's exporters read ("OpenTelemetry Protocol
// Exporter" of the specification).
#ifndef TOOLS_OTLP_SETTINGS_H
#define TOOLS_OTLP_SETTINGS_H

#include "console.h"
#include "key_values.h"

typedef struct otlp_settings {
  char *url;          // of the traces; libcurl's (curl_free)
  key_values headers; // to send along
  long timeout_ms;    // for a request with all its repetitions
} otlp_settings;

// `url` of --otlp (a collector's address; /v1/traces is put behind it unless it ends so), else
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT as it is, else OTEL_EXPORTER_OTLP_ENDPOINT and /v1/traces, else a collector on
// this machine. Headers and timeout: OTEL_EXPORTER_OTLP_TRACES_HEADERS, _TRACES_TIMEOUT, else those without TRACES_,
// else none and 10 s. A broken address is MINFER_USAGE; broken headers and timeouts are ignored with a warning. Free
// with otlp_settings_free, also after a failure.
minfer_status otlp_settings_find(const char *url, console *c, otlp_settings *out, minfer_error *error);
void otlp_settings_free(otlp_settings *settings);

#endif
