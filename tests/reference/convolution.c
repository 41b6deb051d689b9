// Convolution and inner product: weighted sums plus bias.
#include "reference.h"

// Outputs i with 0 <= i * stride + offset < size: those for which a tap of the kernel lies on the image and not on its
// padding.
typedef struct range {
  int64_t begin, end;
} range;

static range on_image(int64_t outputs, int64_t stride, int64_t offset, int64_t size) {
  range r = {offset >= 0 ? 0 : (stride - 1 - offset) / stride, offset >= size ? 0 : (size - 1 - offset) / stride + 1};
  if (r.end > outputs) r.end = outputs;
  return r;
}

static void add_row(double *y, const double *x, int64_t stride, int64_t count, double weight, bool f32) {
  if (f32) {
    for (int64_t i = 0; i < count; i++) y[i] = (float)(y[i] + weight * x[i * stride]);
  } else if (stride == 1) {
    for (int64_t i = 0; i < count; i++) y[i] += weight * x[i];
  } else {
    for (int64_t i = 0; i < count; i++) y[i] += weight * x[i * stride];
  }
}

// y[oh][ow] += sum over kh, kw of weights[kh][kw] * x[oh * stride - pad + kh * dilation][the same for ow]
// The tap is the outer loop, so that the inner one runs along a row of the output.
static void add_plane(const mf_convolution *a, const mf_shape *ys, double *y, const mf_shape *xs, const double *x,
                      const mf_shape *ws, const double *weights, bool f32) {
  const int64_t width = xs->dim[3], out_width = ys->dim[3];
  for (int64_t kh = 0; kh < ws->dim[2]; kh++) {
    const int64_t top = kh * a->dilation[0] - a->pad_begin[0];
    const range rows = on_image(ys->dim[2], a->stride[0], top, xs->dim[2]);
    for (int64_t kw = 0; kw < ws->dim[3]; kw++) {
      const int64_t left = kw * a->dilation[1] - a->pad_begin[1];
      const range columns = on_image(out_width, a->stride[1], left, width);
      if (columns.begin >= columns.end) continue;
      for (int64_t oh = rows.begin; oh < rows.end; oh++)
        add_row(y + oh * out_width + columns.begin,
                x + (oh * a->stride[0] + top) * width + columns.begin * a->stride[1] + left, a->stride[1],
                columns.end - columns.begin, weights[kh * ws->dim[3] + kw], f32);
    }
  }
}

void reference_convolution(const mf_convolution *a, const reference_tensor *inputs, int count,
                           const reference_options *options, reference_tensor *output) {
  const reference_tensor *x = &inputs[0], *w = &inputs[1];
  const bool f32 = options && options->accumulate_f32;
  const int64_t images = x->shape.dim[0], channels = x->shape.dim[1], image = x->shape.dim[2] * x->shape.dim[3];
  const int64_t outputs = w->shape.dim[0], group_inputs = w->shape.dim[1], group_outputs = outputs / a->groups;
  const int64_t kernel = w->shape.dim[2] * w->shape.dim[3], plane = output->shape.dim[2] * output->shape.dim[3];
  for (int64_t n = 0; n < images; n++)
    for (int64_t o = 0; o < outputs; o++) {
      double *y = output->data + (n * outputs + o) * plane;
      for (int64_t p = 0; p < plane; p++) y[p] = 0;
      const int64_t first = o / group_outputs * group_inputs; // of this group's input channels
      for (int64_t i = 0; i < group_inputs; i++)
        add_plane(a, &output->shape, y, &x->shape, x->data + (n * channels + first + i) * image, &w->shape,
                  w->data + (o * group_inputs + i) * kernel, f32);
      if (count == 3)
        for (int64_t p = 0; p < plane; p++) y[p] = f32 ? (float)(y[p] + inputs[2].data[o]) : y[p] + inputs[2].data[o];
    }
}

void reference_inner_product(const mf_no_attributes *a, const reference_tensor *inputs, int count,
                             const reference_options *options, reference_tensor *output) {
  (void)a;
  const bool f32 = options && options->accumulate_f32;
  const int64_t outputs = inputs[1].shape.dim[0], features = inputs[1].shape.dim[1];
  for (int64_t n = 0; n < output->shape.dim[0]; n++)
    for (int64_t o = 0; o < outputs; o++) {
      const double *x = inputs[0].data + n * features, *w = inputs[1].data + o * features;
      double sum = 0;
      for (int64_t i = 0; i < features; i++) sum = f32 ? (float)(sum + w[i] * x[i]) : sum + w[i] * x[i];
      if (count == 3) sum = f32 ? (float)(sum + inputs[2].data[o]) : sum + inputs[2].data[o];
      output->data[n * outputs + o] = sum;
    }
}
