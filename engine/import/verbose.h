// A log with oneDNN's verbose lines (any version, any program) as a trace: what repeats becomes runs, primitives stand
// under the layers they belong to, creations are phases. What the trace says in attributes:
//   environment  source, log, onednn_version, onednn_runtime, isa, gpu_runtime, threads; model, width_multiplier;
//                time_axis ("timestamps", or why durations are laid end to end); lines, lines_verbose,
//                lines_executed, lines_created, lines_dispatched, lines_info, lines_graph, lines_message,
//                lines_unreadable, lines_odd and first_odd_line (sizes that do not read), lines_dropped,
//                first_unreadable (number and reason), first_message; runs, primitives_per_run, repeats (1 or 0),
//                executions_outside (of these executions_before, _behind), folded (1: a long log without repetition,
//                one item for each distinct primitive); layers_found, layers_expected, match_note; dispatch_reasons
//   phases       creations: kind, status, count, time_ms; then what runs outside the runs (category "outside"), as in
//                primitives
//   layers       kind, sources, stage, dtype, implementation, input_shape, output_shape
//   primitives   those of a run in order, then each distinct one of outside; kind, implementation, problem, prop_kind,
//                auxiliary, formats and dtypes of operands, post_ops, attributes, engine, from, to, reason, bytes_read,
//                bytes_written, flops, flops_per_byte; descriptor (number of the distinct line), executions and log_ms
//                (all of its lines)
#ifndef MF_IMPORT_VERBOSE_H
#define MF_IMPORT_VERBOSE_H

#include "base/alloc.h"
#include "graph/graph.h"
#include "trace/trace.h"

typedef struct mf_verbose_input { // of the first convolution in a run; 0: there is none
  int64_t height, width, out_channels;
} mf_verbose_input;

typedef struct mf_verbose_options {
  const char *model; // NULL: layers are numbered by kind
  // The network for that input, before passes; *multiplier is its width. Called once, with a model.
  mf_status (*build)(void *context, const mf_verbose_input *input, mf_graph **out, double *multiplier, mf_error *e);
  void *context;
} mf_verbose_options;

// `path` "-" reads stdin. Everything *out points to is in the arena, which stays the caller's to free, after a failure
// too. Errors: MF_ERR_FILE, MF_ERR_UNSUPPORTED (no memory), what `build` returns.
mf_status mf_import_verbose(mf_trace *out, mf_arena *arena, const char *path, const mf_verbose_options *options,
                            mf_error *e);

#endif
