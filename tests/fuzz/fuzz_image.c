// Any bytes as an image file: an image or one line, and nothing left behind.
#include "load/image.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mf_image image;
  mf_error e;
  bool done = mf_image_decode(&image, data, size, "fuzz", &e) == MF_OK;
  if (done != (image.rgb != NULL) || (!done && !e.text[0])) abort();
  // Every pixel is there: a sanitizer sees it if not.
  size_t count = (size_t)image.width * (size_t)image.height * 3;
  volatile int sum = 0;
  if (done) sum = image.rgb[0] + image.rgb[count / 2] + image.rgb[count - 1];
  (void)sum;
  mf_image_free(&image);
  return 0;
}
