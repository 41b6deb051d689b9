// A table of text: columns first, then cells row by row; printed for a terminal, as markdown or as CSV.
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS = 32 };
typedef enum table_align {
  TABLE_LEFT,
  TABLE_RIGHT,
  TABLE_ELASTIC // left; may be cut where the terminal is too narrow
} table_align;

typedef struct table_column_info {
  const char *title;
  table_align align;
} table_column_info;

// Zero-initialise; free with table_free. `failed` stays set after a refused allocation.
typedef struct table {
  table_column_info columns[TABLE_COLUMNS];
  size_t column_count;
  FILE *stream; // over `text`: every cell, NUL-terminated, in order
  char *text;
  size_t text_size;
  size_t *cells; // where each begins
  size_t cell_count, cell_capacity;
  bool failed;
} table;

void table_column(table *t, const char *title, table_align align); // `title` is kept, not copied
void table_cell(table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
// A number with that many decimals; "-" for NaN, which stands for unknown.
void table_number(table *t, double value, int decimals);
size_t table_rows(const table *t);

// Aligned by display width, indented by two. `width`: columns of the terminal, elastic cells are cut to fit in it; 0:
// nothing is cut. `title_on` and `title_off` go around the line of titles (escape sequences, or empty).
void table_print(table *t, FILE *out, size_t width, const char *title_on, const char *title_off);
void table_print_markdown(table *t, FILE *out);
// RFC 4180, lines end in \n; the titles are the first line. A cell "-" (unknown) is left empty.
void table_print_csv(table *t, FILE *out);
void table_print_csv_rows(table *t, FILE *out); // without the line of titles
void table_free(table *t);

#endif
