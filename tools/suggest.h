// "did you mean": the nearest of the names that a wrong one could have been.
#ifndef TOOLS_SUGGEST_H
#define TOOLS_SUGGEST_H

#include <minfer.h>

typedef struct suggestion {
  const char *wanted;
  char best[64]; // "" while nothing is near enough
  size_t distance;
} suggestion;

// Nearness is the optimal string alignment distance (insert, delete, replace, swap neighbours), at most a third of the
// wanted name; a name that begins with the wanted one is at distance 1. The first of equally near names stays.
void suggest(suggestion *s, const char *candidate, size_t length);
// Put "did you mean ...?" into the error when something was near; `prefix` comes before the name ("--").
minfer_status suggest_hint(const suggestion *s, const char *prefix, minfer_error *error);

#endif
