// Measuring: warm-up, untraced runs for the latency, and pairs of an untraced and a traced run for everything else.
#ifndef TOOLS_MEASURE_H
#define TOOLS_MEASURE_H

#include "setup.h"
#include "stats.h"

// Times in ms. Free with measurement_free, also after a failure.
typedef struct measurement {
  int warmup;            // runs
  samples latency;       // of all instances
  stats_summary summary; // of latency
  int instances;         // 0: as one
  samples *by_instance;  // latency of each; NULL for one
  stats_summary *instance_summaries;
  double wall_ms;                     // that the runs of latency took, instances side by side
  samples plain, traced;              // the pairs, taken in turn so that drift hits both alike
  double plain_ms, traced_ms;         // medians; NaN without pairs
  double overhead;                    // median over the pairs of traced / plain, minus 1; NaN without pairs
  double overhead_low, overhead_high; // its 95 % interval; NaN for fewer than 6 pairs
  bool interrupted;                   // Ctrl-C ended it early
} measurement;

// Warm-up: `--warmup` runs, else at least 2 and until two in a row differ by less than 5 %, at most 10 runs or 2 s.
// Latency: `--iterations` runs, else at least 10 and until half the 95 % interval of the median is within `--precision`
// of it, at least `--min-time`, at most 10 s (or --min-time, when that is longer).
// Instances run in blocks of about 20 ms, all at once; warm-up and pairs are of all and of the first.
// Pairs: up to 20 within 1 s, at least 5 unless those take over 10 s; with --iterations no more than that many.
minfer_status measure(const setup *s, const options *o, progress *p, measurement *out, minfer_error *error);
// Its parts for who measures otherwise: the warm-up, runs of every instance, and what follows from latency, plain and
// traced.
minfer_status measure_warm_up(const setup *s, const options *o, progress *p, measurement *m, minfer_error *error);
minfer_status measure_block(const setup *s, int runs, measurement *m, minfer_error *error);
minfer_status measure_uncounted(const setup *s, double *ms, minfer_error *error); // one run, its time
// How many runs of `run_ms` make a block of at least `wanted_ms`: 1 to MEASURE_BLOCK_RUNS.
enum { MEASURE_BLOCK_RUNS = 1000 };
int measure_block_runs(double run_ms, double wanted_ms);
int measure_instances(const measurement *m);
// Throughput: of one instance by its median, of several by what all did in the time.
double measure_images_per_s(const measurement *m, int batch);
minfer_status measure_summarise(measurement *m, minfer_error *error);
void measurement_free(measurement *m);

#endif
