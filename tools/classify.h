// The answers: the likeliest classes of every input.
#ifndef TOOLS_CLASSIFY_H
#define TOOLS_CLASSIFY_H

#include "progress.h"
#include "rank.h"
#include "setup.h"

enum { ANSWER_CLASSES = 5 };

// Free with classification_free, also after a failure.
typedef struct classification {
  int inputs, per_input; // per_input: ANSWER_CLASSES, or fewer when the network has fewer classes
  answer *answers;       // inputs rows of per_input, likeliest first
  float *logits;         // inputs rows of `classes`, when they were wanted; else NULL
  int classes;
  size_t not_finite; // numbers of the outputs that are infinite or NaN
} classification;

// Runs every input once, as many batches as that takes. Probabilities are the softmax of the logits, in double.
minfer_status classify(const setup *s, bool keep_logits, progress *p, classification *out, minfer_error *error);
void classification_free(classification *c);

#endif
