// Accuracy: how often a configuration of a network is right, beside f32 on the same pictures, and how near its logits
// are.
#ifndef TOOLS_ACCURACY_H
#define TOOLS_ACCURACY_H

#include "labels.h"
#include "rank.h"
#include <stdbool.h>
#include <stddef.h>

// What was said about one picture.
typedef struct accuracy_item {
  const label *label;
  answer f32, chosen; // the likeliest class of each
} accuracy_item;

// How often one configuration was right.
typedef struct accuracy_score {
  size_t top1, top5; // pictures
} accuracy_score;

// Zero-initialise.
typedef struct accuracy {
  size_t images;
  accuracy_score f32, chosen;   // the same when nothing is compared
  size_t agreed;                // pictures that both give the same class
  size_t only_f32, only_chosen; // pictures that only one of them gets right
  bool compared;                // there are logits of two configurations; what follows is of these
  double signal, noise;         // sums over all logits of f32^2 and (f32 - chosen)^2
  double sqnr_sum;              // of the pictures' SQNR in dB
  double sqnr_worst;
  const label *worst;
} accuracy;

// Count one picture. `chosen` is NULL when there is only f32. *item is what was said about it.
void accuracy_add(accuracy *a, const label *l, const float *f32, const float *chosen, int classes, accuracy_item *item);

double accuracy_percent(const accuracy *a, size_t images); // of all images

// Signal to quantisation noise in dB, 10 log10(signal / noise): infinite without noise, minus infinity when a number is
// not finite.
double accuracy_sqnr(double signal, double noise);

// 95 % interval of the difference in top-1, chosen minus f32, in points. The pictures are the same, so only those count
// that one of the two gets right: Agresti and Min, Simple improved confidence intervals for comparing matched
// proportions, Statistics in Medicine 24 (2005), 729-740: the Wald interval after 1/2 was added to each of the four
// counts, which keeps it from having no width when the two never differ.
void accuracy_interval(const accuracy *a, double *low, double *high);

// Top-1 is at least `target` times f32's.
bool accuracy_passes(const accuracy *a, double target);

#endif
