// Resizing RGB pixels, and cutting out what a network looks at. The result is that of Image.resize in Pillow 13: a
// separable filter whose support grows with the reduction (antialiasing), weights in fixed point of 22 bits, rounding
// to 8 bits after each of the two passes, along rows first unless the image loses more than twice as many rows as
// columns (Pillow before 13: always along rows first).
#ifndef MF_LOAD_RESIZE_H
#define MF_LOAD_RESIZE_H

#include "graph/recipe.h"
#include "load/image.h"

// The whole image at another size, 1 to MF_IMAGE_SIDE a side. Errors: MF_ERR_USAGE (the size), MF_ERR_UNSUPPORTED (no
// memory); *out is empty then.
mf_status mf_image_resize(mf_image *out, const mf_image *in, int width, int height, mf_interpolation interpolation,
                          mf_error *e);

// The recipe's pixels of an image: the short side becomes recipe->resize, the long side the nearest whole number in
// proportion (halves to even), and from the middle (an odd pixel over on the right and below) comes the crop. `rgb`
// receives recipe->height x recipe->width x 3. Only the pixels of the crop are computed. Errors: MF_ERR_USAGE (sizes
// out of range, a crop larger than the resized image), MF_ERR_UNSUPPORTED (no memory).
mf_status mf_image_prepare(const mf_image *in, const mf_recipe *recipe, uint8_t *rgb, mf_error *e);

#endif
