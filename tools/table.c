#include "table.h"
#include "text.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void table_column(table *t, const char *title, table_align align) {
  if (t->column_count < TABLE_COLUMNS)
    t->columns[t->column_count++] = (table_column_info){title, align};
  else
    t->failed = true;
}

static bool make_room(table *t) {
  if (t->failed) return false;
  if (!t->stream) t->stream = open_memstream(&t->text, &t->text_size);
  if (t->stream && t->cell_count == t->cell_capacity) {
    size_t capacity = t->cell_capacity ? t->cell_capacity * 2 : 128;
    size_t *cells = reallocarray(t->cells, capacity, sizeof *cells);
    if (cells) {
      t->cells = cells;
      t->cell_capacity = capacity;
    }
  }
  t->failed = !t->stream || t->cell_count == t->cell_capacity;
  return !t->failed;
}

void table_cell(table *t, const char *format, ...) {
  char *raw = NULL;
  va_list arguments;
  va_start(arguments, format);
  int length = vasprintf(&raw, format, arguments);
  va_end(arguments);
  if (length < 0) {
    t->failed = true;
    return;
  }
  if (make_room(t)) {
    off_t at = ftello(t->stream);
    t->cells[t->cell_count++] = (size_t)at;
    text_put(t->stream, raw);
    putc(0, t->stream);
    t->failed = at < 0;
  }
  free(raw);
}

void table_number(table *t, double value, int decimals) {
  if (isnan(value))
    table_cell(t, "-");
  else
    table_cell(t, "%.*f", decimals, value);
}

size_t table_rows(const table *t) {
  return t->column_count ? t->cell_count / t->column_count : 0;
}

// The text can be read from here on.
static bool finish(table *t) {
  if (t->stream && fflush(t->stream) != 0) t->failed = true;
  return !t->failed;
}

static const char *cell_at(const table *t, size_t row, size_t column) {
  return t->text + t->cells[row * t->column_count + column];
}

static void measure(const table *t, size_t *widths) {
  for (size_t c = 0; c < t->column_count; c++) {
    widths[c] = text_width(t->columns[c].title);
    for (size_t r = 0; r < table_rows(t); r++) {
      size_t wide = text_width(cell_at(t, r, c));
      if (wide > widths[c]) widths[c] = wide;
    }
  }
}

// Take columns off the widest elastic one, one by one, until the row fits or they are all short.
static void shrink(const table *t, size_t *widths, size_t limit) {
  enum { SHORTEST = 12 };
  for (;;) {
    size_t total = 0, widest = t->column_count;
    for (size_t c = 0; c < t->column_count; c++) {
      total += widths[c] + 2;
      if (t->columns[c].align != TABLE_ELASTIC || widths[c] <= SHORTEST) continue;
      if (widest == t->column_count || widths[c] > widths[widest]) widest = c;
    }
    if (total <= limit || widest == t->column_count) return;
    widths[widest]--;
  }
}

// A line in which blanks are only written when something follows them.
typedef struct line {
  FILE *out;
  size_t blanks;
} line;

static void line_put(line *l, const char *text, size_t bytes) {
  if (!bytes) return;
  for (; l->blanks; l->blanks--) putc(' ', l->out);
  fwrite(text, 1, bytes, l->out);
}

static void put_cell(line *l, const char *cell, size_t width, bool right) {
  size_t wide = text_width(cell), bytes = strlen(cell);
  bool cut = wide > width;
  l->blanks += 2;
  if (cut) bytes = text_fit(cell, width - 2, &wide);
  if (cut) wide += 2;
  if (right) l->blanks += width - wide;
  line_put(l, cell, bytes);
  if (cut) line_put(l, "..", 2);
  if (!right) l->blanks += width - wide;
}

void table_print(table *t, FILE *out, size_t width, const char *title_on, const char *title_off) {
  size_t widths[TABLE_COLUMNS] = {0};
  if (!finish(t)) return;
  measure(t, widths);
  if (width) shrink(t, widths, width);
  line titles = {.out = out};
  fputs(title_on, out);
  for (size_t c = 0; c < t->column_count; c++)
    put_cell(&titles, t->columns[c].title, widths[c], t->columns[c].align == TABLE_RIGHT);
  fprintf(out, "%s\n", title_off);
  for (size_t r = 0; r < table_rows(t); r++) {
    line row = {.out = out};
    for (size_t c = 0; c < t->column_count; c++)
      put_cell(&row, cell_at(t, r, c), widths[c], t->columns[c].align == TABLE_RIGHT);
    putc('\n', out);
  }
}

static void put_markdown(FILE *out, const char *cell) {
  for (; *cell; cell++) {
    if (strchr("|\\<*", *cell)) putc('\\', out);
    putc(*cell, out);
  }
}

void table_print_markdown(table *t, FILE *out) {
  if (!finish(t)) return;
  putc('|', out);
  for (size_t c = 0; c < t->column_count; c++) fprintf(out, " %s |", t->columns[c].title);
  fputs("\n|", out);
  for (size_t c = 0; c < t->column_count; c++) fputs(t->columns[c].align == TABLE_RIGHT ? " ---: |" : " --- |", out);
  putc('\n', out);
  for (size_t r = 0; r < table_rows(t); r++) {
    putc('|', out);
    for (size_t c = 0; c < t->column_count; c++) {
      putc(' ', out);
      put_markdown(out, cell_at(t, r, c));
      fputs(" |", out);
    }
    putc('\n', out);
  }
}

static void put_csv(FILE *out, const char *cell, bool last) {
  bool quoted = strpbrk(cell, ",\"\r\n") != NULL;
  if (strcmp(cell, "-") == 0) cell = "";
  if (quoted) putc('"', out);
  for (; *cell; cell++) {
    if (*cell == '"') putc('"', out);
    putc(*cell, out);
  }
  if (quoted) putc('"', out);
  putc(last ? '\n' : ',', out);
}

void table_print_csv(table *t, FILE *out) {
  if (!finish(t)) return;
  size_t last = t->column_count - 1;
  for (size_t c = 0; c <= last; c++) put_csv(out, t->columns[c].title, c == last);
  table_print_csv_rows(t, out);
}

void table_print_csv_rows(table *t, FILE *out) {
  if (!finish(t)) return;
  size_t last = t->column_count - 1;
  for (size_t r = 0; r < table_rows(t); r++)
    for (size_t c = 0; c <= last; c++) put_csv(out, cell_at(t, r, c), c == last);
}

void table_free(table *t) {
  if (t->stream) fclose(t->stream);
  free(t->text);
  free(t->cells);
  *t = (table){0};
}
