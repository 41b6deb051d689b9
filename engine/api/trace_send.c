// Traces for collectors: what they call themselves, and OTLP requests. Transport is the caller's.
#include "api/handles.h"
#include "base/json.h"
#include "base/text.h"
#include "export/otlp.h"
#include <stdio.h>
#include <string.h>

// A name or value that is kept; an empty one stays empty.
static mf_status copy(minfer_session *s, const char *text, const char **out, mf_error *e) {
  *out = mf_arena_copy(&s->arena, text);
  return *out ? MF_OK : mf_fail_memory(e, strlen(text));
}

static mf_status copy_resource(minfer_session *s, const char *const *from, const char *const **out, mf_error *e) {
  size_t count = 0, bytes;
  while (from[count]) count += from[count + 1] ? 2 : 1;
  if (count % 2) return mf_fail(e, MF_ERR_USAGE, "the resource's %s has no value", from[count - 1]);
  if (!mf_mul(count + 1, sizeof *from, &bytes)) return mf_fail_memory(e, SIZE_MAX);
  const char **list = mf_arena_alloc(&s->arena, bytes);
  if (!list) return mf_fail_memory(e, bytes);
  for (size_t i = 0; i < count; i++) MF_TRY(copy(s, from[i], &list[i], e));
  *out = list;
  return MF_OK;
}

static mf_status set_context(minfer_session *s, const minfer_trace_context *options, mf_error *e) {
  minfer_trace_context o;
  mf_trace_context c = {.service = NULL};
  MF_TRY(mf_api_options(&o, sizeof o, options, "trace context", e));
  mf_trace_context_create(&c);
  if (o.traceparent) MF_TRY(mf_trace_context_continue(&c, o.traceparent, e));
  if (o.service) MF_TRY(copy(s, o.service, &c.service, e));
  if (o.resource) MF_TRY(copy_resource(s, o.resource, &c.resource, e));
  s->trace.context = c;
  return MF_OK;
}

minfer_status minfer_session_set_trace_context(minfer_session *s, const minfer_trace_context *context,
                                               minfer_error *error) {
  mf_error e = {0};
  return mf_api_report(error, &e, set_context(s, context, &e));
}

enum { MOST_SPANS = 2000, MOST_BYTES = 4 << 20 };

static ssize_t add_bytes(void *text, const char *bytes, size_t count) {
  mf_text_add(text, bytes, count);
  return ((mf_text *)text)->failed ? 0 : (ssize_t)count;
}

static mf_status write_request(const mf_trace *trace, size_t first, size_t count, mf_text *out, mf_error *e) {
  FILE *file = fopencookie(out, "w", (cookie_io_functions_t){.write = add_bytes});
  if (!file) return mf_fail_memory(e, BUFSIZ);
  mf_export_otlp_part(trace, first, count, file);
  return fclose(file) == 0 && !out->failed ? MF_OK : mf_fail_memory(e, out->length);
}

typedef struct sending {
  minfer_trace_sender *send;
  void *context;
  minfer_error *error; // what `send` fills
  bool by_sender;      // it did
} sending;

static mf_status send_part(const mf_trace *trace, size_t first, size_t *count, sending *to, mf_error *e) {
  mf_text request = {0};
  mf_status status = write_request(trace, first, *count, &request, e);
  while (status == MF_OK && request.length > MOST_BYTES && *count > 1) {
    mf_text_free(&request);
    *count /= 2;
    status = write_request(trace, first, *count, &request, e);
  }
  if (status == MF_OK) {
    status = (mf_status)to->send(request.data, request.length, to->context, to->error);
    to->by_sender = status != MF_OK;
  }
  mf_text_free(&request);
  return status;
}

static mf_status send_all(const mf_trace *trace, sending *to, mf_error *e) {
  const size_t total = trace->span_count + 1; // and the root
  for (size_t first = 0, count; first < total; first += count) {
    count = total - first < MOST_SPANS ? total - first : MOST_SPANS;
    MF_TRY(send_part(trace, first, &count, to, e));
  }
  return MF_OK;
}

minfer_status minfer_trace_send(minfer_session *s, minfer_trace_sender *send, void *context, minfer_error *error) {
  mf_error e = {0};
  minfer_error unread;
  mf_trace trace;
  sending to = {.send = send, .context = context, .error = error ? error : &unread};
  mf_status status = mf_api_trace(s, &trace, &e);
  if (status == MF_OK) {
    status = send_all(&trace, &to, &e);
    mf_free((void *)trace.spans);
  }
  return to.by_sender ? (minfer_status)status : mf_api_report(error, &e, status);
}

int64_t minfer_trace_refused(const char *answer, size_t count, char *why, size_t size) {
  const char *wrong;
  size_t offset;
  int64_t refused = 0;
  if (size) why[0] = 0;
  cJSON *root;
  mf_json_parse(&root, answer, count, &wrong, &offset);
  const cJSON *partial = cJSON_GetObjectItemCaseSensitive(root, "partialSuccess");
  const cJSON *spans = cJSON_GetObjectItemCaseSensitive(partial, "rejectedSpans"); // a string, by some a number
  const cJSON *message = cJSON_GetObjectItemCaseSensitive(partial, "errorMessage");
  if (cJSON_IsString(spans) && !mf_text_to_int(spans->valuestring, 0, INT64_MAX, &refused)) refused = 0;
  if (cJSON_IsNumber(spans) && spans->valuedouble >= 0 && spans->valuedouble < 1e15)
    refused = (int64_t)spans->valuedouble;
  if (cJSON_IsString(message)) snprintf(why, size, "%s", message->valuestring);
  cJSON_Delete(root);
  return refused;
}
