// Whether two sets of measurements differ: rank tests, which assume nothing about the distribution.
#ifndef TOOLS_RANK_TEST_H
#define TOOLS_RANK_TEST_H

#include <stdbool.h>
#include <stddef.h>

// Two-sided p of the U test (Mann and Whitney, On a Test of Whether one of Two Random Variables is Stochastically
// Larger than the Other, 1947), equal values sharing their mean rank. Up to RANK_TEST_EXACT values together: the exact
// distribution over all ways to part the ranks that there are; beyond, the normal approximation with corrections for
// ties and continuity (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, section 4.1). NaN when one side
// is empty; false without memory.
enum { RANK_TEST_EXACT = 40 };
bool rank_test(const double *a, size_t a_count, const double *b, size_t b_count, double *p);

// The least p that so many values can give: above 0.05 nothing can be told.
double rank_test_least(size_t a_count, size_t b_count);

// Of many tests some come out small by chance. Puts in the place of each p the least share of false findings at which
// it is one (Benjamini and Hochberg, Controlling the False Discovery Rate, 1995). NaN is no test. False without memory.
bool rank_test_adjust(double *p, size_t count);

#endif
