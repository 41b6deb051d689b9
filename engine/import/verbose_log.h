// A log with oneDNN's verbose lines in it, read as a stream: distinct primitives, and what happened in order. Memory
// grows with the distinct primitives and the lines kept, not with the text.
#ifndef MF_IMPORT_VERBOSE_LOG_H
#define MF_IMPORT_VERBOSE_LOG_H

#include "base/alloc.h"
#include "import/verbose_problem.h"
#include <stdint.h>
#include <stdio.h>

#define MF_VERBOSE_EVENTS ((size_t)1 << 20) // executions and creations that are kept; what comes later is only counted
#define MF_VERBOSE_DISTINCT ((size_t)1 << 16) // primitives; likewise

typedef struct mf_verbose_primitive { // everything a line says but the time
  const char *engine, *kind, *impl, *prop, *memory, *attributes, *aux, *problem;
  const char *label; // the kind without a version: "pooling" of pooling_v2
  mf_verbose_problem parsed;
  size_t executions;
  double ms; // of all of them
} mf_verbose_primitive;

typedef struct mf_verbose_creation { // of one kind with one status
  const char *kind, *status;         // kind: a label; "cache_hit", "cache_miss", ..., "" where the version does not say
  size_t count;
  double ms;
} mf_verbose_creation;

typedef struct mf_verbose_reason { // why implementations were passed over
  const char *kind, *text;
  size_t count;
} mf_verbose_reason;

typedef struct mf_verbose_event {
  int primitive;        // index, or -1 for a creation
  int creation;         // likewise
  double ms, timestamp; // timestamp: ms, when it began; negative: none
} mf_verbose_event;

typedef struct mf_verbose_log {
  mf_arena arena;
  mf_verbose_primitive **primitives;
  size_t primitive_count, primitive_capacity;
  mf_verbose_creation *creations;
  size_t creation_count, creation_capacity;
  mf_verbose_reason *reasons; // the first of them; `dispatches` counts all
  size_t reason_count, reason_capacity;
  mf_verbose_event *events;
  size_t event_count, event_capacity;
  uint32_t *table; // hashed: primitive + 1
  size_t table_size;
  // Lines. A line in which two programs' output met counts once for each marker in it.
  size_t lines, verbose, executions, creates, dispatches, infos, graphs, messages, unreadable;
  size_t odd, first_odd;   // executions whose problem does not read as it should, and the line of the first
  size_t dropped;          // executions and creations behind the limits above
  size_t first_unreadable; // number of the line, from 1
  const char *unreadable_why, *first_message;
  const char *marker, *version, *runtime, *isa, *gpu_runtime; // "" where the log does not say
  int threads;                                                // 0: likewise
} mf_verbose_log;

// Zero-initialise *log; free it after a failure too. `path` "-" reads stdin. Errors: MF_ERR_FILE (unreadable, no
// verbose line in it), MF_ERR_UNSUPPORTED (no memory).
mf_status mf_verbose_log_read(mf_verbose_log *log, const char *path, mf_error *e);
mf_status mf_verbose_log_stream(mf_verbose_log *log, FILE *file, const char *name, mf_error *e);
void mf_verbose_log_free(mf_verbose_log *log);

#endif
