#include "suggest.h"
#include "fail.h"
#include <string.h>

enum { LONGEST = 63 };

static size_t smallest(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t rows[3][LONGEST + 1]; // of the table of prefixes, i - 2, i - 1 and i
  size_t *before = rows[0], *previous = rows[1], *row = rows[2];
  for (size_t j = 0; j <= b_length; j++) previous[j] = j;
  for (size_t i = 1; i <= a_length; i++) {
    row[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      size_t replace = previous[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = smallest(replace, 1 + smallest(previous[j], row[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = smallest(row[j], before[j - 2] + 1);
    }
    size_t *oldest = before;
    before = previous;
    previous = row;
    row = oldest;
  }
  return previous[b_length];
}

void suggest(suggestion *s, const char *candidate, size_t length) {
  size_t wanted = strlen(s->wanted);
  if (wanted > LONGEST || length > LONGEST) return;
  bool begins = wanted >= 2 && wanted < length && memcmp(s->wanted, candidate, wanted) == 0;
  size_t d = begins ? 1 : distance(s->wanted, wanted, candidate, length);
  if (d > (wanted + 2) / 3 || (s->best[0] && d >= s->distance)) return;
  s->distance = d;
  memcpy(s->best, candidate, length);
  s->best[length] = 0;
}

minfer_status suggest_hint(const suggestion *s, const char *prefix, minfer_error *error) {
  return s->best[0] ? hint(error, "did you mean %s%s?", prefix, s->best) : error->status;
}
