// int8 convolution along a piece of a row of the destination, for up to 64 of its channels, whose taps of a row of the
// kernel lie beside each other in the source: four bytes at a time are spread over a vector and multiplied with those
// of as many channels as it has elements.
#ifndef MF_KERNEL_DENSE_ROWS_H
#define MF_KERNEL_DENSE_ROWS_H

#include "kernel/dense.h"

#define MF_DENSE_OUTPUTS 6 // that are computed together, of a wide block; of a narrow one twice as many

typedef struct mf_dense_rows {
  const unsigned char *source[MF_DENSE_KERNEL]; // rows, from which the taps of an output lie at
  const int64_t *offsets;                       // bytes
  int64_t ahead;                                // bytes to the source that is fetched meanwhile; 0: none is
  bool flip;                                    // the source is signed: its numbers count 128 more
  int rows, words;                              // of the kernel; of four taps in each of them
  unsigned char *destination;
  int64_t destination_step;
  int64_t destination_ahead; // bytes to the destination that is fetched meanwhile; 0: none is
  int64_t count;             // outputs
  // For each row and word the block's vectors, four of a wide one and two of a narrow one; 64-byte aligned.
  const signed char *weights;
  float sum;     // so many times what the destination holds is added; 0: nothing
  bool sum_flip; // what it holds is signed, likewise
  mf_int8_output output;
} mf_dense_rows;

typedef void (*mf_dense_compute)(const mf_dense_rows *rows);

// NULL: the instruction set
// (dnnl_get_effective_cpu_isa) does not have what it takes.
mf_dense_compute mf_dense_compute_for(dnnl_cpu_isa_t isa, bool wide);

#endif
