// What `diff` prints, in the forms of --format.
#ifndef TOOLS_REPORT_DIFF_H
#define TOOLS_REPORT_DIFF_H

#include "console.h"
#include "report_pair.h"
#include "trace_diff.h"

typedef struct diff_report {
  const options *options;
  const console *console;
  const trace_diff *diff;
  double limit; // of --max-regression, %; NaN: none
} diff_report;
bool report_diff(FILE *out, const void *report);
void report_diff_layers(page *p, const diff_report *r);  // the part of a page about layers
void report_diff_changes(table *t, const diff_row *row); // a cell: "f32 -> int8; brg_conv_fwd -> jit"
bool report_diff_json(FILE *out, const diff_report *r);  // schema/diff.json

double diff_percent(const diff_time *t);                     // by which b is slower; negative: faster
bool diff_exceeds(const diff_report *r, const diff_time *t); // slower beyond chance, and by more than the limit
bool diff_gate_passed(const diff_report *r);                 // also without a limit
const char *diff_p_text(char out[16], double p);             // "0.012", "<0.0001", "-"
const char *diff_name(char out[160], const diff_report *r, const diff_row *row);

#endif
