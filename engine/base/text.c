#include "base/text.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Room for `count` more bytes and the NUL.
static bool text_reserve(mf_text *text, size_t count) {
  if (text->failed) return false;
  size_t needed, capacity = text->capacity ? text->capacity : 64;
  text->failed = !mf_add(text->length, count, &needed) || !mf_add(needed, 1, &needed);
  if (text->failed) return false;
  if (needed <= text->capacity) return true;
  while (capacity < needed)
    if (!mf_mul(capacity, 2, &capacity)) capacity = needed;
  char *data = mf_grow(text->data, text->length, capacity);
  if (!data) {
    text->failed = true;
    return false;
  }
  text->data = data;
  text->capacity = capacity;
  return true;
}

void mf_text_add(mf_text *text, const char *bytes, size_t count) {
  if (!text_reserve(text, count)) return;
  if (count) memcpy(text->data + text->length, bytes, count);
  text->length += count;
  text->data[text->length] = 0;
}

void mf_text_format(mf_text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (length < 0) text->failed = true;
  if (length < 0 || !text_reserve(text, (size_t)length)) return;
  va_start(arguments, format);
  vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
  va_end(arguments);
  text->length += (size_t)length;
}

void mf_text_free(mf_text *text) {
  mf_free(text->data);
  *text = (mf_text){0};
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool mf_text_to_int(const char *text, int64_t low, int64_t high, int64_t *out) {
  bool negative = *text == '-';
  const char *digit = text + negative;
  if (!*digit) return false;
  int64_t value = 0;
  for (; *digit; digit++) {
    if (!is_digit(*digit)) return false;
    int step = negative ? '0' - *digit : *digit - '0'; // downwards, so that INT64_MIN can be read
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, step, &value)) return false;
  }
  if (value < low || value > high) return false;
  *out = value;
  return true;
}

static const char *skip_digits(const char *text, size_t *count) {
  for (; is_digit(*text); text++) ++*count;
  return text;
}

bool mf_text_to_double(const char *text, double *out) {
  size_t mantissa = 0, exponent = 0;
  const char *at = skip_digits(text + (*text == '-'), &mantissa);
  if (*at == '.') at = skip_digits(at + 1, &mantissa);
  if (mantissa == 0) return false;
  if (*at == 'e' || *at == 'E') {
    at += at[1] == '+' || at[1] == '-' ? 2 : 1;
    at = skip_digits(at, &exponent);
    if (exponent == 0) return false;
  }
  if (*at) return false;
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!plain) return false;
  double value = strtod_l(text, NULL, plain);
  freelocale(plain);
  if (!isfinite(value)) return false;
  *out = value;
  return true;
}

void mf_text_from_double(char out[32], double value) {
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = uselocale(plain);
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(out, 32, "%.*g", digits, value);
    if (strtod(out, NULL) == value) break;
  }
  uselocale(before);
  if (plain) freelocale(plain);
}

bool mf_text_is_clean(const char *bytes, size_t count) {
  for (size_t i = 0; i < count;) {
    uint32_t code = 0;
    size_t length = mf_utf8_decode(bytes + i, count - i, &code);
    if (length == 0 || mf_utf8_is_control(code)) return false;
    i += length;
  }
  return true;
}

uint64_t mf_text_hash(const void *bytes, size_t count, uint64_t seed) {
  const unsigned char *b = bytes;
  uint64_t hash = 0xcbf29ce484222325u ^ seed;
  for (size_t i = 0; i < count; i++) hash = (hash ^ b[i]) * 0x100000001b3u;
  return hash;
}
