#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

mf_json mf_json_start(FILE *file, bool indent) {
  return (mf_json){.file = file, .indent = indent, .first = {1}};
}

// Where `first` and `closing` keep the innermost level. Our documents are not that deep; in a deeper one only
// commas and brackets would suffer.
static int level(const mf_json *j) {
  int last = (int)sizeof j->first - 1;
  return j->depth < last ? j->depth : last;
}

static void put_line(mf_json *j) {
  if (!j->indent) return;
  putc('\n', j->file);
  for (int i = 0; i < j->depth; i++) fputs("  ", j->file);
}

static void put_string(FILE *file, const char *text) {
  size_t count = strlen(text);
  putc('"', file);
  for (size_t i = 0, length; i < count; i += length) {
    uint32_t code = 0;
    length = mf_utf8_decode(text + i, count - i, &code);
    if (length == 0) {
      fputs("\xef\xbf\xbd", file); // U+FFFD
      length = 1;
    } else if (code == '"' || code == '\\') {
      fprintf(file, "\\%c", text[i]);
    } else if (code == '\n') {
      fputs("\\n", file);
    } else if (code == '\t') {
      fputs("\\t", file);
    } else if (mf_utf8_is_control(code)) {
      fprintf(file, "\\u%04x", (unsigned)code);
    } else {
      fwrite(text + i, 1, length, file);
    }
  }
  putc('"', file);
}

// What comes before a value: the comma, the line and the key.
static void put_key(mf_json *j, const char *key) {
  if (!j->first[level(j)]) putc(',', j->file);
  j->first[level(j)] = 0;
  if (j->depth > 0) put_line(j);
  if (!key) return;
  put_string(j->file, key);
  fputs(j->indent ? ": " : ":", j->file);
}

static void put_bracket(mf_json *j, const char *key, char opening, char closing) {
  put_key(j, key);
  putc(opening, j->file);
  j->depth++;
  j->first[level(j)] = 1;
  j->closing[level(j)] = closing;
}

void mf_json_object(mf_json *j, const char *key) {
  put_bracket(j, key, '{', '}');
}
void mf_json_array(mf_json *j, const char *key) {
  put_bracket(j, key, '[', ']');
}

void mf_json_end(mf_json *j) {
  bool empty = j->first[level(j)];
  char closing = j->closing[level(j)];
  j->depth--;
  if (!empty) put_line(j);
  putc(closing, j->file);
}

void mf_json_string(mf_json *j, const char *key, const char *value) {
  put_key(j, key);
  if (value)
    put_string(j->file, value);
  else
    fputs("null", j->file);
}

void mf_json_int(mf_json *j, const char *key, int64_t value) {
  put_key(j, key);
  fprintf(j->file, "%" PRId64, value);
}

void mf_json_double(mf_json *j, const char *key, double value) {
  put_key(j, key);
  if (!isfinite(value)) {
    fputs("null", j->file);
    return;
  }
  char text[32];
  mf_text_from_double(text, value);
  fputs(text, j->file);
}

void mf_json_bool(mf_json *j, const char *key, bool value) {
  put_key(j, key);
  fputs(value ? "true" : "false", j->file);
}
