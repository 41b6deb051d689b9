// The body of dense_rows.c, included once for each length of vectors.
#include "kernel/int8_lanes.h"

#define OUTPUTS 1
#include "kernel/dense_outputs.h"
#undef OUTPUTS
#define OUTPUTS 2
#include "kernel/dense_outputs.h"
#undef OUTPUTS
#define OUTPUTS 3
#include "kernel/dense_outputs.h"
#undef OUTPUTS
#define OUTPUTS 4
#include "kernel/dense_outputs.h"
#undef OUTPUTS
#define OUTPUTS 5
#include "kernel/dense_outputs.h"
#undef OUTPUTS
#define OUTPUTS 6
#include "kernel/dense_outputs.h"
#undef OUTPUTS

TARGET static void NAME(compute_)(const mf_dense_rows *rows) {
  int64_t x = 0;
  for (; x + MF_DENSE_OUTPUTS <= rows->count; x += MF_DENSE_OUTPUTS) NAME(compute_6_)(rows, x);
  const int64_t left = rows->count - x;
  if (left == 5) NAME(compute_5_)(rows, x);
  if (left == 4) NAME(compute_4_)(rows, x);
  if (left == 3) NAME(compute_3_)(rows, x);
  if (left == 2) NAME(compute_2_)(rows, x);
  if (left == 1) NAME(compute_1_)(rows, x);
}
