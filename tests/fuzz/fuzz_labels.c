// Any bytes: labels whose names stay inside the folder, or one line that names the place.
#include "../../tools/fail.c"   // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/labels.c" // NOLINT(bugprone-suspicious-include)
#include "../../tools/text.c"   // NOLINT(bugprone-suspicious-include)
#include <locale.h>
#include <stdint.h>

enum { CLASSES = 1000 };

static void check(const labels *l, size_t size) {
  if (l->count == 0 || l->count > size) abort();
  for (size_t i = 0; i < l->count; i++) {
    const label *one = &l->items[i];
    if (one->class_index < 0 || one->class_index >= CLASSES || one->line < 1) abort();
    if (i && one->line <= one[-1].line) abort();
    if (!one->file[0] || one->file[0] == '/' || strncmp(one->file, "../", 3) == 0 || strstr(one->file, "/../")) abort();
    if (!text_is_clean(one->file, strlen(one->file))) abort();
    if (i && strcmp(l->by_name[i - 1]->file, l->by_name[i]->file) >= 0) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  labels l;
  minfer_error e = {0};
  setlocale(LC_CTYPE, "C.UTF-8");
  minfer_status status = labels_parse(&l, (const char *)bytes, size, "labels.txt", CLASSES, &e);
  if (status == MINFER_OK)
    check(&l, size);
  else if (status != MINFER_FILE || strncmp(e.text, "labels.txt:", 11) != 0 || strchr(e.text, '\n'))
    abort();
  labels_free(&l);
  return 0;
}
