// A kernel of our own: a convolution that oneDNN does not have, or not as fast. The plan asks it what it reads and
// writes, packs its weights, and runs it as a step in place of a primitive.
#ifndef MF_KERNEL_KERNEL_H
#define MF_KERNEL_KERNEL_H

#include "thread/pool.h"
#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct mf_kernel mf_kernel;

// Memory for one run at a time. What lies in it need not be kept between runs.
typedef struct mf_kernel_memory {
  char *scratch;         // the caller's, scratch_bytes long, 64-byte aligned
  dnnl_memory_t part[3]; // of it, for oneDNN; NULL where a kernel needs fewer
} mf_kernel_memory;

typedef struct mf_kernel_run {
  const mf_kernel_memory *memory;
  mf_pool *pool;
  dnnl_stream_t stream; // over that pool
  const dnnl_exec_arg_t *arguments;
  int argument_count;
} mf_kernel_run;

typedef struct mf_kernel_weights { // as the graph has them
  const void *numbers;             // OIHW, f32 or s8
  const float *scales;             // of s8, one an output; else NULL
  const float *bias;               // one an output, or NULL
} mf_kernel_weights;

typedef struct mf_kernel_type {
  void (*free)(mf_kernel *kernel); // what it has beside the fields below, and itself
  mf_status (*pack)(const mf_kernel *kernel, const mf_kernel_weights *plain, dnnl_memory_t packed, mf_pool *pool,
                    mf_error *e);
  // Kernels that pack scales and bias with the weights; NULL: they are arguments of each run.
  void (*set_bias)(const mf_kernel *kernel, const float *bias, dnnl_memory_t packed);
  mf_status (*bind)(const mf_kernel *kernel, mf_kernel_memory *memory, mf_error *e); // fills `part`; NULL: none
  dnnl_status_t (*execute)(const mf_kernel *kernel, const mf_kernel_run *run);
} mf_kernel_type;

// First member of every kernel; read-only once made. Descriptors are owned.
struct mf_kernel {
  const mf_kernel_type *type;
  char impl[96];                                   // for people, like the names of oneDNN's implementations
  dnnl_memory_desc_t source, weights, destination; // weights: as they are read
  const char *weights_letters;                     // names of their dimensions
  size_t scratch_bytes;
  double flops; // that it executes
};

void mf_kernel_free(mf_kernel *kernel); // NULL is allowed

// Writes the weights in kernel->weights' form. From inside a body of the pool it works alone.
mf_status mf_kernel_pack(const mf_kernel *kernel, const mf_kernel_weights *plain, dnnl_memory_t packed, mf_pool *pool,
                         mf_error *e);

// True when scales and bias are packed with the weights, and no arguments.
bool mf_kernel_packs_bias(const mf_kernel *kernel);
void mf_kernel_set_bias(const mf_kernel *kernel, const float *bias, dnnl_memory_t packed); // of such a kernel

mf_status mf_kernel_bind(const mf_kernel *kernel, void *scratch, mf_kernel_memory *out, mf_error *e);
void mf_kernel_unbind(mf_kernel_memory *memory);

dnnl_status_t mf_kernel_execute(const mf_kernel *kernel, const mf_kernel_run *run);

// Where an argument (DNNL_ARG_...) lies; NULL when the run has none.
void *mf_kernel_argument(const mf_kernel_run *run, int argument);

#endif
