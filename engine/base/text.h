// Growing text and strict number reading.
#ifndef MF_BASE_TEXT_H
#define MF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Zero-initialise before use; `failed` stays set after a refused allocation, so that many calls need one check.
typedef struct mf_text {
  char *data; // NUL-terminated once anything was added, else NULL
  size_t length, capacity;
  bool failed;
} mf_text;
void mf_text_add(mf_text *text, const char *bytes, size_t count);
void mf_text_format(mf_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mf_text_free(mf_text *text);

// The whole string must be one decimal number in the range; nothing before or after it.
bool mf_text_to_int(const char *text, int64_t low, int64_t high, int64_t *out);
bool mf_text_to_double(const char *text, double *out); // finite
// The shortest decimal number that reads back as the same double, with a point whatever the locale; "nan" and "inf".
void mf_text_from_double(char out[32], double value);

// True when the bytes are valid UTF-8 without control characters.
bool mf_text_is_clean(const char *bytes, size_t count);

// 64-bit FNV-1a: names into tables, and fingerprints that only have to be stable.
uint64_t mf_text_hash(const void *bytes, size_t count, uint64_t seed);

#endif
