// The machine's peaks through minfer.h.
#include "run/peaks.h"
#include "api/handles.h"
#include "base/file.h"
#include "base/log.h"
#include <string.h>

_Static_assert((int)MINFER_F32 == MF_PEAK_F32 && (int)MINFER_BF16 == MF_PEAK_BF16 && (int)MINFER_F16 == MF_PEAK_F16 &&
                   (int)MINFER_INT8 == MF_PEAK_INT8 && MINFER_INT8 + 1 == (int)MF_PEAK_TYPES,
               "one set of types");
_Static_assert((int)MINFER_L1 == MF_MEMORY_L1 && (int)MINFER_DRAM == MF_MEMORY_DRAM, "one set of levels");

static minfer_peak one(const mf_peak *peak) {
  return (minfer_peak){peak->rate, peak->clock_ghz};
}

minfer_peak_row mf_api_peak_row(const mf_peak_row *row) {
  minfer_peak_row out = {.threads = row->threads};
  for (int i = 0; i < MF_PEAK_TYPES; i++) out.compute[i] = one(&row->compute[i]);
  for (int i = 0; i < MF_MEMORY_LEVELS; i++) {
    out.read[i] = one(&row->read[i]);
    out.copy[i] = one(&row->copy[i]);
  }
  return out;
}

static bool read_kept(const mf_topology *topology, mf_peaks *out, char *path, size_t size) {
  const mf_peaks machine = mf_peaks_of_machine(topology);
  mf_error e = {0};
  if (mf_peaks_path(&machine, path, size, &e) != MF_OK || !mf_file_exists(path)) return false;
  if (mf_peaks_read(out, &machine, path, &e) == MF_OK) return true;
  mf_log(MF_LOG_NOTE, "peaks are ignored: %s; minfer env --measure writes them again", e.text);
  return false;
}

bool mf_api_peaks(const mf_topology *topology, mf_peaks *out) {
  char path[4096];
  return read_kept(topology, out, path, sizeof path);
}

const minfer_peaks *minfer_peaks_get(void) {
  static _Thread_local minfer_peaks out;
  static _Thread_local minfer_peak_row rows[MF_PEAK_ROWS];
  static _Thread_local char path[4096];
  mf_topology topology;
  mf_peaks kept;
  mf_error e;
  if (mf_topology_read(&topology, &e) != MF_OK) return NULL;
  const bool found = read_kept(&topology, &kept, path, sizeof path);
  mf_topology_free(&topology);
  if (!found) return NULL;
  for (int i = 0; i < kept.row_count; i++) rows[i] = mf_api_peak_row(&kept.rows[i]);
  out = (minfer_peaks){rows, kept.row_count, kept.clock_ghz, kept.measured_s, path};
  return &out;
}

typedef struct watcher {
  bool (*progress)(const char *phase, size_t done, size_t total, void *context);
  void *context;
} watcher;

static bool watch(size_t done, size_t total, void *context) {
  const watcher *w = context;
  return !w->progress || w->progress("measure peaks", done, total, w->context);
}

static mf_status measure(watcher *w, const mf_topology *topology, mf_error *e) {
  mf_peaks peaks = mf_peaks_of_machine(topology);
  char path[4096];
  MF_TRY(mf_peaks_path(&peaks, path, sizeof path, e));
  MF_TRY(mf_file_make_folders(path, e)); // better known before than after
  MF_TRY(mf_peaks_measure(&peaks, topology, watch, w, e));
  return mf_peaks_write(&peaks, path, e);
}

minfer_status minfer_measure_peaks(bool (*progress)(const char *phase, size_t done, size_t total, void *context),
                                   void *context, minfer_error *error) {
  mf_error e = {0};
  mf_topology topology;
  mf_status status = mf_topology_read(&topology, &e);
  if (status != MF_OK) return mf_api_report(error, &e, status);
  status = measure(&(watcher){progress, context}, &topology, &e);
  mf_topology_free(&topology);
  return mf_api_report(error, &e, status);
}
