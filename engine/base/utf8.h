// UTF-8: decoding, and lines that are safe to print on a terminal.
#ifndef MF_BASE_UTF8_H
#define MF_BASE_UTF8_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Length in bytes of the well-formed sequence (Unicode table 3-7) that `bytes` starts with, and its code point; 0 when
// there is none.
size_t mf_utf8_decode(const char *bytes, size_t count, uint32_t *code);

// C0, DEL and C1.
static inline bool mf_utf8_is_control(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

// Format one line into out[size]: control characters and malformed bytes become \xNN, overlong text ends in "...".
void mf_utf8_line(char *out, size_t size, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));

#endif
