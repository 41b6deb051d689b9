// Broken and hostile image files: one clear line and MF_ERR_FILE each, in bounded memory.
#include "load/image.h"
#include "total.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above
#include <cmocka.h>
// cmocka.h comes before these
#include "image_files.h"
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_refused(const bytes *file, const char *message) {
  uint8_t *exact = malloc(file->size ? file->size : 1); // exactly the file's size, for the sanitizers
  assert_non_null(exact);
  memcpy(exact, file->data, file->size);
  mf_image image;
  mf_error e = {0};
  total_start();
  mf_status status = mf_image_decode(&image, exact, file->size, "a.jpg", &e);
  size_t total = total_stop();
  free(exact);
  if (status != MF_ERR_FILE || strncmp(e.text, "a.jpg: ", 7) != 0 || !strstr(e.text, message))
    fail_msg("status %d, \"%s\" instead of \"%s\"", (int)status, e.text, message);
  assert_null(strchr(e.text, '\n'));
  assert_null(image.rgb);
  if (total > ((size_t)16 << 20) + 25000 * file->size) fail_msg("%s: %zu bytes of memory", message, total);
}

// A change to a valid file: the bytes in `hex` go to `offset` bytes behind the place; without `hex` the file ends
// there.
typedef struct edit {
  int base, place;
  int offset;
  const char *hex;
  const char *message;
} edit;

static void edit_apply(bytes *file, size_t at, const char *hex) {
  if (hex)
    assert_true(at + hex_read(file->data + at, sizeof file->data - at, hex) <= file->size);
  else
    file->size = at;
}

// Where a JPEG's first marker of a kind stands.
static size_t jpeg_marker(const bytes *file, int marker) {
  for (size_t at = 2; at + 4 < file->size;) {
    assert_int_equal(file->data[at], 0xff);
    if (file->data[at + 1] == marker) return at;
    at += 2 + (size_t)(file->data[at + 2] << 8 | file->data[at + 3]);
  }
  fail_msg("no marker %x", (unsigned)marker);
  return 0;
}

