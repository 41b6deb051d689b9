// What this machine can do at best, measured: multiply-adds a second by type, bytes a second by level of the memory
// hierarchy, each for several numbers of threads. The roofs of the roofline (run/roofline.h).
//
// A peak is the 90th percentile of repeated samples of 1 ms or more each, taken for a quarter of a second at most: the
// rest of the machine can only slow a sample down, and the very best one may owe its reading to a clock.
#ifndef MF_RUN_PEAKS_H
#define MF_RUN_PEAKS_H

#include "base/error.h"
#include "thread/topology.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum mf_peak_type { MF_PEAK_F32, MF_PEAK_BF16, MF_PEAK_F16, MF_PEAK_INT8, MF_PEAK_TYPES } mf_peak_type;
typedef enum mf_memory { MF_MEMORY_L1, MF_MEMORY_L2, MF_MEMORY_L3, MF_MEMORY_DRAM, MF_MEMORY_LEVELS } mf_memory;
const char *mf_peak_type_name(mf_peak_type type); // "f32"
const char *mf_memory_name(mf_memory level);      // "L1", "DRAM"

typedef struct mf_peak {
  double rate;      // 10^9 a second; 0: not there (no such cache, a type without native support)
  double clock_ghz; // of the core under this load, the median; 0: unknown
} mf_peak;

typedef struct mf_peak_row {
  int threads;
  mf_peak compute[MF_PEAK_TYPES]; // floating-point operations, two for a multiply-add, of oneDNN's matmul
  mf_peak read[MF_MEMORY_LEVELS]; // bytes, where the threads' blocks fit into this level and not into the one before
  mf_peak copy[MF_MEMORY_LEVELS]; // bytes read plus bytes written
} mf_peak_row;

#define MF_PEAK_ROWS 16
typedef struct mf_peaks {
  // What they hold for: the key of the cache.
  char cpu[128], isa[32], onednn[32];
  int cpus, cores;
  // ---
  size_t cache_bytes[MF_MEMORY_DRAM]; // one instance of L1, L2, L3; 0: none
  int64_t measured_s;                 // when, seconds since 1970
  double clock_ghz;                   // of a core that only adds integers
  int row_count;
  mf_peak_row rows[MF_PEAK_ROWS]; // by rising number of threads, from 1
} mf_peaks;

// What the peaks of this process would hold for; no rows.
mf_peaks mf_peaks_of_machine(const mf_topology *topology);

// Measures: 1, 2, 4, ... threads and as many as there are cores, 20 s in all at most. Progress may be NULL; returning
// false ends it (MF_ERR_INTERRUPTED). Other errors: MF_ERR_UNSUPPORTED (no memory).
typedef bool (*mf_peaks_progress)(size_t done, size_t total, void *context);
mf_status mf_peaks_measure(mf_peaks *out, const mf_topology *topology, mf_peaks_progress progress, void *context,
                           mf_error *e);

// The peaks for any number of threads: between two rows on the line between them, beyond the last one the last.
mf_peak_row mf_peaks_at(const mf_peaks *peaks, int threads);

// ---- kept as JSON (peaks_file.c)
// $XDG_CACHE_HOME (or ~/.cache) /minfer/peaks-KEY.json for what `machine` holds for; MF_ERR_OUTPUT when there is no
// such folder to be known.
mf_status mf_peaks_path(const mf_peaks *machine, char *path, size_t size, mf_error *e);
// Whole or not at all; makes the folders.
mf_status mf_peaks_write(const mf_peaks *peaks, const char *path, mf_error *e);
// MF_ERR_FILE for a file that is broken or holds for another machine than `machine`.
mf_status mf_peaks_read(mf_peaks *out, const mf_peaks *machine, const char *path, mf_error *e);
mf_status mf_peaks_parse(mf_peaks *out, const char *bytes, size_t size, const char *path, mf_error *e);

#endif
