// Measuring: warm-up, untraced runs for the latency, and pairs of an untraced and a traced run for everything else.
#ifndef TOOLS_MEASURE_H
#define TOOLS_MEASURE_H

#include "options.h"
#include "progress.h"
#include "stats.h"

// Times in ms. Free with measurement_free, also after a failure.
typedef struct measurement {
  int warmup; // runs
  samples latency;
  stats_summary summary;              // of latency
  samples plain, traced;              // the pairs, taken in turn so that drift hits both alike
  double plain_ms, traced_ms;         // medians; NaN without pairs
  double overhead;                    // median over the pairs of traced / plain, minus 1; NaN without pairs
  double overhead_low, overhead_high; // its 95 % interval; NaN for fewer than 6 pairs
  bool interrupted;                   // Ctrl-C ended it early
} measurement;

// Warm-up: `--warmup` runs, else at least 2 and until two in a row differ by less than 5 %, at most 10 runs or 2 s.
// Latency: `--iterations` runs, else at least 10 and until half the 95 % interval of the median is within `--precision`
// of it, at least `--min-time`, at most 10 s (or --min-time, when that is longer).
// Pairs: up to 20 within 1 s, at least 5 unless those take over 10 s; with --iterations no more than that many.
minfer_status measure(minfer_session *session, const options *o, progress *p, measurement *out, minfer_error *error);
// Its parts for who measures otherwise: the warm-up, and everything that follows from latency, plain and traced.
minfer_status measure_warm_up(minfer_session *session, const options *o, progress *p, measurement *m,
                              minfer_error *error);
minfer_status measure_summarise(measurement *m, minfer_error *error);
void measurement_free(measurement *m);

#endif
