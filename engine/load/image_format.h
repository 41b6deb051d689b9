// What lies behind mf_image_decode: one function a format, and the checks that come before stb_image sees a byte.
#ifndef MF_LOAD_IMAGE_FORMAT_H
#define MF_LOAD_IMAGE_FORMAT_H

#include "load/image.h"

typedef struct mf_image_bytes {
  const uint8_t *data;
  size_t size;
  const char *name; // for messages
} mf_image_bytes;

// MF_ERR_FILE unless both sides and their product are within the limits of image.h.
mf_status mf_image_check_size(const char *name, int64_t width, int64_t height, mf_error *e);

// PNG by libpng. Deflate cannot shrink below 1/1032, which bounds the pixels by the size of the file.
mf_status mf_image_png(mf_image *out, mf_image_bytes file, mf_error *e);

// JPEG and BMP by stb_image, on bytes that one of the checks below has passed; `kind` is "JPEG" or "BMP".
mf_status mf_image_stb(mf_image *out, mf_image_bytes file, const char *kind, mf_error *e);

// Walk a JPEG's segments from start to end marker. Passes baseline and progressive images that stb_image 2.27 decodes
// without leaving its tables: every segment whole, Huffman tables of at most 256 codes, all tables there before they
// are used, all components coded. Every 8x8 block takes at least one bit, which bounds the pixels by the size of the
// file. Sets *end to the bytes up to the end marker: what comes behind (a second picture, a maker's data) is not to be
// looked at.
mf_status mf_image_check_jpeg(mf_image_bytes file, size_t *end, mf_error *e);

// Pass a BMP that stb_image 2.27 reads right: uncompressed or bit fields, the palette whole, no index beyond it, no row
// missing.
mf_status mf_image_check_bmp(mf_image_bytes file, mf_error *e);

#endif
