// Any bytes: rows that come back from their own CSV and JSONL as the same text, or one clean line and the right status.
#include "../../tools/fail.c"       // NOLINT(bugprone-suspicious-include): the program's files are no library
#include "../../tools/sweep_read.c" // NOLINT(bugprone-suspicious-include)
#include "../../tools/sweep_rows.c" // NOLINT(bugprone-suspicious-include)
#include "../../tools/table.c"      // NOLINT(bugprone-suspicious-include)
#include "../../tools/text.c"       // NOLINT(bugprone-suspicious-include)
#include "base/text.h"
#include "memory_file.h"
#include <locale.h>

static void check_round_trip(const sweep_rows *rows, bool jsonl) {
  char *text = NULL, *again = NULL;
  size_t size = 0, again_size = 0;
  sweep_rows back;
  bool is_jsonl, cut;
  minfer_error error = {0};
  FILE *out = open_memstream(&text, &size), *second = open_memstream(&again, &again_size);
  if (!out || !second) abort();
  if (!(jsonl ? sweep_write_jsonl(out, rows->items, rows->count)
              : sweep_write_csv(out, rows->items, rows->count, true)))
    abort();
  fclose(out);
  memory_file file = memory_file_open((const uint8_t *)text, size);
  if (sweep_read(file.path, &back, &is_jsonl, &cut, &error) != MINFER_OK || cut || back.count != rows->count) abort();
  memory_file_close(&file);
  if (!(jsonl ? sweep_write_jsonl(second, back.items, back.count)
              : sweep_write_csv(second, back.items, back.count, true)))
    abort();
  fclose(second);
  if (size != again_size || (size && memcmp(text, again, size) != 0)) abort();
  sweep_rows_free(&back);
  free(text);
  free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  setlocale(LC_CTYPE, "C.UTF-8"); // as in the program
  memory_file file = memory_file_open(bytes, size);
  sweep_rows rows;
  bool jsonl, cut;
  minfer_error error = {0};
  const minfer_status status = sweep_read(file.path, &rows, &jsonl, &cut, &error);
  if (status == MINFER_OK) {
    check_round_trip(&rows, false);
    check_round_trip(&rows, true);
  } else {
    const size_t length = strlen(error.text);
    if (status != MINFER_FILE || length == 0 || !mf_text_is_clean(error.text, length)) abort();
  }
  sweep_rows_free(&rows);
  memory_file_close(&file);
  return 0;
}
