// The named things of a log's trace: phases, layers and primitives with their attributes, and the environment.
#ifndef MF_IMPORT_VERBOSE_ITEMS_H
#define MF_IMPORT_VERBOSE_ITEMS_H

#include "import/verbose_layers.h"
#include "import/verbose_runs.h"
#include "trace/trace.h"

typedef struct mf_verbose_parts {
  const char *path, *model; // model NULL: none
  double multiplier;
  const mf_verbose_log *log;
  const mf_verbose_runs *runs;
  const int *sequence; // of `length` primitives: a run, or (folded) every distinct primitive once
  int length;
  bool folded;
  const mf_verbose_layers *layers;
  const char *time_axis;
  int *outside; // of a distinct primitive: its item where it runs outside the runs, or -1. Filled here
} mf_verbose_parts;

// Fills everything of *out but spans and clock.
mf_status mf_verbose_items(mf_trace *out, mf_arena *arena, mf_verbose_parts *parts, mf_error *e);

#endif
