// The limits that control groups (v1, v2 or both at once) set for this process.
#ifndef MF_THREAD_CGROUP_H
#define MF_THREAD_CGROUP_H

#include <stdint.h>

typedef struct mf_cgroup {
  double cpus;           // quota / period in CPUs, 0: no limit
  uint64_t memory_bytes; // 0: no limit
} mf_cgroup;

// The tightest limits on the way from the process's own group to the top of what is mounted here. The groups are those
// of /proc/self/cgroup, the folders those of /proc/self/mountinfo, all below `root` ("" for the machine's own files).
// What is absent or not understood limits nothing.
mf_cgroup mf_cgroup_read(const char *root);

#endif
