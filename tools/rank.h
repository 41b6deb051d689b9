// The likeliest classes of one row of logits.
#ifndef TOOLS_RANK_H
#define TOOLS_RANK_H

typedef struct answer {
  int class_index;
  double probability;
} answer;

// The `count` largest of `classes` logits, likeliest first; of equal ones the lower class comes first, NaN comes last.
// Probabilities are the softmax over all of them, in double. 0 < count <= classes.
void rank(const float *logits, int classes, answer *best, int count);

#endif
