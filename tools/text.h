// Text that is safe on a terminal, its width there, and strict numbers. UTF-8 is what main sets LC_CTYPE to.
#ifndef TOOLS_TEXT_H
#define TOOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// Control characters and malformed bytes are written as \xNN.
void text_put(FILE *out, const char *text);
// Well-formed, and no control characters (NUL is one).
bool text_is_clean(const char *text, size_t size);
// Columns that a text from text_put takes.
size_t text_width(const char *text);
// Bytes of the longest beginning that is at most `limit` columns wide, and the columns it takes.
size_t text_fit(const char *text, size_t limit, size_t *columns);

// The whole text must be one decimal number in low..high.
bool text_to_int(const char *text, int low, int high, int *out);
bool text_to_real(const char *text, double low, double high, double *out);

bool text_ends_with(const char *text, const char *end);
// "24.5 MiB"; three to four digits.
const char *text_bytes(char out[16], size_t bytes);

#endif
