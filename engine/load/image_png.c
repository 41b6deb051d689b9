#include "base/alloc.h"
#include "load/image_format.h"
#include <png.h>
#include <string.h>

#define DEFLATE_LIMIT 1032 // bytes that one byte of a deflate stream can stand for, at most (258 from two bits)

typedef struct png_source {
  mf_image_bytes file;
  size_t at;
  bool ended; // libpng asked for more than there is
  char message[128];
  size_t refused; // bytes of the allocation that failed, or 0
} png_source;

static void *png_allocate(png_structp png, png_alloc_size_t bytes) {
  png_source *source = png_get_mem_ptr(png);
  void *block = mf_alloc(bytes);
  if (!block) source->refused = bytes;
  return block;
}

static void png_release(png_structp png, void *block) {
  (void)png;
  mf_free(block);
}

static void png_on_error(png_structp png, const char *message) {
  png_source *source = png_get_error_ptr(png);
  snprintf(source->message, sizeof source->message, "%s", message);
  png_longjmp(png, 1);
}

static void png_on_warning(png_structp png, const char *message) {
  (void)png;
  (void)message;
}

static void png_supply(png_structp png, png_bytep to, size_t count) {
  png_source *source = png_get_io_ptr(png);
  if (count > source->file.size - source->at) {
    source->ended = true;
    png_error(png, "the file ends");
  }
  memcpy(to, source->file.data + source->at, count);
  source->at += count;
}

static void png_set_limits(png_structp png, size_t size) {
  png_set_user_limits(png, MF_IMAGE_SIDE, MF_IMAGE_SIDE);
  png_set_chunk_malloc_max(png, size); // no chunk is larger than its file
  // Text, profiles and the like are passed over, not unpacked.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
}

// Any of PNG's pixel formats as 8-bit RGB.
static void png_set_output(png_structp png, png_infop info) {
  png_set_strip_16(png);
  png_set_expand(png);
  png_set_strip_alpha(png);
  if (!(png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
}

// libpng leaves by longjmp. What changes after setjmp is behind pointers: no local variable is in doubt.
static mf_status png_decode(mf_image *out, png_structp png, png_infop info, png_source *source, mf_error *e) {
  const mf_image_bytes *file = &source->file;
  if (setjmp(png_jmpbuf(png))) {
    if (source->refused) return mf_fail_memory(e, source->refused);
    if (source->ended) return mf_fail(e, MF_ERR_FILE, "%s: truncated PNG image (no end chunk)", file->name);
    return mf_fail(e, MF_ERR_FILE, "%s: broken PNG image (%s)", file->name, source->message);
  }
  png_set_read_fn(png, source, png_supply);
  png_set_limits(png, file->size);
  png_read_info(png, info);
  out->width = (int)png_get_image_width(png, info);
  out->height = (int)png_get_image_height(png, info);
  MF_TRY(mf_image_check_size(file->name, out->width, out->height, e));
  if (png_get_rowbytes(png, info) * (size_t)out->height / DEFLATE_LIMIT > file->size)
    return mf_fail(e, MF_ERR_FILE, "%s: truncated PNG image (%zu bytes cannot hold %d x %d pixels)", file->name,
                   file->size, out->width, out->height);
  png_set_output(png, info);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);

  size_t row = (size_t)out->width * 3;
  if (png_get_rowbytes(png, info) != row) png_error(png, "unexpected pixel format");
  out->rgb = mf_alloc(row * (size_t)out->height);
  if (!out->rgb) return mf_fail_memory(e, row * (size_t)out->height);
  for (int pass = 0; pass < passes; pass++)
    for (int y = 0; y < out->height; y++) png_read_row(png, out->rgb + (size_t)y * row, NULL);
  png_read_end(png, NULL);
  return MF_OK;
}

mf_status mf_image_png(mf_image *out, mf_image_bytes file, mf_error *e) {
  png_source source = {.file = file};
  png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &source, png_on_error, png_on_warning, &source,
                                             png_allocate, png_release);
  if (!png)
    return source.refused
               ? mf_fail_memory(e, source.refused)
               : mf_fail(e, MF_ERR_UNSUPPORTED, "%s: libpng %s does not fit the one minfer was built with (%s)",
                         file.name, png_get_libpng_ver(NULL), PNG_LIBPNG_VER_STRING);
  png_infop info = png_create_info_struct(png);
  mf_status status = info ? png_decode(out, png, info, &source, e) : mf_fail_memory(e, source.refused);
  png_destroy_read_struct(&png, &info, NULL);
  if (status != MF_OK) mf_image_free(out);
  return status;
}
