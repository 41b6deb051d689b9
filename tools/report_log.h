// What `minfer verbose` prints.
#ifndef TOOLS_REPORT_LOG_H
#define TOOLS_REPORT_LOG_H

#include "console.h"
#include "log_summary.h"

typedef struct log_report {
  const options *options;
  const console *console;
  const log_summary *summary;
} log_report;
bool report_log(FILE *out, const void *report);
bool report_log_json(FILE *out, const log_report *r);

// GFLOP/s or GB/s of an amount that took so many ms; NaN where there is nothing to say.
double report_log_rate(double amount, double ms);
bool report_log_is_reorder(const log_summary *s, int item);

#endif
