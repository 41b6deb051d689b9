// The header, palette and size of a BMP before stb_image decodes it.
#include "load/image_format.h"

typedef struct bitmap {
  mf_image_bytes file;
  uint32_t offset, header; // where the pixels begin; bytes of the header behind the 14 of the file header
  int64_t width, height;   // the height negative in the file means top row first
  uint32_t planes, bits, compression;
} bitmap;

static uint32_t little(const uint8_t *bytes, int count) {
  uint32_t value = 0;
  for (int i = count - 1; i >= 0; i--) value = value << 8 | bytes[i];
  return value;
}

static mf_status fail_truncated(const bitmap *b, mf_error *e) {
  return mf_fail(e, MF_ERR_FILE, "%s: truncated BMP image (%zu bytes)", b->file.name, b->file.size);
}

static mf_status fail_unsupported(const bitmap *b, const char *what, mf_error *e) {
  return mf_fail(e, MF_ERR_FILE, "%s: a BMP image with %s (uncompressed, 1, 4, 8, 16, 24 or 32 bits a pixel)",
                 b->file.name, what);
}

static mf_status read_header(bitmap *b, mf_error *e) {
  const uint8_t *bytes = b->file.data;
  b->offset = little(bytes + 10, 4);
  b->header = little(bytes + 14, 4);
  if (b->header != 12 && b->header != 40 && b->header != 56 && b->header != 108 && b->header != 124)
    return fail_unsupported(b, "an unknown header", e);
  if (b->file.size < 14 + (size_t)b->header) return fail_truncated(b, e);
  bool old = b->header == 12; // OS/2: 16-bit sides, never compressed
  b->width = old ? (int64_t)little(bytes + 18, 2) : (int32_t)little(bytes + 18, 4);
  b->height = old ? (int64_t)little(bytes + 20, 2) : (int32_t)little(bytes + 22, 4);
  if (b->height < 0) b->height = -b->height;
  b->planes = little(bytes + (old ? 22 : 26), 2);
  b->bits = little(bytes + (old ? 24 : 28), 2);
  b->compression = old ? 0 : little(bytes + 30, 4);
  return mf_image_check_size(b->file.name, b->width, b->height, e);
}

static mf_status check_kind(const bitmap *b, mf_error *e) {
  uint32_t bits = b->bits;
  if (b->planes != 1) return fail_unsupported(b, "more than one plane", e);
  if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)
    return fail_unsupported(b, "an unknown number of bits a pixel", e);
  // stb_image takes the palette behind an OS/2 header, and the masks in a 56-byte header, from the wrong place.
  if (b->header == 12 && bits < 24) return fail_unsupported(b, "a palette behind an OS/2 header", e);
  bool masks = b->compression == 3;
  if (masks && b->header == 56) return fail_unsupported(b, "masks in a 56-byte header", e);
  if (masks ? bits != 16 && bits != 32 : b->compression != 0) return fail_unsupported(b, "compressed pixels", e);
  uint32_t start = 14 + b->header + (masks && b->header == 40 ? 12 : 0);
  if (bits >= 16 && b->offset != start) return fail_unsupported(b, "a gap between header and pixels", e);
  return MF_OK;
}

// No index may be beyond the palette: stb_image has nothing there.
static mf_status check_indices(const bitmap *b, size_t stride, mf_error *e) {
  uint32_t palette = 14 + b->header;
  uint32_t colours = b->offset < palette ? 0 : (b->offset - palette) / 4;
  if (colours < 1 || colours > 256) return mf_fail(e, MF_ERR_FILE, "%s: broken BMP image (bad palette)", b->file.name);
  uint32_t bits = b->bits, mask = (1u << bits) - 1;
  for (size_t y = 0; y < (size_t)b->height; y++) {
    const uint8_t *row = b->file.data + b->offset + y * stride;
    for (size_t x = 0; x < (size_t)b->width; x++) {
      size_t bit = x * bits;
      if (((uint32_t)row[bit / 8] >> (8 - bits - bit % 8) & mask) >= colours)
        return mf_fail(e, MF_ERR_FILE, "%s: broken BMP image (a pixel beyond the %u colours of its palette)",
                       b->file.name, colours);
    }
  }
  return MF_OK;
}

mf_status mf_image_check_bmp(mf_image_bytes file, mf_error *e) {
  bitmap b = {.file = file};
  if (file.size < 26) return fail_truncated(&b, e);
  MF_TRY(read_header(&b, e));
  MF_TRY(check_kind(&b, e));
  size_t row_bits = (size_t)b.width * b.bits, stride = (row_bits + 31) / 32 * 4;
  // The padding of the last row may be missing.
  size_t pixels = stride * ((size_t)b.height - 1) + (row_bits + 7) / 8;
  if (b.offset > file.size || pixels > file.size - b.offset) return fail_truncated(&b, e);
  return b.bits < 16 ? check_indices(&b, stride, e) : MF_OK;
}
