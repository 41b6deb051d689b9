#include "trace_target.h"
#include "console.h"
#include "fail.h"
#include "suggest.h"
#include "text.h"
#include <string.h>

// The formats as a list for messages: "chrome, csv".
static const char *list_formats(char *text, size_t size) {
  size_t used = 0;
  text[0] = 0;
  for (int i = 0; minfer_trace_format(i) && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", minfer_trace_format(i));
  return text;
}

static minfer_status by_name(const char *name, int *index, minfer_error *error) {
  suggestion near = {.wanted = name};
  for (int i = 0; minfer_trace_format(i); i++) {
    if (strcmp(minfer_trace_format(i), name) == 0) {
      *index = i;
      return MINFER_OK;
    }
    suggest(&near, minfer_trace_format(i), strlen(minfer_trace_format(i)));
  }
  char formats[256];
  fail(error, MINFER_USAGE, "--trace-format: \"%s\" is none of %s", name, list_formats(formats, sizeof formats));
  return suggest_hint(&near, "", error);
}

static minfer_status by_suffix(const char *path, int *index, minfer_error *error) {
  for (int i = 0; minfer_trace_format(i); i++)
    if (text_ends_with(path, minfer_trace_suffix(i))) {
      *index = i;
      return MINFER_OK;
    }
  const char *name = strrchr(path, '/');
  if (text_ends_with(path, ".json") || !strchr(name ? name : path, '.')) {
    *index = 0;
    return MINFER_OK;
  }
  char formats[256];
  fail(error, MINFER_USAGE, "%s: the suffix names no trace format", path);
  return hint(error, "give --trace-format too: %s", list_formats(formats, sizeof formats));
}

minfer_status trace_target_find(const options *o, trace_target *out, minfer_error *error) {
  *out = (trace_target){0};
  if (!o->trace.given) return MINFER_OK;
  int index = 0;
  if (o->trace_format)
    TRY(by_name(o->trace_format, &index, error));
  else if (o->trace.text)
    TRY(by_suffix(o->trace.text, &index, error));
  out->format = minfer_trace_format(index);
  int length = o->trace.text ? snprintf(out->path, sizeof out->path, "%s", o->trace.text)
               : o->command->run == cmd_verbose
                   ? snprintf(out->path, sizeof out->path, "minfer-verbose%s", minfer_trace_suffix(index))
                   : snprintf(out->path, sizeof out->path, "minfer-%s-%s%s", o->model, options_dtype_name(o->dtype),
                              minfer_trace_suffix(index));
  if (length < 0 || (size_t)length >= sizeof out->path)
    return fail(error, MINFER_OUTPUT, "--trace: the file's name is too long");
  return console_check_path(out->path, error);
}
