#include "base/utf8.h"
#include <stdio.h>
#include <string.h>

size_t mf_utf8_decode(const char *bytes, size_t count, uint32_t *code) {
  if (count == 0) return 0;
  const unsigned char *b = (const unsigned char *)bytes;
  if (b[0] < 0x80) {
    *code = b[0];
    return 1;
  }
  size_t length = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
  if (b[0] < 0xc2 || b[0] > 0xf4 || count < length) return 0;
  uint32_t value = b[0] & (0x7fu >> length);
  for (size_t i = 1; i < length; i++) {
    if ((b[i] & 0xc0) != 0x80) return 0;
    value = value << 6 | (b[i] & 0x3fu);
  }
  bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  bool surrogate = value >= 0xd800 && value < 0xe000;
  if (overlong || surrogate || value > 0x10ffff) return 0;
  *code = value;
  return length;
}

void mf_utf8_line(char *out, size_t size, const char *format, va_list arguments) {
  // Longer than any `out` of ours: what is cut off here would not have fitted below.
  char raw[2048];
  int wanted = vsnprintf(raw, sizeof raw, format, arguments);
  if (wanted < 0) raw[0] = 0;
  size_t count = strlen(raw), used = 0, cut = 0; // cut: the last boundary that leaves room for "..."
  for (size_t i = 0; i < count;) {
    char escaped[5];
    uint32_t code = 0;
    const char *piece = raw + i;
    size_t read = mf_utf8_decode(piece, count - i, &code), length = read;
    if (read == 0 || mf_utf8_is_control(code)) {
      snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned char)raw[i]);
      piece = escaped;
      length = 4;
      read = 1;
    }
    if (used + length >= size) {
      memcpy(out + cut, "...", 4);
      return;
    }
    memcpy(out + used, piece, length);
    used += length;
    i += read;
    if (used + 4 <= size) cut = used;
  }
  out[used] = 0;
}
