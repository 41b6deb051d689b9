// Included once for each width of blocks, WIDE or not, which BLOCK names: the functions of dense_rows.c for it.
#define GROUPS 1
#include "kernel/dense_outputs.h"
#undef GROUPS
#define GROUPS 2
#include "kernel/dense_outputs.h"
#undef GROUPS
#define GROUPS 3
#include "kernel/dense_outputs.h"
#undef GROUPS
#define GROUPS 4
#include "kernel/dense_outputs.h"
#undef GROUPS
#define GROUPS 5
#include "kernel/dense_outputs.h"
#undef GROUPS
#define GROUPS 6
#include "kernel/dense_outputs.h"
#undef GROUPS

TARGET static void OF_BLOCK(compute_)(const mf_dense_rows *rows) {
  const int64_t each = WIDE ? 1 : 2; // outputs of a group
  int64_t x = 0;
  for (; x + 6 * each <= rows->count; x += 6 * each) OF_BLOCK(compute_6_)(rows, x, 6 * each);
  const int64_t left = rows->count - x, groups = (left + each - 1) / each;
  if (groups == 6) OF_BLOCK(compute_6_)(rows, x, left);
  if (groups == 5) OF_BLOCK(compute_5_)(rows, x, left);
  if (groups == 4) OF_BLOCK(compute_4_)(rows, x, left);
  if (groups == 3) OF_BLOCK(compute_3_)(rows, x, left);
  if (groups == 2) OF_BLOCK(compute_2_)(rows, x, left);
  if (groups == 1) OF_BLOCK(compute_1_)(rows, x, left);
}
