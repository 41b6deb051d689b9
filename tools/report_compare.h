// What `compare` prints, in the forms of --format.
#ifndef TOOLS_REPORT_COMPARE_H
#define TOOLS_REPORT_COMPARE_H

#include "comparison.h"
#include "duel.h"
#include "report.h"
#include "report_pair.h"
#include "whatif.h"

typedef struct compare_report {
  const options *options;
  const console *console;
  const minfer_model *model;
  const minfer_input *input;
  const char *versus; // what --vs says
  const side *sides[2];
  const duel *duel;
  const comparison *comparison;
  const whatif *whatif;
  bool generated; // the input is made by minfer
} compare_report;
bool report_compare(FILE *out, const void *report);
bool report_compare_json(FILE *out, const compare_report *r); // schema/compare.json
// The report that `run` would give of a side.
run_report report_compare_side(const compare_report *r, int which);

// Of reorders and of fused layers: headings with tables, where there are any; keys of an open object.
void report_whatif(page *p, const compare_report *r);
void report_whatif_json(minfer_json *j, const compare_report *r);
void report_json_interval(minfer_json *j, double low, double high); // key "ci95": low and high, null for NaN

#endif
