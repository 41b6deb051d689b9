// Small image files for tests: PNG through libpng's writer, BMP by hand, JPEG from jpeg_samples.h. The caller includes
// cmocka.h first.
#ifndef TESTS_UNIT_IMAGE_FILES_H
#define TESTS_UNIT_IMAGE_FILES_H

#include "hex.h"
#include "jpeg_samples.h"
#include <png.h>
#include <stdbool.h>

#define SAMPLE_WIDTH 13
#define SAMPLE_HEIGHT 11

typedef struct bytes {
  uint8_t data[8192];
  size_t size;
} bytes;

static inline void bytes_add(bytes *b, const void *from, size_t count) {
  assert_true(count <= sizeof b->data - b->size);
  memcpy(b->data + b->size, from, count);
  b->size += count;
}

static inline void bytes_little(bytes *b, uint32_t value, int count) {
  for (int i = 0; i < count; i++, value >>= 8) bytes_add(b, &(uint8_t){(uint8_t)value}, 1);
}

static inline void jpeg_make(bytes *b, int sample) {
  b->size = hex_read(b->data, sizeof b->data, jpeg_samples[sample].file);
  assert_true(b->size <= sizeof b->data);
}

// A stored sample, 0 to 65535; the formats use as many of its lower bits as they have.
static inline unsigned stored_sample(int x, int y, int channel) {
  return (unsigned)(x * x * 601 + y * 4093 + x * y * 97 + channel * 21001 + x * 257) & 65535;
}

// Colour i of the test palettes.
static inline void palette_colour(uint8_t rgb[3], unsigned i) {
  rgb[0] = (uint8_t)(i * 37 + 11), rgb[1] = (uint8_t)(255 - i * 5), rgb[2] = (uint8_t)(i * i);
}

static inline void png_append(png_structp png, png_bytep from, size_t count) {
  bytes_add(png_get_io_ptr(png), from, count);
}

// SAMPLE_WIDTH x SAMPLE_HEIGHT samples of stored_sample in any of PNG's formats, with transparency where the format has
// it as a chunk, and a text chunk.
static inline void png_make(bytes *b, int depth, int colour_type, bool interlaced) {
  b->size = 0;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, b, png_append, NULL);
  png_set_IHDR(png, info, SAMPLE_WIDTH, SAMPLE_HEIGHT, depth, colour_type,
               interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_color palette[256];
  uint8_t alpha[256];
  png_color_16 clear = {.gray = 1, .red = 1, .green = 2, .blue = 3};
  for (unsigned i = 0; i < 256; i++) {
    uint8_t rgb[3];
    palette_colour(rgb, i);
    palette[i] = (png_color){rgb[0], rgb[1], rgb[2]};
    alpha[i] = (uint8_t)(i * 3);
  }
  if (colour_type == PNG_COLOR_TYPE_PALETTE) {
    png_set_PLTE(png, info, palette, 1 << depth);
    png_set_tRNS(png, info, alpha, 1 << depth, NULL);
  } else if (!(colour_type & PNG_COLOR_MASK_ALPHA)) {
    png_set_tRNS(png, info, NULL, 0, &clear);
  }
  png_text text = {
      .compression = PNG_TEXT_COMPRESSION_zTXt, .key = (char[]){"Comment"}, .text = (char[]){"for a test"}};
  png_set_text(png, info, &text, 1);
  png_write_info(png, info);
  png_set_packing(png);
  int channels = png_get_channels(png, info);
  for (int pass = png_set_interlace_handling(png); pass > 0; pass--)
    for (int y = 0; y < SAMPLE_HEIGHT; y++) {
      uint8_t row[SAMPLE_WIDTH * 4 * 2], *to = row;
      for (int i = 0; i < SAMPLE_WIDTH * channels; i++) {
        unsigned sample = stored_sample(i / channels, y, i % channels) & ((1u << depth) - 1);
        if (depth == 16) *to++ = (uint8_t)(sample >> 8);
        *to++ = (uint8_t)sample;
      }
      png_write_row(png, row);
    }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
}

