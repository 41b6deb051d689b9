// What a line's memory descriptors and problem say: operands, sizes, operations and bytes.
#ifndef MF_IMPORT_VERBOSE_PROBLEM_H
#define MF_IMPORT_VERBOSE_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MF_VERBOSE_OPERANDS = 16, MF_VERBOSE_RANK = 12, MF_VERBOSE_NAME = 48 };

// "src_f32::blocked:acdb:f0", "src:f32:a:blocked:acdb::f0", "fsrc:nhwc", "in:f32_nhwc"
typedef struct mf_verbose_memory {
  char name[MF_VERBOSE_NAME];   // "src", "wei", "bia", "dst", "data", "ws", ...
  char dtype[MF_VERBOSE_NAME];  // "" where it is not said (v0.x), or there is no such operand
  char format[MF_VERBOSE_NAME]; // "nhwc", "nChw16c", "OIhw16i16o"; another kind's name: "any", "wino"; "" for none
} mf_verbose_memory;

typedef struct mf_verbose_operand {
  int rank;
  int64_t dims[MF_VERBOSE_RANK]; // 0: known at run time only
} mf_verbose_operand;

typedef struct mf_verbose_problem {
  mf_verbose_memory memory[MF_VERBOSE_OPERANDS];
  int memory_count;
  mf_verbose_memory source, weights, bias, destination; // "" everywhere when there is none
  int sources;                                          // src operands of a sum, concat or binary

  // Of descriptors like mb1_ic3oc64_ih224oh112kh7sh2dh0ph3_iw...; sizes that are not said are 1, 0 for `mb`, `ic`,
  // `oc`.
  bool named;
  bool odd;                                         // the problem of a kind that is known does not read as it should
  int64_t mb, groups, ic, oc, local;                // ic and oc of all groups; local: lrn's size
  int64_t in[3], out[3], kernel[3], stride[3];      // depth, height, width
  mf_verbose_operand operands[MF_VERBOSE_OPERANDS]; // of descriptors like 1x64x56x56:1x64x1x1
  int operand_count;

  // An activation's channels and pixels on both sides, where they are known; else 0.
  int64_t in_channels, in_height, in_width, out_channels, out_height, out_width;
  double flops, bytes_read, bytes_written; // 0: unknown, or none
} mf_verbose_problem;

// Texts are NUL-terminated. Never fails: what cannot be read stays unknown. Operations: two for each multiply-add; one
// for each element that pooling, eltwise, binary and sum take; 2 an element in batch normalization, 5 in softmax,
// 2 size + 2 in lrn; none in reorder and concat. Post-ops do not count. Where a line names no type (v0.x), f32 is
// assumed, unless the implementation's name has "int8" in it.
void mf_verbose_problem_read(mf_verbose_problem *p, const char *kind, const char *impl, const char *memory,
                             const char *attributes, const char *problem);

// Whether post-ops add another tensor: sum, binary_add.
bool mf_verbose_adds(const char *attributes);
int mf_verbose_dtype_bytes(const char *dtype); // 0: unknown (and types smaller than a byte)

#endif
