// Between the parts of the int8 kernel for taps side by side: what is made once, and what a run works on.
#ifndef MF_KERNEL_DENSE_WORK_H
#define MF_KERNEL_DENSE_WORK_H

#include "kernel/dense_rows.h"
#include "kernel/groups.h"

// Outputs whose taps stay in the first cache while all blocks of channels are computed.
#define MF_DENSE_PIECE 48
#define MF_DENSE_LARGEST_PIECE 192 // of few channels

// Neighbours of a row (or column) of outputs for which the same columns (or rows) of the kernel lie inside the source.
typedef struct mf_dense_span {
  int64_t first, count; // of outputs
  int begin, end;       // of the kernel
} mf_dense_span;

typedef struct mf_dense {
  mf_kernel kernel;
  mf_dense_problem problem;
  mf_dense_compute compute[2];      // narrow, wide
  int64_t ahead, destination_ahead; // mf_dense_rows
  int words;                        // of four taps in a row of the kernel
  int64_t channel_bytes;            // packed weights of a channel
  bool picture;
  mf_groups line; // pictures: of a line's outputs that are computed together
  // Others. A region is a span of rows and one of columns in all images.
  mf_dense_span spans[2][2 * MF_DENSE_KERNEL + 1]; // rows, columns
  int span_count[2];
  int64_t piece;  // outputs
  int64_t blocks; // of channels that are computed before the next region
  int64_t cost;   // of all regions of so many
} mf_dense;

typedef struct mf_dense_work {
  const mf_dense *dense;
  const unsigned char *source;
  unsigned char *destination;
  const signed char *weights;
  const float *scale, *bias; // in the order of blocks
  float sum;                 // mf_dense_rows
} mf_dense_work;

// Some outputs of a block, of which `rows` has source, places, kernel and count.
void mf_dense_compute_block(const mf_dense_work *work, int64_t block, int first_row, int first_word,
                            mf_dense_rows *rows);

void mf_dense_prepare_lines(mf_dense *dense);
void mf_dense_prepare_regions(mf_dense *dense);

// A thread's part; `work` is an mf_dense_work.
void mf_dense_compute_lines(int part, int parts, void *work); // pictures
void mf_dense_compute_regions(int part, int parts, void *work);

#endif
