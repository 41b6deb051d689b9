#include "run/roofline.h"

// The smallest level that has room for `bytes`, and that was measured.
static mf_memory level_of(const mf_peaks *peaks, const mf_peak_row *row, size_t bytes) {
  for (mf_memory level = 0; level < MF_MEMORY_DRAM; level++) {
    const bool is_private = level < MF_MEMORY_L3;
    const double room = (double)peaks->cache_bytes[level] * (is_private ? row->threads : 1);
    if (row->read[level].rate > 0 && row->copy[level].rate > 0 && (double)bytes <= room) return level;
  }
  return MF_MEMORY_DRAM;
}

static double activation_ns(const mf_peak_row *row, mf_memory level, double read, double written) {
  const double copied = written < read ? 2 * written : written + read;
  return copied / row->copy[level].rate + (read + written - copied) / row->read[level].rate;
}

mf_roof mf_roofline(const mf_peaks *peaks, int threads, const mf_work *w, size_t footprint) {
  const mf_peak_row row = mf_peaks_at(peaks, threads);
  const mf_memory near = level_of(peaks, &row, w->weights + w->read + w->written);
  const mf_memory far = level_of(peaks, &row, footprint);
  double ns[MF_MEMORY_LEVELS] = {0};
  ns[near] += activation_ns(&row, near, (double)w->read, (double)w->written);
  ns[far] += (double)w->weights / row.read[far].rate;
  const double rate = row.compute[w->type].rate > 0 ? row.compute[w->type].rate : row.compute[MF_PEAK_F32].rate;
  const double computing = w->flops / rate, moving = near == far ? ns[near] : ns[near] + ns[far];
  if (!(computing > 0) && !(moving > 0)) return (mf_roof){0, ""};
  if (computing >= moving) return (mf_roof){computing, "compute"};
  return (mf_roof){moving, mf_memory_name(ns[far] > ns[near] ? far : near)};
}
