// Any bytes: a value or a reason. What was read can be written by cJSON and read again.
#include "base/json.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  const char *why = NULL;
  size_t offset = SIZE_MAX;
  cJSON *value;
  if (mf_json_parse(&value, (const char *)bytes, size, &why, &offset) != MF_OK) {
    if (value || !why || offset > size) abort();
    return 0;
  }
  char *text = cJSON_PrintUnformatted(value);
  cJSON_Delete(value);
  if (!text) abort();
  if (mf_json_parse(&value, text, strlen(text), &why, &offset) != MF_OK) abort();
  cJSON_Delete(value);
  cJSON_free(text);
  return 0;
}
