// What `compare` and `diff` print alike: two plans of one network side by side.
#ifndef TOOLS_REPORT_PAIR_H
#define TOOLS_REPORT_PAIR_H

#include "breakdown.h"
#include "match.h"
#include "page.h"

typedef struct report_pair {
  const minfer_plan *plans[2]; // a, b
  const breakdown *times[2];
} report_pair;

// A group's layers on a side for people: "conv1+bn1+relu", the first and how many more there are. "" without layers.
const char *report_group_name(char out[160], const layer_group *g, const minfer_plan *const plans[2]);
// The layer that stands for a group on a side: the one with most FLOPs, else the first; NULL without layers.
const minfer_layer *report_group_main(const layer_group *g, int which, const minfer_plan *plan);
double report_group_bytes(const layer_group *g, int which,
                          const minfer_plan *plan); // read and written in a run, without reorders

// A row of a table with four columns: what, a, b, and the gain of b over a.
void report_pair_row(table *t, const char *what, double a, double b, int decimals, bool more_is_better);
// "f32 brg_conv_fwd +2": what a side computes a group with; the instruction set is left out where both have the same.
void report_pair_impl(table *t, const report_pair *r, const layer_group *g, int which);
double report_pair_kind_ms(const breakdown *b, const char *kind); // 0 where there is none
// Heading and table: count, time and share of every kind of primitive.
void report_pair_kinds(page *p, const report_pair *r);

#endif
