// minfer: a CPU inference micro-engine with built-in tracing. The only public header.
//
//   minfer_model *model;  minfer_session *session;  minfer_input *input;  minfer_error error;
//   minfer_model_open(&(minfer_model_options){.size = sizeof(minfer_model_options), .model = "resnet18"}, &model,
//   &error); minfer_input_create(model, &input, &error);           minfer_input_add_image(input, "cat.jpg", &error);
//   minfer_session_create(model, input, &(minfer_session_options){.size = sizeof(minfer_session_options)}, &session,
//   &error); minfer_session_load(session, input, 0, &error);       minfer_session_run(session, NULL, &error);
//   minfer_session_output(session, logits, count, &error);
//
// Rules: a function that can fail returns a minfer_status and fills the error (which may be NULL). Structs that callers
// fill begin with their size; every other zero is the default. Pointers in results belong to the handle they came from
// and live as long as it does. A handle is used by one thread at a time; different handles may be used at once. A
// session keeps its model alive, not its input.
#ifndef MINFER_H
#define MINFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MINFER_API __attribute__((visibility("default")))

// ---- errors and notes
// --------------------------------------------------------------------------------------------------------------

typedef enum minfer_status { // also the program's exit statuses
  MINFER_OK = 0,
  MINFER_GATE = 1,        // a gate failed: accuracy below target, regression over the limit
  MINFER_USAGE = 2,       // wrong use
  MINFER_FILE = 3,        // a file is broken or does not fit
  MINFER_UNSUPPORTED = 4, // this machine or build cannot do it: ISA, operator, permission, out of memory
  MINFER_OUTPUT = 5,      // the result could not be written or delivered
  MINFER_INTERRUPTED = 130
} minfer_status;

typedef struct minfer_error {
  minfer_status status;
  char text[768]; // one line: what is wrong (what was expected)
  char hint[256]; // what to do, or empty
} minfer_error;

MINFER_API const char *minfer_version(void);
// Notes (level 0) and warnings (level 1) for people; nothing is printed without a sink.
MINFER_API void minfer_set_log(void (*sink)(int level, const char *line, void *context), void *context);

// ---- networks and models
// -----------------------------------------------------------------------------------------------------------

typedef struct minfer_network {
  const char *name, *summary;
  const char *weights_hint; // how to get weights: a command, or a file of a public hub
  int height, width;        // default input size
  bool has_multiplier;      // --width makes sense
} minfer_network;
MINFER_API int minfer_network_count(void);
MINFER_API const minfer_network *
minfer_network_at(int index); // the calling thread's, until its next call; NULL out of range
// Where the lookup finds weights for a network (width 0: the default); false when it will be synthetic. The path is cut
// to `size`.
MINFER_API bool minfer_weights_find(const char *network, double multiplier, char *path, size_t size);

typedef struct minfer_model minfer_model;
typedef struct minfer_model_options {
  size_t size;
  const char *model;   // a network's name
  const char *weights; // a safetensors file, "synthetic" or "synthetic:SEED"; NULL: looked up, else synthetic
  double multiplier;   // channel multiplier; 0: the weights' or the network's
  int height, width;   // input size; 0: the weights' or the network's
  const char *classes; // a file with a class name a line; NULL: ImageNet's when there are 1000 classes
} minfer_model_options;
MINFER_API minfer_status minfer_model_open(const minfer_model_options *options, minfer_model **out,
                                           minfer_error *error);
MINFER_API void minfer_model_close(minfer_model *model); // NULL is allowed; open sessions keep what they need

typedef struct minfer_model_info {
  const char *name;
  const char *weights_source; // "file" (named or from $MINFER_DATA), "fetched" (from the data folder of
                              // tools/fetch_weights.sh), "synthetic"
  const char *weights_path;   // "" when synthetic
  uint64_t seed;              // of synthetic weights
  int64_t parameters;         // numbers the network reads
  int extra_tensors;          // tensors of the file that the network does not read
  int height, width, classes;
  double multiplier;
  float mean[3], std[3];
  int resize;
  const char *interpolation, *padding; // "bilinear", "bicubic"; "torch", "same"
  double bn_epsilon;
} minfer_model_info;
MINFER_API const minfer_model_info *minfer_model_describe(const minfer_model *model);
MINFER_API const char *minfer_model_class(const minfer_model *model, int index); // "class 7" when it has no name

