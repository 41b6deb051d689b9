// Any bytes: a source whose every tensor can be read, or one clean line and the right status.
#include "base/text.h"
#include "load/recipe.h"
#include "load/safetensors.h"
#include "memory_file.h"
#include <string.h>

static void read_all(mf_weights *w) {
  float sum = 0;
  for (size_t i = 0; i < mf_safetensors_count(w); i++) {
    const mf_stored_tensor *t = mf_safetensors_tensor(w, i);
    const mf_param param = {.name = t->name, .shape = t->shape};
    const float *data;
    mf_param_state state;
    mf_shape found;
    mf_error e = {0};
    size_t count = 0;
    if (w->get(w, &param, &data, &state, &found, &e) != MF_OK || !t->read) abort();
    if (state == MF_PARAM_MISSING || state == MF_PARAM_WRONG_SHAPE || (state == MF_PARAM_OK) != (data != NULL)) abort();
    if (!w->shape(w, t->name, &found) || !mf_shape_equal(&found, &t->shape)) abort();
    if (data && mf_shape_elements(&t->shape, &count))
      for (size_t k = 0; k < count; k++) sum += data[k]; // every byte is touched
  }
  volatile float used = sum;
  (void)used;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  memory_file file = memory_file_open(bytes, size);
  mf_weights *w;
  mf_error e = {0};
  mf_status status = mf_safetensors_open(&w, file.path, &e);
  if (status == MF_OK) {
    read_all(w);
    mf_recipe recipe = {.height = 224, .width = 224, .resize = 256};
    status = mf_recipe_from_metadata(&recipe, w, file.path, &e);
    if (mf_safetensors_check(w, &e) != MF_OK) abort();
    w->close(w);
  } else if (w) {
    abort();
  }
  const size_t length = strlen(e.text);
  if (status != MF_OK && (status != MF_ERR_FILE || length == 0 || !mf_text_is_clean(e.text, length))) abort();
  memory_file_close(&file);
  return 0;
}
