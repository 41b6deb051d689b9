// stb_image's decoders for JPEG and BMP, private to this file. Version 2.27, which Debian 12 has, trusts its input in
// places: image_jpeg.c and image_bmp.c look at the bytes first, and memory comes zeroed, because tables that no segment
// of the file fills are read all the same.
#include "base/alloc.h"
#include "load/image_format.h"
#include <string.h>

#define STBI_MALLOC(bytes) mf_alloc_zero(bytes)
#define STBI_REALLOC_SIZED(block, old_bytes, new_bytes) mf_grow(block, old_bytes, new_bytes)
#define STBI_FREE(block) mf_free(block)
#define STBI_ASSERT(condition) ((void)0) // bytes of a file must not abort the program
#define STBI_MAX_DIMENSIONS MF_IMAGE_SIDE
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
// To the end of this file: gcc looks for functions that are declared and not defined only there.
#pragma GCC diagnostic ignored "-Wunused-function"
// A JPEG with broken entropy-coded data makes its sums overflow and shifts zeros too far; the pixels are arbitrary
// then, and nothing is addressed by them.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("shift", "signed-integer-overflow"))), apply_to = function)
#endif
#include <stb_image.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

mf_status mf_image_stb(mf_image *out, mf_image_bytes file, const char *kind, mf_error *e) {
  int channels;
  out->rgb = stbi_load_from_memory(file.data, (int)file.size, &out->width, &out->height, &channels, 3);
  if (out->rgb) return MF_OK;
  *out = (mf_image){0};
  const char *why = stbi_failure_reason();
  // The second is what it says after its first allocation for a JPEG is refused: the format has been recognised before.
  if (strcmp(why, "outofmem") == 0 || strcmp(why, "unknown image type") == 0)
    return mf_fail(e, MF_ERR_UNSUPPORTED, "%s: out of memory", file.name);
  return mf_fail(e, MF_ERR_FILE, "%s: broken %s image (%s)", file.name, kind, why);
}
