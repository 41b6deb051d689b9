// Seeded random numbers of the scenarios: when queries arrive, and what they ask for.
#ifndef TOOLS_ARRIVALS_H
#define TOOLS_ARRIVALS_H

#include <stdint.h>

typedef struct arrivals {
  uint64_t state; // the seed
} arrivals;

// SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014).
uint64_t arrivals_bits(arrivals *a);
// Seconds until the next query of a Poisson process: exponential with mean 1 / qps.
double arrivals_gap_s(arrivals *a, double qps);
int arrivals_pick(arrivals *a, int count); // uniform in 0 .. count - 1

#endif
