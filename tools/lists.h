// Lists as sweeps take them: numbers and ranges, and names.
#ifndef TOOLS_LISTS_H
#define TOOLS_LISTS_H

#include <minfer.h>
#include <stddef.h>

enum { LIST_ITEMS = 1024 };

// Free with number_list_free, also after a failure.
typedef struct number_list {
  int *items; // in the order given, each once
  size_t count;
} number_list;

// Items between commas: N; A-B, every number from A to B; A-B+S, every S-th; A-B*F, each F times the one before.
// Numbers lie in low..high. MINFER_USAGE with `what` ("--batches") in front.
minfer_status number_list_parse(number_list *out, const char *what, const char *text, int low, int high,
                                minfer_error *error);
void number_list_free(number_list *l);

// Free with name_list_free, also after a failure.
typedef struct name_list {
  char **items; // in the order given, each once
  size_t count;
} name_list;

// Items between commas, none empty. MINFER_USAGE as above.
minfer_status name_list_parse(name_list *out, const char *what, const char *text, minfer_error *error);
minfer_status name_list_add(name_list *l, const char *name, minfer_error *error); // unless it is there
void name_list_free(name_list *l);

#endif
