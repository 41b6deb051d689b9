#include "accuracy.h"
#include <math.h>

enum { BEST = 5 };

// The likeliest class; counts it, and whether the right one is among the first five.
static answer score(accuracy_score *s, int right, const float *logits, int classes) {
  answer best[BEST];
  int count = classes < BEST ? classes : BEST;
  rank(logits, classes, best, count);
  s->top1 += best[0].class_index == right;
  for (int i = 0; i < count; i++) s->top5 += best[i].class_index == right;
  return best[0];
}

double accuracy_sqnr(double signal, double noise) {
  if (!isfinite(signal) || !isfinite(noise)) return -INFINITY;
  return noise > 0 ? 10 * log10(signal / noise) : INFINITY;
}

static void add_noise(accuracy *a, const label *l, const float *f32, const float *chosen, int classes) {
  double signal = 0, noise = 0;
  for (int i = 0; i < classes; i++) {
    double wanted = f32[i], off = wanted - chosen[i];
    signal += wanted * wanted;
    noise += off * off;
  }
  double sqnr = accuracy_sqnr(signal, noise);
  a->signal += signal;
  a->noise += noise;
  a->sqnr_sum += sqnr;
  if (!a->worst || sqnr < a->sqnr_worst) {
    a->sqnr_worst = sqnr;
    a->worst = l;
  }
}

void accuracy_add(accuracy *a, const label *l, const float *f32, const float *chosen, int classes,
                  accuracy_item *item) {
  item->label = l;
  item->f32 = item->chosen = score(&a->f32, l->class_index, f32, classes);
  a->images++;
  a->compared = chosen != NULL;
  if (chosen) {
    item->chosen = score(&a->chosen, l->class_index, chosen, classes);
    add_noise(a, l, f32, chosen, classes);
  } else {
    a->chosen = a->f32;
  }
  bool right = item->f32.class_index == l->class_index, chosen_right = item->chosen.class_index == l->class_index;
  a->agreed += item->f32.class_index == item->chosen.class_index;
  a->only_f32 += right && !chosen_right;
  a->only_chosen += chosen_right && !right;
}

double accuracy_percent(const accuracy *a, size_t images) {
  return 100 * (double)images / (double)a->images;
}

void accuracy_interval(const accuracy *a, double *low, double *high) {
  double n = (double)a->images + 2, b = (double)a->only_f32 + 0.5, c = (double)a->only_chosen + 0.5;
  double middle = (c - b) / n, error = sqrt(b + c - (c - b) * (c - b) / n) / n;
  *low = 100 * fmax(middle - 1.959963984540054 * error, -1);
  *high = 100 * fmin(middle + 1.959963984540054 * error, 1);
}

bool accuracy_passes(const accuracy *a, double target) {
  return (double)a->chosen.top1 >= target * (double)a->f32.top1 * (1 - 1e-12); // the product is rounded
}