// The weights file against the network, without opening a model: works for a file that does not fit.
typedef struct minfer_tensor {
  const char *name;
  const char *state;            // "ok", "missing", "wrong shape", "wrong dtype", "extra"
  char expected[96], found[96]; // "64x3x7x7"; empty where there is none
  const char *dtype;            // of the file: "F32"; "" where there is none
} minfer_tensor;
typedef struct minfer_tensors minfer_tensors;
MINFER_API minfer_status minfer_tensors_compare(const minfer_model_options *options, minfer_tensors **out,
                                                minfer_error *error);
MINFER_API const minfer_tensor *minfer_tensors_list(const minfer_tensors *tensors, int *count);
MINFER_API void minfer_tensors_free(minfer_tensors *tensors);

// ---- input
// -------------------------------------------------------------------------------------------------------------------------

// A list of pictures (kept as prepared 8-bit pixels) or of float arrays, in the shape the model wants. Not both at once
// (MINFER_USAGE).
typedef struct minfer_input minfer_input;
MINFER_API minfer_status minfer_input_create(const minfer_model *model, minfer_input **out, minfer_error *error);
MINFER_API void minfer_input_free(minfer_input *input);
MINFER_API minfer_status minfer_input_add_image(minfer_input *input, const char *path,
                                                minfer_error *error); // JPEG, PNG, BMP
// Every picture of a folder in name order. Files that are no pictures are passed over; broken pictures too unless
// `strict`. `limit` > 0 takes that many at even spacing. *skipped (may be NULL) counts broken ones.
MINFER_API minfer_status minfer_input_add_folder(minfer_input *input, const char *folder, int limit, bool strict,
                                                 int *skipped, minfer_error *error);
MINFER_API minfer_status minfer_input_add_npy(minfer_input *input, const char *path,
                                              minfer_error *error); // N,3,H,W float32, normalised
MINFER_API minfer_status minfer_input_add_generated(minfer_input *input, int count, uint64_t seed,
                                                    minfer_error *error); // seeded pictures
MINFER_API int minfer_input_count(const minfer_input *input);
MINFER_API const char *minfer_input_name(const minfer_input *input,
                                         int index); // file name, "file.npy[3]", "generated 1"

// ---- sessions
// ----------------------------------------------------------------------------------------------------------------------

typedef enum minfer_dtype { MINFER_F32, MINFER_BF16, MINFER_F16, MINFER_INT8 } minfer_dtype;
typedef enum minfer_layout {
  MINFER_LAYOUT_AUTO,
  MINFER_LAYOUT_BLOCKED,
  MINFER_LAYOUT_NHWC,
  MINFER_LAYOUT_NCHW
} minfer_layout;
typedef enum minfer_algorithm {
  MINFER_ALGORITHM_AUTO,    // kernels of our own where they are faster, else what oneDNN picks
  MINFER_ALGORITHM_DIRECT,  // oneDNN's alone
  MINFER_ALGORITHM_GEMM,    // oneDNN's im2col convolution
  MINFER_ALGORITHM_WINOGRAD // F(4x4, 3x3) wherever it can be, f32 alone; else as auto
} minfer_algorithm;
// int8: scale the channels of activations, and the weights around them, so that each uses more of the range.
typedef enum minfer_equalisation {
  MINFER_EQUALISATION_AUTO, // where the output comes nearer to f32's
  MINFER_EQUALISATION_ON,
  MINFER_EQUALISATION_OFF
} minfer_equalisation;
typedef enum minfer_trace_level {
  MINFER_TRACE_RUN,
  MINFER_TRACE_LAYER,
  MINFER_TRACE_PRIMITIVE,
  MINFER_TRACE_THREAD
} minfer_trace_level;

