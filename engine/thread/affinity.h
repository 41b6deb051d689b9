// Which CPU each worker is pinned to.
#ifndef MF_THREAD_AFFINITY_H
#define MF_THREAD_AFFINITY_H

#include "base/error.h"
#include "thread/topology.h"
#include <stddef.h>

#define MF_AFFINITY_CPUS 1024 // longest list

typedef enum mf_affinity_kind {
  MF_AFFINITY_DEFAULT, // one worker a physical core, in compact order, when there are enough cores for all; else none
  MF_AFFINITY_NONE,    // nothing is pinned
  MF_AFFINITY_COMPACT, // neighbours close together: the CPUs of a core, then the next core, then the next package
  MF_AFFINITY_SCATTER, // neighbours far apart: the packages in turn, then their cores, the second CPU of a core last
  MF_AFFINITY_LIST     // the CPUs that `cpus` names, in its order
} mf_affinity_kind;

// Zero-initialised: the default. The meanings are those of KMP_AFFINITY=KIND,permute,offset over the levels package,
// core, CPU: `permute` is the number of levels that trade places (compact,1 is one worker a core before any second CPU
// of a core), `offset` where in the order worker 0 begins. Both stay 0 outside that variable. COMPACT, SCATTER and LIST
// begin again when they run out.
typedef struct mf_affinity {
  mf_affinity_kind kind;
  size_t permute, offset;
  size_t cpu_count; // LIST only, as `cpus`
  int cpus[MF_AFFINITY_CPUS];
} mf_affinity;

// `none`, `compact`, `scatter` or a list of CPU numbers and ranges: "0,2-3". Errors: MF_ERR_USAGE.
mf_status mf_affinity_parse(mf_affinity *affinity, const char *text, mf_error *e);

// cpus[i] is the CPU for worker i of `workers`, or -1: not pinned. With N instances of T threads ask once for N * T
// workers and give each pool its T entries. Errors: MF_ERR_USAGE (a CPU of a list that this process may not use),
// MF_ERR_UNSUPPORTED (no memory).
mf_status mf_affinity_place(const mf_affinity *affinity, const mf_topology *topology, size_t workers, int *cpus,
                            mf_error *e);

#endif
