// Where a trace stands among other programs' traces, and its ids there. "Trace Context" (W3C Recommendation, 2021).
#ifndef MF_TRACE_CONTEXT_H
#define MF_TRACE_CONTEXT_H

#include "base/error.h"
#include <stdint.h>

typedef struct mf_trace_context {
  uint8_t trace_id[16];        // all zero: not made yet
  uint8_t parent[8];           // the span that caused this trace; all zero: none
  uint8_t flags;               // W3C trace flags: 1 sampled, 2 random id
  uint64_t base;               // what span ids are made of
  const char *service;         // NULL: "minfer"
  const char *const *resource; // more about where it ran: name, value, name, value, ..., NULL; may be NULL
} mf_trace_context;

// Ids of a trace of its own, sampled. `service` and `resource` stay.
void mf_trace_context_create(mf_trace_context *context);
// Take trace id, parent and flags from the text of a traceparent header; *context is untouched when it is broken
// (MF_ERR_USAGE).
mf_status mf_trace_context_continue(mf_trace_context *context, const char *text, mf_error *e);
// The id of span `id` of the trace, or (0) of the root above them all; different ones differ, none is 0.
uint64_t mf_trace_context_span(const mf_trace_context *context, uint64_t id);

#endif
