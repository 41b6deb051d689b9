// OTLP in requests of a size that collectors take.
#ifndef MF_EXPORT_OTLP_H
#define MF_EXPORT_OTLP_H

#include "trace/trace.h"
#include <stdio.h>

// One ExportTraceServiceRequest with `count` spans from number `first` on. Numbers go from 0, the root that the format
// needs above all spans, to span_count. The trace must have a context with ids, so that the requests are of one trace.
void mf_export_otlp_part(const mf_trace *trace, size_t first, size_t count, FILE *to);

#endif
