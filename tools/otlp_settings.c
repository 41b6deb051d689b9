#include "otlp_settings.h"
#include "fail.h"
#include "text.h"
#include "trace_context.h"
#include <curl/curl.h>
#include <limits.h>
#include <string.h>

static const char traces_path[] = "/v1/traces";
static const char local[] = "http://localhost:4318";
enum { TIMEOUT_MS = 10000 };

// A variable of the traces alone, else the one of all signals.
typedef struct found {
  const char *name, *value;
} found;

static found either(const char *of_traces, const char *of_all) {
  const char *value = trace_context_variable(of_traces);
  return value ? (found){of_traces, value} : (found){of_all, trace_context_variable(of_all)};
}

static void warn(console *c, const char *name, const char *what) {
  char line[256];
  snprintf(line, sizeof line, "%s is ignored: %s", name, what);
  console_log(1, line, c);
}

typedef enum completion { AS_IT_IS, APPEND, APPEND_UNLESS_THERE } completion;

// Put the path of the traces behind the address's own.
static CURLUcode complete(CURLU *address, completion how) {
  char *path = NULL, longer[4096];
  const CURLUcode failed = curl_url_get(address, CURLUPART_PATH, &path, 0);
  if (failed) return failed;
  size_t length = strlen(path);
  while (length && path[length - 1] == '/') length--;
  path[length] = 0;
  const bool there = how == APPEND_UNLESS_THERE && text_ends_with(path, traces_path);
  const int needed = snprintf(longer, sizeof longer, "%s%s", path, there ? "" : traces_path);
  curl_free(path);
  if (needed < 0 || (size_t)needed >= sizeof longer) return CURLUE_OUT_OF_MEMORY;
  return curl_url_set(address, CURLUPART_PATH, longer, 0);
}

static minfer_status read_address(const char *name, const char *text, completion how, char **url, minfer_error *error) {
  CURLU *address = curl_url();
  if (!address) return fail_memory(error);
  char *scheme = NULL;
  CURLUcode failed = curl_url_set(address, CURLUPART_URL, text, 0);
  if (!failed) failed = curl_url_get(address, CURLUPART_SCHEME, &scheme, 0);
  const bool http = !failed && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
  curl_free(scheme);
  if (http && how != AS_IT_IS) failed = complete(address, how);
  if (http && !failed) failed = curl_url_get(address, CURLUPART_URL, url, 0);
  curl_url_cleanup(address);
  if (http && !failed) return MINFER_OK;
  return fail(error, MINFER_USAGE, "%s: \"%s\" is no address of a collector (expected as http://localhost:4318)", name,
              text);
}

static minfer_status find_address(const char *url, char **out, minfer_error *error) {
  static const char traces[] = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", all[] = "OTEL_EXPORTER_OTLP_ENDPOINT";
  if (url) return read_address("--otlp", url, APPEND_UNLESS_THERE, out, error);
  const found f = either(traces, all);
  if (!f.value) return read_address("--otlp", local, APPEND, out, error);
  return read_address(f.name, f.value, f.name == traces ? AS_IT_IS : APPEND, out, error);
}

// What HTTP allows in a header's name.
static bool names_are_tokens(const key_values *headers) {
  for (size_t i = 0; i < headers->count; i++) {
    const char *name = headers->items[2 * i];
    for (const char *c = name; *c; c++)
      if (*c <= ' ' || *c > '~' || strchr("\"(),/:;<=>?@[\\]{}", *c)) return false;
  }
  return true;
}

static void find_headers(console *c, key_values *out) {
  const found f = either("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS");
  if (!f.value || (key_values_parse(out, f.value) && names_are_tokens(out))) return;
  key_values_free(out);
  warn(c, f.name, "it is no list of name=value with commas between"); // not shown: headers hold secrets
}

static long find_timeout(console *c) {
  const found f = either("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT");
  int milliseconds = TIMEOUT_MS;
  if (f.value && !text_to_int(f.value, 1, INT_MAX, &milliseconds)) warn(c, f.name, "it is no number of milliseconds");
  return milliseconds;
}

static void check_protocol(console *c) {
  const found f = either("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL");
  if (f.value && strcmp(f.value, "grpc") == 0) warn(c, f.name, "minfer posts JSON over HTTP, mostly on port 4318");
}

minfer_status otlp_settings_find(const char *url, console *c, otlp_settings *out, minfer_error *error) {
  *out = (otlp_settings){0};
  TRY(find_address(url, &out->url, error));
  find_headers(c, &out->headers);
  out->timeout_ms = find_timeout(c);
  check_protocol(c);
  return MINFER_OK;
}

void otlp_settings_free(otlp_settings *settings) {
  curl_free(settings->url);
  key_values_free(&settings->headers);
  *settings = (otlp_settings){0};
}
