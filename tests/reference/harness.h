// A graph through the engine, and through the reference kernels with everything stored as the engine stores it.
#ifndef REFERENCE_HARNESS_H
#define REFERENCE_HARNESS_H

#include "quant/assign.h"
#include "quant/quant.h"
#include "reference.h"

// How many random samples a test takes: fewer where a sanitizer makes each of them cost many times as much.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HARNESS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HARNESS_SANITIZED 1
#endif
#endif
#ifndef HARNESS_SANITIZED
#define HARNESS_SANITIZED 0
#endif
#define HARNESS_SAMPLES(count) (HARNESS_SANITIZED ? (count) / 5 + 1 : (count))

mf_pool *harness_pool(int threads); // 1 to 4; the same one every time
int harness_end(void **state);      // cmocka's teardown of a group: the pools go

bool harness_has_avx512(void); // oneDNN uses AVX-512

// bf16 computes here, natively or emulated. Skips the running test otherwise.
bool harness_has_bf16(void);
void harness_need_bf16(void);

typedef struct harness_engine {
  mf_plan *plan;
  mf_session *session;
} harness_engine;

// Plan and session; nothing is left behind after an error.
mf_status harness_open(harness_engine *out, const mf_graph *g, const mf_plan_options *options, int threads,
                       mf_error *e);
void harness_close(harness_engine *h);
// Fills the batch from `input` (dense N,C,H,W) and runs twice: fails the test unless both runs give the same bytes. The
// output belongs to the caller.
reference_tensor harness_run(harness_engine *h, const float *input);

// The truth for what `g` computes when float activations are stored as `activations` and quantised ones as annotated:
// reference kernels in double, with the input, every activation and the weights of convolutions and inner products
// rounded as the engine is meant to round them. The graph's output is rounded only when it is annotated. An annotation
// counts where the engine stores integers: on the input, on what convolutions and inner products in int8, pooling,
// concat and flatten write, and on other tensors that only multiplications in int8 read.
reference_tensor harness_truth(const mf_graph *g, mf_dtype activations, const float *input);

// Moves the input of an int8 graph, and the weights of what computes in int8, onto the grids of their integers. Between
// two integers float and double may round to different ones, and each such weight is an error of the next layer.
void harness_snap(mf_graph *g, float *input);

// The values of every tensor in a run in double, as quant/ would have seen them; no taps. Free with
// mf_observations_free.
mf_observations harness_ranges(const mf_graph *g, const float *input);

// Types and scales for what was seen, written into the graph.
mf_status harness_quantise(mf_graph *g, const mf_observations *seen, const char *calibrator, mf_error *e);

// Agreement in int8, summed up over samples: values, and those of them that a rounding between two integers moved.
typedef struct harness_steps {
  size_t count, moved;
} harness_steps;

// Fails the test, naming `label`, unless `test` is the truth: within `tolerance` relative to the largest value. Where
// `g` is annotated, a value may be off by a step of the output's scale and one of the largest scale in between (a
// summand's, a concat's operand's); those are counted into *steps, which may be NULL for graphs without annotations.
void harness_compare(const mf_graph *g, const reference_tensor *test, const reference_tensor *truth, double tolerance,
                     harness_steps *steps, const char *label);
// At most one value in a hundred was moved, and there were some values.
void harness_expect_few_moved(const harness_steps *steps);

// harness_open, harness_truth, harness_run, harness_compare in a row; false when the engine refuses the graph with
// MF_ERR_UNSUPPORTED (*e says why), every other error fails the test.
bool harness_check(const mf_graph *g, const mf_plan_options *options, int threads, const float *input, double tolerance,
                   harness_steps *steps, const char *label, mf_error *e);

// Fails the test unless every value of the plan keeps its place from the step that writes it to the last one that reads
// it: found from the steps alone, by comparing each with each. The input and the output live throughout.
void harness_check_memory(const mf_plan *plan, const char *label);

// Steps of a plan, and those of them whose implementation is oneDNN's reference code.
int harness_count_steps(const mf_plan *plan, const char *kind); // NULL: all
int harness_count_reference(const mf_plan *plan);

// Relative to the largest value. f32: sums of up to 1600 terms in another order than the truth's, and approximations of
// exp and tanh, each some 1e-7. bf16: an activation that lies between two bf16 numbers may be rounded to the other one
// (2^-8 of it), in the input of the last operator as well as in its output. Winograd: its transforms add up numbers
// with factors of up to 8 in both directions, in which rounding errors grow some ten times.
#define HARNESS_F32 1e-5
#define HARNESS_WINOGRAD 5e-5
#define HARNESS_BF16 (1.0 / 64)

#endif
