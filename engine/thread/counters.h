// Counters of the whole process: page faults and context switches, and those of the hardware where the machine has them
// and the kernel allows.
#ifndef MF_THREAD_COUNTERS_H
#define MF_THREAD_COUNTERS_H

#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct mf_counts {
  uint64_t cycles, instructions, cache_misses; // 0 without hardware counters; the misses are the last level's
  uint64_t page_faults;                        // with and without reading from a disk
  uint64_t voluntary, involuntary;             // context switches: the thread waited; it was interrupted
} mf_counts;

typedef struct mf_counters mf_counters;

// Hardware counters follow the calling thread and the threads that are started after this. That there are none is no
// error.
mf_status mf_counters_open(mf_counters **out, mf_error *e);
void mf_counters_close(mf_counters *counters); // NULL is allowed

bool mf_counters_hardware(const mf_counters *counters);
// "page faults, context switches, cycles, instructions, cache misses", or the first two and why there are no others.
const char *mf_counters_describe(const mf_counters *counters);

// What was counted so far: take differences. A system call, and three more with hardware counters.
void mf_counters_read(const mf_counters *counters, mf_counts *out);

#endif