static const edit jpeg_edits[] = {
    // nothing but the beginning, and ends in a table, in a length, in the pixels, before the end marker
    {SAMPLE_BASELINE_420, 0xe0, 2, NULL, "truncated JPEG image (no end marker)"},
    {SAMPLE_BASELINE_420, 0xdb, 20, NULL, "truncated JPEG image (no end marker)"},
    {SAMPLE_BASELINE_420, 0xdb, 3, NULL, "truncated JPEG image (no end marker)"},
    {SAMPLE_BASELINE_420, 0xda, 2, NULL, "truncated JPEG image (no end marker)"},
    {SAMPLE_BASELINE_420, 0xda, 40, NULL, "truncated JPEG image (no end marker)"},
    {SAMPLE_PROGRESSIVE_420, 0xda, 100, NULL, "truncated JPEG image (no end marker)"},
    {SAMPLE_BASELINE_420, 0xdb, 2, "0001", "a segment shorter than its length field"},
    {SAMPLE_BASELINE_420, 0xdb, 2, "ffff", "truncated JPEG image (no end marker)"},
    // tables
    {SAMPLE_BASELINE_420, 0xdb, 4, "20", "bad quantisation table"},
    {SAMPLE_BASELINE_420, 0xdb, 4, "04", "bad quantisation table"},
    {SAMPLE_BASELINE_420, 0xdb, 4, "10", "bad quantisation table"}, // of 16-bit values: longer than the segment
    {SAMPLE_BASELINE_420, 0xdb, 1, "fe", "a scan without its quantisation table"},
    {SAMPLE_BASELINE_420, 0xc4, 5, "ffff", "a Huffman table with more than 256 codes"},
    {SAMPLE_BASELINE_420, 0xc4, 19, "ffff", "a Huffman table with more than 256 codes"},
    {SAMPLE_BASELINE_420, 0xc4, 5, "80", "bad Huffman table"}, // more codes than the segment has
    {SAMPLE_BASELINE_420, 0xc4, 4, "20", "bad Huffman table"},
    {SAMPLE_BASELINE_420, 0xc4, 4, "04", "bad Huffman table"},
    {SAMPLE_BASELINE_420, 0xc4, 2, "0003", "bad Huffman table"},
    {SAMPLE_BASELINE_420, 0xc4, 5, "03", "broken JPEG image"}, // three codes of one bit
    {SAMPLE_BASELINE_420, 0xc4, 1, "fe", "a scan without its Huffman table"},
    {SAMPLE_RESTART_444, 0xdd, 2, "0005", "bad restart interval"},
    // frame header
    {SAMPLE_BASELINE_420, 0xc0, 1, "c3", "lossless or hierarchical coding"},
    {SAMPLE_BASELINE_420, 0xc0, 1, "c9", "arithmetic coding"},
    {SAMPLE_BASELINE_420, 0xc0, 1, "01", "unknown marker"},
    {SAMPLE_BASELINE_420, 0xc0, 1, "fe", "a scan before the frame header"},
    {SAMPLE_BASELINE_420, 0xc0, 4, "0c", "12 bits a sample"},
    {SAMPLE_BASELINE_420, 0xc0, 5, "0000", "an image without pixels"},
    {SAMPLE_BASELINE_420, 0xc0, 7, "0000", "an image without pixels"},
    {SAMPLE_BASELINE_420, 0xc0, 5, "ffff", "13 x 65535 pixels (at most 16384 a side"},
    {SAMPLE_BASELINE_420, 0xc0, 5, "3e803e80", "16000 x 16000 pixels (at most 16384 a side and 100 million in all)"},
    {SAMPLE_BASELINE_420, 0xc0, 5, "1f401f40", "bytes cannot hold 8000 x 8000 pixels"},
    {SAMPLE_PROGRESSIVE_420, 0xc2, 5, "20002000", "bytes cannot hold 8192 x 8192 pixels"},
    {SAMPLE_BASELINE_420, 0xc0, 9, "02", "neither 1, 3 nor 4 components"},
    {SAMPLE_BASELINE_420, 0xc0, 9, "04", "bad frame header"},
    {SAMPLE_BASELINE_420, 0xc0, 11, "02", "bad component"},
    {SAMPLE_BASELINE_420, 0xc0, 11, "25", "bad component"},
    {SAMPLE_BASELINE_420, 0xc0, 12, "04", "bad component"},
    {SAMPLE_BASELINE_420, 0xc0, 11, "32000221", "(bad H)"}, // 3 is no multiple of 2
    {SAMPLE_CMYK, 0xee, 1, "ed", "four components of unknown meaning"},
    // scans
    {SAMPLE_BASELINE_420, 0xda, 4, "00", "bad scan header"},
    {SAMPLE_BASELINE_420, 0xda, 4, "02", "bad scan header"},
    {SAMPLE_BASELINE_420, 0xda, 5, "63", "a scan of an unknown component"},
    {SAMPLE_BASELINE_420, 0xda, 6, "40", "bad scan header"},
    {SAMPLE_BASELINE_420, 0xda, 6, "22", "a scan without its Huffman table"},
    {SAMPLE_BASELINE_420, 0xda, 7, "01", "not all components are coded"}, // the first one twice
    {SAMPLE_BASELINE_420, 0xda, 1, "fe", "not all components are coded"},
    {SAMPLE_PROGRESSIVE_420, 0xda, 12, "05", "broken JPEG image (can't merge dc and ac)"},
    {SAMPLE_PROGRESSIVE_420, 0xda, 13, "e0", "not all components are coded"},
    {SAMPLE_BASELINE_420, 0xda, 14, "ff00ff00ff00ff00", "broken JPEG image (bad huffman code)"},
};

static void test_jpeg(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(jpeg_edits); i++) {
    const edit *c = &jpeg_edits[i];
    bytes file;
    jpeg_make(&file, c->base);
    edit_apply(&file, jpeg_marker(&file, c->place) + (size_t)c->offset, c->hex);
    assert_refused(&file, c->message);
  }
}

static void test_jpeg_repeats(void **state) {
  (void)state;
  bytes file, part;
  jpeg_make(&file, SAMPLE_BASELINE_420);
  size_t frame = jpeg_marker(&file, 0xc0), scan = jpeg_marker(&file, 0xda);
  part = file;
  file.size = frame;
  bytes_add(&file, part.data + frame, 19);
  bytes_add(&file, part.data + frame, part.size - frame);
  assert_refused(&file, "two frame headers");
  // Each scan costs the time of a whole image.
  file = part;
  file.size -= 2;
  for (int i = 0; i < 100; i++) bytes_add(&file, part.data + scan, 14);
  bytes_add(&file, "\xff\xd9", 2);
  assert_refused(&file, "more than 100 scans");
}

