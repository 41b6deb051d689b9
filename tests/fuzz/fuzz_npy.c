// Any bytes: an array of the bytes at the end of the file, or one clean line and the right status.
#include "base/text.h"
#include "load/npy.h"
#include "memory_file.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  memory_file file = memory_file_open(bytes, size);
  mf_array array;
  mf_error e = {0};
  mf_status status = mf_npy_read(&array, file.path, &e);
  if (status == MF_OK) {
    size_t count;
    if (!mf_shape_elements(&array.shape, &count) || count * sizeof(float) > size) abort();
    if (memcmp(array.data, bytes + size - count * sizeof(float), count * sizeof(float)) != 0) abort();
    mf_array_free(&array);
  } else {
    const size_t length = strlen(e.text);
    if (array.data || status != MF_ERR_FILE || length == 0 || !mf_text_is_clean(e.text, length)) abort();
  }
  memory_file_close(&file);
  return 0;
}
