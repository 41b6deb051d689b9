#include "versus.h"
#include "fail.h"
#include <string.h>

static const unsigned differing = 1U << GROUP_PRECISION | 1U << GROUP_PLANNING | 1U << GROUP_THREADS;

static minfer_status parse(versus *out, minfer_error *error) {
  TRY(words_split(&out->words, out->text, error));
  return options_override(&out->options, differing, out->words.items, out->words.count, error);
}

minfer_status versus_parse(versus *out, const options *a, minfer_error *error) {
  *out = (versus){.text = a->versus ? a->versus : "--int8", .options = *a};
  const minfer_status status = parse(out, error);
  if (status == MINFER_OK) return MINFER_OK;
  const minfer_error inner = *error;
  fail(error, status, "--vs: %s", inner.text);
  return inner.hint[0] ? hint(error, "%s", inner.hint) : status;
}

void versus_free(versus *v) {
  word_list_free(&v->words);
  *v = (versus){0};
}

static bool is_same_text(const char *x, const char *y) {
  return x == y || (x && y && strcmp(x, y) == 0);
}

bool versus_share_process(const options *a, const options *b) {
  return is_same_text(a->isa, b->isa);
}

// Over every option that may differ, whatever is added to the table.
bool versus_is_same(const options *a, const options *b) {
  for (size_t i = 0; i < option_count; i++) {
    const option *spec = &option_table[i];
    if (!(differing & 1U << spec->group)) continue;
    const char *x = (const char *)a + spec->field, *y = (const char *)b + spec->field;
    switch (spec->form) {
    case OPTION_FLAG:
      if (*(const bool *)x != *(const bool *)y) return false;
      break;
    case OPTION_INTEGER:
    case OPTION_CHOICE:
    case OPTION_CONSTANT:
      if (*(const int *)x != *(const int *)y) return false;
      break;
    case OPTION_REAL:
      if (memcmp(x, y, sizeof(double)) != 0) return false;
      break;
    case OPTION_TEXT:
    case OPTION_WORDS:
      if (!is_same_text(*(const char *const *)x, *(const char *const *)y)) return false;
      break;
    case OPTION_SIZE:
    case OPTION_OPTIONAL:
    case OPTION_OPTIONAL_WORD:
    case OPTION_LIST: // none in these groups
      break;
    }
  }
  return true;
}