typedef struct minfer_session minfer_session;
typedef struct minfer_session_options {
  size_t size;
  int batch; // 0: 1
  minfer_dtype dtype;
  minfer_layout layout;
  bool no_fusion; // BatchNorm, activations and sums as primitives of their own
  minfer_algorithm algorithm;
  bool emulate;         // bf16 on a machine with AVX-512 but without native bf16
  int threads;          // 0: physical cores this process may use
  int64_t spin_us;      // how long idle workers poll before they sleep; 0: 1000; negative: they sleep at once
  const char *affinity; // "none", "compact", "scatter" or a list of CPUs; NULL: one worker a core if there are enough
  // int8: a folder of pictures (300 of a larger one, at even spacing), or a file that minfer_session_save_calibration
  // wrote; NULL: the input given to minfer_session_create.
  const char *calibration;
  const char *calibrator;  // int8: NULL ("mse"), a name of minfer_calibrator, or "auto": the best of all
  bool no_bias_correction; // int8: leave the biases as they are
  double accuracy_target;  // int8: layers go to f32 until this share of the images agrees with f32; 0: none do
  bool survey;             // int8: try every calibrator and fill the plan's candidates
  bool strict;             // int8: a broken picture in the calibration folder is an error
  bool counters;           // spans hold page faults, context switches and, where allowed, hardware counters
  // Called during long steps; `total` may be 0. Returning false interrupts (MINFER_INTERRUPTED).
  bool (*progress)(const char *phase, size_t done, size_t total, void *context);
  void *progress_context;
  // Sessions that run at once part the cores: of so many (0: 1) with `threads` each (0: an equal part of the cores)
  // this is the one with that index.
  int instances, instance;
  // Images that go through the network at once: a run goes through it batch / chunk times, with activations of one
  // chunk. It divides the batch. 0: up to 32, and up to 8 or 4 where the network would wait
  // for memory; a batch without such a divisor whole.
  int chunk;
  // int8: take over the calibration of another int8 session with the same weights, whatever its batch and threads; it
  // may be freed afterwards. The choices above that calibration offers are not given then. NULL: calibrate.
  const minfer_session *calibrated_like;
  minfer_equalisation equalisation; // int8
} minfer_session_options;

// Calibrators by name; NULL at the end of the list. *summary (may be NULL) is a line for people.
MINFER_API const char *minfer_calibrator(int index, const char **summary);
// `input` is read only when int8 has to calibrate on it; may be NULL otherwise.
MINFER_API minfer_status minfer_session_create(minfer_model *model, const minfer_input *input,
                                               const minfer_session_options *options, minfer_session **out,
                                               minfer_error *error);
// Another session over the plan and the packed weights of `session`, with activations and threads of its own: memory
// grows by these only, and both may run at once. Of the options only instances, instance, spin_us and affinity count;
// `threads` is 0 or the plan's. NULL: defaults. What is shared lives until the last of them is freed.
MINFER_API minfer_status minfer_session_clone(minfer_session *session, const minfer_session_options *options,
                                              minfer_session **out, minfer_error *error);
MINFER_API void minfer_session_free(minfer_session *session); // NULL is allowed
// Write the calibration of an int8 session, for minfer_session_options.calibration. Whole or not at all.
MINFER_API minfer_status minfer_session_save_calibration(minfer_session *session, const char *path,
                                                         minfer_error *error);
// Fill the batch with items first, first + 1, ... of the input, beginning again at its end.
MINFER_API minfer_status minfer_session_load(minfer_session *session, const minfer_input *input, int first,
                                             minfer_error *error);
MINFER_API minfer_status minfer_session_run(minfer_session *session, uint64_t *duration_ns,
                                            minfer_error *error); // untraced
// One run that records spans down to `level`. `duration_ns` is the run's wall time with tracing in it.
MINFER_API minfer_status minfer_session_run_traced(minfer_session *session, minfer_trace_level level,
                                                   uint64_t *duration_ns, minfer_error *error);
// The network's output before softmax: batch rows of `classes` floats.
MINFER_API minfer_status minfer_session_output(minfer_session *session, float *logits, size_t count,
                                               minfer_error *error);

// ---- the plan: what will run and why
// ------------------------------------------------------------------------------------------------

typedef struct minfer_argument {
  const char *format; // "nhwc", "nChw16c", "OIhw16i64o"; "" when the primitive has no such argument
  const char *dtype;  // "f32", "s8", ...; "" likewise
} minfer_argument;

