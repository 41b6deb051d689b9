#include "page.h"
#include "text.h"
#include <stdarg.h>
#include <stdlib.h>

static void put(page *p, const char *format, va_list arguments) {
  char *line = NULL;
  if (vasprintf(&line, format, arguments) < 0) {
    p->failed = true;
    return;
  }
  text_put(p->out, line);
  free(line);
}

// Markdown ends a list or a table with an empty line.
static void begin(page *p, page_part part) {
  bool other = p->last != PAGE_EMPTY && (p->last != part || part == PAGE_TITLE);
  if (other && (p->markdown || part == PAGE_TITLE)) putc('\n', p->out);
  p->last = part;
}

static void put_styled(page *p, const char *style, const char *format, va_list arguments) {
  if (p->color) fputs(style, p->out);
  put(p, format, arguments);
  fputs(p->color ? "\033[0m\n" : "\n", p->out);
}

void page_heading(page *p, const char *format, ...) {
  begin(p, PAGE_TITLE);
  if (p->markdown) fputs("## ", p->out);
  va_list arguments;
  va_start(arguments, format);
  put_styled(p, "\033[1m", format, arguments);
  va_end(arguments);
}

void page_line(page *p, const char *format, ...) {
  begin(p, PAGE_LINE);
  fputs(p->markdown ? "- " : "  ", p->out);
  va_list arguments;
  va_start(arguments, format);
  put(p, format, arguments);
  va_end(arguments);
  putc('\n', p->out);
}

void page_warning(page *p, const char *format, ...) {
  begin(p, PAGE_LINE);
  if (p->markdown) fputs("- ", p->out);
  va_list arguments;
  va_start(arguments, format);
  put_styled(p, "\033[33m", format, arguments);
  va_end(arguments);
}

void page_table(page *p, table *t) {
  begin(p, PAGE_TABLE);
  p->failed |= t->failed;
  if (p->markdown)
    table_print_markdown(t, p->out);
  else
    table_print(t, p->out, p->width, p->color ? "\033[2m" : "", p->color ? "\033[0m" : "");
  table_free(t);
}
