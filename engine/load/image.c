#include "load/image.h"
#include "base/alloc.h"
#include "base/file.h"
#include "load/image_format.h"
#include <limits.h>
#include <string.h>

typedef enum image_format { FORMAT_NONE, FORMAT_JPEG, FORMAT_PNG, FORMAT_BMP } image_format;

static image_format sniff(const uint8_t *bytes, size_t size) {
  if (!bytes || size < 4) return FORMAT_NONE;
  if (memcmp(bytes, "\xff\xd8\xff", 3) == 0) return FORMAT_JPEG;
  if (memcmp(bytes, "\x89PNG", 4) == 0) return FORMAT_PNG;
  // Two letters are little to go by, and "BM" may begin a text: the header size (12 to 124) follows in a 32-bit word.
  if (size >= 18 && memcmp(bytes, "BM", 2) == 0 && !bytes[15] && !bytes[16] && !bytes[17]) return FORMAT_BMP;
  return FORMAT_NONE;
}

mf_status mf_image_check_size(const char *name, int64_t width, int64_t height, mf_error *e) {
  if (width < 1 || height < 1) return mf_fail(e, MF_ERR_FILE, "%s: an image without pixels", name);
  if (width > MF_IMAGE_SIDE || height > MF_IMAGE_SIDE || width * height > MF_IMAGE_PIXELS)
    return mf_fail(e, MF_ERR_FILE, "%s: an image of %lld x %lld pixels (at most %d a side and %d million in all)", name,
                   (long long)width, (long long)height, MF_IMAGE_SIDE, MF_IMAGE_PIXELS / 1000000);
  return MF_OK;
}

static mf_status recognise(image_format *format, mf_image_bytes file, mf_error *e) {
  if (file.size > INT_MAX)
    return mf_fail(e, MF_ERR_FILE, "%s: an image file of %zu bytes (at most 2 GiB)", file.name, file.size);
  *format = sniff(file.data, file.size);
  if (*format == FORMAT_NONE) return mf_fail(e, MF_ERR_FILE, "%s: not a JPEG, PNG or BMP image", file.name);
  return MF_OK;
}

mf_status mf_image_decode(mf_image *out, const uint8_t *bytes, size_t size, const char *name, mf_error *e) {
  *out = (mf_image){0};
  mf_image_bytes file = {bytes, size, name};
  image_format format = FORMAT_NONE;
  MF_TRY(recognise(&format, file, e));
  if (format == FORMAT_PNG) return mf_image_png(out, file, e);
  if (format == FORMAT_JPEG) {
    MF_TRY(mf_image_check_jpeg(file, &file.size, e));
    return mf_image_stb(out, file, "JPEG", e);
  }
  MF_TRY(mf_image_check_bmp(file, e));
  return mf_image_stb(out, file, "BMP", e);
}

// The checks and the decoders have to see the same bytes, whoever writes to the file meanwhile: they get a copy.
static mf_status copy_map(uint8_t **bytes, const mf_map *map, mf_error *e) {
  image_format format = FORMAT_NONE;
  MF_TRY(recognise(&format, (mf_image_bytes){map->data, map->size, map->path}, e));
  *bytes = mf_alloc(map->size);
  if (!*bytes) return mf_fail_memory(e, map->size);
  memcpy(*bytes, map->data, map->size);
  return mf_map_check(map, e);
}

mf_status mf_image_read(mf_image *out, const char *path, mf_error *e) {
  *out = (mf_image){0};
  mf_map map;
  MF_TRY(mf_map_open(&map, path, e));
  uint8_t *bytes = NULL;
  mf_status status = copy_map(&bytes, &map, e);
  size_t size = map.size;
  mf_map_close(&map);
  if (status == MF_OK) status = mf_image_decode(out, bytes, size, path, e);
  mf_free(bytes);
  return status;
}

void mf_image_free(mf_image *image) {
  mf_free(image->rgb);
  *image = (mf_image){0};
}

bool mf_image_is_candidate(const char *path) {
  mf_map map;
  mf_error e;
  if (mf_map_open(&map, path, &e) != MF_OK) return false;
  image_format format = sniff(map.data, map.size);
  mf_map_close(&map);
  return format != FORMAT_NONE;
}