typedef struct minfer_primitive {
  const char
      *kind; // oneDNN's word: convolution, inner_product, pooling, eltwise, binary, sum, concat, softmax, lrn, reorder
  const char *name;    // the layer's name; for a reorder "from -> to"
  int layer;           // index into layers; -1 for a reorder of the network's input or output
  const char *impl;    // "brgconv_1x1:avx512_core_vnni"
  const char *problem; // in benchdnn's form: "mb1ic64ih56oc64oh56kh3ph1"
  minfer_argument source, weights, bias, destination;
  const char *post_ops; // "sum:0.5:u8+eltwise_relu"; "" for none
  size_t scratchpad_bytes;
  double flops; // multiply-adds that it executes, times two; as the bytes, of one execution
  size_t bytes_read, bytes_written;
  // Reorders, and primitives that convert inside themselves:
  const char *from, *to; // layers at both ends of the edge; "" otherwise
  const char *reason;    // "input format", "dtype", "format mismatch: conv1 wrote nhwc, pool's fastest reads nChw16c",
                         // "concat", "output"; "" for none
  // With peaks (minfer_peaks_get) only:
  double roof_ns;    // the least time that it can take on this machine; 0: unknown
  const char *bound; // what sets it: "compute", "L1", "L2", "L3", "DRAM"; "" unknown
} minfer_primitive;

typedef struct minfer_layer {
  const char *name;  // "layer1.0.conv1+bn1+relu"
  const char *kind;  // of its main primitive
  const char *stage; // "conv2_x"
  const char *dtype; // what it computes in
  const char *impl;
  const char *const *sources; // layers of the network that it covers
  int source_count;
  char input_shape[96], output_shape[96];
  double flops;
  int first_primitive, primitive_count; // its own primitives; reorders in front of it are not among them
  double roof_ns;                       // of its primitives together; 0: unknown
  const char *bound;                    // of the one with the highest roof_ns; "" unknown
} minfer_layer;

typedef struct minfer_buffer { // an activation in the slab
  const char *name;
  size_t offset, bytes;
  int first_primitive, last_primitive; // alive from .. to, both included
} minfer_buffer;

// Start-up in order: "weights", "threads", "build", "pass fold_batch_norm", "calibrate", "primitives", "memory plan",
// "pack weights", "session", "first run" (once it is over, unless it was traced). Phases do not overlap. The parts of a
// phase come behind it: of "primitives" each one that was made.
typedef struct minfer_phase {
  const char *name;
  uint64_t start_ns, duration_ns;
  int parent;        // index of the phase that it is a part of; -1: none
  const char *cache; // primitives: "hit" or "miss" of oneDNN's cache of them; "" otherwise, and where it does not tell
} minfer_phase;

// The output in int8 against f32's, on up to 128 of the calibration's images.
typedef struct minfer_quality {
  double sqnr_db;   // 10 log10(sum of squares of f32's outputs / that of the differences)
  double agreement; // share of images with the same first class
  int images;       // 0: not measured
} minfer_quality;
typedef struct minfer_candidate { // a calibrator that was tried
  const char *calibrator;
  minfer_quality plain, corrected; // without and with bias correction
} minfer_candidate;
typedef struct minfer_float_layer { // stays in f32
  const char *layer, *reason;
} minfer_float_layer;

// What this machine can do at best, measured: see minfer_measure_peaks.
typedef enum minfer_memory { MINFER_L1, MINFER_L2, MINFER_L3, MINFER_DRAM, MINFER_MEMORY_LEVELS } minfer_memory;
typedef struct minfer_peak {
  double rate;      // 10^9 a second; 0: there is none (no such cache, a type without native support)
  double clock_ghz; // of a core under this load; 0: unknown
} minfer_peak;
typedef struct minfer_peak_row {
  int threads;
  minfer_peak compute[MINFER_INT8 + 1];   // by minfer_dtype: floating-point operations, two for a multiply-add
  minfer_peak read[MINFER_MEMORY_LEVELS]; // by minfer_memory: bytes read
  minfer_peak copy[MINFER_MEMORY_LEVELS]; // bytes read plus bytes written
} minfer_peak_row;

