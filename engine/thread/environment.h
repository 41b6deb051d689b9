// The thread settings of OpenMP programs, read from the environment in their spellings.
#ifndef MF_THREAD_ENVIRONMENT_H
#define MF_THREAD_ENVIRONMENT_H

#include "thread/affinity.h"
#include "thread/pool.h"
#include <stdbool.h>
#include <stdint.h>

#define MF_THREAD_VARIABLES 5

typedef struct mf_thread_environment {
  int threads;          // OMP_NUM_THREADS, of a list the first; 0: not set
  bool has_spin;        // KMP_BLOCKTIME is set:
  int64_t spin_us;      //   in microseconds; MF_SPIN_FOREVER for `infinite`
  bool print_settings;  // KMP_SETTINGS is true
  mf_affinity affinity; // KMP_AFFINITY, else OMP_PROC_BIND; MF_AFFINITY_DEFAULT: neither is set
  // One line for each value that is not understood and therefore ignored.
  char notes[MF_THREAD_VARIABLES][192];
  size_t note_count;
} mf_thread_environment;

// Like getenv: NULL when the variable is not set. Empty values count as not set.
typedef const char *(*mf_getenv)(const char *name, void *context);

//   OMP_NUM_THREADS  4   4,2 (the first counts)
//   KMP_BLOCKTIME    milliseconds; with a unit us, ms, s, m, h or d; infinite
//   KMP_AFFINITY     [modifier,...]none|disabled|compact|scatter|explicit[,permute][,offset]; explicit needs
//   proclist=[0,2-3];
//                    the other modifiers (granularity=..., [no]verbose, [no]warnings, [no]respect, [no]reset) mean
//                    nothing here
//   KMP_SETTINGS     1, true, yes, on; 0, false, no, off
//   OMP_PROC_BIND    false: none; true, close: compact with one worker a core first (OpenMP's places are cores);
//   spread: scatter;
//                    of a list the first counts
void mf_thread_environment_read(mf_thread_environment *environment, mf_getenv get, void *context);

#endif
