// Inside of the reader of trace files.
#ifndef MF_IMPORT_TRACE_READER_H
#define MF_IMPORT_TRACE_READER_H

#include "base/alloc.h"
#include "base/json.h"
#include "trace/trace.h"

#define MF_READER_WROTE "a trace that minfer wrote" // what is expected, mostly
#define MF_READER_LARGEST 9007199254740992.0        // 2^53: up to here a double holds every integer

// Items in the making; indices come in any order.
typedef struct mf_item_table {
  mf_item *items; // name NULL: not seen
  int count;
  size_t capacity;
} mf_item_table;

typedef struct mf_trace_reader {
  mf_trace *out;
  mf_arena *arena;
  const char *path;
  mf_error *e;
  const char *text; // of the file
  size_t size;
  size_t events, events_end;               // where the list of events stands in it, without its brackets
  uint64_t origin;                         // where ts is 0
  double index_end;                        // indices are below
  size_t event;                            // being read, from 1; 0: what stands beside the events
  mf_span *spans;                          // of the events so far
  size_t span_count;                       // likewise
  const mf_span *open[MF_SPAN_KIND_COUNT]; // spans around the next one, outermost first
  int depth;
  mf_item_table tables[MF_SPAN_KIND_COUNT]; // by the kind of their spans; runs have none, threads their primitives
} mf_trace_reader;

// MF_ERR_FILE: "PATH: event 7: <what is wrong> (expected ...)".
mf_status mf_reader_wrong(const mf_trace_reader *r, const char *expected, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const cJSON *mf_reader_member(const cJSON *object, const char *key); // NULL when there is none, or no object
mf_status mf_reader_text(const mf_trace_reader *r, const cJSON *object, const char *key, const char **out);
// An integer from 0 to below `end`, which is at most 2^53.
mf_status mf_reader_below(const mf_trace_reader *r, const cJSON *object, const char *key, double end, double *out);
mf_status mf_reader_count(const mf_trace_reader *r, const cJSON *object, const char *key, uint64_t *out);
// Into the arena: a text, and zeroed room for `count` of something, as *out.
mf_status mf_reader_copy(const mf_trace_reader *r, const char *text, const char **out);
mf_status mf_reader_array(const mf_trace_reader *r, size_t count, size_t size, void *out);

// The next span, which goes to the end of r->spans; the count there is the caller's to raise.
mf_status mf_reader_span(mf_trace_reader *r, const cJSON *event, mf_span *s);

#endif
