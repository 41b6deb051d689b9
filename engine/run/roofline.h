// The least time that a primitive can take on a machine with given peaks, and what bounds it, after S. Williams,
// A. Waterman and D. Patterson, "Roofline: An Insightful Visual Performance Model for Multicore Architectures",
// Communications of the ACM 52(4), 2009: the longer of computing at the peak rate and moving the operands at the peak
// bandwidth. With one roof for each level of the memory hierarchy (as the cache-aware and hierarchical rooflines have),
// the level has to be chosen:
//
// - Activations were written a moment ago, so they lie in the smallest level that holds all operands of the primitive.
// - Weights were read one run ago, and everything else of the run since: they lie in the smallest level that holds all
//   that a run touches.
//
// A level's size is that of the caches of all threads together. Bytes written move at the rate of a copy, together with
// as many bytes read; what is read beyond that at the rate of reading.
#ifndef MF_RUN_ROOFLINE_H
#define MF_RUN_ROOFLINE_H

#include "run/peaks.h"

typedef struct mf_work {
  mf_peak_type type;    // what it computes in
  double flops;         // two for a multiply-add
  size_t weights;       // bytes of constants that it reads
  size_t read, written; // bytes of activations
} mf_work;

typedef struct mf_roof {
  double ns;         // no execution can be faster; 0: nothing to do
  const char *bound; // "compute", or the level that takes longest: "L1" to "DRAM"; "" for nothing to do
} mf_roof;

// `footprint`: bytes that a whole run touches. A type without a peak of its own is emulated in f32.
mf_roof mf_roofline(const mf_peaks *peaks, int threads, const mf_work *work, size_t footprint);

#endif
