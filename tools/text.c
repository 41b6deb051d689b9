#include "text.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

// Length of the character that `text` begins with and its width; 0 when it is malformed or a control character.
static size_t character(const char *text, size_t size, int *columns) {
  wchar_t code = 0;
  mbstate_t state = {0};
  size_t length = mbrtowc(&code, text, size, &state);
  if (length == 0 || length > size) return 0;
  *columns = wcwidth(code);
  bool control = (code >= 0 && code < 0x20) || (code >= 0x7f && code < 0xa0);
  if (!control && *columns < 0) *columns = 1; // unassigned: the terminal draws some box
  return control ? 0 : length;
}

void text_put(FILE *out, const char *text) {
  size_t size = strlen(text);
  for (size_t i = 0; i < size;) {
    int columns;
    size_t length = character(text + i, size - i, &columns);
    if (length)
      fwrite(text + i, 1, length, out);
    else
      fprintf(out, "\\x%02x", (unsigned char)text[i]);
    i += length ? length : 1;
  }
}

bool text_is_clean(const char *text, size_t size) {
  for (size_t i = 0; i < size;) {
    int columns;
    size_t length = character(text + i, size - i, &columns);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

size_t text_fit(const char *text, size_t limit, size_t *columns) {
  size_t size = strlen(text), i = 0;
  *columns = 0;
  while (i < size) {
    int wide = 1;
    size_t length = character(text + i, size - i, &wide);
    if (*columns + (size_t)wide > limit) break;
    *columns += (size_t)wide;
    i += length ? length : 1;
  }
  return i;
}

size_t text_width(const char *text) {
  size_t columns;
  text_fit(text, SIZE_MAX, &columns);
  return columns;
}

bool text_to_int(const char *text, int low, int high, int *out) {
  if (!*text || text[strspn(text, "-0123456789")]) return false; // strtol alone takes blanks and "+"
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno || *end || end == text || value < low || value > high) return false;
  *out = (int)value;
  return true;
}

bool text_to_real(const char *text, double low, double high, double *out) {
  if (!*text || text[strspn(text, "-+.eE0123456789")] || *text == '+') return false; // nor hexadecimal, inf, nan
  char *end;
  double value = strtod(text, &end);
  if (*end || end == text || !(value >= low && value <= high)) return false;
  *out = value;
  return true;
}

bool text_ends_with(const char *text, const char *end) {
  size_t length = strlen(text), wanted = strlen(end);
  return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

const char *text_bytes(char out[16], size_t bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = (double)bytes;
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < sizeof units / sizeof *units) {
    value /= 1024;
    unit++;
  }
  snprintf(out, 16, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return out;
}