typedef struct minfer_plan {
  minfer_dtype dtype;
  int batch, threads;
  int chunks;                         // times that a run executes every primitive, each for batch / chunks images
  const char *isa;                    // the one oneDNN uses: "avx512_core_vnni"
  const minfer_primitive *primitives; // in execution order
  int primitive_count;
  const minfer_layer *layers;
  int layer_count;
  const minfer_buffer *buffers;
  int buffer_count;
  const minfer_phase *phases;
  int phase_count;
  size_t activation_bytes, activation_bound_bytes, weight_bytes, scratchpad_bytes;
  const char *calibration_source; // int8: "folder DIR", "file FILE", "own input"; "" otherwise
  const char *calibrator;         // int8: "mse"; "" otherwise
  int calibration_images;
  int corrected_layers;               // int8: layers whose bias was corrected
  const minfer_candidate *candidates; // int8, when calibrators were compared
  int candidate_count;
  minfer_quality quality;                 // int8, when it was calibrated here, not by a file
  const minfer_float_layer *float_layers; // int8: convolutions and inner products that compute in f32
  int float_layer_count;
  const minfer_peak_row *peaks; // of the plan's number of threads; NULL: not measured
  const char *counters;         // which counters spans hold, and why not more; "" without them
  bool hardware_counters;       // cycles, instructions and cache misses are among them
  int equalised_tensors;        // int8: activations whose channels were equalised, those that share factors as one
} minfer_plan;
MINFER_API const minfer_plan *minfer_session_plan(const minfer_session *session);

// ---- two sessions on the same inputs
// ------------------------------------------------------------------------------------------------

// The output of one layer of b against the same value in a.
typedef struct minfer_layer_error {
  int layer_a;    // index into a's layers of the one that writes it too; -1: fused away there
  double sqnr_db; // 10 log10(sum of a^2 / sum of (a - b)^2); infinite when all numbers are equal; NaN when unknown: no
                  // layer_a, or numbers that are not finite
} minfer_layer_error;
// Run both on items first, first + 1, ... of the input: `count` of them, rounded up to whole batches (it begins again
// at its end). `out` is the caller's, one for each layer of b's plan. Sessions of one network, input size and batch
// (else MINFER_USAGE); everything else may differ. Keeps up to 256 MiB of activations (or the largest, when that is
// more) and takes more passes where these are not enough. b's progress is told. What both were loaded with is
// overwritten.
MINFER_API minfer_status minfer_session_compare(minfer_session *a, minfer_session *b, const minfer_input *input,
                                                int first, int count, minfer_layer_error *out, minfer_error *error);

// ---- the trace
// ---------------------------------------------------------------------------------------------------------------------

typedef enum minfer_span_kind {
  MINFER_SPAN_APPLICATION,
  MINFER_SPAN_RUN,
  MINFER_SPAN_LAYER,
  MINFER_SPAN_PRIMITIVE,
  MINFER_SPAN_THREAD,
  MINFER_SPAN_GAP // time of a run outside of its primitives, from 1 us on
} minfer_span_kind;
typedef struct minfer_span {
  minfer_span_kind kind;
  uint64_t id, parent;            // parent 0: none
  uint64_t start_ns, duration_ns; // monotonic clock
  int index;  // phase, number of the traced run, layer, primitive, (thread spans) primitive, or (gaps) 1 more than the
              // primitive before it; 0: it is before the first
  int thread; // worker; 0 is the caller
  uint64_t effective_ns, spin_ns, wait_ns, overhead_ns; // thread spans
  int chunks;                                           // thread spans: the pieces of work that the worker took
  int chunk; // layers, primitives and threads of a plan in chunks: of which chunk of the run, from 0
  // Runs, layers and primitives of a session with `counters`: what all threads of the process did meanwhile. The first
  // three only where the machine and the kernel allow (minfer_plan.counters says so).
  uint64_t cycles, instructions, cache_misses;
  int page_faults, voluntary_switches, involuntary_switches;
} minfer_span;
// Everything recorded since the session was created (start-up phases included), parents before children. `dropped` (may
// be NULL) counts records of old runs that the ring has overwritten. Valid until the next call.
MINFER_API const minfer_span *minfer_session_spans(minfer_session *session, size_t *count, size_t *dropped);
MINFER_API const char *minfer_span_name(const minfer_session *session, const minfer_span *span);

// Trace formats by name ("chrome"); NULL at the end of the list.
MINFER_API const char *minfer_trace_format(int index);
MINFER_API const char *minfer_trace_suffix(int index); // ".trace.json"
// Write the trace whole or not at all.
MINFER_API minfer_status minfer_trace_write(minfer_session *session, const char *format, const char *path,
                                            minfer_error *error);