static uint32_t crc32_of(const uint8_t *data, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

// Bases: an RGB and a palette image. Places: the file, or a chunk behind the RGB image's header.
enum { PNG_RGB, PNG_PALETTE, PNG_START, PNG_HEADER, PNG_DATA, PNG_END };

static size_t png_place(const bytes *file, int place) {
  if (place == PNG_START) return 0;
  const char *name = place == PNG_HEADER ? "IHDR" : place == PNG_DATA ? "IDAT" : "IEND";
  uint8_t *found = memmem(file->data, file->size, name, 4);
  assert_non_null(found);
  return (size_t)(found - file->data) + 4; // where the chunk's bytes begin
}

static const edit png_edits[] = {
    {PNG_RGB, PNG_START, 4, NULL, "truncated PNG image (no end chunk)"},
    {PNG_RGB, PNG_HEADER, 5, NULL, "truncated PNG image (no end chunk)"},
    {PNG_RGB, PNG_DATA, 30, NULL, "truncated PNG image (no end chunk)"},
    {PNG_RGB, PNG_END, -8, NULL, "truncated PNG image (no end chunk)"},
    {PNG_RGB, PNG_END, 3, NULL, "truncated PNG image (no end chunk)"},
    {PNG_RGB, PNG_START, 4, "0a0a1a0a", "broken PNG image"}, // line ends translated
    {PNG_RGB, PNG_HEADER, 0, "00000000", "broken PNG image (Invalid IHDR data)"},
    {PNG_RGB, PNG_HEADER, 4, "ffffffff", "broken PNG image"},
    {PNG_RGB, PNG_HEADER, 0, "00005000", "broken PNG image (Invalid IHDR data)"},
    {PNG_RGB, PNG_HEADER, 0, "0000300000003000", "12288 x 12288 pixels (at most 16384 a side and 100 million in all)"},
    {PNG_RGB, PNG_HEADER, 0, "0000200000002000", "bytes cannot hold 8192 x 8192 pixels"},
    {PNG_RGB, PNG_HEADER, 4, "0000000c", "broken PNG image (Not enough"}, // a row too few
    {PNG_RGB, PNG_HEADER, 8, "03", "broken PNG image (Invalid IHDR data)"},
    {PNG_RGB, PNG_HEADER, 9, "05", "broken PNG image (Invalid IHDR data)"},
    {PNG_RGB, PNG_HEADER, 9, "03", "broken PNG image"}, // a palette image without palette
    {PNG_RGB, PNG_HEADER, 12, "02", "broken PNG image (Invalid IHDR data)"},
    {PNG_RGB, PNG_DATA, 5, "00ff00ff", "broken PNG image (IDAT: "},
    {PNG_RGB, PNG_END, -12, "12345678", "broken PNG image (IDAT: CRC error)"},
    {PNG_RGB, PNG_DATA, -8, "7fffffff", "truncated PNG image (no end chunk)"},
    {PNG_PALETTE, PNG_DATA, -4, "49484452", "broken PNG image"}, // a second header
};

static void test_png(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(png_edits); i++) {
    const edit *c = &png_edits[i];
    bytes file;
    png_make(&file, 8, c->base == PNG_RGB ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_PALETTE, false);
    edit_apply(&file, png_place(&file, c->place) + (size_t)c->offset, c->hex);
    if (c->place == PNG_HEADER && c->hex) { // libpng looks at a header's sum first
      uint32_t crc = crc32_of(file.data + 12, 17);
      for (int k = 0; k < 4; k++) file.data[29 + k] = (uint8_t)(crc >> (24 - 8 * k));
    }
    assert_refused(&file, c->message);
  }
}

