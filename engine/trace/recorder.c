#include "trace/recorder.h"
#include "base/alloc.h"

struct mf_recorder {
  mf_record *records;
  size_t mask;    // capacity - 1
  size_t written; // ever
};

const char *mf_span_kind_name(mf_span_kind kind) {
  static const char *const names[] = {
#define MF_SPAN(constant, name) name,
#include "trace/span.def"
#undef MF_SPAN
  };
  return names[kind];
}

mf_status mf_recorder_create(mf_recorder **out, size_t capacity, mf_error *e) {
  size_t size = 1, bytes;
  while (size < capacity && size < (SIZE_MAX >> 2)) size <<= 1;
  if (!mf_mul(size, sizeof(mf_record), &bytes)) return mf_fail_memory(e, SIZE_MAX);
  mf_recorder *recorder = mf_alloc_zero(sizeof *recorder);
  if (!recorder) return mf_fail_memory(e, sizeof *recorder);
  // Zeroed so that the pages are there before the first traced run touches them.
  recorder->records = mf_alloc_zero(bytes);
  if (!recorder->records) {
    mf_free(recorder);
    return mf_fail_memory(e, bytes);
  }
  recorder->mask = size - 1;
  *out = recorder;
  return MF_OK;
}

void mf_recorder_free(mf_recorder *recorder) {
  if (!recorder) return;
  mf_free(recorder->records);
  mf_free(recorder);
}

void mf_recorder_push(mf_recorder *recorder, const mf_record *record) {
  if (!recorder) return;
  recorder->records[recorder->written++ & recorder->mask] = *record;
}

size_t mf_recorder_count(const mf_recorder *recorder, size_t *dropped) {
  size_t written = recorder ? recorder->written : 0;
  size_t count = recorder && written > recorder->mask ? recorder->mask + 1 : written;
  if (dropped) *dropped = written - count;
  return count;
}

const mf_record *mf_recorder_at(const mf_recorder *recorder, size_t i) {
  size_t first = recorder->written > recorder->mask ? recorder->written : 0;
  return &recorder->records[(first + i) & recorder->mask];
}
