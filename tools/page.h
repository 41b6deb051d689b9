// A report for people: lines, headings and tables, as plain text or as markdown.
#ifndef TOOLS_PAGE_H
#define TOOLS_PAGE_H

#include "table.h"

typedef enum page_part { PAGE_EMPTY, PAGE_TITLE, PAGE_LINE, PAGE_TABLE } page_part;

typedef struct page {
  FILE *out;
  bool markdown, color;
  size_t width; // of the terminal; 0: unlimited
  page_part last;
  bool failed; // something is missing for want of memory
} page;

void page_heading(page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
// One line; in markdown an item of a list. What would break a terminal is escaped.
void page_line(page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_warning(page *p, const char *format, ...) __attribute__((format(printf, 2, 3))); // a line that stands out
void page_table(page *p, table *t);                                                        // frees the table

#endif
