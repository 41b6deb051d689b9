#include "import/verbose_line.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS = 64 }; // more stay joined in the last one

bool mf_slice_is(mf_slice s, const char *text) {
  return s.length == strlen(text) && (s.length == 0 || memcmp(s.text, text, s.length) == 0);
}

bool mf_slice_begins(mf_slice s, const char *text) {
  const size_t length = strlen(text);
  return s.length >= length && memcmp(s.text, text, length) == 0;
}

size_t mf_verbose_marker(const char *text, size_t count, size_t from) {
  static const char *const names[] = {"mkldnn", "onednn", "dnnl"};
  static const char tail[] = "_verbose";
  for (const char *at = text + from; at < text + count; at++) {
    at = memchr(at, '_', (size_t)(text + count - at));
    if (!at) break;
    if ((size_t)(text + count - at) < sizeof tail || memcmp(at, tail, sizeof tail - 1) != 0) continue;
    if (at[sizeof tail - 1] != ',' && at[sizeof tail - 1] != '\t') continue;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      const size_t length = strlen(names[i]);
      if ((size_t)(at - text) >= from + length && memcmp(at - length, names[i], length) == 0)
        return (size_t)(at - text) - length;
    }
  }
  return count;
}

static int split(mf_slice *tokens, const char *text, size_t count, char separator) {
  int n = 0;
  const char *end = text + count;
  while (n < TOKENS - 1) {
    const char *comma = memchr(text, separator, (size_t)(end - text));
    if (!comma) break;
    tokens[n++] = (mf_slice){text, (size_t)(comma - text)};
    text = comma + 1;
  }
  tokens[n++] = (mf_slice){text, (size_t)(end - text)};
  return n;
}

// A number at the slice's beginning; what other programs wrote behind it is not looked at, unless `whole`.
static bool read_number(mf_slice s, bool whole, double *out) {
  char text[48];
  size_t n = 0;
  while (n < s.length && n < sizeof text - 1 && strchr("0123456789.", s.text[n]) && s.text[n]) n++;
  if (n == 0) return false;
  size_t e = n;
  if (e < s.length && s.text[e] == 'e') {
    e++;
    if (e < s.length && (s.text[e] == '-' || s.text[e] == '+')) e++;
    const size_t digits = e;
    while (e < s.length && e < sizeof text - 1 && s.text[e] >= '0' && s.text[e] <= '9') e++;
    if (e > digits) n = e;
  }
  if (whole && n != s.length) return false;
  memcpy(text, s.text, n);
  text[n] = 0;
  char *stop;
  *out = strtod(text, &stop);
  return *stop == 0 && isfinite(*out);
}

static bool is_version(mf_slice s) {
  if (s.length < 2 || s.length > 4 || s.text[0] != 'v') return false;
  for (size_t i = 1; i < s.length; i++)
    if (s.text[i] < '0' || s.text[i] > '9') return false;
  return true;
}

static bool is_engine(mf_slice s) {
  return mf_slice_is(s, "cpu") || mf_slice_is(s, "gpu") || mf_slice_begins(s, "cpu:") || mf_slice_begins(s, "gpu:") ||
         mf_slice_is(s, "cpu2gpu") || mf_slice_is(s, "gpu2cpu") || mf_slice_is(s, "any");
}

static void unreadable(mf_verbose_line *out, const char *why) {
  out->kind = MF_VERBOSE_UNREADABLE;
  out->message = (mf_slice){why, strlen(why)};
}

static mf_slice join(const mf_slice *tokens, int first, int last) {
  const char *end = tokens[last].text + tokens[last].length;
  return (mf_slice){tokens[first].text, (size_t)(end - tokens[first].text)};
}

static void read_template(mf_verbose_template *t, mf_slice list) {
  static const char *const names[] = {[MF_VERBOSE_ENGINE] = "engine",
                                      [MF_VERBOSE_KIND] = "primitive",
                                      [MF_VERBOSE_IMPL] = "implementation",
                                      [MF_VERBOSE_PROP] = "prop_kind",
                                      [MF_VERBOSE_MEMORY] = "memory_descriptors",
                                      [MF_VERBOSE_ATTRIBUTES] = "attributes",
                                      [MF_VERBOSE_AUX] = "auxiliary",
                                      [MF_VERBOSE_PROBLEM] = "problem_desc"};
  mf_verbose_template found = {.time = -1};
  mf_slice tokens[TOKENS];
  const int count = split(tokens, list.text, list.length, ',');
  bool kind = false, problem = false;
  for (int i = 0; i < count && found.columns < MF_VERBOSE_COLUMNS; i++) {
    if (mf_slice_is(tokens[i], "timestamp") || mf_slice_is(tokens[i], "operation")) continue; // found by their looks
    int field = -1;
    for (int k = 0; k < MF_VERBOSE_FIELDS; k++)
      if (mf_slice_is(tokens[i], names[k])) field = k;
    if (mf_slice_begins(tokens[i], "exec_time")) found.time = found.columns;
    kind |= field == MF_VERBOSE_KIND;
    problem |= field == MF_VERBOSE_PROBLEM;
    found.field[found.columns++] = field;
  }
  if (kind && problem && found.time >= 0) *t = found; // one that was cut says nothing
}

