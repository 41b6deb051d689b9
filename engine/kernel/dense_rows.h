// int8 convolution of some outputs, for up to 64 of the destination's channels, whose taps of a row of the
// kernel lie beside each other in the source: four bytes at a time are spread over a vector and multiplied with those
// of as many channels as it has elements.
#ifndef MF_KERNEL_DENSE_ROWS_H
#define MF_KERNEL_DENSE_ROWS_H

#include "kernel/dense.h"

#define MF_DENSE_OUTPUTS 6 // that are computed together, of a wide block; of a narrow one twice as many

typedef struct mf_dense_rows {
  const unsigned char *source; // of the first row; an output's taps lie from[output] bytes behind
  int64_t source_step;         // bytes to the next row
  const int64_t *from, *to;    // of each output, bytes
  int64_t count;               // outputs
  int64_t ahead;               // bytes to the source that is fetched meanwhile; 0: none is
  bool flip;                   // the source is signed: its numbers count 128 more
  int rows, words;             // of the kernel; of four taps in each of them
  unsigned char *destination;  // an output lies to[output] bytes behind
  int64_t destination_ahead;   // bytes to the destination that is fetched meanwhile; 0: none is
  // For each row and word the block's vectors, four of a wide one and two of a narrow one; 64-byte aligned.
  const signed char *weights;
  int64_t weights_step; // bytes to the next row
  float sum;            // so many times what the destination holds is added; 0: nothing
  bool sum_flip;        // what it holds is signed, likewise
  mf_int8_output output;
} mf_dense_rows;

typedef void (*mf_dense_compute)(const mf_dense_rows *rows);

// NULL: the instruction set
// (dnnl_get_effective_cpu_isa) does not have what it takes.
mf_dense_compute mf_dense_compute_for(dnnl_cpu_isa_t isa, bool wide);

#endif