typedef struct bmp_kind {
  int header, bits;
  bool masks; // compression 3: 4 bits a channel (16) or red, green, blue from the lowest byte (32)
  bool top_down;
} bmp_kind;

static inline void bmp_masks(const bmp_kind *kind, uint32_t masks[3]) {
  for (int c = 0; c < 3; c++) masks[c] = kind->bits == 16 ? 0xfu << (4 * (2 - c)) : 0xffu << (8 * c);
}

// The palette has as many colours as the bits allow, but at most 16.
static inline int bmp_colours(int bits) {
  return bits >= 16 ? 0 : bits == 1 ? 2 : 16;
}

static inline void bmp_header(bytes *b, const bmp_kind *kind) {
  int inside = kind->header >= 108 ? 3 : 0, behind = kind->masks && !inside ? 3 : 0; // masks
  b->size = 0;
  bytes_add(b, "BM", 2);
  bytes_little(b, 0, 8); // sizes and reserved words that nobody looks at
  bytes_little(b, (uint32_t)(14 + kind->header + behind * 4 + bmp_colours(kind->bits) * 4), 4);
  bytes_little(b, (uint32_t)kind->header, 4);
  int side = kind->header == 12 ? 2 : 4;
  bytes_little(b, SAMPLE_WIDTH, side);
  bytes_little(b, (uint32_t)(kind->top_down ? -SAMPLE_HEIGHT : SAMPLE_HEIGHT), side);
  bytes_little(b, 1, 2);
  bytes_little(b, (uint32_t)kind->bits, 2);
  if (kind->header == 12) return;
  bytes_little(b, kind->masks ? 3 : 0, 4);
  bytes_little(b, 0, 20); // size, resolution, colours
  uint32_t masks[3];
  bmp_masks(kind, masks);
  for (int c = 0; c < inside + behind; c++) bytes_little(b, masks[c], 4);
  while (b->size < 14 + (size_t)kind->header) bytes_little(b, 0, 4);
}

static inline void bmp_pixel(bytes *b, const bmp_kind *kind, int x, int y) {
  uint32_t value = 0, masks[3];
  bmp_masks(kind, masks);
  for (int c = 0; c < 3; c++) {
    uint32_t sample = stored_sample(x, y, c) & 255;
    if (kind->masks)
      value |= (kind->bits == 16 ? sample >> 4 : sample) * (masks[c] & -masks[c]);
    else
      value |= kind->bits == 16 ? sample >> 3 << (5 * (2 - c)) : sample << (8 * (2 - c));
  }
  bytes_little(b, value, kind->bits / 8);
}

static inline void bmp_make(bytes *b, const bmp_kind *kind) {
  bmp_header(b, kind);
  for (int i = 0; i < bmp_colours(kind->bits); i++) {
    uint8_t rgb[3];
    palette_colour(rgb, (unsigned)i);
    bytes_add(b, (uint8_t[]){rgb[2], rgb[1], rgb[0], 0}, 4);
  }
  for (int row = 0; row < SAMPLE_HEIGHT; row++) {
    int y = kind->top_down ? row : SAMPLE_HEIGHT - 1 - row, packed = 0, held = 0;
    size_t start = b->size;
    for (int x = 0; x < SAMPLE_WIDTH; x++) {
      if (kind->bits >= 16) {
        bmp_pixel(b, kind, x, y);
        continue;
      }
      unsigned index = stored_sample(x, y, 0) & (unsigned)(bmp_colours(kind->bits) - 1);
      packed = packed << kind->bits | (int)index;
      held += kind->bits;
      if (held == 8 || x + 1 == SAMPLE_WIDTH) {
        bytes_little(b, (uint32_t)packed << (8 - held), 1);
        packed = held = 0;
      }
    }
    while ((b->size - start) % 4) bytes_little(b, 0, 1);
  }
}

#endif
