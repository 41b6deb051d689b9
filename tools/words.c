#include "words.h"
#include "fail.h"
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c) {
  return c && strchr(" \t\n", c);
}

// The inside of a quote that has just been opened; gives what follows it, or NULL when it is not closed.
static const char *read_quoted(const char *text, char quote, char **to) {
  for (; *text != quote; text++) {
    if (!*text) return NULL;
    if (quote == '"' && *text == '\\' && (text[1] == '"' || text[1] == '\\')) text++;
    *(*to)++ = *text;
  }
  return text + 1;
}

static minfer_status read_word(const char **text, char **to, minfer_error *error) {
  while (**text && !is_blank(**text)) {
    const char c = *(*text)++;
    if (c == '\'' || c == '"') {
      *text = read_quoted(*text, c, to);
      if (!*text) return fail(error, MINFER_USAGE, "a quote is not closed (a %c is missing)", c);
    } else if (c == '\\') {
      if (!**text) return fail(error, MINFER_USAGE, "nothing follows the backslash at the end");
      *(*to)++ = *(*text)++;
    } else {
      *(*to)++ = c;
    }
  }
  *(*to)++ = 0;
  return MINFER_OK;
}

minfer_status words_split(word_list *out, const char *text, minfer_error *error) {
  *out = (word_list){0};
  const size_t length = strlen(text), most = length / 2 + 1; // words: each but the last is followed by a blank
  const size_t pointers = most * sizeof *out->items;
  out->items = malloc(pointers + length + 1);
  if (!out->items) return fail_memory(error);
  char *to = (char *)out->items + pointers;
  for (;;) {
    while (is_blank(*text)) text++;
    if (!*text) return MINFER_OK;
    out->items[out->count++] = to;
    TRY(read_word(&text, &to, error));
  }
}

void word_list_free(word_list *w) {
  free(w->items);
  *w = (word_list){0};
}
