// Trace files that minfer wrote (schema minfer.trace/1, as export/chrome.c writes it), read back. What was recorded
// comes back exactly: written again, the file is the same byte for byte.
#ifndef MF_IMPORT_TRACE_FILE_H
#define MF_IMPORT_TRACE_FILE_H

#include "base/alloc.h"
#include "trace/trace.h"

#define MF_TRACE_FILE_BYTES ((size_t)256 << 20) // a larger file is refused: reading takes several times its size

// Everything *out points to is in the arena, which stays the caller's to free, after a failure too. `path` is for
// messages. Differences from the trace that was written: numbers without a fraction are MF_ATTRIBUTE_INT; phases,
// layers and primitives that no span is of have no attributes, and "" as name and category; what is no UTF-8 was
// replaced when it was written. Layers have their attribute "kind" as category; flops are the attribute "flops", bytes
// the sum of "bytes_read" and "bytes_written". Spans of one track are apart or within each other, children within their
// parents, all indices in range.
// Errors: MF_ERR_FILE, MF_ERR_UNSUPPORTED (no memory).
mf_status mf_import_trace(mf_trace *out, mf_arena *arena, const char *bytes, size_t size, const char *path,
                          mf_error *e);
mf_status mf_import_trace_file(mf_trace *out, mf_arena *arena, const char *path, mf_error *e);

#endif
