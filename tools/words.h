// A text split into words as a shell splits a simple command: blanks between words, '...' as it stands, "..." in which
// a backslash keeps its meaning only before " and \, elsewhere \c is c. Nothing is expanded.
#ifndef TOOLS_WORDS_H
#define TOOLS_WORDS_H

#include <minfer.h>

// Free with word_list_free, also after a failure.
typedef struct word_list {
  char **items; // into one block behind them
  size_t count;
} word_list;

// MINFER_USAGE when a quote is open at the end or nothing follows a backslash.
minfer_status words_split(word_list *out, const char *text, minfer_error *error);
void word_list_free(word_list *w);

#endif
