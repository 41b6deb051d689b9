#include "load/resize.h"
#include "base/alloc.h"
#include <math.h>

#define FRACTION_BITS 22 // of a weight: 8 bits of pixel, 2 of headroom for cubic overshoot and the sign fill an int32_t

// How the output positions first .. first + count - 1 along one side are summed from the input's.
typedef struct axis {
  int count, taps;       // `taps` weights are kept for each position
  int32_t *start, *used; // first input position and number of them
  int32_t *weights;      // count x taps
  size_t bytes;          // of the block that holds the three
} axis;

// What is wanted of an image resized to width x height.
typedef struct window {
  int width, height;
  int left, top, columns, rows;
} window;

static double linear(double x) {
  return x < 1 ? 1 - x : 0;
}

// Keys' cubic convolution kernel with a = -1/2.
static double cubic(double x) {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

static double kernel(mf_interpolation interpolation, double x) {
  return interpolation == MF_BICUBIC ? cubic(fabs(x)) : linear(fabs(x));
}

// The weights of position i, whose middle is at `center` in the input.
static void axis_weigh(axis *a, int i, int in, double center, double stretch, mf_interpolation interpolation) {
  double support = (interpolation == MF_BICUBIC ? 2 : 1) * stretch, sum = 0;
  int low = (int)(center - support + 0.5), high = (int)(center + support + 0.5);
  if (low < 0) low = 0;
  if (high > in) high = in;
  for (int x = low; x < high; x++) sum += kernel(interpolation, (x + 0.5 - center) / stretch);
  int32_t *weights = a->weights + (size_t)i * (size_t)a->taps;
  for (int x = low; x < high; x++) {
    double weight = kernel(interpolation, (x + 0.5 - center) / stretch) / sum;
    weights[x - low] = (int32_t)lround(weight * (1 << FRACTION_BITS));
  }
  a->start[i] = low;
  a->used[i] = high - low;
}

// False when the block for the three arrays, a->bytes, is refused; to free: a->weights. Sides are int, so nothing
// overflows a size_t.
static bool axis_plan(axis *a, int in, int out, int first, int count, mf_interpolation interpolation) {
  double scale = (double)in / out, stretch = scale < 1 ? 1 : scale;
  int taps = (int)ceil((interpolation == MF_BICUBIC ? 2 : 1) * stretch) * 2 + 1;
  size_t weights = (size_t)count * (size_t)taps;
  a->bytes = (weights + 2 * (size_t)count) * sizeof(int32_t);
  a->weights = mf_alloc(a->bytes);
  if (!a->weights) return false;
  a->start = a->weights + weights;
  a->used = a->start + count;
  a->count = count;
  a->taps = taps;
  for (int i = 0; i < count; i++) axis_weigh(a, i, in, (first + i + 0.5) * scale, stretch, interpolation);
  return true;
}

static uint8_t to_byte(int32_t sum) {
  int32_t value = (sum + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS;
  return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static int axis_end(const axis *a) {
  return a->start[a->count - 1] + a->used[a->count - 1];
}

// Both passes read rows `stride` bytes apart, of which the first pixel has the position `origin` along their axis, and
// write dense rows.
static void filter_across(uint8_t *to, const uint8_t *from, size_t stride, int rows, int origin, const axis *a) {
  for (int y = 0; y < rows; y++, from += stride) {
    for (int i = 0; i < a->count; i++) {
      const int32_t *weights = a->weights + (size_t)i * (size_t)a->taps;
      const uint8_t *pixel = from + (size_t)(a->start[i] - origin) * 3;
      int32_t red = 0, green = 0, blue = 0;
      for (int k = 0; k < a->used[i]; k++, pixel += 3) {
        red += weights[k] * pixel[0];
        green += weights[k] * pixel[1];
        blue += weights[k] * pixel[2];
      }
      *to++ = to_byte(red);
      *to++ = to_byte(green);
      *to++ = to_byte(blue);
    }
  }
}

static void filter_down(uint8_t *to, const uint8_t *from, size_t stride, int columns, int origin, const axis *a) {
  for (int i = 0; i < a->count; i++) {
    const int32_t *weights = a->weights + (size_t)i * (size_t)a->taps;
    const uint8_t *rows = from + (size_t)(a->start[i] - origin) * stride;
    for (size_t x = 0; x < (size_t)columns * 3; x++) {
      int32_t sum = 0;
      for (int k = 0; k < a->used[i]; k++) sum += weights[k] * rows[(size_t)k * stride + x];
      *to++ = to_byte(sum);
    }
  }
}

// Only the part of the image is filtered that the window's pixels are sums of.
static mf_status filter(uint8_t *rgb, const mf_image *in, const axis *across, const axis *down, bool down_first,
                        mf_error *e) {
  int left = across->start[0], top = down->start[0];
  int columns = down_first ? axis_end(across) - left : across->count;
  int rows = down_first ? down->count : axis_end(down) - top;
  size_t stride = (size_t)in->width * 3, between = (size_t)columns * 3, bytes = between * (size_t)rows;
  uint8_t *half = mf_alloc(bytes);
  if (!half) return mf_fail_memory(e, bytes);
  if (down_first) {
    filter_down(half, in->rgb + (size_t)left * 3, stride, columns, 0, down);
    filter_across(rgb, half, between, rows, left, across);
  } else {
    filter_across(half, in->rgb + (size_t)top * stride, stride, rows, 0, across);
    filter_down(rgb, half, between, columns, top, down);
  }
  mf_free(half);
  return MF_OK;
}

static mf_status resample(uint8_t *rgb, const mf_image *in, const window *w, mf_interpolation interpolation,
                          mf_error *e) {
  axis across = {0}, down = {0};
  // Rounding in between makes the order of the passes visible; the rule is Pillow 13's.
  bool down_first = w->height < in->height && in->height - w->height > 2 * (in->width - w->width);
  bool planned = axis_plan(&across, in->width, w->width, w->left, w->columns, interpolation) &&
                 axis_plan(&down, in->height, w->height, w->top, w->rows, interpolation);
  mf_status status = planned ? filter(rgb, in, &across, &down, down_first, e)
                             : mf_fail_memory(e, down.bytes ? down.bytes : across.bytes);
  mf_free(across.weights);
  mf_free(down.weights);
  return status;
}

static bool is_side(int pixels) {
  return pixels >= 1 && pixels <= MF_IMAGE_SIDE;
}

mf_status mf_image_resize(mf_image *out, const mf_image *in, int width, int height, mf_interpolation interpolation,
                          mf_error *e) {
  *out = (mf_image){0};
  if (!is_side(width) || !is_side(height))
    return mf_fail(e, MF_ERR_USAGE, "an image cannot be resized to %d x %d (1 to %d a side)", width, height,
                   MF_IMAGE_SIDE);
  size_t bytes = (size_t)width * (size_t)height * 3;
  uint8_t *rgb = mf_alloc(bytes);
  if (!rgb) return mf_fail_memory(e, bytes);
  window whole = {width, height, 0, 0, width, height};
  mf_status status = resample(rgb, in, &whole, interpolation, e);
  if (status != MF_OK) return mf_free(rgb), status;
  *out = (mf_image){width, height, rgb};
  return MF_OK;
}

static int scaled(int side, int short_side, int resize) {
  double ratio = (double)resize / short_side;
  int pixels = (int)rint(side * ratio); // rint: halves to even
  return pixels < resize ? resize : pixels;
}

mf_status mf_image_prepare(const mf_image *in, const mf_recipe *recipe, uint8_t *rgb, mf_error *e) {
  if (!is_side(recipe->resize) || !is_side(recipe->width) || !is_side(recipe->height))
    return mf_fail(e, MF_ERR_USAGE, "image sizes of a recipe out of range: short side %d, crop %d x %d (1 to %d)",
                   recipe->resize, recipe->width, recipe->height, MF_IMAGE_SIDE);
  int short_side = in->width < in->height ? in->width : in->height;
  window w = {.width = scaled(in->width, short_side, recipe->resize),
              .height = scaled(in->height, short_side, recipe->resize),
              .columns = recipe->width,
              .rows = recipe->height};
  if (w.columns > w.width || w.rows > w.height)
    return mf_fail(e, MF_ERR_USAGE, "a crop of %d x %d does not fit into an image resized to %d x %d (short side %d)",
                   w.columns, w.rows, w.width, w.height, recipe->resize);
  w.left = (w.width - w.columns) / 2;
  w.top = (w.height - w.rows) / 2;
  return resample(rgb, in, &w, recipe->interpolation, e);
}
