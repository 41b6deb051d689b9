// Where a log repeats itself: the sequence of executions that makes one run.
#ifndef MF_IMPORT_VERBOSE_RUNS_H
#define MF_IMPORT_VERBOSE_RUNS_H

#include "import/verbose_log.h"

// Executions are numbered in the log's order, creations left out.
typedef struct mf_verbose_runs {
  size_t count;  // executions
  int *event;    // of an execution: index into log->events
  int runs;      // complete ones; 1 where nothing repeats, 0 without executions
  bool repeats;  // else all of the log is the one run
  int length;    // executions of a run
  int *sequence; // `length` primitives
  int *run;      // of an execution: number of its run, or -1: before, between or behind the runs
  int *position; // likewise: index into `sequence`, or -1
} mf_verbose_runs;

// A run begins at an execution of one primitive and ends before the next; of all primitives the one is taken for which
// equal runs cover most executions, of equals the one with the longest run. Runs may miss or have in addition up to a
// tenth of their lines. Behind the last run there may be less than a run, before the first anything. Free in all cases.
mf_status mf_verbose_runs_find(mf_verbose_runs *out, const mf_verbose_log *log, mf_error *e);
void mf_verbose_runs_free(mf_verbose_runs *runs);

#endif
