// Photographs: JPEG, PNG and BMP files as RGB pixels. Which of the three a file is, its first bytes say, not its name.
// Pixels are what the file stores: orientation tags, colour profiles and gamma are ignored, transparency is dropped,
// grey is spread over the three channels, and of 16 bits a sample the upper 8 count. Limits: MF_IMAGE_SIDE a side and
// MF_IMAGE_PIXELS in all, and no more pixels than the file can hold (see image_format.h); so memory is at most 25,000
// times the file (a one-bit PNG; a JPEG 4,300) plus 16 MiB.
#ifndef MF_LOAD_IMAGE_H
#define MF_LOAD_IMAGE_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MF_IMAGE_SIDE 16384
#define MF_IMAGE_PIXELS 100000000

typedef struct mf_image {
  int width, height;
  uint8_t *rgb; // height x width x 3, owned; mf_image_free
} mf_image;

// Errors: MF_ERR_FILE (unreadable, none of the three formats, broken, truncated, too large), MF_ERR_UNSUPPORTED (no
// memory). *out is empty then.
mf_status mf_image_read(mf_image *out, const char *path, mf_error *e);

// The same from memory; `name` stands for the file in messages.
mf_status mf_image_decode(mf_image *out, const uint8_t *bytes, size_t size, const char *name, mf_error *e);

void mf_image_free(mf_image *image); // a zero-initialised image is allowed

// True when the file begins like one of the three formats; false too when it cannot be read. For passing over other
// files in a folder of images.
bool mf_image_is_candidate(const char *path);

#endif
