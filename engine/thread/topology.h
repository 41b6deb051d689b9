// What this process may use of the machine: CPUs of its affinity mask, their cores and caches, memory, the cgroup's
// limits.
#ifndef MF_THREAD_TOPOLOGY_H
#define MF_THREAD_TOPOLOGY_H

#include "base/alloc.h"
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A logical CPU. `core` and `thread` are ranks from 0 among what the process may use: of the core in its package, of
// the CPU in its core (SMT). Where the kernel tells no siblings, every CPU is a core of package 0.
typedef struct mf_cpu {
  int id; // the kernel's number
  int package;
  int core;
  int thread;
} mf_cpu;

typedef struct mf_topology {
  const mf_cpu *cpus; // by rising id; owned by the topology, as are the strings
  size_t cpu_count;
  size_t core_count;                    // physical cores with at least one CPU among them
  size_t l1d_bytes, l2_bytes, l3_bytes; // one instance each, as the first CPU sees it; 0: none or unknown
  double quota_cpus;                    // the cgroup's quota / period in CPUs; 0: no limit
  uint64_t memory_bytes;                // of the machine; 0: unknown
  uint64_t memory_limit_bytes;          // the cgroup's, when it is below memory_bytes; 0: no limit
  bool hypervisor;                      // a virtual machine
  const char *model;                    // "model name" of /proc/cpuinfo, "" when it has none
  const char *flags;                    // "flags" of /proc/cpuinfo (ISA extensions), words separated by one space
  mf_arena arena;
} mf_topology;

// Reads this machine, with the affinity mask of the calling thread: read it before pinning that thread. What the kernel
// does not tell stays 0 or "". Errors: MF_ERR_UNSUPPORTED (no memory, no affinity mask). After an error there is
// nothing to free.
mf_status mf_topology_read(mf_topology *topology, mf_error *e);

// The same from the files below `root` (a folder with proc/ and sys/), for a mask of `count` CPU numbers in rising
// order.
mf_status mf_topology_read_tree(mf_topology *topology, const char *root, const int *cpus, size_t count, mf_error *e);

void mf_topology_free(mf_topology *topology); // a zero-initialised topology is allowed

// Physical cores, cut to the whole CPUs of the cgroup's quota; never 0.
size_t mf_topology_default_threads(const mf_topology *topology);

bool mf_topology_has_flag(const mf_topology *topology, const char *flag);

// The CPU numbers as ranges, "0-3,8"; cut to `size` bytes.
void mf_topology_format_cpus(const mf_topology *topology, char *text, size_t size);

#endif
