#include "trace_context.h"
#include "fail.h"
#include "key_values.h"
#include "text.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *trace_context_variable(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

static void warn(console *c, const char *name, const char *what) {
  char line[1024];
  snprintf(line, sizeof line, "%s is ignored: %s", name, what);
  console_log(1, line, c);
}

// The machine's name, unless the user gives one, then what the user gives. `list` has room for a pair more than that.
static void list_resource(const char **list, const char *host, const key_values *user) {
  if (!key_values_get(user, "host.name") && *host) {
    *list++ = "host.name";
    *list++ = host;
  }
  for (size_t i = 0; i < 2 * user->count; i++) *list++ = user->items[i];
  *list = NULL;
}

static minfer_status set(minfer_session *session, minfer_trace_context *context, console *c, minfer_error *error) {
  context->traceparent = trace_context_variable("TRACEPARENT");
  minfer_status status = minfer_session_set_trace_context(session, context, error);
  if (status != MINFER_USAGE || !context->traceparent) return status;
  warn(c, "TRACEPARENT", error->text);
  context->traceparent = NULL;
  return minfer_session_set_trace_context(session, context, error);
}

minfer_status trace_context_set(minfer_session *session, console *c, minfer_error *error) {
  const char *attributes = trace_context_variable("OTEL_RESOURCE_ATTRIBUTES");
  const char *service = trace_context_variable("OTEL_SERVICE_NAME");
  char host[HOST_NAME_MAX + 1] = "";
  key_values user = {0};
  if (attributes && !key_values_parse(&user, attributes))
    warn(c, "OTEL_RESOURCE_ATTRIBUTES", "it is no list of name=value with commas between");
  if (service && !text_is_clean(service, strlen(service))) {
    warn(c, "OTEL_SERVICE_NAME", "it is no clean text");
    service = NULL;
  }
  if (gethostname(host, sizeof host - 1) != 0) host[0] = 0;
  const char **resource = reallocarray(NULL, 2 * user.count + 3, sizeof *resource);
  minfer_status status = MINFER_OK;
  if (resource) {
    list_resource(resource, host, &user);
    minfer_trace_context context = {.size = sizeof context,
                                    .service = service ? service : key_values_get(&user, "service.name"),
                                    .resource = resource};
    status = set(session, &context, c, error);
  } else
    status = fail_memory(error);
  free(resource);
  key_values_free(&user);
  return status;
}