// A trace as a value, wherever it comes from: a session, a file that minfer wrote, another program's log.
typedef struct minfer_trace minfer_trace;
typedef enum minfer_attribute_type {
  MINFER_ATTRIBUTE_TEXT,
  MINFER_ATTRIBUTE_TEXTS,
  MINFER_ATTRIBUTE_INT,
  MINFER_ATTRIBUTE_DOUBLE
} minfer_attribute_type;
typedef struct minfer_attribute {
  const char *key; // with its unit: "bytes_read", "scratchpad_bytes"
  minfer_attribute_type type;
  const char *text;
  const char *const *texts;
  int64_t integer; // of TEXTS: how many
  double number;   // of INT too
} minfer_attribute;
typedef struct minfer_item { // what a span is one execution of
  const char *name, *category;
  const minfer_attribute *attributes;
  int attribute_count;
  double flops, bytes; // of one execution; 0: none, unknown
} minfer_item;
typedef struct minfer_trace_view {
  const char *name;                    // "minfer resnet50 int8"
  uint64_t monotonic_ns, epoch_ns;     // the same moment on both clocks; epoch 0: unknown
  const minfer_attribute *environment; // machine, versions, options of the run
  int environment_count;
  const minfer_item *phases, *layers, *primitives; // minfer_span.index counts these
  int phase_count, layer_count, primitive_count;
  const minfer_span *spans; // sorted by start, parents before children
  size_t span_count, dropped;
  const minfer_buffer *buffers;
  int buffer_count;
} minfer_trace_view;
// Read a trace that minfer wrote (format "chrome").
MINFER_API minfer_status minfer_trace_read(const char *path, minfer_trace **out, minfer_error *error);
// Read the verbose lines of any oneDNN (or DNNL, MKL-DNN) program out of its output; "-" is stdin. What repeats becomes
// runs. engine/import/verbose.h lists the attributes. MINFER_FILE when there is no such line.
typedef struct minfer_verbose_options {
  size_t size;
  const char *model; // network whose layers the primitives are named after; NULL: numbered by kind
  double multiplier; // channel multiplier; 0: by the log's first convolution
} minfer_verbose_options;
MINFER_API minfer_status minfer_trace_read_verbose(const char *path, const minfer_verbose_options *options,
                                                   minfer_trace **out, minfer_error *error);
MINFER_API const minfer_trace_view *minfer_trace_describe(const minfer_trace *trace);
// Write it again, whole or not at all; format NULL: by the path's suffix.
MINFER_API minfer_status minfer_trace_convert(const minfer_trace *trace, const char *format, const char *path,
                                              minfer_error *error);
MINFER_API void minfer_trace_free(minfer_trace *trace);
// Where the trace stands among other programs' (formats "otlp" and "zipkin"). A session that is told nothing has a
// trace id of its own and the service "minfer".
typedef struct minfer_trace_context {
  size_t size;
  const char *traceparent;     // W3C trace context that the trace continues; NULL: none
  const char *service;         // NULL: "minfer"
  const char *const *resource; // more about where it runs: name, value, name, value, ..., NULL; or NULL
} minfer_trace_context;
// Once, before the trace is written or sent. MINFER_USAGE for a broken traceparent; then nothing is set.
MINFER_API minfer_status minfer_session_set_trace_context(minfer_session *session, const minfer_trace_context *context,
                                                          minfer_error *error);
// Hand the trace over as OTLP requests (ExportTraceServiceRequest as JSON) of at most 2000 spans and 4 MiB each, unless
// one span is larger. The library opens no connection: `send` transports. What it returns beside MINFER_OK ends it and
// is returned, with the error as `send` filled it.
typedef minfer_status minfer_trace_sender(const char *bytes, size_t count, void *context, minfer_error *error);
MINFER_API minfer_status minfer_trace_send(minfer_session *session, minfer_trace_sender *send, void *context,
                                           minfer_error *error);
// What a collector's answer to such a request says: how many spans it refused, and why ("" when it does not say; cut to
// `size`). An answer that is no JSON refuses none.
MINFER_API int64_t minfer_trace_refused(const char *answer, size_t count, char *why, size_t size);

// ---- the machine
// -------------------------------------------------------------------------------------------------------------------