// Bases: bits a pixel, plus 100 for masks, plus 200 for an OS/2 header, plus 400 for a 56-byte header. Places: the
// file.
static const edit bmp_edits[] = {
    {24, 0, 18, NULL, "truncated BMP image (18 bytes)"},
    {24, 0, 40, NULL, "truncated BMP image (40 bytes)"},
    {24, 0, 54, NULL, "truncated BMP image (54 bytes)"},
    {24, 0, 54 + 440 - 2, NULL, "truncated BMP image (492 bytes)"},
    {8, 0, 54 + 64 + 170, NULL, "truncated BMP image"},
    {24, 0, 14, "29", "an unknown header"},
    {24, 0, 14, "00", "an unknown header"},
    {24, 0, 18, "00000000", "an image without pixels"},
    {24, 0, 18, "ffffffff", "an image without pixels"},
    {24, 0, 22, "00000000", "an image without pixels"},
    {24, 0, 22, "00000080", "13 x 2147483648 pixels (at most 16384"},
    {24, 0, 18, "ffffff7f", "2147483647 x 11 pixels (at most 16384"},
    {24, 0, 18, "0040000000400000", "16384 x 16384 pixels (at most 16384 a side and 100 million"},
    {24, 0, 22, "00200000", "truncated BMP image"},
    {24, 0, 26, "02", "more than one plane"},
    {24, 0, 28, "07", "an unknown number of bits a pixel"},
    {24, 0, 28, "00", "an unknown number of bits a pixel"},
    {8, 0, 30, "01", "compressed pixels"},
    {8, 0, 30, "03", "compressed pixels"},
    {24, 0, 30, "05", "compressed pixels"},
    {24, 0, 10, "37", "a gap between header and pixels"},
    {24, 0, 10, "ffffffff", "a gap between header and pixels"},
    {8, 0, 10, "ffffffff", "truncated BMP image"},
    {8, 0, 10, "36", "broken BMP image (bad palette)"},
    {8, 0, 10, "00", "broken BMP image (bad palette)"},
    {8, 0, 10, "3a", "a pixel beyond the 1 colours of its palette"},
    {8, 0, 54 + 64 + 5, "10", "a pixel beyond the 16 colours of its palette"},
    {132, 0, 54, "00000000", "broken BMP image (bad masks)"},
    {132, 0, 54, "ffffffff", "broken BMP image (bad masks)"},
    {432 + 100, 0, 0, "42", "masks in a 56-byte header"},
    {224, 0, 24, "08", "a palette behind an OS/2 header"},
};

static void test_bmp(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(bmp_edits); i++) {
    const edit *c = &bmp_edits[i];
    bmp_kind kind = {.header = c->base >= 400   ? 56
                               : c->base >= 200 ? 12
                                                : 40,
                     .bits = c->base % 100,
                     .masks = c->base / 100 % 2};
    bytes file;
    bmp_make(&file, &kind);
    edit_apply(&file, (size_t)c->offset, c->hex);
    assert_refused(&file, c->message);
  }
}

static void test_other_files(void **state) {
  (void)state;
  static const char *const texts[] = {"", "0", "\xff\xd8", "BM", "BM and some more text", "GIF89a", "RIFF0000WEBP"};
  for (size_t i = 0; i < COUNT(texts); i++) {
    bytes file = {.size = 0};
    bytes_add(&file, texts[i], strlen(texts[i]));
    assert_refused(&file, "not a JPEG, PNG or BMP image");
  }
}

// Every end, and every byte turned around: whatever comes of it, it is an image or a message, within the memory.
static void test_all_cuts_and_flips(void **state) {
  (void)state;
  bytes files[6];
  jpeg_make(&files[0], SAMPLE_RESTART_444);
  jpeg_make(&files[1], SAMPLE_PROGRESSIVE_420);
  jpeg_make(&files[2], SAMPLE_CMYK);
  png_make(&files[3], 4, PNG_COLOR_TYPE_PALETTE, true);
  png_make(&files[4], 16, PNG_COLOR_TYPE_RGB_ALPHA, false);
  bmp_make(&files[5], &(bmp_kind){40, 4, false, false});
  for (size_t f = 0; f < COUNT(files); f++)
    for (size_t i = 0; i < 2 * files[f].size; i++) {
      bytes file = files[f];
      if (i < file.size)
        file.size = i;
      else
        file.data[i - file.size] ^= 0xff;
      uint8_t *exact = malloc(file.size ? file.size : 1);
      assert_non_null(exact);
      memcpy(exact, file.data, file.size);
      mf_image image;
      mf_error e;
      total_start();
      mf_status status = mf_image_decode(&image, exact, file.size, "a.jpg", &e);
      assert_true(total_stop() <= ((size_t)16 << 20) + 25000 * file.size);
      assert_true(status == MF_OK ? image.rgb != NULL : status == MF_ERR_FILE && !image.rgb);
      mf_image_free(&image);
      free(exact);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_jpeg), cmocka_unit_test(test_jpeg_repeats), cmocka_unit_test(test_png),
      cmocka_unit_test(test_bmp),  cmocka_unit_test(test_other_files),  cmocka_unit_test(test_all_cuts_and_flips),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
