// A trace as exporters see it: named things (phases, layers, primitives) with attributes, and spans that say when they
// ran. Built from a recorder's records by whoever knows the names (api/); pointers are borrowed from there.
#ifndef MF_TRACE_TRACE_H
#define MF_TRACE_TRACE_H

#include "trace/context.h"
#include "trace/recorder.h"
#include <stdbool.h>

typedef enum mf_attribute_type {
  MF_ATTRIBUTE_TEXT,
  MF_ATTRIBUTE_TEXTS,
  MF_ATTRIBUTE_INT,
  MF_ATTRIBUTE_DOUBLE
} mf_attribute_type;
typedef struct mf_attribute {
  const char *key; // with its unit: "bytes_read", "scratchpad_bytes"
  mf_attribute_type type;
  const char *text;
  const char *const *texts;
  int64_t integer; // of TEXTS: how many
  double number;
} mf_attribute;

typedef struct mf_item {
  const char *name;     // "layer1.0.conv1+bn1+relu"
  const char *category; // for colours and filters: "convolution", "reorder", "start-up"
  const mf_attribute *attributes;
  int attribute_count;
  double flops; // one execution's, for achieved rates; 0: none
  double bytes; // read and written by one execution
  double roof;  // ns that one execution takes at least on this machine; 0: unknown
} mf_item;

typedef struct mf_span {
  mf_span_kind kind;
  uint64_t id, parent;      // ids from 1; parent 0: none. A parent comes before its children
  uint64_t start, duration; // ns, monotonic clock
  int index;  // phase, number of the run, layer, primitive; of the primitive for thread spans; for gaps 1 more than the
              // primitive before it, 0 at the beginning of the run
  int thread; // worker; 0 is the caller
  uint64_t effective, spin, wait, overhead; // ns; thread spans
  uint32_t chunks;
  uint32_t chunk; // of its run, from 0: layers, primitives and their threads
  // Counters of runs, layers and primitives, where there are any: of all threads of the process.
  uint64_t cycles, instructions, cache_misses;
  uint32_t page_faults, voluntary, involuntary; // the last two: context switches
} mf_span;

typedef struct mf_buffer { // an activation in the slab
  const char *name;
  size_t offset, bytes;
  int first, last; // primitives between which it is alive, both included
} mf_buffer;

typedef struct mf_trace {
  const char *name;                // "minfer resnet50 int8"
  uint64_t monotonic, epoch;       // the same moment on both clocks, ns
  const mf_attribute *environment; // machine, versions, options of the run
  int environment_count;
  const mf_item *phases, *layers, *primitives;
  const mf_item *gaps; // primitive_count + 1: before the first primitive and after each
  int phase_count, layer_count, primitive_count;
  const mf_span *spans; // sorted by start, parents before children
  size_t span_count, dropped;
  bool in_chunks;                   // runs go through the primitives more than once, and spans say which time it is
  bool counters, hardware_counters; // what spans hold: page faults and switches; cycles, instructions, misses
  const mf_buffer *buffers;
  int buffer_count;
  mf_trace_context context; // without a trace id: exporters that need ids make some
} mf_trace;

const mf_item *mf_trace_item(const mf_trace *trace, const mf_span *span); // NULL for runs
const char *mf_trace_name(const mf_trace *trace, const mf_span *span);    // "run" for runs
bool mf_span_has_counters(const mf_span *span);                           // of its kind, where a trace has any
bool mf_span_has_chunk(const mf_span *span);                              // of its kind, where runs have several

// Turns records into spans with ids and parents. `phases` come first, as APPLICATION spans; they are in time order and
// end before the first run. `layer_of` gives each primitive's layer, or -1 where its parent is the run (reorders).
// *out is mf_alloc'd. Runs that failed, or whose first records were overwritten, are left out. Where primitives were
// recorded, what lies between them becomes GAP spans, if it lasts MF_GAP_NS or longer; their parent is the layer, or
// between layers the run. A step of a run that does not come behind the one before it begins the next chunk.
#define MF_GAP_NS 1000
mf_status mf_trace_spans(mf_span **out, size_t *count, const mf_recorder *recorder, const int *layer_of,
                         const mf_span *phases, int phase_count, mf_error *e);

#endif