typedef struct minfer_environment {
  const char *cpu;
  int logical_cpus, physical_cores; // that this process may use
  double cgroup_cpus;               // quota in CPUs; 0: none
  int default_threads;
  size_t l1d_bytes, l2_bytes, l3_bytes, memory_bytes, cgroup_memory_bytes; // 0: unknown or none
  const char *isa;                                                         // the one oneDNN uses
  bool native_bf16, native_f16, native_int8;                               // native_int8: VNNI or better
  bool has_amx;
  const char *onednn_version, *onednn_runtime;
} minfer_environment;
// Asks oneDNN for its ISA, which settles it: minfer_set_isa comes before.
MINFER_API const minfer_environment *minfer_environment_get(void);
// Limit oneDNN to an ISA ("sse41", "avx2", "avx512_core", ...). Once, before the first session is made. MINFER_USAGE
// lists the names; MINFER_UNSUPPORTED when this machine lacks it.
MINFER_API minfer_status minfer_set_isa(const char *isa, minfer_error *error);
// Let a sampling profiler name the kernels that oneDNN generates: "perf" or "vtune". Before the first session is made.
// "perf" writes /tmp/perf-PID.map, and for `perf inject --jit` a dump below $JITDUMPDIR or ~/.debug/jit.
// MINFER_UNSUPPORTED when oneDNN was built without it.
MINFER_API minfer_status minfer_set_jit_profile(const char *profiler, minfer_error *error);

// The machine's peaks: how fast oneDNN multiplies (matmul, by type) and how fast memory is read and copied (by the
// level that holds what is gone through), for 1, 2, 4, ... threads and for all cores. With them plans know the
// roofline.
typedef struct minfer_peaks {
  const minfer_peak_row *rows; // by rising number of threads
  int row_count;
  double clock_ghz;   // of a core that adds integers
  int64_t measured_s; // when, seconds since 1970
  const char *path;   // where they are kept
} minfer_peaks;
// What was measured on such a machine, cores, ISA and oneDNN before; NULL: nothing was. A broken file is noted and
// counts as nothing. Asks oneDNN for its ISA. The calling thread's, until its next call.
MINFER_API const minfer_peaks *minfer_peaks_get(void);
// Measure them, for some seconds and at most 20, and keep them in $XDG_CACHE_HOME/minfer or ~/.cache/minfer
// (MINFER_OUTPUT when that cannot be). The machine should have nothing else to do. `progress` (may be NULL) as in
// minfer_session_options.
MINFER_API minfer_status minfer_measure_peaks(bool (*progress)(const char *phase, size_t done, size_t total,
                                                               void *context),
                                              void *context, minfer_error *error);

// Thread settings in the spellings of OpenMP runtimes (OMP_NUM_THREADS, KMP_BLOCKTIME, KMP_AFFINITY, OMP_PROC_BIND,
// KMP_SETTINGS): fills threads, spin_us and affinity of the options where they are still zero. *print_settings:
// KMP_SETTINGS is on.
MINFER_API void minfer_session_options_from_environment(minfer_session_options *options, bool *print_settings);

// ---- JSON and .npy, so that programs on top need no second writer
// -------------------------------------------------------------------

typedef struct minfer_json minfer_json;
MINFER_API minfer_json *minfer_json_open(FILE *file, bool indent); // NULL without memory; errors show in ferror(file)
MINFER_API void minfer_json_object(minfer_json *json, const char *key); // key: NULL inside arrays and at the top
MINFER_API void minfer_json_array(minfer_json *json, const char *key);
MINFER_API void minfer_json_end(minfer_json *json); // of the innermost object or array
MINFER_API void minfer_json_string(minfer_json *json, const char *key, const char *value); // value NULL: null
MINFER_API void minfer_json_int(minfer_json *json, const char *key, int64_t value);
MINFER_API void minfer_json_double(minfer_json *json, const char *key, double value); // null when not finite
MINFER_API void minfer_json_bool(minfer_json *json, const char *key, bool value);
MINFER_API void minfer_json_close(minfer_json *json); // ends what is open, writes the last newline

MINFER_API minfer_status minfer_npy_write(const char *path, const float *rows, size_t row_count, size_t columns,
                                          minfer_error *error);
// Write a text file whole or not at all.
MINFER_API minfer_status minfer_file_write(const char *path, const char *bytes, size_t count, minfer_error *error);

#ifdef __cplusplus
}
#endif
#endif
