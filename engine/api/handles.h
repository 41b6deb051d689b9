// The handles behind minfer.h, shared by the files of api/.
#ifndef MF_API_HANDLES_H
#define MF_API_HANDLES_H

#include "base/alloc.h"
#include "graph/builder.h"
#include "load/image.h"
#include "minfer.h"
#include "models/zoo.h"
#include "pass/pass.h"
#include "plan/plan.h"
#include "quant/quant.h"
#include "run/peaks.h"
#include "run/session.h"
#include "thread/counters.h"
#include "thread/topology.h"
#include "trace/trace.h"
#include <stdatomic.h>

typedef struct mf_part { // of a phase of start-up
  const char *name;
  uint64_t start, duration; // ns
} mf_part;

struct minfer_model {
  mf_arena arena;
  atomic_int references; // sessions and inputs keep a model alive, and may end in other threads
  const mf_network *network;
  mf_recipe recipe;
  mf_weights *weights;
  bool from_file;           // weights is a safetensors source
  uint64_t opened, opening; // when, ns of the monotonic clock, and how long it took; a phase of the first session
  bool opening_told;
  double intensity; // as in plan/chunk.h
  mf_part opening_parts[4];
  int opening_part_count;
  const char **classes;
  int class_count; // names there are
  minfer_model_info info;
};

typedef struct mf_item_of_input {
  const char *name;
  uint8_t *pixels; // height x width x 3, or NULL
  float *floats;   // 3 x height x width, or NULL
} mf_item_of_input;

struct minfer_input {
  mf_arena arena; // names
  minfer_model *model;
  mf_item_of_input *items;
  int count, capacity;
};

struct minfer_session {
  mf_arena arena;
  atomic_int references;  // its user's, and one of each clone; they may end in other threads
  minfer_session *origin; // of a clone: the session that owns graph, plan and calibration; else NULL
  minfer_model *model;
  minfer_session_options options; // with defaults filled in
  mf_topology topology;
  mf_pool *pool;
  mf_graph *graph;
  mf_plan *plan;
  mf_session *session;
  mf_recorder *recorder;
  uint32_t runs; // traced so far
  minfer_phase *phases;
  int phase_count, phase_capacity;
  int first_part; // of the phase that ends next: phases from here on are its parts
  uint64_t phase_end;
  bool has_run;
  mf_counters *counters; // NULL: not asked for
  minfer_plan view;
  mf_trace trace;        // names for spans, built on first use
  minfer_span *spans;    // of the last minfer_session_spans
  uint64_t weights_hash; // int8
  mf_calibration calibration;
  mf_quant_report calibration_report;
  const char *calibration_kind; // "file", "folder", "own input"
};

struct minfer_trace {
  mf_arena arena;
  mf_trace trace; // in the arena
  minfer_trace_view view;
};

// Error bridge: run the body with an mf_error, hand it on. `error` may be NULL.
minfer_status mf_api_report(minfer_error *error, const mf_error *e, mf_status status);

// Options of a caller who was compiled with another minfer.h: both structs begin with their size in bytes. What the
// caller does not know is zero. MF_ERR_USAGE without a size, or when something is set that this library does not know.
mf_status mf_api_options(void *to, size_t size, const void *from, const char *what, mf_error *e);

void mf_api_retain(minfer_model *model);
void mf_api_release(minfer_model *model);

// Where weights of a network are looked for (lookup.c). *fetched: found in the data folder of tools/fetch_weights.sh.
bool mf_api_find_weights(const mf_network *network, double multiplier, char *path, size_t size, bool *fetched);
void mf_api_weights_hint(const mf_network *network, char *text, size_t size);

// Everything known before the network is built: network, weights source, recipe (model.c).
mf_status mf_api_open_weights(minfer_model *model, const minfer_model_options *options, mf_error *e);
// The network at a batch size, before passes. With `b` given, the builder is left to the caller for its parameter
// records.
mf_status mf_api_build(const minfer_model *model, int batch, mf_builder **b, mf_graph **out, mf_error *e);

// How long idle workers poll, in us, from the options' spin_us.
int64_t mf_api_spin(const minfer_session_options *options);

// The session's topology and pool, by its options (clone.c).
mf_status mf_api_make_pool(minfer_session *s, mf_error *e);
// Replace a text of the options by a copy of the session's own; NULL stays.
mf_status mf_api_keep_text(minfer_session *s, const char **text, mf_error *e);

// Start-up phases of a session, in order; the parts of a phase before itself.
mf_status mf_api_phase(minfer_session *s, const char *name, uint64_t start, uint64_t duration, mf_error *e);
mf_status mf_api_part(minfer_session *s, const mf_part *part, const char *cache, mf_error *e);

// Everything recorded so far. Names belong to the session, out->spans to the caller (mf_free) (trace.c).
mf_status mf_api_trace(minfer_session *s, mf_trace *out, mf_error *e);

// int8: observe and annotate the session's graph (calibrate.c).
mf_status mf_api_calibrate(minfer_session *s, const minfer_input *input, mf_error *e);

// This machine's peaks as they were kept (peaks.c); false when there are none, which a broken file is noted as.
bool mf_api_peaks(const mf_topology *topology, mf_peaks *out);
minfer_peak_row mf_api_peak_row(const mf_peak_row *row);

// The plan as minfer.h shows it (describe.c).
mf_status mf_api_describe(minfer_session *s, mf_error *e);

// Fill a session's batch with items first, first + 1, ... of the input, beginning again at its end.
mf_status mf_api_load(minfer_session *s, const minfer_input *input, int first, mf_error *e);
// Fill item `at` of a session's batch.
mf_status mf_api_fill(mf_session *session, const minfer_model *model, const mf_item_of_input *item, int at,
                      mf_error *e);
// Read, resize and crop a picture into `pixels` (height x width x 3).
mf_status mf_api_prepare_picture(const minfer_model *model, const char *path, uint8_t *pixels, mf_error *e);
// Pictures of a folder in name order: full paths in the arena. MF_ERR_FILE when there are none.
mf_status mf_api_pictures(mf_arena *arena, const char *folder, int limit, const char ***paths, int *count, mf_error *e);

// Traces as minfer.h shows them, and as files (trace_value.c).
void mf_api_spans(minfer_span *to, const mf_span *from, size_t count);
mf_status mf_api_trace_view(mf_arena *arena, const mf_trace *trace, minfer_trace_view *out, mf_error *e);
mf_status mf_api_write_trace(const mf_trace *trace, const char *format, const char *path, mf_error *e);

#endif
