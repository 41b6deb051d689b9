#include "arrivals.h"
#include <math.h>

uint64_t arrivals_bits(arrivals *a) {
  uint64_t z = a->state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

double arrivals_gap_s(arrivals *a, double qps) {
  const double uniform = ((double)(arrivals_bits(a) >> 11) + 0.5) * 0x1p-53; // never 0 or 1
  return -log(uniform) / qps;
}

int arrivals_pick(arrivals *a, int count) {
  return (int)(arrivals_bits(a) % (uint64_t)count); // the bias is below count / 2^64
}
