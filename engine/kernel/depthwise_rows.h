// Depthwise convolution in int8 along a piece of one or two rows of the destination, for up to 64 channels.
//
// Four source bytes of a channel that stand below each other make one element of VNNI's dot product (vpdpbusd), so
// that a column of a 3x3 kernel takes one instruction, and the four rows above one another hold it twice: for two rows
// of the destination at stride 1. What orders the source so (unpack) leaves channels in an order that what narrows the
// results (pack) takes back.
#ifndef MF_KERNEL_DEPTHWISE_ROWS_H
#define MF_KERNEL_DEPTHWISE_ROWS_H

#include "kernel/int8_channels.h"

#define MF_DEPTHWISE_SOURCE_ROWS 8 // most of one call
#define MF_DEPTHWISE_ROWS 2        // of the destination, likewise

// Of a kernel and a stride: rows of the destination that one call computes, and of the source that it reads, in groups
// of four; outputs of a row in one call.
#define MF_DEPTHWISE_OUT(kernel, stride) ((kernel) == 3 && (stride) == 2 ? 1 : 2)
#define MF_DEPTHWISE_IN(kernel, stride) ((MF_DEPTHWISE_OUT(kernel, stride) - 1) * (stride) + (kernel))
#define MF_DEPTHWISE_GROUPS(kernel, stride) ((MF_DEPTHWISE_IN(kernel, stride) + 3) / 4)
#define MF_DEPTHWISE_COUNT(kernel) ((kernel) == 3 ? 28 : 14)

typedef struct mf_depthwise_rows {
  const unsigned char *source[MF_DEPTHWISE_SOURCE_ROWS]; // the block's first channel in column 0
  int64_t source_step[MF_DEPTHWISE_SOURCE_ROWS]; // bytes from column to column; 0: a row of zeros, 64 bytes of them
  int64_t first, width;                          // column under the first tap (may be negative); columns of the source
  unsigned char *destination[MF_DEPTHWISE_ROWS];
  int64_t destination_step[MF_DEPTHWISE_ROWS]; // 0: a row that is not wanted, into 64 bytes
  int64_t count;                               // outputs of a row
  int64_t ahead; // bytes from a row to the one that the next call below begins with: it is fetched meanwhile
  bool source_signed;
  // Vectors of the block, for each quarter of its channels, column of the kernel, group and row of the destination;
  // 64-byte aligned. Signed sources count 128 more.
  const signed char *weights;
  mf_int8_output output;
} mf_depthwise_rows;

typedef void (*mf_depthwise_compute)(const mf_depthwise_rows *rows);

// Kernel 3 or 5, stride 1 or 2. NULL: the instruction set (dnnl_get_effective_cpu_isa) does not have what it takes.
mf_depthwise_compute mf_depthwise_compute_for(dnnl_cpu_isa_t isa, int kernel, int stride, bool wide);

#endif
