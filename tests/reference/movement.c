// Operators that only move values.
#include "reference.h"
#include <string.h>

void reference_concat(const mf_concat *a, const reference_tensor *inputs, int count, const reference_options *options,
                      reference_tensor *output) {
  (void)options;
  int64_t outer = 1;
  for (int i = 0; i < a->axis; i++) outer *= output->shape.dim[i];
  double *to = output->data;
  for (int64_t n = 0; n < outer; n++)
    for (int k = 0; k < count; k++) {
      const size_t run =
          reference_elements(&inputs[k].shape) / (size_t)outer; // this input's values for one outer index
      memcpy(to, inputs[k].data + (size_t)n * run, run * sizeof *to);
      to += run;
    }
}

static void copy(const reference_tensor *from, reference_tensor *to) {
  memcpy(to->data, from->data, reference_elements(&to->shape) * sizeof *to->data);
}

void reference_flatten(const mf_no_attributes *a, const reference_tensor *inputs, int count,
                       const reference_options *options, reference_tensor *output) {
  (void)a, (void)count, (void)options;
  copy(inputs, output);
}

void reference_dropout(const mf_no_attributes *a, const reference_tensor *inputs, int count,
                       const reference_options *options, reference_tensor *output) {
  (void)a, (void)count, (void)options;
  copy(inputs, output);
}

void reference_identity(const mf_no_attributes *a, const reference_tensor *inputs, int count,
                        const reference_options *options, reference_tensor *output) {
  (void)a, (void)count, (void)options;
  copy(inputs, output);
}
