#include "rank.h"
#include <math.h>
#include <stdbool.h>

// NaN ranks below every number.
static bool likelier(float a, float b) {
  return isnan(b) ? !isnan(a) : a > b;
}

void rank(const float *logits, int classes, answer *best, int count) {
  double sum = 0, largest = -INFINITY;
  for (int i = 0; i < classes; i++)
    if (logits[i] > largest) largest = logits[i];
  for (int i = 0; i < classes; i++) sum += exp(logits[i] - largest);
  int found = 0;
  for (int i = 0; i < classes; i++) {
    int place = found;
    while (place > 0 && likelier(logits[i], logits[best[place - 1].class_index])) place--;
    if (place == count) continue;
    if (found < count) found++;
    for (int j = found - 1; j > place; j--) best[j] = best[j - 1];
    best[place] = (answer){i, exp(logits[i] - largest) / sum};
  }
}
