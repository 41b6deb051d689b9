// Broken files as edits of a good one.
#ifndef TESTS_EDITS_H
#define TESTS_EDITS_H

#include "reference/support.h"
#include <stdio.h>
#include <string.h>

typedef struct edit {
  const char *find, *replace; // the first of `find`; NULL: the whole text
  const char *message;
} edit;

// `refuse` fails the test unless the text is refused with the message.
static inline void refuse_edits(const char *good, const edit *edits, int count,
                                void (*refuse)(const char *text, size_t size, const char *message)) {
  char text[4096];
  for (int i = 0; i < count; i++) {
    const edit *x = &edits[i];
    const char *at = x->find ? strstr(good, x->find) : NULL;
    if (x->find && !at) fail_msg("%s is not in the good file", x->find);
    if (x->find)
      snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, x->replace, at + strlen(x->find));
    else
      snprintf(text, sizeof text, "%s", x->replace);
    refuse(text, strlen(text), x->message);
  }
}

#endif
