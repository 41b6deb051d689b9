#include "kernel/kernel.h"

void mf_kernel_free(mf_kernel *kernel) {
  if (!kernel) return;
  if (kernel->source) dnnl_memory_desc_destroy(kernel->source);
  if (kernel->weights) dnnl_memory_desc_destroy(kernel->weights);
  if (kernel->destination) dnnl_memory_desc_destroy(kernel->destination);
  kernel->type->free(kernel);
}

mf_status mf_kernel_pack(const mf_kernel *kernel, const mf_kernel_weights *plain, dnnl_memory_t packed, mf_pool *pool,
                         mf_error *e) {
  return kernel->type->pack(kernel, plain, packed, pool, e);
}

bool mf_kernel_packs_bias(const mf_kernel *kernel) {
  return kernel->type->set_bias != NULL;
}

void mf_kernel_set_bias(const mf_kernel *kernel, const float *bias, dnnl_memory_t packed) {
  kernel->type->set_bias(kernel, bias, packed);
}

mf_status mf_kernel_bind(const mf_kernel *kernel, void *scratch, mf_kernel_memory *out, mf_error *e) {
  *out = (mf_kernel_memory){.scratch = scratch};
  const mf_status status = kernel->type->bind ? kernel->type->bind(kernel, out, e) : MF_OK;
  if (status != MF_OK) mf_kernel_unbind(out);
  return status;
}

void mf_kernel_unbind(mf_kernel_memory *memory) {
  for (size_t i = 0; i < sizeof memory->part / sizeof *memory->part; i++)
    if (memory->part[i]) dnnl_memory_destroy(memory->part[i]);
  *memory = (mf_kernel_memory){0};
}

dnnl_status_t mf_kernel_execute(const mf_kernel *kernel, const mf_kernel_run *run) {
  return kernel->type->execute(kernel, run);
}

void *mf_kernel_argument(const mf_kernel_run *run, int argument) {
  void *handle = NULL;
  for (int i = 0; i < run->argument_count; i++)
    if (run->arguments[i].arg == argument) dnnl_memory_get_data_handle(run->arguments[i].memory, &handle);
  return handle;
}
