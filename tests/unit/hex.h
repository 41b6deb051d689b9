// Bytes as hexadecimal text, for small expected values and files in tests.
#ifndef TESTS_UNIT_HEX_H
#define TESTS_UNIT_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline int hex_digit(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

// Returns the number of bytes; `room` of them fit.
static inline size_t hex_read(uint8_t *to, size_t room, const char *text) {
  size_t count = strlen(text) / 2;
  for (size_t i = 0; i < count && i < room; i++)
    to[i] = (uint8_t)(hex_digit(text[2 * i]) * 16 + hex_digit(text[2 * i + 1]));
  return count;
}

#endif
