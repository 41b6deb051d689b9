// The recorder: a ring of fixed-size records. One writer (the thread that runs a session); nothing is allocated, locked
// or formatted while recording, and names are resolved when the trace is read. A NULL recorder records nothing.
#ifndef MF_TRACE_RECORDER_H
#define MF_TRACE_RECORDER_H

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

typedef enum mf_span_kind {
#define MF_SPAN(constant, name) MF_SPAN_##constant,
#include "trace/span.def"
#undef MF_SPAN
  MF_SPAN_KIND_COUNT
} mf_span_kind;
const char *mf_span_kind_name(mf_span_kind kind);

// One span: a cache line. Times in ns of the monotonic clock.
typedef struct mf_record {
  uint64_t start, duration;
  union {
    struct { // thread spans: what the worker did with the time
      uint64_t effective, spin, wait, overhead;
    };
    struct { // the others, where counters were asked for: what all threads of the process did meanwhile
      uint64_t cycles, instructions, cache_misses;
      uint32_t page_faults, voluntary;
    };
  };
  uint32_t index; // run number, layer or primitive
  uint32_t run;
  uint16_t kind, thread;
  union {
    uint32_t chunks;      // thread spans
    uint32_t involuntary; // the others
  };
} mf_record;
_Static_assert(sizeof(mf_record) == 64, "a cache line");

typedef struct mf_recorder mf_recorder;
mf_status mf_recorder_create(mf_recorder **out, size_t capacity,
                             mf_error *e); // capacity in records, rounded up to a power of two
void mf_recorder_free(mf_recorder *recorder);
void mf_recorder_push(mf_recorder *recorder, const mf_record *record); // overwrites the oldest when full

// What is there, oldest first; *dropped counts what was overwritten.
size_t mf_recorder_count(const mf_recorder *recorder, size_t *dropped);
const mf_record *mf_recorder_at(const mf_recorder *recorder, size_t i);

#endif