// Fields by the template; false when the line has another number of them.
static bool by_template(mf_verbose_line *out, const mf_verbose_template *t, const mf_slice *tokens, int count) {
  if (t->columns == 0 || count != t->columns || !read_number(tokens[t->time], false, &out->ms)) return false;
  for (int i = 0; i < count; i++)
    if (t->field[i] >= 0) out->fields[t->field[i]] = tokens[i];
  return true;
}

// By position: from the left as far as the properties, from the right as far as the auxiliary field. Between memory and
// the latter stand the attributes, which the first versions did not print.
static bool by_position(mf_verbose_line *out, const mf_slice *tokens, int count) {
  int at = 0;
  if (at < count && is_engine(tokens[at])) out->fields[MF_VERBOSE_ENGINE] = tokens[at++];
  if (count - at < 7) {
    unreadable(out, "fields are missing");
    return false;
  }
  if (!read_number(tokens[count - 1], false, &out->ms)) {
    unreadable(out, "the time is no number");
    return false;
  }
  out->fields[MF_VERBOSE_KIND] = tokens[at++];
  out->fields[MF_VERBOSE_IMPL] = tokens[at++];
  out->fields[MF_VERBOSE_PROP] = tokens[at++];
  out->fields[MF_VERBOSE_MEMORY] = tokens[at++];
  out->fields[MF_VERBOSE_PROBLEM] = tokens[count - 2];
  out->fields[MF_VERBOSE_AUX] = tokens[count - 3];
  if (at <= count - 4) out->fields[MF_VERBOSE_ATTRIBUTES] = join(tokens, at, count - 4);
  return true;
}

static void read_primitive(mf_verbose_line *out, const mf_verbose_template *order, const mf_slice *tokens, int count) {
  if (!by_template(out, order, tokens, count) && !by_position(out, tokens, count)) return;
  const mf_slice kind = out->fields[MF_VERBOSE_KIND];
  bool word = kind.length > 0 && kind.length < 40;
  for (size_t i = 0; i < kind.length; i++) {
    const char c = kind.text[i];
    word &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  }
  if (!word) unreadable(out, "the kind of primitive is no word");
}

static void read_dispatch(mf_verbose_line *out, const mf_slice *tokens, int count) {
  if (count < 2) {
    unreadable(out, "fields are missing");
    return;
  }
  out->kind = MF_VERBOSE_DISPATCH;
  out->fields[MF_VERBOSE_KIND] = tokens[0];
  out->message = tokens[count >= 3 ? count - 2 : count - 1]; // behind it stands the place in the source
}

static void read_operation(mf_verbose_line *out, mf_verbose_template *order, const mf_slice *tokens, int count,
                           bool graph) {
  const mf_slice operation = tokens[0];
  const mf_slice rest = count > 1 ? join(tokens, 1, count - 1) : (mf_slice){operation.text + operation.length, 0};
  if (mf_slice_is(operation, "info")) {
    out->kind = MF_VERBOSE_INFO;
    out->message = rest;
    const size_t skip = mf_slice_begins(rest, "prim_template:") ? 14 : mf_slice_begins(rest, "template:") ? 9 : 0;
    if (!skip) return;
    out->kind = MF_VERBOSE_TEMPLATE;
    if (!graph) read_template(order, (mf_slice){rest.text + skip, rest.length - skip});
  } else if (graph) {
    out->kind = MF_VERBOSE_GRAPH;
  } else if (mf_slice_is(operation, "exec") || mf_slice_is(operation, "exec:external")) {
    out->kind = MF_VERBOSE_EXEC;
    read_primitive(out, order, tokens + 1, count - 1);
  } else if (mf_slice_is(operation, "create:dispatch")) {
    read_dispatch(out, tokens + 1, count - 1);
  } else if (mf_slice_is(operation, "create:check") || mf_slice_is(operation, "exec:check")) {
    out->kind = MF_VERBOSE_MESSAGE;
    out->message = rest;
  } else if (mf_slice_is(operation, "create") || mf_slice_begins(operation, "create:") ||
             mf_slice_begins(operation, "create_nested")) {
    out->kind = MF_VERBOSE_CREATE;
    const char *colon = memchr(operation.text, operation.text[6] == ':' ? ':' : '_', operation.length);
    if (colon) out->status = (mf_slice){colon + 1, operation.length - (size_t)(colon + 1 - operation.text)};
    read_primitive(out, order, tokens + 1, count - 1);
  } else {
    out->kind = MF_VERBOSE_MESSAGE;
    out->message = join(tokens, 0, count - 1);
  }
}

void mf_verbose_parse(mf_verbose_line *out, mf_verbose_template *order, const char *text, size_t count) {
  *out = (mf_verbose_line){.timestamp = -1};
  while (count && (text[count - 1] == '\r' || text[count - 1] == ' ')) count--;
  mf_slice tokens[TOKENS];
  const char *separator = text + strcspn(text, ",\t");
  const int n = split(tokens, text, count, separator < text + count ? *separator : ',');
  int at = 1;
  bool graph = false;
  double stamp;
  for (; at < n; at++) { // what may stand before the operation
    if (is_version(tokens[at])) continue;
    if (read_number(tokens[at], true, &stamp)) {
      out->timestamp = stamp;
    } else if (mf_slice_is(tokens[at], "graph")) {
      graph = true;
    } else if (!mf_slice_is(tokens[at], "primitive") && !mf_slice_is(tokens[at], "common")) {
      break;
    }
  }
  if (at >= n || tokens[at].length == 0)
    unreadable(out, "it ends before the operation");
  else
    read_operation(out, order, tokens + at, n - at, graph);
}
